"""Controls 6 and 7: messages in a while, and orders alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model import events as ev
from onefill.model.account import AccountState, decode_state, encode_state
from onefill.model.fold import BrokenRecord, apply
from onefill.model.intent import Action, OrderType, Side
from onefill.model.order import OrderState
from onefill.risk.approved import RiskApproved
from onefill.risk.reasons import Denial
from onefill.risk.throttle import sends_wait_until
from tests.unit.risk.world import (
    NOW_MS,
    Pair,
    accept,
    accepted,
    account,
    code,
    fill,
    judge,
    late_check,
    limits,
    opening,
    other,
    send,
)


def take(state: AccountState, pair: Pair, now_ms: int = NOW_MS) -> None:
    """Approve and record an order that is no opening."""
    verdict = judge(pair, limits(max_messages=3), state, now_ms)
    assert isinstance(verdict, RiskApproved), verdict
    intent, order = pair
    event = ev.Accepted(
        key=intent.client_key,
        intent_id="0" * 32,
        content=b"",
        intent=intent,
        order=order,
        message_window_ms=verdict.message_window_ms,
        alike_window_ms=verdict.alike_window_ms,
    )
    apply(state, event, state.records + 1, now_ms)


def close() -> Pair:
    return other(Action.CLOSE, side=Side.SELL, volume_e8=10**8, position_ticket=1)


def test_the_message_after_the_limit_is_denied_until_the_window_has_moved_on() -> None:
    held, books = limits(max_messages=3, message_window_s=2), account()
    for n in range(3):
        assert isinstance(accept(books, opening(), held, now_ms=NOW_MS + n), OrderState)
    assert code(opening(), held, books, NOW_MS + 1_999) == "TOO_MANY_MESSAGES"
    assert code(opening(), held, books, NOW_MS + 2_000) == ""


def test_opens_changes_cancels_and_closes_count_and_the_last_two_pass() -> None:
    held, books = limits(max_messages=3), account()
    fill(books, accepted(books, opening()), ticket=1)
    change = other(Action.MODIFY, side=Side.BUY, position_ticket=1, stop_loss=1.37)
    books.messages.clear()
    for pair in (close(), other(Action.CANCEL, order_ticket=8), change):
        take(books, pair)
    assert code(opening(), held, books) == "TOO_MANY_MESSAGES"
    assert code(change, held, books) == "TOO_MANY_MESSAGES"
    for pair in (close(), other(Action.CANCEL, order_ticket=8), other(Action.CLOSE_ALL)):
        assert code(pair, held, books) == ""


def test_a_close_all_is_no_message_its_closes_are() -> None:
    books = account()
    take(books, other(Action.CLOSE_ALL))
    assert books.messages == []


def test_what_waited_leaves_no_faster_than_the_limit_and_what_reduces_at_once() -> None:
    held, books = limits(max_messages=2), account()
    caps = held.caps(0, "EURUSD")
    for number in range(3):
        order = accepted(books, opening(), limits(max_messages=5))
        assert sends_wait_until(books, Action.OPEN, caps, NOW_MS) == (number > 1) * (NOW_MS + 1_000)
        send(books, order)
    assert sends_wait_until(books, Action.MODIFY, caps, NOW_MS + 999) == NOW_MS + 1_000
    assert sends_wait_until(books, Action.OPEN, caps, NOW_MS + 1_000) == 0
    for action in (Action.CLOSE, Action.CANCEL):
        assert sends_wait_until(books, action, caps, NOW_MS) == 0
    nothing = limits(max_messages=0).caps(0, "EURUSD")
    assert sends_wait_until(books, Action.OPEN, nothing, NOW_MS) == NOW_MS + 1_000


@given(st.lists(st.integers(0, 700), max_size=60), st.integers(1, 8), st.integers(1, 20))
def test_no_window_ever_holds_more_openings_than_the_limit(
    steps: list[int], most: int, tenths: int
) -> None:
    held, books, now = limits(max_messages=most, message_window_s=tenths / 10), account(), NOW_MS
    taken: list[int] = []
    for step in steps:
        now += step
        verdict = accept(books, opening(volume=0.01), held, now_ms=now)
        inside = sum(at > now - tenths * 100 for at in taken)
        assert isinstance(verdict, Denial) == (inside >= most)
        if isinstance(verdict, OrderState):
            taken.append(now)


def test_without_limits_nothing_is_counted() -> None:
    books = account()
    accepted(books, opening(), limits(max_messages="unlimited", max_repeats="unlimited"))
    send(books, books.orders[next(iter(books.orders))])
    assert (books.messages, books.sends, books.alike) == ([], [], {})


def test_a_shorter_window_of_one_strategy_forgets_nothing_of_anothers() -> None:
    levels = {"strategy.7": {"message_window_s": 60}}
    held, books = limits(levels=levels, max_messages=4), account()
    accepted(books, opening(magic=7), held)
    for n in range(3):
        accept(books, opening(), held, now_ms=NOW_MS + 10_000 + n * 2_000)
    assert code(opening(magic=7), held, books, NOW_MS + 20_000) == "TOO_MANY_MESSAGES"
    assert code(opening(), held, books, NOW_MS + 20_000) == ""


def test_one_order_alike_more_than_the_limit_is_told_apart_from_others() -> None:
    held, books = limits(max_repeats=2), account()
    for _ in range(2):
        accepted(books, opening(magic=7), held)
    assert code(opening(magic=7), held, books) == "REPEATED_ORDERS"
    assert code(opening(magic=7), held, books, NOW_MS + 60_000) == ""
    for unlike in (
        opening(magic=8),
        opening(Side.SELL, magic=7),
        opening(volume=0.5, magic=7),
        opening(kind=OrderType.LIMIT, price=1.37, magic=7),
    ):
        assert code(unlike, held, books) == ""


def test_200_orders_alike_at_once_never_pass_the_limit() -> None:
    held, books = limits(max_repeats=9), account()
    taken = [accept(books, opening(), held) for _ in range(200)]
    assert sum(isinstance(order, OrderState) for order in taken) == 9


def stop(books: AccountState, magic: int) -> None:
    apply(books, ev.StrategyStopped(magic=magic, why="a test"), books.records + 1, NOW_MS)


def test_a_stopped_strategy_opens_nothing_and_what_it_has_can_be_reduced() -> None:
    held, books = limits(max_repeats=1), account()
    fill(books, accepted(books, opening(magic=7), held), ticket=1)
    stop(books, 7)
    verdict = judge(opening(magic=7, volume=0.3), held, books)
    assert isinstance(verdict, Denial)
    assert verdict.code == "STRATEGY_STOPPED"
    assert "onefill journal resume DIR --strategy 7 --account test --by" in verdict.message
    assert code(opening(magic=8), held, books) == ""
    change = other(Action.MODIFY, side=Side.BUY, position_ticket=1, stop_loss=1.37)
    for pair in (close(), change):
        assert code(pair, held, books) == ""


def test_an_order_that_waits_is_not_sent_once_its_strategy_is_stopped() -> None:
    books = account()
    order = accepted(books, opening(magic=7))
    stop(books, 7)
    assert late_check(order, books) == "STRATEGY_STOPPED"


def test_once_resumed_a_strategys_count_begins_anew() -> None:
    held, books = limits(max_repeats=1), account()
    accepted(books, opening(magic=7), held)
    stop(books, 7)
    resumed = ev.StrategyResumed(magic=7, by="ann", reason="mended")
    apply(books, resumed, books.records + 1, NOW_MS)
    accepted(books, opening(magic=7), held)
    assert code(opening(magic=7), held, books) == "REPEATED_ORDERS"
    with pytest.raises(BrokenRecord, match="not stopped"):
        apply(books, resumed, books.records + 1, NOW_MS)


def test_a_snapshot_keeps_what_was_counted_and_stopped() -> None:
    held, books = limits(max_messages=2, max_repeats=2), account()
    accepted(books, opening(magic=7), held)
    accepted(books, opening(magic=7), held)
    stop(books, 8)
    again = decode_state(encode_state(books))
    assert again == books
    assert code(opening(magic=7), held, again) == "TOO_MANY_MESSAGES"
    assert code(opening(magic=8), limits(), again) == "STRATEGY_STOPPED"
