"""Stage 1's checks, right before an accepted order is sent."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.intent import Action, OrderType, Side
from onefill.model.order import OrderState
from onefill.model.states import State
from tests.unit.risk.world import (
    accept,
    accepted,
    account,
    code,
    late_check,
    limits,
    opening,
    other,
    symbol,
)


def test_a_spread_of_exactly_the_limit_passes_and_a_point_more_is_denied() -> None:
    books, held = account(), limits(max_spread_pips=1)  # 10 points of EURUSD
    order = accepted(books, opening())
    assert late_check(order, books, held, ask=1.3801) == ""
    assert late_check(order, books, held, ask=1.38011) == "SPREAD_TOO_WIDE"


def test_the_shipped_limits_let_gold_trade_at_a_spread_of_several_dollars() -> None:
    gold = symbol(name="XAUUSD", digits=3, contract_size=100.0)
    quote = {"bid": 1300.0, "ask": 1302.6, "point_value": 0.1, "margin_per_lot": 1302.6}
    books = account()
    order = accepted(books, opening(symbol="XAUUSD"))
    assert late_check(order, books, spec=gold, **quote) == ""


def test_free_margin_must_be_more_than_the_cushion_asks_for() -> None:
    books = account()
    order = accepted(books, opening())  # needs 1,380.10; with the cushion of 1.5, 2,070.15
    assert late_check(order, books, margin_free=2070.15) == "MARGIN_INSUFFICIENT"
    assert late_check(order, books, margin_free=2070.16) == ""
    assert late_check(order, books, limits(margin_cushion=1), margin_free=1380.11) == ""
    assert late_check(order, books, margin_free=math.nan) == "MARGIN_INSUFFICIENT"


def test_margin_held_for_orders_before_it_is_not_free_and_its_own_is_not_counted_twice() -> None:
    books = account()
    accepted(books, opening(Side.SELL, volume=2))
    order = accepted(books, opening())
    needed = 1.5 * 1380.10 + 2 * 1380.10
    assert late_check(order, books, margin_free=needed) == "MARGIN_INSUFFICIENT"
    assert late_check(order, books, margin_free=needed + 0.01) == ""


def test_orders_that_came_later_take_no_margin_from_one_that_is_sent_now() -> None:
    books = account()
    order = accepted(books, opening())
    accepted(books, opening(Side.SELL, volume=2))
    assert late_check(order, books, margin_free=1.5 * 1380.10 + 0.01) == ""
    assert late_check(order, books, margin_free=1.5 * 1380.10) == "MARGIN_INSUFFICIENT"


def test_an_order_that_cannot_be_paid_for_is_denied_before_it_holds_margin() -> None:
    books = account()
    assert code(opening(volume=2), None, books, margin_free=4140.30) == "MARGIN_INSUFFICIENT"
    assert code(opening(volume=2), None, books, margin_free=4140.31) == ""
    accepted(books, opening())
    assert code(opening(), None, books, margin_free=2.5 * 1380.10) == "MARGIN_INSUFFICIENT"
    assert code(opening(), None, books, margin_free=2.5 * 1380.10 + 0.01) == ""


@given(st.lists(st.integers(1, 500), max_size=40), st.integers(0, 10**6))
def test_orders_taken_together_never_need_more_margin_than_is_free(
    volumes: list[int], free: int
) -> None:
    books, held, needed = account(), limits(margin_cushion=1), 0.0
    for volume in volumes:
        order = accept(books, opening(volume=volume / 100), held, margin_free=float(free))
        if isinstance(order, OrderState):
            needed += volume / 100 * 1380.10
            assert late_check(order, books, held, margin_free=float(free)) == ""
    assert needed <= free


def test_a_stop_order_above_the_market_needs_the_margin_of_its_own_price() -> None:
    books = account()
    order = accepted(books, opening(kind=OrderType.STOP, price=1.51811))
    dear = 1.5 * 1518.11
    assert late_check(order, books, margin_free=dear) == "MARGIN_INSUFFICIENT"
    assert late_check(order, books, margin_free=dear + 0.01) == ""


def test_a_closed_session_denies_an_order_that_opens() -> None:
    books = account()
    assert late_check(accepted(books, opening()), books, session_open=False) == "MARKET_CLOSED"


def _order(action: Action) -> OrderState:
    intent, resolved = other(action, side=Side.SELL, volume_e8=10**8, position_ticket=7)
    return OrderState(
        key=intent.client_key,
        intent_id="0" * 32,
        number=1,
        state=State.ACCEPTED,
        intent=intent,
        received_ms=0,
        order=resolved,
    )


def test_a_close_needs_an_open_market_and_a_quote_and_nothing_else() -> None:
    close, books = _order(Action.CLOSE), account()
    strict = limits(max_spread_pips=0, max_quote_age_s=0, trading="halted", auto_trading=False)
    assert late_check(close, books, strict, margin_free=-1.0) == ""
    assert late_check(close, books, limits(drop=tuple(_all_names()))) == ""
    assert late_check(close, books, session_open=False) == "MARKET_CLOSED"
    assert late_check(close, books, bid=math.nan) == "QUOTE_INVALID"


def _all_names() -> list[str]:
    return [line.split(".")[1].split(" ")[0] for line in limits().text().splitlines()]


@pytest.mark.parametrize("action", [Action.CANCEL, Action.MODIFY])
def test_a_cancel_and_a_change_need_nothing(action: Action) -> None:
    assert late_check(_order(action), account(), session_open=False, bid=0.0) == ""


def test_an_order_whose_limits_are_gone_is_not_sent() -> None:
    books = account()
    order = accepted(books, opening())
    assert late_check(order, books, limits(drop=("max_spread_pips",))) == "LIMIT_NOT_SET"
