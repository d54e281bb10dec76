"""Executions: the deal, and what it makes of its order and its position."""

from __future__ import annotations

from fractions import Fraction

import msgspec

from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.entries import Dealt, Held, Ordered
from onefill.terminal.simulator.valuation import Rate


def open_deal(
    account: Account, listed: Listed, order: Ordered, volume_e8: int, price: int
) -> Dealt:
    """Execute (part of) an order that opens, at `price` in points: its deal and its position."""
    now_ms, ticket = account.now_ms, order.ticket
    deal = Dealt(
        at_ms=now_ms,
        ticket=account.ledger.next_deal,
        order=ticket,
        position_id=ticket,
        symbol=order.symbol,
        type=order.type % 2,
        entry=port.ENTRY_IN,
        magic=order.magic,
        reason=port.REASON_EXPERT,
        volume=to_lots(volume_e8),
        price=price / listed.scale,
        profit=0.0,
        commission=account.commission(volume_e8),
        swap=0.0,
        fee=0.0,
        comment=order.comment,
        time_ms=now_ms,
    )
    account.record(deal)
    before = account.ledger.positions.get(ticket)
    if before is None:
        account.record(_new_position(account, listed, order, volume_e8, price))
    else:
        account.record(_grown(account, listed, before, volume_e8, price))
    return deal


def _new_position(
    account: Account, listed: Listed, order: Ordered, volume_e8: int, price: int
) -> Held:
    valuation, side = listed.valuation, order.type % 2
    rate = valuation.margin_rate(1 - 2 * side)
    return Held(
        at_ms=account.now_ms,
        ticket=order.ticket,
        identifier=order.ticket,
        symbol=order.symbol,
        type=side,
        magic=order.magic,
        volume=to_lots(volume_e8),
        price_open=price / listed.scale,
        sl=order.sl,
        tp=order.tp,
        comment=order.comment,
        time_ms=account.now_ms,
        update_ms=account.now_ms,
        margin=account.money(valuation.margin(volume_e8, (price, 1), rate)),
        margin_rate=rate,
    )


def _grown(account: Account, listed: Listed, held: Held, volume_e8: int, price: int) -> Held:
    """The position after another fill of its order: at the average price, kept exactly."""
    valuation, before_e8 = listed.valuation, to_e8(held.volume)
    total_e8 = before_e8 + volume_e8
    cost = Fraction(*listed.opened(held)) * before_e8 + price * volume_e8
    average = cost / total_e8
    opened: Rate = (average.numerator, average.denominator)
    rate = valuation.margin_rate(1 if held.type == port.TYPE_BUY else -1)
    return msgspec.structs.replace(
        held,
        at_ms=account.now_ms,
        update_ms=account.now_ms,
        volume=to_lots(total_e8),
        price_open=float(average / listed.scale),
        average=None if opened[1] == 1 else opened,
        margin=account.money(valuation.margin(total_e8, opened, rate)),
        margin_rate=rate,
    )


def close_deal(
    account: Account, listed: Listed, order: Ordered, held: Held, volume_e8: int, price: int
) -> Dealt:
    """Execute an order that closes (part of) a position, at `price` in points."""
    valuation, opened = listed.valuation, listed.opened(held)
    sign = 1 if held.type == port.TYPE_BUY else -1
    profit = valuation.profit(sign, volume_e8, opened, price)
    now_ms = account.now_ms
    deal = Dealt(
        at_ms=now_ms,
        ticket=account.ledger.next_deal,
        order=order.ticket,
        position_id=held.identifier,
        symbol=held.symbol,
        type=1 - held.type,
        entry=port.ENTRY_OUT,
        magic=order.magic,
        reason=order.reason,
        volume=to_lots(volume_e8),
        price=price / listed.scale,
        profit=account.money(profit),
        commission=account.commission(volume_e8),
        swap=0.0,
        fee=0.0,
        comment=order.comment,
        time_ms=now_ms,
    )
    account.record(deal)
    rest_e8 = to_e8(held.volume) - volume_e8
    margin = valuation.margin(rest_e8, opened, held.margin_rate)
    account.record(
        msgspec.structs.replace(
            held,
            at_ms=now_ms,
            update_ms=now_ms,
            volume=to_lots(rest_e8),
            margin=account.money(margin),
        )
    )
    return deal
