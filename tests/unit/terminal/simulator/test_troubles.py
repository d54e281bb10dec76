"""Faults that last, calls that time out, late history, and wrong arguments."""

from pathlib import Path
from typing import Any

import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.port import Pending, Reply, Request
from onefill.terminal.simulator.faults import plan_of
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.surface.functions import Functions

from .stage import NOON, Quote, Stage, deal, pending, profile_with, remove, stops

QUOTES: list[Quote] = [(0, 138_000, 138_010), (500_000, 137_000, 137_010)]


def staged(faults: str, **more: Any) -> Stage:
    stage = Stage(QUOTES, faults=faults, balance=1_000_000.0, **more)
    stage.advance(10)
    return stage


def relieved(stage: Stage) -> None:
    """Run until the next fault that lasts is over."""
    due = stage.terminal.next_due_ms()
    assert due is not None
    while stage.terminal.advance(due) < due:
        pass


def test_in_a_storm_every_deal_is_requoted_and_then_none() -> None:
    stage = staged("requote_storm=1,storm_max_ms=2000")
    assert stage.send(deal(0), key="a").retcode == 10004
    plain = staged("")
    plain.terminal.broker.trouble("requote_storm", 1_000)
    assert plain.send(deal(0), at=1_009).retcode == 10004
    assert plain.send(pending(2, 1.37)).retcode == 10009
    assert plain.send(deal(0), at=1_010).retcode == 10009


def test_autotrading_is_off_for_a_while() -> None:
    stage = staged("autotrading_off=1")
    result = stage.send(deal(0), key="a")
    assert (result.retcode, result.comment) == (10027, "AutoTrading disabled by client")
    assert stage.ask("ready").trade_allowed is False
    requests = stage.terminal.broker.account.ledger.requests
    assert stage.send(remove(1)).retcode == 10027
    assert stage.terminal.broker.account.ledger.requests == requests
    relieved(stage)
    assert stage.ask("ready").trade_allowed is True


def test_another_account_has_nothing_and_refuses_everything() -> None:
    stage = staged("")
    ticket = stage.opened(deal(0))
    order = stage.opened(pending(2, 1.37))
    own = stage.ask("account_info")
    cursor = stage.ask("changes", cursor=0).cursor
    stage.terminal.broker.trouble("wrong_account", 1_000)
    assert stage.ask("ready").login == stage.terminal.login + 1
    told = stage.ask("account_info")
    assert (told.login, told.balance, told.equity) == (own.login + 1, 0.0, 0.0)
    assert stage.ask("positions_get") == stage.ask("orders_get") == ()
    assert stage.ask("history_deals_get", from_ms=0, to_ms=NOON + 1_000) == ()
    assert stage.ask("changes", cursor=0).deals == ()
    assert not stage.terminal.has_changes(0)
    assert stage.ask("look", symbol="EURUSD").balance == 0.0
    assert stage.send(deal(0)).retcode == 10019
    assert stage.send(deal(1, position=ticket)).retcode == 10036
    assert stage.send(stops(ticket, sl=1.3)).retcode == 10036
    assert stage.send(remove(order)).retcode == 10013
    relieved(stage)
    assert stage.ask("account_info") == own
    assert stage.ask("changes", cursor=cursor).deals == ()
    assert len(stage.ask("positions_get")) == len(stage.ask("orders_get")) == 1


def test_the_servers_clock_is_off_for_a_while() -> None:
    stage = staged("clock_skew=1,skew_max_ms=5000")
    assert stage.send(deal(0), key="a").retcode == 10009
    off = stage.ask("ready").server_ms - stage.terminal.now_ms
    assert 0 < abs(off) <= 5_000
    relieved(stage)
    assert stage.ask("ready").server_ms == stage.terminal.now_ms


def test_a_restart_of_the_terminal_ends_calls_that_are_under_way(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "[broker]\nlatency_ms = 50\n")
    stage = staged("hang=1", profile=profile)
    waiting = stage.call(deal(0), key="a")
    assert isinstance(waiting, Pending)
    stage = staged("terminal_restart=1", profile=profile)
    waiting = stage.call(deal(0), key="a")
    stage.run(60)
    [(number, reply)] = stage.terminal.collect()
    assert (number, reply.error[0]) == (waiting.number, -10002)
    assert stage.ask("ready").connected is False
    assert stage.call(deal(0)).error[0] == -10004
    relieved(stage)
    assert stage.ask("ready").connected is True
    assert stage.ask("positions_get") == ()


def test_any_call_may_time_out_and_sends_nothing() -> None:
    stage = staged("ipc_timeout=0.5")
    look = Request("symbol_info_tick", {"symbol": "EURUSD"})
    replies = [stage.terminal.call(look, NOON) for _ in range(100)]
    codes = [reply.error[0] for reply in replies if isinstance(reply, Reply)]
    assert len(codes) == 100
    assert 25 < codes.count(-10005) < 75
    stage = staged("ipc_timeout=1")
    assert stage.call(deal(0), key="a").error[0] == -10005
    assert stage.ask("ready").connected is False
    assert stage.terminal.broker.account.ledger.requests == 0


@pytest.mark.parametrize(
    "kind", ["requote_storm", "autotrading_off", "wrong_account", "clock_skew", "disconnect"]
)
def test_a_fault_that_lasts_outlives_the_process(tmp_path: Path, kind: str) -> None:
    book = tmp_path / "broker.log"
    stage = staged(f"{kind}=1", book=book)
    stage.call(deal(0), key="a")
    due, ready = stage.terminal.next_due_ms(), stage.ask("ready")
    stage.terminal.close()
    again = staged("", book=book)
    assert again.terminal.next_due_ms() == due
    assert again.ask("ready") == ready


def test_requests_without_a_key_are_struck_by_their_number() -> None:
    def codes(stage: Stage, count: int) -> list[Any]:
        told = []
        for _ in range(count):
            reply = stage.call(deal(0, 0.01), deadline=None)
            told.append(reply.value.retcode if isinstance(reply, Reply) and reply.value else reply)
        return told

    faults = "hang=0.2,requote=0.3,late_execution=0.2,autotrading_off=0.05"
    one, two = codes(staged(faults), 60), codes(staged(faults), 60)
    assert one == two
    assert len(set(map(str, one))) > 4
    assert sum(isinstance(one_, Pending) for one_ in one) < 40


def test_the_profile_brings_its_own_faults(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "[faults]\nreject = 1\n")
    assert staged("", profile=profile).send(deal(0)).retcode == 10006
    quiet = Stage(QUOTES, profile=profile, faults="reject=0")
    quiet.advance(10)
    assert quiet.send(deal(0)).retcode == 10009
    assert plan_of({}) is None
    with pytest.raises(OnefillError, match="names no fault") as caught:
        profile_with(tmp_path, "[faults]\nrejects = 1\n")
    assert caught.value.code == "BROKER_FILE_INVALID"


def test_history_lags_behind(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "[broker]\nhistory_lag_ms = 2000\n")
    stage = staged("", profile=profile)
    cursor = stage.ask("changes", cursor=0).cursor
    result = stage.send(deal(0))
    assert len(stage.ask("positions_get")) == 1
    window = {"from_ms": NOON, "to_ms": NOON + 10_000}
    for at in (10, 2_009):
        stage.run(at)
        assert stage.ask("history_deals_get", **window) == ()
        assert stage.ask("history_orders_get", ticket=result.order) == ()
        assert stage.ask("history_deals_get", position=result.order) == ()
        assert stage.ask("changes", cursor=cursor).deals == ()
        assert not stage.terminal.has_changes(cursor)
    assert stage.terminal.next_due_ms() == NOON + 2_010
    assert stage.advance(5_000) == 2_010
    assert stage.terminal.has_changes(cursor)
    assert len(stage.ask("history_deals_get", **window)) == 1
    assert [row.ticket for row in stage.ask("changes", cursor=cursor).orders] == [result.order]
    assert stage.terminal.next_due_ms() is None


@pytest.mark.parametrize(
    ("call", "arguments", "named"),
    [
        ("look", {}, "symbol"),
        ("look", {"symbol": 7}, "symbol"),
        ("changes", {"cursor": "x"}, "cursor"),
        ("symbol_info", {}, "symbol"),
        ("orders_get", {"ticket": "x"}, "ticket"),
        ("positions_get", {"symbol": 5}, "symbol"),
        ("history_deals_get", {}, "from_ms"),
        ("history_orders_get", {"from_ms": 0}, "to_ms"),
        ("history_orders_get", {"position": None}, "position"),
        ("order_calc_margin", {"symbol": "EURUSD"}, "action"),
        ("order_calc_profit", {"action": 0, "symbol": "EURUSD", "volume": "1"}, "volume"),
        ("order_check", {}, "request"),
        ("order_send", {"request": 5}, "request"),
        ("order_send", {"request": {"price": "x"}}, ""),
        ("order_send", {"request": {1: 2}}, "1"),
    ],
)
def test_wrong_arguments_are_answered(call: str, arguments: dict[str, Any], named: str) -> None:
    reply = staged("").terminal.call(Request(call, arguments), NOON + 10)
    assert isinstance(reply, Reply)
    assert (reply.value, reply.error[0]) == (None, -2)
    assert not named or reply.error[1] == f'Invalid "{named}" argument'


def test_a_restart_of_the_terminal_empties_market_watch() -> None:
    stage = staged("terminal_restart=1")
    functions = Functions(stage.terminal)
    assert functions.call("symbol_select", ("GBPUSD", False)) == Answer(True)
    stage.call(deal(0), key="a")
    relieved(stage)
    told = functions.call("symbol_info", ("GBPUSD",))
    fresh = Functions(stage.terminal).call("symbol_info", ("GBPUSD",))
    assert told == fresh
