"""What the server does at its midnight: orders of the day end, positions pay or get their swap."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from .account import Account
from .margin import rate_now
from .money import rounded
from .rows import BUY, EXPIRED, FILLED, GTC, IN, OUT, ROLLOVER, SELL, Order, Position
from .terms import ZERO, Number, Symbol

DISABLED, POINTS, IN_BASE, IN_MARGIN, IN_DEPOSIT, YEARLY_NOW, YEARLY_OPEN, REOPEN, REOPEN_BID = (
    range(9)
)


def begin_day(account: Account, day: int) -> None:
    """`day`: days since 1970 on the server's clock. Orders first, then swaps."""
    for symbol in account.broker.symbols:
        if symbol.gtc_mode:
            _end_of_day(account, symbol)
    for symbol in account.broker.symbols:
        nights = nights_before(day, symbol.triple_day)
        if nights and symbol.swap_mode and (symbol.swap_long or symbol.swap_short):
            for position in list(account.positions.values()):
                if position.symbol == symbol.name:
                    _night(account, symbol, position, nights)


def nights_before(day: int, triple: int) -> int:
    """The nights of Monday to Friday count, one of them threefold for the weekend."""
    weekday = (day - 1 + 4) % 7  # 0 Sunday; Unix time began on a Thursday
    if weekday in (0, 6):
        return 0
    return 3 if weekday == triple else 1


def _end_of_day(account: Account, symbol: Symbol) -> None:
    for order in list(account.orders.values()):
        if order.symbol == symbol.name and order.time == GTC:
            account.finish(order, EXPIRED)
    if symbol.gtc_mode == 1:
        for ticket, position in account.positions.items():
            if position.symbol == symbol.name:
                account.positions[ticket] = replace(position, sl=ZERO, tp=ZERO)


def _night(account: Account, symbol: Symbol, position: Position, nights: int) -> None:
    """Choice: what is paid is converted as a loss is, what is received as a gain."""
    quote, money, sign = account.quotes[symbol.name], account.money, position.sign
    close, volume, mode = quote.closing(sign), position.volume, symbol.swap_mode
    value = (symbol.swap_long if sign > 0 else symbol.swap_short) * nights
    if mode in (REOPEN, REOPEN_BID):
        price = quote.bid if mode == REOPEN_BID else close
        moved = (price - sign * value * symbol.point) / symbol.tick_size
        _reopen(account, position, max(Fraction(1), rounded(moved, 0)) * symbol.tick_size)
        return
    if mode == IN_DEPOSIT:
        swap = value * volume
    elif mode in (IN_BASE, IN_MARGIN):
        given = symbol.base if mode == IN_BASE else symbol.margin
        if money.has_way(given):
            swap = value * volume * money.rate(given, account.broker.currency, buying=value < 0)
        else:  # choice: an ounce of gold is worth its own price
            swap = value * volume * close * money.profit_rate(symbol, close, gain=value > 0)
    else:
        yearly = {YEARLY_NOW: close, YEARLY_OPEN: position.price}
        moved = yearly[mode] / 100 / 360 if mode in yearly else symbol.point
        gain = money.price_value(symbol) * moved * value * volume
        swap = gain * money.profit_rate(symbol, close, gain=value > 0)
    swap = position.swap + money.money(swap)
    account.positions[position.ticket] = replace(position, swap=swap)


def _reopen(account: Account, position: Position, price: Number) -> None:
    """Closed and opened again: another ticket, the same identifier, no commission."""
    symbol = account.symbols[position.symbol]
    close = account.quotes[symbol.name].closing(position.sign)
    profit = account.money.profit(symbol, position.sign, position.volume, position.price, close)
    kinds = (SELL, BUY) if position.sign > 0 else (BUY, SELL)
    del account.positions[position.ticket]
    ticket = 0
    for kind, at, entry in ((kinds[0], close, OUT), (kinds[1], price, IN)):
        ticket = account.ticket()
        order = Order(
            ticket=ticket,
            symbol=symbol.name,
            type=kind,
            state=FILLED,
            magic=position.magic,
            volume=position.volume,
            rest=ZERO,
            price=at,
            comment="[rollover]",
            setup_ms=account.now_ms,
            position_id=position.identifier,
            reason=ROLLOVER,
        )
        account.finish(order, FILLED)
        deal = account.deal(
            symbol.name,
            kind,
            position.volume,
            at,
            order=order,
            position=position.identifier,
            entry=entry,
            profit=profit if entry == OUT else ZERO,
            swap=position.swap if entry == OUT else ZERO,
            reason=ROLLOVER,
            say=order.comment,
        )
        account.book(replace(deal, commission=ZERO, fee=ZERO))
    account.positions[ticket] = replace(
        position,
        ticket=ticket,
        price=price,
        swap=ZERO,
        time_ms=account.now_ms,
        update_ms=account.now_ms,
        margin_rate=rate_now(account, symbol, position.sign),
    )
