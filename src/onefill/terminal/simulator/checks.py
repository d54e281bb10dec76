"""Why the broker refuses: each check answers a return code, 0 where it has nothing against.

Prices are compared in points. Equal is on the wrong side everywhere, and a stops level of N points
asks for a distance of at least N.
"""

from __future__ import annotations

from onefill.model.resolved import BrokerRequest
from onefill.model.symbol import Symbol
from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.simulator import retcodes
from onefill.terminal.zone import ServerTime

_NOISE = 1e-8
#: Bits of `order_flags` by order type.
_ORDER_BITS = (1, 1, 2, 2, 4, 4, 8, 8)
_SL_BIT, _TP_BIT, _CLOSE_BY_BIT = 16, 32, 64
#: Bits of `filling_flags`; RETURN has none.
_FILLING_BITS = {port.FILLING_FOK: 1, port.FILLING_IOC: 2, port.FILLING_BOC: 4}
_LIMITS = (port.TYPE_BUY_LIMIT, port.TYPE_SELL_LIMIT)
_STOP_LIMITS = (port.TYPE_BUY_STOP_LIMIT, port.TYPE_SELL_STOP_LIMIT)


def sign_of(order_type: int) -> int:
    """+1 for the buying types (even numbers), -1 for the selling ones."""
    return 1 if order_type % 2 == 0 else -1


def points_of(price: float, scale: int, tick: int = 1) -> int | None:
    """A price in points; 0 where there is none, None where it is off the symbol's step: no whole
    points, or no multiple of `tick` of them."""
    if not 0.0 <= price < 1e9:
        return None
    points = round(price * scale)
    if abs(points / scale - price) > _NOISE * max(1.0, price):
        return None
    return None if points % tick else points


def volume_code(symbol: Symbol, volume: float) -> int:
    """Below the least, above the most, off the step."""
    if not 0.0 < volume < 1e9:
        return retcodes.INVALID_VOLUME
    volume_e8 = to_e8(volume)
    if not symbol.volume_min_e8 <= volume_e8 <= symbol.volume_max_e8:
        return retcodes.INVALID_VOLUME
    return retcodes.INVALID_VOLUME if volume_e8 % symbol.volume_step_e8 else 0


def trade_mode_code(symbol: Symbol, sign: int) -> int:
    """Whether a position of this side may be opened."""
    mode = symbol.trade_mode
    if mode == 4:
        return 0
    if mode == 0:
        return retcodes.TRADE_DISABLED
    if mode == 3:
        return retcodes.CLOSE_ONLY
    if mode == 1:
        return 0 if sign > 0 else retcodes.LONG_ONLY
    return 0 if sign < 0 else retcodes.SHORT_ONLY


def order_mode_code(symbol: Symbol, request: BrokerRequest) -> int:
    """Whether the symbol takes orders of this type, with stops."""
    needed = _ORDER_BITS[request.type] | _stop_bits(request)
    return 0 if symbol.order_flags & needed == needed else retcodes.INVALID_ORDER


def stops_mode_code(symbol: Symbol, request: BrokerRequest) -> int:
    """Whether the symbol takes the stops of a change."""
    needed = _stop_bits(request)
    return 0 if symbol.order_flags & needed == needed else retcodes.INVALID_ORDER


def close_by_code(symbol: Symbol) -> int:
    """Whether positions may be closed by each other."""
    return 0 if symbol.order_flags & _CLOSE_BY_BIT else retcodes.INVALID_ORDER


def _stop_bits(request: BrokerRequest) -> int:
    return (_SL_BIT if request.sl else 0) | (_TP_BIT if request.tp else 0)


def filling_code(symbol: Symbol, filling: int, *, pending: bool, limit: bool = False) -> int:
    """Request and instant execution take every filling; market execution takes what its bits say
    and never RETURN; exchanges always take RETURN; so do all for pending orders. Book-or-cancel is
    for orders that become a limit, where the bits say so."""
    mode = symbol.execution_mode
    if filling == port.FILLING_RETURN:
        allowed = mode != 2 or pending
    else:
        bit = bool(symbol.filling_flags & _FILLING_BITS.get(filling, 0))
        allowed = limit and bit if filling == port.FILLING_BOC else mode < 2 or bit
        allowed = allowed and filling in _FILLING_BITS
    return 0 if allowed else retcodes.INVALID_FILL


def stops_code(
    symbol: Symbol, sign: int, stop_loss: int | None, take_profit: int | None, reference: int
) -> int:
    """Stops of a position of side `sign`, against the price at which it would close, or of a
    pending order, against its own price."""
    if stop_loss is None or take_profit is None:
        return retcodes.INVALID_STOPS
    distance = max(1, symbol.stops_level)
    if stop_loss and (reference - stop_loss) * sign < distance:
        return retcodes.INVALID_STOPS
    if take_profit and (take_profit - reference) * sign < distance:
        return retcodes.INVALID_STOPS
    return 0


def pending_price_code(
    symbol: Symbol, order_type: int, price: int | None, limit: int | None, bid: int, ask: int
) -> int:
    """A pending order's price against the market, and a stop limit's limit against its price."""
    if not price or limit is None:
        return retcodes.INVALID_PRICE
    sign = sign_of(order_type)
    market = ask if sign > 0 else bid
    ahead = (price - market) * sign
    if order_type in _LIMITS:
        ahead = -ahead
    if ahead < max(1, symbol.stops_level):
        return retcodes.INVALID_PRICE
    if order_type in _STOP_LIMITS and (not limit or (price - limit) * sign < 1):
        return retcodes.INVALID_PRICE
    return 0


def expiration_of(
    symbol: Symbol, clock: ServerTime, type_time: int, asked_ms: int, now_ms: int
) -> int | None:
    """When an order leaves the book (UTC; 0: never); None where it cannot be had. Days are the
    server's."""
    if not 0 <= type_time <= 3 or not symbol.expiration_flags & (1 << type_time):
        return None
    if type_time == port.TIME_GTC:
        return 0
    if type_time == port.TIME_DAY:
        return clock.day_begins_ms(clock.day_of(now_ms) + 1)
    if type_time == 3:
        asked_ms = clock.day_begins_ms(clock.day_of(asked_ms) + 1) - 1_000
    return asked_ms if asked_ms > now_ms else None


def is_frozen(symbol: Symbol, market: int, *levels: int) -> bool:
    """Whether a level lies so near the market that nothing may be changed any more."""
    freeze = symbol.freeze_level
    return freeze > 0 and any(level and abs(level - market) <= freeze for level in levels)
