"""Why a request is refused. Each check raises `Refused`; the callers give the order in which they
are made (choice: MetaTrader does not tell which of several faults it names)."""

from __future__ import annotations

from fractions import Fraction

from .account import Account
from .rows import (
    BOC,
    BUY,
    BUY_LIMIT,
    BUY_STOP_LIMIT,
    DAY,
    FOK,
    GTC,
    IOC,
    RETURN,
    SELL,
    SELL_LIMIT,
    SELL_STOP_LIMIT,
    SPECIFIED_DAY,
    Order,
    Position,
    Refused,
    Request,
    sign_of,
)
from .terms import DAY_MS, ZERO, Number, Symbol, exact

LIMITS = (BUY_LIMIT, SELL_LIMIT)
STOP_LIMITS = (BUY_STOP_LIMIT, SELL_STOP_LIMIT)


def price_on_step(symbol: Symbol, price: float) -> Number | None:
    """The price that is meant, noise taken off; 0 for none, None where it is off the step."""
    given = exact(price)
    if not 0 <= given < 10**9:
        return None
    meant = Fraction(round(given / symbol.point)) * symbol.point
    if abs(meant - given) > max(Fraction(1), given) / 10**8:
        return None
    return meant if meant % symbol.tick_size == 0 else None


def lots(volume: float) -> Number:
    """A volume as the server reads it: to eight digits."""
    return Fraction(round(exact(volume) * 10**8), 10**8)


def check_volume(symbol: Symbol, volume: float) -> None:
    """Within its limits, on its step."""
    asked = lots(volume)
    if not symbol.volume_min <= asked <= symbol.volume_max or asked % symbol.volume_step:
        raise Refused(10014)


def check_trade_mode(symbol: Symbol, sign: int) -> None:
    """Whether positions of a side may be opened."""
    if symbol.trade_mode == 1 and sign < 0:
        raise Refused(10042)
    if symbol.trade_mode == 2 and sign > 0:
        raise Refused(10043)
    if symbol.trade_mode == 3:
        raise Refused(10044)


def check_order_mode(symbol: Symbol, request: Request, bit: int = 0) -> None:
    """Whether the symbol takes such orders (`bit`), and stops."""
    needed = bit | (16 if request.sl else 0) | (32 if request.tp else 0)
    if symbol.order_bits & needed != needed:
        raise Refused(10035)


def check_filling(symbol: Symbol, request: Request, *, pending: bool) -> None:
    """Request and instant execution fill as one likes; the others as their bits say. RETURN: never
    at market execution, unless pending."""
    filling, asked = request.type_filling, symbol.execution < 2
    becomes_limit = request.type in LIMITS + STOP_LIMITS
    allowed = {
        FOK: asked or bool(symbol.filling_bits & 1),
        IOC: asked or bool(symbol.filling_bits & 2),
        RETURN: pending or symbol.execution != 2,
        BOC: becomes_limit and bool(symbol.filling_bits & 4),
    }
    if not allowed.get(filling, False):
        raise Refused(10030)


def check_deviation(account: Account, symbol: Symbol, request: Request) -> None:
    """Request and instant execution give the price that was asked for, within so many points."""
    if symbol.execution >= 2:
        return
    asked = price_on_step(symbol, request.price)
    if not asked:
        raise Refused(10015)
    price = account.quotes[symbol.name].opening(sign_of(request.type))
    if abs(price - asked) > request.deviation * symbol.point:
        raise Refused(10004)


def check_stops(symbol: Symbol, sign: int, request: Request, against: Number) -> None:
    """On the right side of a price, and not nearer than the stops level."""
    least = max(1, symbol.stops_level) * symbol.point
    stop, target = price_on_step(symbol, request.sl), price_on_step(symbol, request.tp)
    if stop is None or target is None:
        raise Refused(10016)
    if stop and (against - stop) * sign < least:
        raise Refused(10016)
    if target and (target - against) * sign < least:
        raise Refused(10016)


def check_pending_levels(account: Account, symbol: Symbol, request: Request, kind: int) -> None:
    """Price, limit and stops of a pending order against the market."""
    sign, quote = sign_of(kind), account.quotes[symbol.name]
    price, limit = price_on_step(symbol, request.price), price_on_step(symbol, request.stoplimit)
    if not price or limit is None:
        raise Refused(10015)
    beyond = (price - quote.opening(sign)) * sign
    if kind in LIMITS:
        beyond = -beyond
    if beyond < max(1, symbol.stops_level) * symbol.point:
        raise Refused(10015)
    if kind in STOP_LIMITS and (not limit or (price - limit) * sign <= 0):
        raise Refused(10015)
    check_stops(symbol, sign, request, limit if kind in STOP_LIMITS else price)


def expiration(account: Account, symbol: Symbol, request: Request) -> int:
    """When the order will expire; 0 never. Days end by the server's clock."""
    kind, clock = request.type_time, account.broker.clock_ms
    if not GTC <= kind <= SPECIFIED_DAY or not symbol.expiration_bits & (1 << kind):
        raise Refused(10022)
    if kind == GTC:
        return 0
    if kind == DAY:
        return ((account.now_ms + clock) // DAY_MS + 1) * DAY_MS - clock
    asked = request.expiration_ms
    if kind == SPECIFIED_DAY:
        asked = ((asked + clock) // DAY_MS + 1) * DAY_MS - 1_000 - clock
    if asked <= account.now_ms:
        raise Refused(10022)
    return asked


def check_frozen(symbol: Symbol, market: Number, *levels: Number) -> None:
    """Nothing may be changed whose level the market has nearly reached."""
    near = symbol.freeze_level * symbol.point
    if near and any(level and abs(level - market) <= near for level in levels):
        raise Refused(10029)


def check_position_frozen(account: Account, position: Position) -> None:
    """The same of a position's stops."""
    symbol = account.symbols[position.symbol]
    market = account.quotes[position.symbol].closing(position.sign)
    check_frozen(symbol, market, position.sl, position.tp)


def check_order_frozen(account: Account, order: Order) -> None:
    """The same of a pending order's price; the rest of a market order has none."""
    if order.type in (BUY, SELL):
        return
    market = account.quotes[order.symbol].opening(sign_of(order.type))
    check_frozen(account.symbols[order.symbol], market, order.price)


# What the account may hold.


def check_positions_limit(account: Account, symbol: Symbol) -> None:
    """Choice: on a hedging account pending orders count as the positions they will open."""
    broker, count = account.broker, len(account.positions)
    if broker.hedging:
        count += len(account.orders)
    elif account.position_of(symbol.name) is not None:
        return
    if broker.limit_positions and count >= broker.limit_positions:
        raise Refused(10040)


def check_orders_limit(account: Account) -> None:
    """How many pending orders there may be."""
    limit = account.broker.limit_orders
    if limit and len(account.orders) >= limit:
        raise Refused(10033)


def check_volume_limit(
    account: Account, symbol: Symbol, sign: int, volume: Number, *, pending: bool
) -> None:
    """Positions and pending orders of a symbol and side together."""
    held = {1: ZERO, -1: ZERO}
    for position in account.positions.values():
        if position.symbol == symbol.name:
            held[position.sign] += position.volume
    for order in account.orders.values():
        if order.symbol == symbol.name and sign_of(order.type) == sign:
            volume += order.rest
    if not account.broker.hedging and not pending:
        volume -= held[-sign]
    if symbol.volume_limit and held[sign] + volume > symbol.volume_limit:
        raise Refused(10034)


def check_hedge(account: Account, symbol: Symbol, sign: int) -> None:
    """Where the broker wants a symbol's positions all on one side."""
    if account.broker.hedging and account.broker.hedging_prohibited:
        for position in account.positions.values():
            if position.symbol == symbol.name and position.sign != sign:
                raise Refused(10046)


def check_fifo(account: Account, position: Position) -> None:
    """Where the oldest position of a symbol and side is closed first."""
    if not account.broker.fifo_close:
        return
    for other in account.positions.values():
        beside = other.symbol == position.symbol and other.sign == position.sign
        if beside and (other.time_ms, other.ticket) < (position.time_ms, position.ticket):
            raise Refused(10045)
