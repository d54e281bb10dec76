"""Faults: each is reached, does what its name says, and is the same for the same key."""

from pathlib import Path
from typing import Any

import pytest

from onefill.model.errors import OnefillError
from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Pending, Reply
from onefill.terminal.simulator.faults import KINDS, parse_faults

from .stage import NOON, Quote, Stage, deal, modify, pending, remove, stops

QUOTES: list[Quote] = [
    (0, 138_000, 138_010),
    (60_000, 137_000, 137_010),
    (90_000, 138_500, 138_510),
]
KEYS = [f"key-{number}" for number in range(40)]


def staged(faults: str, quotes: list[Quote] = QUOTES, **more: Any) -> Stage:
    stage = Stage(quotes, faults=faults, balance=1_000_000.0, **more)
    stage.advance(10)
    return stage


def call(stage: Stage, request: BrokerRequest, key: str, deadline: int | None = None) -> Any:
    return stage.call(request, key=key, deadline=deadline)


def test_a_plan_is_parsed_and_told() -> None:
    plan = parse_faults(" hang=0.02, lost_reply=0.2,late_max_ms=5000 ", 7)
    assert plan.rates == {"hang": 0.02, "lost_reply": 0.2}
    assert plan.text() == "hang=0.02,lost_reply=0.2,late_max_ms=5000"
    assert parse_faults(plan.text(), 7).text() == plan.text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hangs=0.1", "names no fault"),
        ("hang=1.1", "rate from 0 to 1"),
        ("hang=-0.1", "rate from 0 to 1"),
        ("hang=often", "rate from 0 to 1"),
        ("hang=nan", "rate from 0 to 1"),
        ("hang", "rate from 0 to 1"),
        ("hang=0.1,hang=0.2", "twice"),
        ("late_max_ms=1.5", "whole milliseconds"),
        ("late_max_ms=100", "whole milliseconds"),
    ],
)
def test_a_wrong_plan_is_refused(text: str, told: str) -> None:
    with pytest.raises(OnefillError, match=told) as caught:
        parse_faults(text)
    assert caught.value.code == "FAULTS_INVALID"


def test_a_draw_belongs_to_key_and_attempt_not_to_what_came_before() -> None:
    plan, again = parse_faults("hang=0.3,partial=0.5", 1), parse_faults("hang=0.3,partial=0.5", 1)
    forth = {key: plan.mishap(deal(0), key, 1) for key in KEYS}
    back = {key: again.mishap(deal(0), key, 1) for key in reversed(KEYS)}
    assert forth == back
    assert forth != {key: plan.mishap(deal(0), key, 2) for key in KEYS}
    other = parse_faults("hang=0.3,partial=0.5", 2)
    assert forth != {key: other.mishap(deal(0), key, 1) for key in KEYS}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ipc_timeout"])
def test_a_rate_strikes_about_that_often(kind: str) -> None:
    plan = parse_faults(f"{kind}=0.25", 3)
    request = pending(2, 1.3) if kind == "activation_reject" else deal(0)
    quiet = parse_faults("").mishap(request, "", 1)
    struck = sum(plan.mishap(request, str(number), 1) != quiet for number in range(2_000))
    assert 400 < struck < 600


def test_a_lost_reply_is_carried_out_and_answered_wrongly_or_never() -> None:
    stage = staged("lost_reply=1")
    replies = [call(stage, deal(0, 0.01), key, deadline=100) for key in KEYS]
    assert len(stage.ask("positions_get")) == len(KEYS)
    answered = [reply for reply in replies if isinstance(reply, Reply)]
    assert {reply.error[0] for reply in answered} == {-10002}
    silent = [reply for reply in replies if isinstance(reply, Pending)]
    assert 5 < len(silent) < 35
    assert stage.advance(1_000) == 100
    collected = stage.terminal.collect()
    assert [number for number, _ in collected] == [reply.number for reply in silent]
    assert {reply.error[0] for _, reply in collected} == {port.TIMED_OUT}


def test_a_hang_never_answers_and_is_carried_out_by_half() -> None:
    stage = staged("hang=1")
    assert all(isinstance(call(stage, deal(0, 0.01), key), Pending) for key in KEYS)
    assert 5 < len(stage.ask("positions_get")) < 35
    assert stage.terminal.next_due_ms() is None


def test_a_late_execution_fills_at_the_quote_of_its_time() -> None:
    stage = staged("late_execution=1,late_max_ms=30000", [(0, 138_000, 138_010),
                   (15_000, 137_000, 137_010)])  # fmt: skip
    replies = [call(stage, deal(0, 0.01), key) for key in KEYS]
    timeouts = [reply for reply in replies if reply.error[0] == -10005]
    assert {reply.value.retcode for reply in replies if reply not in timeouts} == {10012}
    assert 5 < len(timeouts) < 35
    assert stage.ask("positions_get") == ()
    due = stage.terminal.next_due_ms()
    assert due is not None
    assert stage.advance(50_000) == due - NOON
    assert len(stage.ask("positions_get")) == 1
    stage.run(50_000)
    rows = stage.ask("positions_get")
    assert len(rows) == len(KEYS)
    for row in rows:
        assert NOON + 510 <= row.time_ms <= NOON + 30_010
        assert row.price_open == (1.3801 if row.time_ms < NOON + 15_000 else 1.3701)


def test_a_late_execution_survives_the_end_of_the_process(tmp_path: Path) -> None:
    book = tmp_path / "broker.log"
    stage = staged("late_execution=1", book=book)
    call(stage, deal(0, comment="late"), "key")
    due = stage.terminal.next_due_ms()
    stage.terminal.close()
    again = Stage(QUOTES, book=book, balance=1_000_000.0)
    assert again.terminal.next_due_ms() == due
    again.run(40_000)
    [held] = again.ask("positions_get")
    assert held.comment == "late"
    assert held.time_ms == due
    again.terminal.close()
    assert Stage(QUOTES, book=book, balance=1_000_000.0).terminal.next_due_ms() is None


def test_a_late_request_may_be_refused_when_its_time_comes() -> None:
    stage = staged("late_execution=1")
    call(stage, remove(4711), "key")
    stage.run(40_000)
    assert stage.terminal.next_due_ms() is None
    assert stage.ask("changes", cursor=0).orders == ()


def test_a_lost_connection_comes_back() -> None:
    stage = staged("disconnect=1")
    seen = set()
    for key in KEYS:
        reply = call(stage, deal(0, 0.01), key)
        seen.add(reply.error[0] if reply.value is None else reply.value.retcode)
        assert stage.ask("ready").connected is False
        assert stage.ask("look", symbol="EURUSD") is None
        assert stage.call(deal(0)).error[0] == -10004
        assert not stage.terminal.has_changes(0)
        due = stage.terminal.next_due_ms()
        assert due is not None
        assert 1_000 <= due - stage.terminal.now_ms <= 15_000
        while stage.terminal.advance(due) < due:
            pass
        assert stage.ask("ready").connected is True
        assert stage.terminal.has_changes(0)
    assert seen == {-10004, 10031}
    assert stage.ask("positions_get") == ()


def test_the_connection_is_still_lost_after_a_restart(tmp_path: Path) -> None:
    book = tmp_path / "broker.log"
    stage = staged("disconnect=1", book=book)
    call(stage, deal(0), "key")
    stage.terminal.close()
    assert Stage(QUOTES, book=book, balance=1_000_000.0).ask("ready").connected is False


@pytest.mark.parametrize(("kind", "retcode"), [("requote", 10004), ("reject", 10006)])
def test_a_refusal_of_the_brokers_own_does_nothing(kind: str, retcode: int) -> None:
    stage = staged(f"{kind}=1")
    result = stage.send(deal(0), key="key")
    assert (result.retcode, result.order) == (retcode, 0)
    assert (result.bid, result.ask) == ((1.38, 1.3801) if kind == "requote" else (0.0, 0.0))
    assert stage.ask("positions_get") == ()


def test_only_deals_are_requoted() -> None:
    stage = staged("requote=1")
    ticket = stage.send(pending(2, 1.379), key="key").order
    assert stage.send(modify(ticket, 1.378), key="other").retcode == 10009
    assert stage.send(stops(1), key="third").retcode == 10036


def test_a_partial_fill_cancels_the_rest() -> None:
    stage = staged("partial=1")
    filled = set()
    for key in KEYS:
        result = stage.send(deal(0, 0.05), key=key)
        assert result.retcode == 10010
        filled.add(result.volume)
        [row] = stage.ask("history_orders_get", ticket=result.order)
        [made] = stage.ask("history_deals_get", ticket=result.order)
        assert row.state == port.STATE_CANCELED
        assert round(row.volume_current + made.volume, 8) == 0.05
        assert stage.ask("positions_get", ticket=result.order)[0].volume == made.volume
    assert filled == {0.01, 0.02, 0.03, 0.04}


def test_all_or_nothing_and_one_step_are_never_partial() -> None:
    stage = staged("partial=1")
    assert stage.send(deal(0, type_filling=port.FILLING_FOK), key="key").retcode == 10009
    assert stage.send(deal(0, 0.01), key="key").retcode == 10009


def test_a_close_may_be_partial_too() -> None:
    stage = staged("partial=1")
    ticket = stage.send(deal(0, 0.5, type_filling=port.FILLING_FOK), key="key").order
    closed = stage.send(deal(1, 0.5, position=ticket), key="key")
    assert closed.retcode == 10010
    [held] = stage.ask("positions_get", ticket=ticket)
    assert round(held.volume + closed.volume, 8) == 0.5


def test_a_pending_order_fills_in_parts_at_the_average_price() -> None:
    quotes = [(0, 138_000, 138_010), (20, 137_890, 137_900), (30, 137_700, 137_710),
              (40, 137_500, 137_510), (50, 139_000, 139_010)]  # fmt: skip
    stage = staged("partial=1", quotes)
    tickets = {key: stage.send(pending(2, 1.379, 1.0), key=key).order for key in KEYS}
    assert stage.advance(100) == 20
    assert {row.state for row in stage.ask("orders_get")} == {port.STATE_PARTIAL}
    stage.run(45)
    assert stage.ask("orders_get") == ()
    counts = set()
    for ticket in tickets.values():
        deals = stage.ask("history_deals_get", ticket=ticket)
        counts.add(len(deals))
        [held] = stage.ask("positions_get", ticket=ticket)
        assert held.volume == round(sum(one.volume for one in deals), 8) == 1.0
        average = sum(one.volume * one.price for one in deals)
        assert held.price_open == pytest.approx(average, abs=1e-9)
        [row] = stage.ask("history_orders_get", ticket=ticket)
        assert (row.state, row.volume_current) == (port.STATE_FILLED, 0.0)
    assert counts == {2, 3}


def test_an_order_taken_may_be_cancelled_without_a_fill() -> None:
    stage = staged("early_cancel=1")
    result = stage.send(deal(0), key="key")
    assert (result.retcode, result.deal, result.volume) == (10009, 0, 0.0)
    [row] = stage.ask("history_orders_get", ticket=result.order)
    assert (row.state, row.volume_current, row.position_id) == (port.STATE_CANCELED, 0.1, 0)
    assert stage.ask("history_deals_get", ticket=result.order) == ()


def test_an_activation_may_be_rejected() -> None:
    stage = staged("activation_reject=1")
    ticket = stage.send(pending(2, 1.379), key="key").order
    stage.run(70_000)
    [row] = stage.ask("history_orders_get", ticket=ticket)
    assert (row.state, row.done_ms) == (port.STATE_REJECTED, NOON + 60_000)
    assert stage.ask("positions_get") == ()


def test_the_broker_may_write_a_comment_of_its_own() -> None:
    stage = staged("rewritten_comment=1")
    for key in KEYS:
        stage.send(deal(0, 0.01, comment="token"), key=key)
    rows = stage.ask("history_orders_get", from_ms=NOON, to_ms=NOON + 100)
    deals = stage.ask("history_deals_get", from_ms=NOON, to_ms=NOON + 100)
    assert {row.comment for row in rows} == {one.comment for one in deals} == {"", "by broker"}


def test_a_stale_history_misses_the_newest_for_two_looks_at_most() -> None:
    stage = staged("stale_history=1,stale_max_ms=60000")
    cursor = stage.ask("changes", cursor=0).cursor
    result = stage.send(deal(0), key="key")
    assert result.retcode == 10009
    assert stage.ask("ready").synchronised is True
    assert not stage.terminal.has_changes(cursor)
    assert stage.ask("changes", cursor=cursor).orders == ()
    assert stage.ask("history_deals_get", ticket=result.order) == ()
    window = {"from_ms": NOON, "to_ms": NOON + 100}
    assert stage.ask("history_orders_get", **window) == ()
    assert stage.ask("history_orders_get", ticket=result.order) == ()
    assert stage.ask("history_deals_get", **window) == ()
    assert len(stage.ask("history_orders_get", **window)) == 1
    assert stage.terminal.has_changes(cursor)
    assert len(stage.ask("changes", cursor=cursor).deals) == 1


def test_a_stale_history_catches_up_by_itself() -> None:
    stage = staged("stale_history=1")
    cursor = stage.ask("changes", cursor=0).cursor
    stage.send(deal(0), key="key")
    due = stage.terminal.next_due_ms()
    assert due is not None
    assert 500 <= due - stage.terminal.now_ms <= 5_000
    assert stage.terminal.advance(due + 5_000) == due
    assert stage.terminal.has_changes(cursor)
    assert stage.terminal.next_due_ms() is None


def test_a_stale_end_of_one_order_leaves_the_history_of_others() -> None:
    stage = staged("stale_history=0.5")
    results = [stage.send(deal(0, 0.01), key=key) for key in KEYS]
    shown = stage.ask("history_deals_get", from_ms=NOON, to_ms=NOON + 100)
    assert 5 < len(shown) < 35
    assert len(stage.ask("changes", cursor=0).deals) < len(shown)
    stage.run(10_000)
    everything = stage.ask("changes", cursor=0)
    assert [one.ticket for one in everything.deals[1:]] == [result.deal for result in results]


def test_a_mishap_of_a_request_does_not_spare_its_order_others() -> None:
    stage = staged("lost_reply=1,partial=1")
    call(stage, deal(0, 0.5), "key")
    assert stage.ask("positions_get")[0].volume < 0.5
