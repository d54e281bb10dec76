"""Pending orders placed, changed, removed, triggered; stops of positions changed and reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

from . import checks
from .account import Account
from .checks import LIMITS, STOP_LIMITS, price_on_step
from .positions import close_by_server, fill
from .rows import (
    BOC,
    BUY,
    BUY_LIMIT,
    BUY_STOP,
    BUY_STOP_LIMIT,
    BY_SL,
    BY_TP,
    CANCELED,
    FILLED,
    PARTIAL,
    PLACED,
    REJECTED,
    SELL,
    SELL_LIMIT,
    SELL_STOP,
    SELL_STOP_LIMIT,
    Answer,
    Opens,
    Order,
    Position,
    Refused,
    Request,
    sign_of,
)
from .terms import ZERO, Number, Symbol
from .trading import can_pay, check_money

AT_MARKET = (BUY, SELL, BUY_STOP, SELL_STOP)
ORDER_BIT = {2: 2, 3: 2, 4: 4, 5: 4, 6: 8, 7: 8}


def place(account: Account, symbol: Symbol, request: Request, *, checking: bool) -> Answer:
    """PENDING: a new order in the book."""
    kind, volume = request.type, checks.lots(request.volume)
    if kind not in ORDER_BIT:
        raise Refused(10035)
    sign = sign_of(kind)
    checks.check_order_mode(symbol, request, ORDER_BIT[kind])
    checks.check_trade_mode(symbol, sign)
    checks.check_volume(symbol, request.volume)
    checks.check_filling(symbol, request, pending=True)
    until = checks.expiration(account, symbol, request)
    checks.check_pending_levels(account, symbol, request, kind)
    checks.check_orders_limit(account)
    checks.check_hedge(account, symbol, sign)
    checks.check_positions_limit(account, symbol)
    checks.check_volume_limit(account, symbol, sign, volume, pending=True)
    levels = _levels(symbol, request, kind)
    opens = Opens(symbol, sign, volume, levels["stoplimit"] or levels["price"])
    check_money(account, opens, volume)
    if checking:
        return Answer(retcode=0, opens=opens)
    order = Order(
        ticket=account.ticket(),
        symbol=symbol.name,
        type=kind,
        state=PLACED,
        magic=request.magic,
        volume=volume,
        rest=volume,
        comment=request.comment[: account.broker.comment_limit],
        setup_ms=account.now_ms,
        expiration_ms=until,
        filling=request.type_filling,
        time=request.type_time,
        luck=account.luck,
        **levels,
    )
    account.orders[order.ticket] = order
    say = order.comment if account.broker.echoes_comment else ""
    return Answer(retcode=10009, order=order.ticket, volume=volume, comment=say)


class _Levels(TypedDict):
    price: Number
    stoplimit: Number
    sl: Number
    tp: Number


def _levels(symbol: Symbol, request: Request, kind: int) -> _Levels:
    """The prices of an order that were found to be on their step."""
    limit = request.stoplimit if kind in STOP_LIMITS else 0.0
    return _Levels(
        price=price_on_step(symbol, request.price) or ZERO,
        stoplimit=price_on_step(symbol, limit) or ZERO,
        sl=price_on_step(symbol, request.sl) or ZERO,
        tp=price_on_step(symbol, request.tp) or ZERO,
    )


def change(
    account: Account, symbol: Symbol, request: Request, order: Order, *, checking: bool
) -> Answer:
    """MODIFY: all prices and the expiration, named again."""
    if order.type not in ORDER_BIT:  # the rest of a market order
        raise Refused(10013)
    checks.check_order_frozen(account, order)
    checks.check_order_mode(symbol, request)
    until = checks.expiration(account, symbol, request)
    checks.check_pending_levels(account, symbol, request, order.type)
    levels = _levels(symbol, request, order.type)
    changed = replace(order, expiration_ms=until, time=request.type_time, **levels)
    if changed == order:
        raise Refused(10025)
    if checking:
        return Answer(retcode=0)
    account.orders[order.ticket] = changed
    return Answer(retcode=10009, order=order.ticket)


def remove(account: Account, order: Order, *, checking: bool) -> Answer:
    """REMOVE."""
    checks.check_order_frozen(account, order)
    if checking:
        return Answer(retcode=0)
    account.finish(order, CANCELED)
    return Answer(retcode=10009, order=order.ticket)


def change_stops(
    account: Account, symbol: Symbol, request: Request, position: Position, *, checking: bool
) -> Answer:
    """SLTP: `update_ms` stays, it is of the volume only."""
    checks.check_position_frozen(account, position)
    checks.check_order_mode(symbol, request)
    market = account.quotes[symbol.name].closing(position.sign)
    checks.check_stops(symbol, position.sign, request, market)
    stop, target = price_on_step(symbol, request.sl), price_on_step(symbol, request.tp)
    changed = replace(position, sl=stop or ZERO, tp=target or ZERO)
    if changed == position:
        raise Refused(10025)
    if checking:
        return Answer(retcode=0)
    account.positions[position.ticket] = changed
    return Answer(retcode=10009)


# What a tick does.


def take_tick(account: Account, symbol: Symbol) -> None:
    """Orders first, then stops, also of what these orders opened; each in the tickets' order."""
    for ticket in sorted(account.orders):
        order = account.orders.get(ticket)
        if order is not None and order.symbol == symbol.name:
            _trigger(account, symbol, order)
    for ticket in sorted(account.positions):
        position = account.positions.get(ticket)
        if position is not None and position.symbol == symbol.name:
            _stop(account, symbol, position)


def _trigger(account: Account, symbol: Symbol, order: Order) -> None:
    sign = sign_of(order.type)
    price = account.quotes[symbol.name].opening(sign)
    if order.type in LIMITS:
        if (order.price - price) * sign < 0:
            return
    elif order.type in ORDER_BIT and (price - order.price) * sign < 0:
        return
    if order.type in STOP_LIMITS:
        kind = {BUY_STOP_LIMIT: BUY_LIMIT, SELL_STOP_LIMIT: SELL_LIMIT}[order.type]
        order = replace(order, type=kind, price=order.stoplimit, stoplimit=ZERO)
        if (order.price - price) * sign < 0:
            account.orders[order.ticket] = order
            return
        if order.filling == BOC:  # it would fill at once
            account.finish(order, CANCELED)
            return
    if order.type in AT_MARKET:
        price = account.slipped(symbol, sign, price, order.ticket)
    volume = order.luck.of(symbol, order.rest)
    if order.luck.nothing or not can_pay(account, symbol, sign, volume, price):
        account.finish(order, CANCELED if order.state == PARTIAL else REJECTED)
        return
    held = account.position_of(symbol.name) if not account.broker.hedging else None
    order = replace(
        order,
        state=PARTIAL,
        rest=order.rest - volume,
        position_id=held.identifier if held else order.ticket,
        luck=order.luck.later(),
    )
    if order.rest:
        account.orders[order.ticket] = order
    else:
        account.finish(order, FILLED)
    fill(account, order, volume, price)


def _stop(account: Account, symbol: Symbol, position: Position) -> None:
    """The stop loss goes first where a tick reaches both."""
    price, sign = account.quotes[symbol.name].closing(position.sign), position.sign
    for level, word, reason, side in (
        (position.sl, "sl", BY_SL, 1),
        (position.tp, "tp", BY_TP, -1),
    ):
        if level and (level - price) * sign * side >= 0:
            say = f"[{word} {float(level):.{symbol.digits}f}]"
            close_by_server(account, position, reason, say, level)
            return
