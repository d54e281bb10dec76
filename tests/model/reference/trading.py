"""Deals asked for: on the hedging book, on the netting book, and close-by."""

from __future__ import annotations

from dataclasses import replace

from . import checks, margin
from .account import Account
from .positions import close, close_by, fill
from .rows import (
    BUY,
    CANCELED,
    CLOSE_BY_ORDER,
    FILLED,
    FOK,
    IOC,
    PARTIAL,
    RETURN,
    SELL,
    Answer,
    Opens,
    Order,
    Position,
    Refused,
    Request,
    sign_of,
)
from .terms import ZERO, Number, Symbol


def deal(account: Account, symbol: Symbol, request: Request, *, checking: bool) -> Answer:
    """Open, close, or on a netting account whichever the book makes of it."""
    if request.type not in (BUY, SELL):
        raise Refused(10035)
    named = None
    if request.position:
        named = account.positions.get(request.position)
        if named is None:
            raise Refused(10036)
        if named.symbol != symbol.name:
            raise Refused(10013)
    sign, volume = sign_of(request.type), checks.lots(request.volume)
    price, opens = account.quotes[symbol.name].opening(sign), None
    if account.broker.hedging:
        if named is None:
            opens = _check_opening(account, symbol, request, volume, price)
        else:
            if named.sign == sign:
                raise Refused(10013)
            _check_closing(account, symbol, request, named)
            checks.check_fifo(account, named)
            checks.check_position_frozen(account, named)
    else:
        held = account.position_of(symbol.name)
        if held is None or held.sign == sign:
            opens = _check_opening(account, symbol, request, volume, price)
        elif volume <= held.volume or named is not None:
            _check_closing(account, symbol, request, held)
            checks.check_position_frozen(account, held)
        else:
            checks.check_position_frozen(account, held)
            more = volume - held.volume
            opens = _check_opening(account, symbol, request, more, price)
    if checking:
        return Answer(retcode=0, opens=opens)
    if opens is None:  # choice: the stops of a deal that only closes are not looked at
        request = replace(request, sl=0.0, tp=0.0)
    return _execute(account, symbol, request, named if account.broker.hedging else None, price)


def _check_opening(
    account: Account, symbol: Symbol, request: Request, opened: Number, price: Number
) -> Opens:
    """`opened`: so much of it does not close what there is."""
    sign, quote = sign_of(request.type), account.quotes[symbol.name]
    checks.check_order_mode(symbol, request, 1)
    checks.check_trade_mode(symbol, sign)
    checks.check_volume(symbol, request.volume)
    checks.check_filling(symbol, request, pending=False)
    checks.check_deviation(account, symbol, request)
    checks.check_stops(symbol, sign, request, quote.closing(sign))
    checks.check_hedge(account, symbol, sign)
    checks.check_positions_limit(account, symbol)
    volume = checks.lots(request.volume)
    checks.check_volume_limit(account, symbol, sign, volume, pending=False)
    opens = Opens(symbol, sign, opened, price)
    check_money(account, opens, volume)
    return opens


def _check_closing(account: Account, symbol: Symbol, request: Request, position: Position) -> None:
    volume = checks.lots(request.volume)
    checks.check_filling(symbol, request, pending=False)
    if volume != position.volume:  # what is left of a position may be below the least
        checks.check_volume(symbol, request.volume)
    checks.check_deviation(account, symbol, request)
    if volume > position.volume:
        raise Refused(10038)


def check_money(account: Account, opens: Opens, volume: Number) -> None:
    """The free margin must be enough for what an order binds on top."""
    if not can_pay(account, opens.symbol, opens.sign, volume, opens.price):
        raise Refused(10019, opens)


def can_pay(account: Account, symbol: Symbol, sign: int, volume: Number, price: Number) -> bool:
    """Whether the free margin is enough; what frees margin is always paid for."""
    needed = margin.added(account, symbol, sign, volume, price)
    return needed <= 0 or needed <= account.equity() - account.margin()


def _execute(
    account: Account, symbol: Symbol, request: Request, position: Position | None, price: Number
) -> Answer:
    """At the quote in force, as much as there is. The rest is cancelled, or (exchange, RETURN)
    waits for the next ticks."""
    volume, luck, held = checks.lots(request.volume), account.luck, account.position_of(symbol.name)
    rests = position is None and symbol.execution == 3 and request.type_filling == RETURN
    done = luck.of(symbol, volume) if rests or request.type_filling == IOC else volume
    done = ZERO if luck.nothing else done
    ticket = account.ticket()
    if symbol.execution >= 2:
        price = account.slipped(symbol, sign_of(request.type), price, ticket)
    identifier = ticket if done else 0
    if position is not None:
        identifier = position.identifier
    elif done and not account.broker.hedging and held is not None:
        identifier = held.identifier
    order = Order(
        ticket=ticket,
        symbol=symbol.name,
        type=request.type,
        state=PARTIAL,
        magic=request.magic,
        volume=volume,
        rest=volume - done,
        price=price,
        sl=checks.price_on_step(symbol, request.sl) or ZERO,
        tp=checks.price_on_step(symbol, request.tp) or ZERO,
        comment=request.comment[: account.broker.comment_limit],
        setup_ms=account.now_ms,
        position_id=identifier,
        filling=request.type_filling,
        luck=luck.later(),
    )
    if rests and ZERO < done < volume:
        account.orders[ticket] = order
    else:
        account.finish(order, FILLED if done == volume else CANCELED)
    quote, told = account.quotes[symbol.name], account.broker.answer_quotes
    answer = Answer(
        retcode=10010 if ZERO < done < volume else 10009,
        order=ticket,
        volume=done,
        price=price if done else ZERO,
        bid=quote.bid if told else ZERO,
        ask=quote.ask if told else ZERO,
    )
    if done and position is None:
        answer.deal = fill(account, order, done, price).ticket
    elif done and position is not None:
        answer.deal = close(account, order, position, done, price).ticket
    return answer


def offset(account: Account, symbol: Symbol, request: Request, *, checking: bool) -> Answer:
    """CLOSE_BY: two opposite positions of a symbol, the smaller volume of the two."""
    position = account.positions.get(request.position)
    other = account.positions.get(request.position_by)
    if not account.broker.hedging:
        raise Refused(10013)
    if position is None or other is None:
        raise Refused(10036)
    if position.symbol != other.symbol or position.sign == other.sign:
        raise Refused(10013)
    if not symbol.order_bits & 64:
        raise Refused(10035)
    for one in (position, other):
        checks.check_fifo(account, one)
    for one in (position, other):
        checks.check_position_frozen(account, one)
    if checking:
        return Answer(retcode=0)
    volume = min(position.volume, other.volume)
    order = Order(
        ticket=account.ticket(),
        symbol=symbol.name,
        type=CLOSE_BY_ORDER,
        state=FILLED,
        magic=request.magic,
        volume=volume,
        rest=ZERO,
        price=other.price,
        comment=request.comment[: account.broker.comment_limit],
        setup_ms=account.now_ms,
        position_id=position.identifier,
        position_by_id=other.identifier,
        filling=FOK,
    )
    account.finish(order, FILLED)
    made = close_by(account, order, position, other)
    quote, told = account.quotes[symbol.name], account.broker.answer_quotes
    return Answer(
        retcode=10009,
        deal=made.ticket,
        order=order.ticket,
        volume=volume,
        price=other.price,
        bid=quote.bid if told else ZERO,
        ask=quote.ask if told else ZERO,
    )
