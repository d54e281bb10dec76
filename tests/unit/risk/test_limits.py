"""The limit hierarchy: the tightest holds, and what is set nowhere denies."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.intent import Action, Side
from onefill.risk.caps import LIMITS, Kind, Trading
from onefill.risk.limits import limits_text, load_limits, parse_limits
from onefill.risk.reasons import Denial
from tests.unit.risk.world import (
    SHIPPED,
    accepted,
    account,
    code,
    fill,
    judge,
    limits,
    opening,
    other,
    toml,
)

LEVELS = ("firm", "tenant", "account", "strategy.7", "symbol.EURUSD")
NEEDED = [name for name, limit in LIMITS.items() if not limit.optional]
NUMBERS = [name for name, limit in LIMITS.items() if limit.kind in (Kind.NUMBER, Kind.COUNT)]
CAPS = {
    "price_collar_percent": lambda caps: caps.price_collar_percent,
    "max_order_value": lambda caps: caps.order_value,
    "max_order_volume": lambda caps: caps.order_volume_e8 / 1e8,
    "max_quote_age_s": lambda caps: caps.quote_age_ms / 1000,
    "max_spread_pips": lambda caps: caps.spread_pips,
    "max_slippage_pips": lambda caps: caps.slippage_pips,
    "margin_cushion": lambda caps: caps.margin_cushion,
    "risk_per_trade_percent": lambda caps: caps.risk_percent,
    "repeat_window_s": lambda caps: caps.repeat_window_ms / 1000,
    "max_messages": lambda caps: caps.messages,
    "message_window_s": lambda caps: caps.message_window_ms / 1000,
    "max_repeats": lambda caps: caps.repeats,
    "max_repeats_window_s": lambda caps: caps.repeats_window_ms / 1000,
    "max_positions_per_symbol": lambda caps: caps.positions_per_symbol,
    "max_volume_per_symbol": lambda caps: caps.volume_per_symbol_e8 / 1e8,
    "max_volume": lambda caps: caps.volume_e8 / 1e8,
    "min_margin_level_percent": lambda caps: caps.margin_level_percent,
    "max_daily_loss": lambda caps: caps.daily_loss,
    "max_drawdown_percent": lambda caps: caps.drawdown_percent,
}


@pytest.mark.parametrize("name", NEEDED)
def test_a_limit_that_is_set_nowhere_denies_and_is_named(name: str) -> None:
    held = limits(drop=(name,))
    verdict = judge(opening(), held)
    assert isinstance(verdict, Denial)
    assert verdict.code == "LIMIT_NOT_SET"
    assert name in verdict.message
    assert "limits.toml" in verdict.message


def test_an_empty_limits_file_names_all_that_is_missing_and_lets_closes_pass() -> None:
    held, books = parse_limits("", "empty.toml"), account()
    fill(books, accepted(books, opening()), ticket=7)
    verdict = judge(opening(), held)
    assert isinstance(verdict, Denial)
    assert all(name in verdict.message for name in NEEDED)
    change = other(Action.MODIFY, side=Side.BUY, position_ticket=7, stop_loss=1.37)
    assert code(change, held, books) == "LIMIT_NOT_SET"
    close = other(Action.CLOSE, side=Side.SELL, volume_e8=10**8, position_ticket=7)
    for pair in (close, other(Action.CANCEL, order_ticket=3), other(Action.CLOSE_ALL)):
        assert code(pair, held, books) == ""


def test_a_change_needs_only_the_limits_that_judge_it() -> None:
    books = account()
    fill(books, accepted(books, opening()), ticket=7)
    change = other(Action.MODIFY, side=Side.BUY, position_ticket=7, stop_loss=1.37)
    judging = {"trading", "price_collar_percent", "risk_per_trade_percent"}
    for name in LIMITS:
        expected = "LIMIT_NOT_SET" if name in judging else ""
        assert code(change, limits(drop=(name,)), books) == expected


@pytest.mark.parametrize("level", LEVELS)
def test_a_limit_may_be_set_at_any_level(level: str) -> None:
    rest = {key: value for key, value in SHIPPED.items() if key != "max_order_volume"}
    held = parse_limits(toml({"account": rest} | _at(level, rest, 0.5)), "limits.toml")
    assert code(opening(volume=0.5, magic=7), held) == ""
    assert code(opening(volume=0.51, magic=7), held) == "ORDER_VOLUME_TOO_BIG"


def _at(level: str, rest: Mapping[str, Any], volume: float) -> dict[str, dict[str, Any]]:
    own = {"max_order_volume": volume}
    return {level: {**rest, **own} if level == "account" else own}


@given(
    name=st.sampled_from(sorted(CAPS)),
    values=st.dictionaries(st.sampled_from(LEVELS), st.integers(0, 1000), min_size=1),
)
def test_of_several_levels_the_tightest_holds(name: str, values: dict[str, int]) -> None:
    held = parse_limits(toml({level: {name: value} for level, value in values.items()}), "f")
    tightest = max if LIMITS[name].tighter_is_more else min
    assert CAPS[name](held.caps(7, "EURUSD")) == tightest(values.values())
    account_only = [v for level, v in values.items() if level in LEVELS[:3]]
    if account_only:
        assert CAPS[name](held.caps(8, "GBPUSD")) == tightest(account_only)


@given(st.dictionaries(st.sampled_from(LEVELS), st.sampled_from(Trading), min_size=1))
def test_the_tightest_trading_state_holds(states: dict[str, Trading]) -> None:
    held = parse_limits(toml({level: {"trading": s.value} for level, s in states.items()}), "f")
    order = [Trading.NORMAL, Trading.REDUCE_ONLY, Trading.HALTED]
    assert held.caps(7, "EURUSD").trading is max(states.values(), key=order.index)


@given(
    st.dictionaries(
        st.sampled_from(LEVELS),
        st.lists(st.sampled_from(["EURUSD", "GBPUSD", "*"]), max_size=3),
        min_size=1,
    ),
    st.dictionaries(st.sampled_from(LEVELS), st.booleans(), min_size=1),
)
def test_every_level_must_permit(symbols: dict[str, list[str]], switches: dict[str, bool]) -> None:
    tables: dict[str, dict[str, Any]] = {level: {} for level in LEVELS}
    for level, names in symbols.items():
        tables[level]["symbols"] = names
    for level, on in switches.items():
        tables[level]["auto_trading"] = on
    caps = parse_limits(toml(tables), "f").caps(7, "EURUSD")
    assert caps.permitted is all({"*", "EURUSD"} & set(names) for names in symbols.values())
    assert caps.auto_trading is all(switches.values())


def test_a_number_is_tighter_than_unlimited_and_off() -> None:
    text = """
    [firm]
    max_orders = "unlimited"
    max_order_value = "unlimited"
    risk_per_trade_percent = "off"
    repeat_window_s = "off"
    [account]
    max_orders = 3
    max_order_value = 5
    risk_per_trade_percent = 1
    repeat_window_s = 2
    """
    caps = parse_limits(text, "f").caps(0, "EURUSD")
    assert (caps.account.orders, caps.order_value) == (3, 5)
    assert (caps.risk_percent, caps.repeat_window_ms) == (1, 2000)


def test_a_denial_names_the_level_whose_limit_holds() -> None:
    levels: dict[str, dict[str, Any]] = {
        "firm": {"max_order_volume": 2},
        "strategy.7": {"max_order_volume": 1.5},
    }
    verdict = judge(opening(volume=3, magic=7), limits(levels=levels))
    assert isinstance(verdict, Denial)
    assert "max_order_volume = 1.5 ([strategy.7] in limits.toml)" in verdict.message


def test_equal_limits_have_one_fingerprint_however_they_are_written() -> None:
    one = parse_limits('[account]\nmax_orders = 5\nsymbols = ["B", "A"]\n', "one")
    two = parse_limits('# other\n[account]\nsymbols = ["A", "B"]\nmax_orders = 5.0\n', "two")
    three = parse_limits('[account]\nsymbols = ["A", "B"]\nmax_orders = 6\n', "three")
    assert one.text() == two.text()
    assert one.fingerprint() == two.fingerprint() != three.fingerprint()


def test_the_shipped_limits_set_every_limit_and_say_what_each_is() -> None:
    assert set(SHIPPED) == set(LIMITS)
    assert load_limits(None).caps(0, "XAUUSD").missing == ()
    lines = limits_text().splitlines()
    for name in LIMITS:
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{name} = "))
        assert lines[at - 1].startswith("# ")


def test_the_slippage_limit_is_none_where_it_is_not_set() -> None:
    assert load_limits(None).slippage_limit(0, "EURUSD") == 1000
    assert parse_limits("", "f").slippage_limit(0, "EURUSD") == math.inf


def test_more_strategies_than_are_cached_are_resolved_all_the_same() -> None:
    held = limits(levels={"strategy.9000": {"max_order_volume": 1}})
    for magic in range(10_000):
        assert held.caps(magic, "EURUSD").magic == magic
    assert held.caps(9000, "EURUSD").order_volume_e8 == 1e8
