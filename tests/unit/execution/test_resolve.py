"""What the market makes of an intent: lots, levels on the step, tickets, and refusals in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.execution.denial import Refused
from onefill.execution.resolve import (
    resolve_cancel,
    resolve_close,
    resolve_modify_order,
    resolve_modify_position,
    resolve_open,
)
from onefill.model.account import Position
from onefill.model.intent import Action, OrderIntent, OrderType, Side
from onefill.model.market import MarketView
from onefill.model.resolved import ResolvedOrder
from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from tests.unit.execution.bench import EURUSD, T0, order_row, position_row

VIEW = MarketView(
    symbol="EURUSD",
    quote_ms=T0,
    bid=1.1,
    ask=1.1001,
    point_value=1.0,
    margin_per_lot=1_100.0,
    session_open=True,
    balance=10_000.0,
    equity=10_000.0,
    margin=0.0,
    margin_free=10_000.0,
    currency="USD",
    currency_digits=2,
    open_positions=0,
    open_orders=0,
)
HELD = Position(
    ticket=101, symbol="EURUSD", side=Side.BUY, volume_e8=to_e8(0.3), price=1.09, key="o"
)


def opened(**fields: Any) -> ResolvedOrder:
    asked = {"client_key": "k", "symbol": "EURUSD", "side": Side.BUY, "volume": 0.1, **fields}
    return resolve_open(OrderIntent(action=Action.OPEN, **asked), EURUSD, VIEW, 20)


def closed(**fields: Any) -> ResolvedOrder:
    intent = OrderIntent(client_key="c", action=Action.CLOSE, target="o", **fields)
    return resolve_close(intent, HELD, EURUSD, VIEW, 20)


def test_a_market_order_expects_the_quote_of_its_side_or_the_price_it_names() -> None:
    assert opened().requested_price == 1.1001
    assert opened(side=Side.SELL).requested_price == 1.1
    assert opened(price=1.2).requested_price == 1.2
    assert opened(price=1.2).price == 0.0


def test_a_pending_order_expects_its_price_and_a_stop_limit_its_limit() -> None:
    limit = opened(order_type=OrderType.LIMIT, price=1.09)
    stop_limit = opened(order_type=OrderType.STOP_LIMIT, price=1.11, stop_limit_price=1.105)

    assert (limit.price, limit.requested_price) == (1.09, 1.09)
    assert (stop_limit.price, stop_limit.requested_price) == (1.11, 1.105)


def test_deviation_is_in_points_as_asked_or_the_default_turned_from_pips() -> None:
    assert opened().deviation == 200
    assert opened(deviation=7).deviation == 7
    assert opened(deviation=0).deviation == 0


@given(units=st.integers(1, 10**9))
def test_units_become_lots_rounded_down_and_the_rest_is_told(units: int) -> None:
    order = opened(volume=None, units=float(units))

    assert order.volume_e8 % EURUSD.volume_step_e8 == 0
    assert to_lots(order.volume_e8) * 100_000 <= units
    assert order.units_left < 1_000
    assert to_lots(order.volume_e8) * 100_000 + order.units_left == pytest.approx(units)


def test_lots_are_never_resized() -> None:
    assert opened(volume=0.123).volume_e8 == to_e8(0.123)


@pytest.mark.parametrize("field", ["price", "stop_loss", "take_profit", "stop_limit_price"])
def test_a_level_off_the_symbol_s_step_is_refused_by_name(field: str) -> None:
    with pytest.raises(Refused, match=field) as refused:
        opened(order_type=OrderType.LIMIT, **{field: 1.100005})
    assert refused.value.code == "INVALID_PRICE"


def test_a_close_is_of_the_other_side_and_of_all_that_is_open_unless_it_says_otherwise() -> None:
    whole, part = closed(), closed(volume=0.1)

    assert (whole.side, whole.volume_e8, whole.position_ticket) == (Side.SELL, to_e8(0.3), 101)
    assert (whole.requested_price, whole.target) == (1.1, "o")
    assert part.volume_e8 == to_e8(0.1)
    assert closed(units=10_000.0).volume_e8 == to_e8(0.1)


def test_a_close_of_more_than_is_open_is_refused() -> None:
    with pytest.raises(Refused, match=r"0\.31 lots is more than the 0\.3 lots still open"):
        closed(volume=0.31)


def modify(**fields: Any) -> OrderIntent:
    return OrderIntent(client_key="m", action=Action.MODIFY, target="o", **fields)


def test_a_change_of_a_position_keeps_what_it_does_not_name_and_zero_takes_away() -> None:
    row = position_row(sl=1.05, tp=1.2)

    moved = resolve_modify_position(modify(stop_loss=1.06), row, EURUSD, "o")
    removed = resolve_modify_position(modify(stop_loss=0.0), row, EURUSD, "o")

    assert (moved.stop_loss, moved.take_profit) == (1.06, 1.2)
    assert (removed.stop_loss, removed.take_profit) == (0.0, 1.2)


def test_a_position_has_no_price_to_change() -> None:
    with pytest.raises(Refused, match="only stop_loss and take_profit"):
        resolve_modify_position(modify(price=1.1), position_row(), EURUSD, "o")


def test_a_change_of_a_pending_order_keeps_what_it_does_not_name() -> None:
    row = order_row(
        type=port.TYPE_SELL_STOP_LIMIT, price_open=1.08, price_stoplimit=1.085, sl=1.1,
        expiration_ms=T0 + 9,
    )  # fmt: skip

    moved = resolve_modify_order(modify(price=1.07), row, EURUSD, "o")
    forever = resolve_modify_order(modify(expiration_ms=0), row, EURUSD, "o")

    assert (moved.price, moved.stop_limit_price, moved.stop_loss) == (1.07, 1.085, 1.1)
    assert (moved.side, moved.order_type) == (Side.SELL, OrderType.STOP_LIMIT)
    assert (moved.expiration_ms, forever.expiration_ms) == (T0 + 9, 0)


def test_a_cancel_is_a_ticket_and_nothing_else() -> None:
    order = resolve_cancel(5, "EURUSD", "o")

    assert (order.action, order.order_ticket, order.target) == (Action.CANCEL, 5, "o")
    assert (order.volume_e8, order.requested_price) == (0, 0.0)
