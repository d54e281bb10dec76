"""What executions make of positions: the hedging book, the netting book, closing, close-by."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .account import Account
from .margin import RATE_DIGITS, Side, rate_now
from .money import rounded
from .rows import (
    BUY,
    BY_TP,
    FILLED,
    IN,
    INOUT,
    OUT,
    OUT_BY,
    SELL,
    Deal,
    Order,
    Position,
    sign_of,
)
from .terms import ZERO, Number

#: Choice: average prices are kept to so many digits of a point.
PRICE_DIGITS: Final = 8


def fill(account: Account, order: Order, volume: Number, price: Number) -> Deal:
    """Execute an order that names no position of a hedging account."""
    if account.broker.hedging:
        return _open(account, order, order.ticket, volume, price)
    position = account.position_of(order.symbol)
    if position is None:
        return _open(account, order, order.ticket, volume, price)
    if position.sign == sign_of(order.type):
        return _add(account, order, position, volume, price)
    if volume <= position.volume:
        return close(account, order, position, volume, price)
    return _reverse(account, order, position, volume, price)


def _open(account: Account, order: Order, identifier: int, volume: Number, price: Number) -> Deal:
    deal = _deal(account, order, identifier, IN, volume, price)
    before = account.positions.get(order.ticket)
    if before is None:
        _put(account, order, identifier, volume, price)
    else:  # another part of the same order
        account.positions[order.ticket] = _grown(account, before, volume, price)
    return deal


def _put(account: Account, order: Order, identifier: int, volume: Number, price: Number) -> None:
    """A new position, whose ticket is the order's."""
    sign = sign_of(order.type)
    account.positions[order.ticket] = Position(
        ticket=order.ticket,
        identifier=identifier,
        symbol=order.symbol,
        sign=sign,
        magic=order.magic,
        volume=volume,
        price=price,
        sl=order.sl,
        tp=order.tp,
        comment=order.comment,
        time_ms=account.now_ms,
        update_ms=account.now_ms,
        margin_rate=rate_now(account, account.symbols[order.symbol], sign),
        reason=order.reason,
    )


def _add(account: Account, order: Order, position: Position, volume: Number, price: Number) -> Deal:
    """More of the same side: the average price; stops and magic of the last order (choice: its
    zeros delete the stops)."""
    deal = _deal(account, order, position.identifier, IN, volume, price)
    account.positions[position.ticket] = replace(
        _grown(account, position, volume, price), magic=order.magic, sl=order.sl, tp=order.tp
    )
    return deal


def _grown(account: Account, position: Position, volume: Number, price: Number) -> Position:
    symbol = account.symbols[position.symbol]
    before = Side(position.volume, position.price, position.margin_rate)
    both = before.plus(Side(volume, price, rate_now(account, symbol, position.sign)))
    return replace(
        position,
        price=rounded(both.price, symbol.digits + PRICE_DIGITS),
        volume=both.volume,
        update_ms=account.now_ms,
        margin_rate=rounded(both.rate, RATE_DIGITS),
    )


def close(
    account: Account, order: Order, position: Position, volume: Number, price: Number
) -> Deal:
    """All or a part of a position; a part takes its share of the swap with it."""
    symbol = account.symbols[position.symbol]
    profit = account.money.profit(symbol, position.sign, volume, position.price, price)
    deal = _deal(
        account,
        order,
        position.identifier,
        OUT,
        volume,
        price,
        profit,
        _share(account, position, volume),
    )
    _shrink(account, position, volume, deal.swap)
    return deal


def _reverse(
    account: Account, order: Order, position: Position, volume: Number, price: Number
) -> Deal:
    """One deal for both: the identifier stays, the ticket becomes that of the order."""
    symbol = account.symbols[position.symbol]
    profit = account.money.profit(symbol, position.sign, position.volume, position.price, price)
    opened = volume - position.volume
    deal = _deal(
        account,
        order,
        position.identifier,
        INOUT,
        volume,
        price,
        profit,
        position.swap,
        opened=opened,
    )
    del account.positions[position.ticket]
    _put(account, order, position.identifier, opened, price)
    return deal


def close_by(account: Account, order: Order, position: Position, other: Position) -> Deal:
    """Two opposite positions, at the opening price of the second, which so gains nothing."""
    first = None
    volume, price = order.volume, other.price
    symbol = account.symbols[position.symbol]
    for one in (position, other):
        profit = account.money.profit(symbol, one.sign, volume, one.price, price)
        swap = _share(account, one, volume)
        kind = SELL if one.sign > 0 else BUY
        deal = _deal(account, order, one.identifier, OUT_BY, volume, price, profit, swap, kind)
        _shrink(account, one, volume, swap)
        first = first or deal
    assert first is not None
    return first


def close_by_server(
    account: Account, position: Position, reason: int, say: str, level: Number = ZERO
) -> None:
    """A stop, or the stop-out: the server's own order at the price in force."""
    price, ticket = account.quotes[position.symbol].closing(position.sign), account.ticket()
    if reason != BY_TP:
        symbol = account.symbols[position.symbol]
        price = account.slipped(symbol, -position.sign, price, ticket)
    order = Order(
        ticket=ticket,
        symbol=position.symbol,
        type=SELL if position.sign > 0 else BUY,
        state=FILLED,
        magic=position.magic,
        volume=position.volume,
        rest=ZERO,
        price=level or price,
        comment=say,
        setup_ms=account.now_ms,
        position_id=position.identifier,
        reason=reason,
    )
    account.finish(order, FILLED)
    close(account, order, position, position.volume, price)


def _share(account: Account, position: Position, volume: Number) -> Number:
    return account.money.money(position.swap * volume / position.volume)


def _shrink(account: Account, position: Position, volume: Number, swap: Number) -> None:
    rest = position.volume - volume
    if not rest:
        del account.positions[position.ticket]
        return
    account.positions[position.ticket] = replace(
        position, volume=rest, swap=position.swap - swap, update_ms=account.now_ms
    )


def _deal(
    account: Account,
    order: Order,
    position: int,
    entry: int,
    volume: Number,
    price: Number,
    profit: Number = ZERO,
    swap: Number = ZERO,
    kind: int | None = None,
    opened: Number = ZERO,
) -> Deal:
    return account.book(
        account.deal(
            order.symbol,
            order.type % 2 if kind is None else kind,
            volume,
            price,
            order=order,
            position=position,
            entry=entry,
            profit=profit,
            swap=swap,
            opened=opened,
            reason=order.reason,
            say=order.comment,
        )
    )
