"""Rows as MT5 tells them: tuples in the order of its structs' fields, times on the server's clock.

Inside, times are UTC milliseconds; here, and in `functions` for what is asked, they are converted.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import astuple

from onefill.terminal.port import CheckResult, DealRow, OrderRow, PositionRow, SendResult
from onefill.terminal.zone import ServerTime

Row = tuple[Any, ...]


def order_row(order: OrderRow, price_current: float, clock: ServerTime) -> Row:
    """A working or finished order (`TradeOrder`)."""
    setup_ms = clock.server_ms(order.setup_ms)
    done_ms = clock.server_ms(order.done_ms)
    return (
        order.ticket,
        setup_ms // 1_000,
        setup_ms,
        done_ms // 1_000,
        done_ms,
        clock.server_ms(order.expiration_ms) // 1_000,
        order.type,
        order.type_time,
        order.type_filling,
        order.state,
        order.magic,
        order.position_id,
        order.position_by_id,
        order.reason,
        order.volume_initial,
        order.volume_current,
        order.price_open,
        order.sl,
        order.tp,
        price_current,
        order.price_stoplimit,
        order.symbol,
        order.comment,
        "",
    )


def position_row(position: PositionRow, clock: ServerTime) -> Row:
    """An open position (`TradePosition`)."""
    time_ms = clock.server_ms(position.time_ms)
    update_ms = clock.server_ms(position.update_ms)
    return (
        position.ticket,
        time_ms // 1_000,
        time_ms,
        update_ms // 1_000,
        update_ms,
        position.type,
        position.magic,
        position.identifier,
        position.reason,
        position.volume,
        position.price_open,
        position.sl,
        position.tp,
        position.price_current,
        position.swap,
        position.profit,
        position.symbol,
        position.comment,
        "",
    )


def deal_row(deal: DealRow, clock: ServerTime) -> Row:
    """A deal (`TradeDeal`)."""
    time_ms = clock.server_ms(deal.time_ms)
    return (
        deal.ticket,
        deal.order,
        time_ms // 1_000,
        time_ms,
        deal.type,
        deal.entry,
        deal.magic,
        deal.position_id,
        deal.reason,
        deal.volume,
        deal.price,
        deal.commission,
        deal.swap,
        deal.profit,
        deal.fee,
        deal.symbol,
        deal.comment,
        "",
    )


def answer_row(answer: SendResult | CheckResult) -> Row:
    """The answer to a trade request (`OrderSendResult`, `OrderCheckResult`) without the echoed
    request; the port's structs have MT5's order of fields."""
    return astuple(answer)
