"""Control 16, prices: sides and distances, for orders that open and for changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.intent import Action, OrderType, Side
from tests.unit.risk.world import (
    NOW_MS,
    accepted,
    account,
    code,
    fill,
    opening,
    other,
    symbol,
    work,
)

BUY, SELL = Side.BUY, Side.SELL
LIMIT, STOP, STOP_LIMIT = OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT
BID, ASK = 138_000, 138_010  # in points, as the market quotes
points = st.integers(BID - 60, ASK + 60)


def price(in_points: int) -> float:
    return in_points / 100_000


@given(side=st.sampled_from(Side), kind=st.sampled_from([LIMIT, STOP]), at=points)
def test_a_pending_order_lies_on_its_side_of_the_market(
    side: Side, kind: OrderType, at: int
) -> None:
    right = {
        (BUY, LIMIT): at < ASK,
        (BUY, STOP): at > ASK,
        (SELL, LIMIT): at > BID,
        (SELL, STOP): at < BID,
    }[side, kind]
    assert code(opening(side, kind=kind, price=price(at))) == ("" if right else "PRICE_WRONG_SIDE")


@given(side=st.sampled_from(Side), at=points, limit_at=points)
def test_a_stop_limit_lies_beyond_the_market_and_its_limit_before_it(
    side: Side, at: int, limit_at: int
) -> None:
    right = (at > ASK and limit_at < at) if side is BUY else (at < BID and limit_at > at)
    order = opening(side, kind=STOP_LIMIT, price=price(at), stop_limit_price=price(limit_at))
    assert code(order) == ("" if right else "PRICE_WRONG_SIDE")


@given(side=st.sampled_from(Side), loss=points, gain=points)
def test_a_market_orders_stops_enclose_the_price_that_would_close_it(
    side: Side, loss: int, gain: int
) -> None:
    right = loss < BID < gain if side is BUY else gain < ASK < loss
    order = opening(side, stop_loss=price(loss), take_profit=price(gain))
    assert code(order) == ("" if right else "STOPS_WRONG_SIDE")


@given(side=st.sampled_from(Side), away=st.integers(1, 50), loss=points, gain=points)
def test_a_pending_orders_stops_enclose_its_own_price(
    side: Side, away: int, loss: int, gain: int
) -> None:
    own = ASK - away if side is BUY else BID + away
    right = loss < own < gain if side is BUY else gain < own < loss
    stops = {"stop_loss": price(loss), "take_profit": price(gain)}
    limit = opening(side, kind=LIMIT, price=price(own), **stops)
    assert code(limit) == ("" if right else "STOPS_WRONG_SIDE")


def test_a_stop_limits_stops_enclose_its_limit_price() -> None:
    prices: dict[str, Any] = {"price": 1.39, "stop_limit_price": 1.385}
    assert code(opening(kind=STOP_LIMIT, **prices, stop_loss=1.384, take_profit=1.386)) == ""
    wrong = opening(kind=STOP_LIMIT, **prices, stop_loss=1.386)
    assert code(wrong) == "STOPS_WRONG_SIDE"


def test_just_at_the_stops_level_passes_and_a_point_closer_is_denied() -> None:
    spec = symbol(stops_level=20)
    assert code(opening(kind=LIMIT, price=price(ASK - 20)), spec=spec) == ""
    assert code(opening(kind=LIMIT, price=price(ASK - 19)), spec=spec) == "PRICE_TOO_CLOSE"
    assert code(opening(stop_loss=price(BID - 20)), spec=spec) == ""
    assert code(opening(stop_loss=price(BID - 19)), spec=spec) == "STOPS_TOO_CLOSE"
    assert code(opening(SELL, take_profit=price(ASK - 20)), spec=spec) == ""
    assert code(opening(SELL, take_profit=price(ASK - 19)), spec=spec) == "STOPS_TOO_CLOSE"


@pytest.mark.parametrize(
    ("fields", "missing"), [({}, "price"), ({"price": 1.39}, "stop_limit_price")]
)
def test_a_pending_order_without_its_price_is_denied(fields: dict[str, Any], missing: str) -> None:
    assert code(opening(kind=STOP_LIMIT, **fields)) == "PRICE_MISSING"


def test_a_change_of_a_position_is_judged_against_the_quote_in_force() -> None:
    books = account()
    fill(books, accepted(books, opening()), ticket=7)

    def change(**levels: float) -> str:
        return code(other(Action.MODIFY, side=BUY, position_ticket=7, **levels), None, books)

    assert change(stop_loss=price(BID - 1), take_profit=price(BID + 1)) == ""
    assert change(stop_loss=price(BID)) == "STOPS_WRONG_SIDE"
    assert change(take_profit=price(BID)) == "STOPS_WRONG_SIDE"
    assert change() == ""


def test_a_change_of_a_working_order_is_judged_like_a_new_one() -> None:
    books = account()
    work(books, accepted(books, opening(kind=LIMIT, price=1.37)), ticket=9)

    def change(**levels: Any) -> str:
        fields = {"order_type": LIMIT, "side": BUY, "order_ticket": 9}
        return code(other(Action.MODIFY, **fields, **levels), None, books)

    assert change(price=1.375, stop_loss=1.374) == ""
    assert change(price=price(ASK)) == "PRICE_WRONG_SIDE"
    assert change(price=1.375, stop_loss=1.375) == "STOPS_WRONG_SIDE"
    assert change(price=1.375, expiration_ms=NOW_MS) == "EXPIRATION_PAST"


def test_within_the_freeze_level_nothing_is_changed() -> None:
    spec, books = symbol(freeze_level=20), account()
    fill(books, accepted(books, opening(stop_loss=price(BID - 25))), ticket=7)
    work(books, accepted(books, opening(kind=LIMIT, price=price(ASK - 25))), ticket=9)
    wider = other(Action.MODIFY, side=BUY, position_ticket=7, stop_loss=price(BID - 100))
    fields = {"order_type": LIMIT, "side": BUY, "order_ticket": 9}
    lower = other(Action.MODIFY, **fields, price=price(ASK - 100))
    near = {"bid": price(BID - 4), "ask": price(ASK - 4)}  # 21 points away
    nearer = {"bid": price(BID - 5), "ask": price(ASK - 5)}
    for pair in (wider, lower):
        assert code(pair, None, books, spec=spec, **near) == ""
        assert code(pair, None, books, spec=spec, **nearer) == "FROZEN"
    cancel = other(Action.CANCEL, order_ticket=9)
    assert code(cancel, None, books, spec=spec, **nearer) == ""


def test_a_change_needs_a_quote() -> None:
    change = other(Action.MODIFY, side=BUY, position_ticket=7, stop_loss=1.37)
    assert code(change, bid=0.0) == "QUOTE_INVALID"
