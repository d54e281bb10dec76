"""Control 16: the symbol's own rules, so that the broker is not asked what it would refuse."""

from __future__ import annotations

from onefill.model.intent import OrderType
from onefill.model.volume import is_multiple, to_lots
from onefill.risk.case import Case
from onefill.risk.price_rules import frozen, own_price, price_sides, stop_sides
from onefill.risk.reasons import Denial, DenialCode, deny

_DISABLED, _LONG_ONLY, _SHORT_ONLY, _CLOSE_ONLY = 0, 1, 2, 3
_MODES = {
    _DISABLED: "trading is disabled",
    _LONG_ONLY: "long only",
    _SHORT_ONLY: "short only",
    _CLOSE_ONLY: "close only",
}
_ORDER_BITS = {
    OrderType.MARKET: 1,
    OrderType.LIMIT: 2,
    OrderType.STOP: 4,
    OrderType.STOP_LIMIT: 8,
}
_STOP_LOSS_BIT, _TAKE_PROFIT_BIT = 16, 32
_GTC_BIT, _SPECIFIED_BIT = 1, 4


def open_rules(case: Case) -> Denial | None:
    """For an order that opens."""
    return (
        _tradable(case)
        or _order_type(case)
        or _stops_taken(case)
        or _expiration(case)
        or _volume(case)
        or price_sides(case)
        or stop_sides(case, own_price(case))
    )


def change_rules(case: Case) -> Denial | None:
    """For a change of levels: the result must be one that could be placed now."""
    return (
        frozen(case)
        or _stops_taken(case)
        or (_expiration(case) if case.order.order_ticket else None)
        or (price_sides(case) if case.order.order_ticket else None)
        or stop_sides(case, own_price(case))
    )


def close_rules(case: Case) -> Denial | None:
    """For a close: a part of a position lies on the step; the whole of it always passes."""
    position = case.state.positions.get(case.order.position_ticket)
    if position is not None and position.volume_e8 == case.order.volume_e8:
        return None
    return _least_and_step(case)


def tradable(case: Case) -> Denial | None:
    """Whether the symbol may be opened on this side, and its market is open."""
    return _tradable(case)


def _tradable(case: Case) -> Denial | None:
    mode, name = case.symbol.trade_mode, case.symbol.name
    if not case.view.session_open:
        return deny(DenialCode.MARKET_CLOSED, symbol=name)
    if mode in (_DISABLED, _CLOSE_ONLY):
        return deny(DenialCode.SYMBOL_NOT_TRADABLE, symbol=name, mode=_MODES[mode])
    sign = case.order.side.sign
    if (mode == _LONG_ONLY and sign < 0) or (mode == _SHORT_ONLY and sign > 0):
        return deny(DenialCode.SIDE_NOT_TRADABLE, symbol=name, mode=_MODES[mode])
    return None


def _order_type(case: Case) -> Denial | None:
    kind = case.order.order_type
    if case.symbol.order_flags & _ORDER_BITS[kind]:
        return None
    what = f"{kind.replace('_', ' ')} orders"
    return deny(DenialCode.ORDER_TYPE_NOT_ALLOWED, symbol=case.symbol.name, what=what)


def _stops_taken(case: Case) -> Denial | None:
    flags = case.symbol.order_flags
    if case.order.stop_loss and not flags & _STOP_LOSS_BIT:
        what = "stop loss"
    elif case.order.take_profit and not flags & _TAKE_PROFIT_BIT:
        what = "take profit"
    else:
        return None
    return deny(DenialCode.ORDER_TYPE_NOT_ALLOWED, symbol=case.symbol.name, what=what)


def _expiration(case: Case) -> Denial | None:
    order = case.order
    if order.order_type is OrderType.MARKET:
        return None
    bit, what = (_SPECIFIED_BIT, "with") if order.expiration_ms else (_GTC_BIT, "without")
    if not case.symbol.expiration_flags & bit:
        return deny(DenialCode.EXPIRATION_NOT_ALLOWED, symbol=case.symbol.name, what=what)
    if order.expiration_ms and order.expiration_ms <= case.now_ms:
        return deny(DenialCode.EXPIRATION_PAST, at_ms=order.expiration_ms, now_ms=case.now_ms)
    return None


def _volume(case: Case) -> Denial | None:
    volume, most = case.order.volume_e8, case.symbol.volume_max_e8
    if volume > most:
        return deny(
            DenialCode.VOLUME_TOO_BIG,
            volume=f"{to_lots(volume):g}",
            symbol=case.symbol.name,
            most=f"{to_lots(most):g}",
        )
    return _least_and_step(case)


def _least_and_step(case: Case) -> Denial | None:
    volume, symbol = case.order.volume_e8, case.symbol
    if volume < symbol.volume_min_e8:
        return deny(
            DenialCode.VOLUME_TOO_SMALL,
            volume=f"{to_lots(volume):g}",
            symbol=symbol.name,
            least=f"{to_lots(symbol.volume_min_e8):g}",
        )
    if not is_multiple(volume, symbol.volume_step_e8):
        return deny(
            DenialCode.VOLUME_OFF_STEP,
            volume=f"{to_lots(volume):.8g}",
            symbol=symbol.name,
            step=f"{to_lots(symbol.volume_step_e8):g}",
        )
    return None
