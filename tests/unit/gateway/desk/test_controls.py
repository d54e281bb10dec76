"""The controls that the gateway computes before a command leaves."""

import asyncio
from typing import Any

import pytest

from onefill.contracts.client_config import decode_client_config
from onefill.contracts.messages import Preferences, RiskProfile, Status
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.identity.model import Standing
from onefill.model.intent import Action, Side
from onefill.model.states import State
from onefill.risk.limits import parse_limits
from tests.unit.gateway.desk.world import ID, OPERATOR, World, held, limits, pending

CONSERVATIVE = Preferences(conservative_mode=True)


async def code(world: World, key: str = "k1", **fields: Any) -> str:
    """Why a decision is denied; empty where it leaves. Closes and cancels pass all the same."""
    order = await world.decide(key, **fields)
    if order.state is not State.DENIED:
        assert order.state is State.SENDING
        return ""
    close = await world.decide(f"{key}-close", action=Action.CLOSE, target="p")
    assert close.state is State.SENDING
    return order.code


async def test_without_a_profile_nothing_that_raises_risk_leaves(world: World) -> None:
    world.post.here.add(ID)
    await world.desk.arrived(world.directory.held[ID], enveloped=True)
    assert (await world.decide("k0")).state is State.ACCEPTED, "its profile is on the way"
    await world.pass_ms(10_001)
    late = await world.desk.order(ID, "k0")
    assert late is not None
    assert late.code == "PROFILE_MISSING"
    assert await code(world) == "PROFILE_MISSING"
    await world.profile()
    assert await code(world, "k2") == ""
    await world.pass_ms(300_001)
    assert await code(world, "k3") == "PROFILE_STALE"


async def test_for_a_client_that_is_away_a_decision_waits_and_is_judged_by_its_profile(
    world: World,
) -> None:
    assert (await world.decide("k")).state is State.ACCEPTED
    world.post.here.add(ID)
    await world.desk.arrived(world.directory.held[ID], enveloped=True)
    await world.profile(trade_allowed=False, why_not="no connection")
    judged = await world.desk.order(ID, "k")
    assert judged is not None
    assert judged.code == "TERMINAL_NOT_TRADING"


async def test_a_desk_may_be_set_to_trade_for_clients_that_tell_no_profile(world: World) -> None:
    world.settings = DeskSettings(trade_without_profile=True)
    await world.restart()
    world.post.here.add(ID)
    await world.desk.arrived(world.directory.held[ID], enveloped=False)
    assert await code(world) == ""


@pytest.mark.parametrize(
    ("account", "profile", "expected"),
    [
        ({"standing": Standing.PENDING}, {}, "ACCOUNT_NOT_ACTIVE"),
        ({"live": True}, {}, "ACCOUNT_KIND_DIFFERS"),
        ({"broker": "Other"}, {}, "BROKER_NOT_APPROVED"),
        ({}, {"broker": "Other"}, "BROKER_NOT_APPROVED"),
        ({"approved_limits": "ab" * 32}, {}, "NOT_ATTESTED"),
        ({"approved_limits": "ab" * 32}, {"limits_fingerprint": "cd" * 32}, "NOT_ATTESTED"),
        ({"approved_limits": "ab" * 32}, {"limits_fingerprint": "ab" * 32}, ""),
        ({}, {"trade_allowed": False, "why_not": "no connection"}, "TERMINAL_NOT_TRADING"),
        ({}, {"risk": RiskProfile(allowed_symbols=("GBPUSD",))}, "SYMBOL_NOT_THE_HOLDERS"),
        ({}, {"risk": RiskProfile(allowed_symbols=("EURUSD",))}, ""),
    ],
)
async def test_standing_and_attestation(
    world: World, account: dict[str, Any], profile: dict[str, Any], expected: str
) -> None:
    world.directory.change(**account)
    await world.arrive(**profile)
    assert await code(world) == expected


@pytest.mark.parametrize(
    ("least", "preferences", "score", "expected"),
    [
        (0.6, Preferences(), 0.6, ""),
        (0.6, Preferences(), 0.59, "CONFIDENCE_TOO_LOW"),
        (0.6, Preferences(), None, "CONFIDENCE_TOO_LOW"),
        (0.4, CONSERVATIVE, 0.79, "CONFIDENCE_TOO_LOW"),
        (0.4, CONSERVATIVE, 0.8, ""),
        (0.7, CONSERVATIVE, 1.0, ""),
        (0.0, CONSERVATIVE, None, ""),
    ],
)
async def test_the_least_confidence_is_doubled_in_conservative_mode_up_to_one(
    world: World, least: float, preferences: Preferences, score: float | None, expected: str
) -> None:
    world.directory.change_user(min_confidence=least)
    await world.arrive(preferences=preferences)
    assert await code(world, confidence=score) == expected


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ('trading = "reduce_only"', {}, "REDUCE_ONLY"),
        ('trading = "halted"', {}, "TRADING_HALTED"),
        ('trading = "halted"', {"action": Action.MODIFY, "target": "p"}, "TRADING_HALTED"),
        ('trading = "reduce_only"', {"action": Action.MODIFY, "target": "p"}, ""),
        ("auto_trading = false", {}, "AUTO_TRADING_OFF"),
        ('symbols = ["GBPUSD"]', {}, "SYMBOL_NOT_PERMITTED"),
        ("max_order_volume = 0.1", {"volume": 0.1}, ""),
        ("max_order_volume = 0.1", {"volume": 0.11}, "ORDER_VOLUME_TOO_BIG"),
        ("max_order_volume = 0.1", {"volume": None, "units": 5000.0}, "SIZE_IN_UNITS"),
        ("", {"volume": None, "units": 5000.0}, ""),
    ],
)
async def test_limits_deny_what_is_beyond_them(
    world: World, text: str, fields: dict[str, Any], expected: str
) -> None:
    world.directory.limit = limits(f"[firm]\n{text}\n")
    await world.arrive()
    assert await code(world, **fields) == expected


async def test_limits_that_are_set_nowhere_deny(world: World) -> None:
    world.directory.limit = parse_limits("", "empty.toml")
    await world.arrive()
    assert await code(world) == "LIMIT_NOT_SET"
    assert await code(world, "m", action=Action.MODIFY, target="p") == "LIMIT_NOT_SET"


async def test_a_conservative_account_has_half_the_size(world: World) -> None:
    world.directory.limit = limits("[firm]\nmax_order_volume = 0.2\n")
    await world.arrive(preferences=CONSERVATIVE)
    assert await code(world, "k1", volume=0.1) == ""
    assert await code(world, "k2", volume=0.11) == "ORDER_VOLUME_TOO_BIG"


async def test_two_hundred_at_once_never_overshoot_a_count(world: World) -> None:
    world.directory.limit = limits("[firm]\nmax_positions = 7\n")
    await world.arrive(positions=(held(1), held(2)))
    orders = await asyncio.gather(*(world.decide(f"k{n}") for n in range(200)))
    taken = [order for order in orders if order.state is State.SENDING]
    assert len(taken) == 5
    assert {order.code for order in orders if order not in taken} == {"TOO_MANY_POSITIONS"}


async def test_what_filled_since_the_profile_counts_until_a_profile_shows_it(
    world: World,
) -> None:
    world.directory.limit = limits("[firm]\nmax_positions = 2\n")
    await world.arrive()
    await world.decide("k1")
    await world.hear("k1", State.FILLED, sequence=1)
    await world.profile(as_of_sequence=0, positions=None)
    await world.decide("k2")
    await world.hear("k2", State.FILLED, sequence=2)
    assert await code(world, "k3") == "TOO_MANY_POSITIONS"
    await world.profile(as_of_sequence=1, positions=(held(11),))
    assert await code(world, "k4") == "TOO_MANY_POSITIONS"
    await world.profile(as_of_sequence=2, positions=(held(11),))
    assert await code(world, "k5") == ""


@pytest.mark.parametrize(
    ("meant", "status", "expected"),
    [
        ({}, Status.SUCCESS, ""),
        ({"symbol": "EURUSD"}, Status.SUCCESS, ""),
        ({"symbol": "GBPUSD"}, Status.SUCCESS, "TOO_MANY_POSITIONS"),
        ({"magic": 9}, Status.SUCCESS, "TOO_MANY_POSITIONS"),
        ({}, Status.PARTIAL, "TOO_MANY_POSITIONS"),
    ],
)
async def test_a_close_all_ends_the_count_of_what_it_meant_and_closed_only(
    world: World, meant: dict[str, Any], status: Status, expected: str
) -> None:
    world.directory.limit = limits("[firm]\nmax_positions = 1\n")
    await world.arrive(positions=None)
    await world.decide("k1")
    await world.hear("k1", State.FILLED)
    await world.decide("all", action=Action.CLOSE_ALL, **{"symbol": "", "volume": None} | meant)
    await world.hear("all", State.DONE, status=status, error="" if not expected else "NOT_ALL: x")
    assert await world.state("all") is State.DONE
    assert await code(world, "k2") == expected


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("[firm]\nmax_positions_per_symbol = 2\n", {}, "TOO_MANY_IN_SYMBOL"),
        ("[firm]\nmax_positions_per_symbol = 2\n", {"symbol": "GBPUSD"}, ""),
        ("[symbol.EURUSD]\nmax_positions = 2\n", {}, "TOO_MANY_POSITIONS"),
        ("[strategy.7]\nmax_positions = 1\n", {"magic": 7}, "TOO_MANY_POSITIONS"),
        ("[strategy.7]\nmax_positions = 1\n", {"magic": 8}, ""),
        ("[firm]\nmax_volume_per_symbol = 0.5\n", {"volume": 0.3}, ""),
        ("[firm]\nmax_volume_per_symbol = 0.5\n", {"volume": 0.31}, "VOLUME_IN_SYMBOL_TOO_BIG"),
        (
            "[firm]\nmax_volume_per_symbol = 0.5\n",
            {"volume": 0.41, "side": Side.SELL},
            "VOLUME_IN_SYMBOL_TOO_BIG",
        ),
        ("[firm]\nmax_volume = 0.5\n", {"volume": 0.2}, ""),
        ("[firm]\nmax_volume = 0.5\n", {"volume": 0.21}, "VOLUME_IN_ALL_TOO_BIG"),
        ("[firm]\nmax_orders = 0\n", pending(), "TOO_MANY_ORDERS"),
        ("[firm]\nmax_orders = 0\n", {}, ""),
    ],
)
async def test_positions_and_volumes_are_held_against_their_limits(
    world: World, text: str, fields: dict[str, Any], expected: str
) -> None:
    world.directory.limit = limits(text)
    positions = (held(1, volume=0.2, magic=7), held(2, side=Side.SELL, volume=0.1))
    await world.arrive(positions=positions)
    assert await code(world, **fields) == expected


async def test_where_positions_are_too_many_to_be_told_nothing_is_opened_and_all_else_passes(
    world: World,
) -> None:
    await world.arrive(positions=None, positions_untold=700)
    assert await code(world, "k1") == "POSITIONS_NOT_TOLD"
    close_all = await world.decide("all", action=Action.CLOSE_ALL, symbol="", volume=None)
    assert close_all.state is State.SENDING
    await world.profile(positions=(held(1),))
    assert await code(world, "k2") == ""
    await world.profile(positions=None)  # a client that never tells them is counted by its results
    assert await code(world, "k3") == ""


async def test_the_holders_own_most_positions_hold(world: World) -> None:
    await world.arrive(positions=(held(1),), preferences=Preferences(max_open_positions=2))
    assert await code(world, "k1") == ""
    assert await code(world, "k2") == "TOO_MANY_POSITIONS"


async def test_the_message_after_the_last_of_a_window_is_denied(world: World) -> None:
    world.directory.limit = limits("[firm]\nmax_messages = 3\nmessage_window_s = 10\n")
    await world.arrive()
    for n in range(2):
        assert await code(world, f"k{n}", volume=0.1 + n) == ""
    await world.decide("close", action=Action.CLOSE, target="p")
    assert await code(world, "k3") == "TOO_MANY_MESSAGES"
    await world.pass_ms(10_000)
    assert await code(world, "k4") == ""


async def test_the_same_content_under_a_new_key_is_held_for_its_window(world: World) -> None:
    world.directory.limit = limits("[firm]\nrepeat_window_s = 30\n")
    await world.arrive()
    assert await code(world, "k1") == ""
    assert await code(world, "k2") == "DUPLICATE_ORDER"
    assert await code(world, "k3", volume=0.2) == ""
    await world.pass_ms(30_000)
    assert await code(world, "k4") == ""


async def test_one_repeat_too_many_stops_the_strategy_until_a_person_resumes_it(
    world: World,
) -> None:
    world.directory.limit = limits("[firm]\nmax_repeats = 3\nmax_repeats_window_s = 60\n")
    await world.arrive()
    for n in range(3):
        assert await code(world, f"k{n}", magic=7) == ""
    assert await code(world, "k3", magic=7) == "REPEATED_ORDERS"
    await world.pass_ms(120_000)
    assert await code(world, "k4", magic=7, volume=0.5) == "HALTED"
    assert await code(world, "k5", magic=8) == ""
    (halt,) = world.directory.halts()
    assert (halt.strategy, halt.account) == (7, "70001")
    assert decode_client_config(world.post.configs[-1].document).halts == (halt,)
    await world.desk.resume(halt.id, OPERATOR.user, "mended")
    assert await code(world, "k6", magic=7) == ""


async def test_a_margin_level_below_the_floor_denies(world: World) -> None:
    world.directory.limit = limits("[firm]\nmin_margin_level_percent = 200\n")
    await world.arrive(margin_used=5_000.0)
    assert await code(world, "k1") == ""
    await world.profile(margin_used=5_001.0)
    assert await code(world, "k2") == "MARGIN_LEVEL_TOO_LOW"
    await world.profile(margin_used=0.0)
    assert await code(world, "k3") == ""


@pytest.mark.parametrize("whose", ["firm", "holder"])
async def test_a_daily_loss_makes_the_account_reduce_only_for_the_brokers_day(
    world: World, whose: str
) -> None:
    theirs = RiskProfile(max_daily_loss=500.0) if whose == "holder" else RiskProfile()
    if whose == "firm":
        world.directory.limit = limits("[firm]\nmax_daily_loss = 500\n")
    day: dict[str, Any] = {"day_start_equity": 10_000.0, "risk": theirs}
    await world.arrive(equity=9_500.01, **day)
    assert await code(world, "k1") == ""
    assert world.trading() == "normal"
    await world.profile(equity=9_500.0, **day)
    assert await code(world, "k2") == "DAILY_LOSS"
    assert world.trading() == "reduce_only"
    await world.profile(equity=9_900.0, **day)
    assert await code(world, "k3") == "DAILY_LOSS"
    await world.profile(equity=9_900.0, day_start_equity=9_900.0, risk=theirs)
    assert await code(world, "k4") == ""
    assert world.trading() == "normal"
    criticals = [one for one in world.alerts() if one == "DAILY_LOSS"]
    assert len(criticals) == 3  # the breach once, and two denied orders


async def test_a_restart_does_not_forgive_the_days_loss(world: World) -> None:
    world.directory.limit = limits("[firm]\nmax_daily_loss = 500\n")
    day: dict[str, Any] = {"day_start_equity": 10_000.1}
    await world.arrive(equity=9_500.0, **day)
    await world.restart()
    await world.arrive(equity=9_900.0, **day)
    assert await code(world, "k1") == "DAILY_LOSS"
    assert world.trading() == "reduce_only"
    await world.profile(equity=9_900.0, day_start_equity=9_900.0)
    assert await code(world, "k2") == ""
    await world.restart()
    await world.arrive(equity=9_900.0, day_start_equity=9_900.0)
    assert await code(world, "k3") == ""


async def test_an_account_that_waited_for_its_broker_is_traded_without_connecting_again(
    world: World,
) -> None:
    world.directory.change(standing=Standing.PENDING)
    await world.arrive()
    assert await code(world, "k1") == "ACCOUNT_NOT_ACTIVE"
    world.directory.change(standing=Standing.ACTIVE)
    world.desk.directory_changed()
    assert await code(world, "k2") == ""


async def test_a_trading_state_set_at_the_gateway_reaches_the_agent_at_once(world: World) -> None:
    await world.arrive()
    for state in ("reduce_only", "halted", "normal"):
        world.directory.limit = limits(f'[firm]\ntrading = "{state}"\n')
        world.desk.directory_changed()
        assert world.trading() == state


@pytest.mark.parametrize("whose", ["firm", "holder"])
async def test_a_drawdown_makes_the_account_reduce_only(world: World, whose: str) -> None:
    theirs = RiskProfile(max_drawdown=0.1) if whose == "holder" else RiskProfile()
    if whose == "firm":
        world.directory.limit = limits("[firm]\nmax_drawdown_percent = 10\n")
    await world.arrive(equity=9_001.0, peak_equity=10_000.0, risk=theirs)
    assert await code(world, "k1") == ""
    await world.profile(equity=9_000.0, peak_equity=10_000.0, risk=theirs)
    assert await code(world, "k2") == "DRAWDOWN"
    assert world.trading() == "reduce_only"
