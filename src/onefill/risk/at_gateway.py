"""The controls that a gateway can compute before a command leaves, for what raises risk.

The client's engine runs all controls again beside the terminal, with quotes; here is what needs
none: trading state, permission, size, counts, volumes, margin level, losses, attestation.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from onefill.model.account import AccountState
from onefill.model.intent import OrderIntent, OrderType
from onefill.model.volume import to_e8, to_lots
from onefill.risk.at_gateway_losses import daily_loss, drawdown, margin_level
from onefill.risk.at_gateway_reasons import GatewayCode, refuse
from onefill.risk.at_gateway_view import GatewayView, Sum
from onefill.risk.caps import Caps, TotalCaps, Trading
from onefill.risk.limits import ACCOUNT_LEVELS, Limits
from onefill.risk.reasons import Denial, DenialCode, deny
from onefill.risk.repeat import repeat_fingerprint

#: Of the limits, those that the gateway judges by; the client's own are for the rest.
_NEEDED = frozenset(
    {
        "trading",
        "auto_trading",
        "symbols",
        "max_order_volume",
        "max_orders",
        "max_positions",
        "repeat_window_s",
    }
)

Check = Callable[[OrderIntent, GatewayView, Limits, Caps], Denial | None]


def judge_opening(intent: OrderIntent, view: GatewayView, limits: Limits) -> Denial | None:
    """Whether an order may be opened as things stand; its volume is in lots."""
    caps = limits.caps(intent.magic, intent.symbol)
    if caps.missing:
        names = tuple(name for name in caps.missing if name in _NEEDED)
        if names:
            return deny(DenialCode.LIMIT_NOT_SET, names=limits.told_missing(names))
    for check in _CHECKS:
        denial = check(intent, view, limits, caps)
        if denial is not None:
            return denial
    return None


def judge_change(intent: OrderIntent, limits: Limits) -> Denial | None:
    """Control 2 for a change of levels: it passes while trading is not halted."""
    caps = limits.caps(intent.magic, intent.symbol)
    if "trading" in caps.missing:
        return deny(DenialCode.LIMIT_NOT_SET, names=limits.told_missing(("trading",)))
    if caps.trading is Trading.HALTED:
        return deny(DenialCode.TRADING_HALTED, limit=_told(intent, limits, "trading"))
    return None


def held_repeat(
    intent: OrderIntent, state: AccountState, limits: Limits, now_ms: int
) -> tuple[Denial | None, bytes, int]:
    """Control 10: (denial, what the order says but for its key, how long that is held in ms)."""
    window_ms = limits.caps(intent.magic, intent.symbol).repeat_window_ms
    if not window_ms:
        return None, b"", 0
    says = repeat_fingerprint(intent)
    until_ms = state.recent.get(says, 0)
    if now_ms >= until_ms:
        return None, says, window_ms
    told = _told(intent, limits, "repeat_window_s")
    seconds = f"{(until_ms - now_ms) / 1000:g}"
    return deny(DenialCode.DUPLICATE_ORDER, seconds=seconds, limit=told), says, window_ms


def _trading(intent: OrderIntent, view: GatewayView, limits: Limits, caps: Caps) -> Denial | None:
    """Control 2."""
    if caps.trading is Trading.NORMAL:
        return None
    halted = caps.trading is Trading.HALTED
    code = DenialCode.TRADING_HALTED if halted else DenialCode.REDUCE_ONLY
    return deny(code, limit=_told(intent, limits, "trading"))


def _permission(
    intent: OrderIntent, view: GatewayView, limits: Limits, caps: Caps
) -> Denial | None:
    """Control 9: the lists of the limits, and the account holder's."""
    if not caps.auto_trading:
        return deny(DenialCode.AUTO_TRADING_OFF, limit=_told(intent, limits, "auto_trading"))
    if not caps.permitted:
        told = _told(intent, limits, "symbols")
        return deny(DenialCode.SYMBOL_NOT_PERMITTED, symbol=intent.symbol, limit=told)
    if not view.told.trade_allowed:
        why = view.told.why_not or "it does not say why"
        return refuse(GatewayCode.TERMINAL_NOT_TRADING, account=view.account, why=why)
    allowed = view.told.allowed_symbols
    if allowed and intent.symbol not in allowed:
        return refuse(
            GatewayCode.SYMBOL_NOT_THE_HOLDERS, symbol=intent.symbol, symbols=", ".join(allowed)
        )
    return None


def _order_volume(
    intent: OrderIntent, view: GatewayView, limits: Limits, caps: Caps
) -> Denial | None:
    """Control 5; a conservative account has half of it."""
    if intent.volume is None:
        return _in_units(intent, limits, caps)
    volume_e8 = _volume_e8(intent)
    if volume_e8 <= _size(caps.order_volume_e8, view):
        return None
    return deny(
        DenialCode.ORDER_VOLUME_TOO_BIG,
        volume=f"{to_lots(volume_e8):g}",
        limit=_told_size(intent, view, limits, "max_order_volume"),
    )


def _in_units(intent: OrderIntent, limits: Limits, caps: Caps) -> Denial | None:
    """A size in units passes where no limit of lots is set: the client judges it."""
    for name, value in (
        ("max_order_volume", caps.order_volume_e8),
        ("max_volume_per_symbol", caps.volume_per_symbol_e8),
        ("max_volume", caps.volume_e8),
    ):
        if value != inf:
            return refuse(GatewayCode.SIZE_IN_UNITS, limit=_told(intent, limits, name))
    return None


def _all_told(intent: OrderIntent, view: GatewayView, limits: Limits, caps: Caps) -> Denial | None:
    """What is open and was not told can be held against no count and no volume."""
    if not view.told.untold:
        return None
    return refuse(GatewayCode.POSITIONS_NOT_TOLD, account=view.account, count=view.told.untold)


def _counts(intent: OrderIntent, view: GatewayView, limits: Limits, caps: Caps) -> Denial | None:
    """Controls 8, 11 and 17: positions if everything live filled, and pending orders; what is
    accepted counts from the commit that accepts it."""
    found = _over(intent, limits, caps.account, ACCOUNT_LEVELS, sums := view.sums())
    if found is None and caps.strategy is not None:
        levels = (f"strategy.{intent.magic}",)
        found = _over(intent, limits, caps.strategy, levels, view.sums_of(intent.magic))
    if found is None and caps.in_symbol is not None:
        levels = (f"symbol.{intent.symbol}",)
        found = _over(intent, limits, caps.in_symbol, levels, view.sums_in(intent.symbol))
    most, count = view.told.max_open_positions, sums.positions + sums.orders + 1
    if found is None and most and count > most:
        limit = f"max_open_positions = {most} (the account holder's)"
        return deny(DenialCode.TOO_MANY_POSITIONS, scope="account", count=count, limit=limit)
    return found


def _over(
    intent: OrderIntent, limits: Limits, caps: TotalCaps, levels: tuple[str, ...], sums: Sum
) -> Denial | None:
    count = sums.positions + sums.orders + 1
    if count > caps.positions:
        limit = limits.told("max_positions", intent.magic, intent.symbol, levels)
        return deny(DenialCode.TOO_MANY_POSITIONS, scope=caps.scope, count=count, limit=limit)
    pending = sums.pending + 1
    if intent.order_type is not OrderType.MARKET and pending > caps.orders:
        limit = limits.told("max_orders", intent.magic, intent.symbol, levels)
        return deny(DenialCode.TOO_MANY_ORDERS, scope=caps.scope, count=pending, limit=limit)
    return None


def _position_limits(
    intent: OrderIntent, view: GatewayView, limits: Limits, caps: Caps
) -> Denial | None:
    """Control 12: per symbol and in all, at worst case."""
    sums = view.sums_in(intent.symbol)
    count = sums.positions + sums.orders + 1
    if count > caps.positions_per_symbol:
        limit = _told(intent, limits, "max_positions_per_symbol")
        return deny(DenialCode.TOO_MANY_IN_SYMBOL, symbol=intent.symbol, count=count, limit=limit)
    assert intent.side is not None
    volume_e8 = view.volume_in(intent.symbol, intent.side) + _volume_e8(intent)
    if volume_e8 > _size(caps.volume_per_symbol_e8, view):
        return deny(
            DenialCode.VOLUME_IN_SYMBOL_TOO_BIG,
            volume=f"{to_lots(volume_e8):g}",
            symbol=intent.symbol,
            limit=_told_size(intent, view, limits, "max_volume_per_symbol"),
        )
    volume_e8 = view.volume() + _volume_e8(intent)
    if volume_e8 > _size(caps.volume_e8, view):
        return deny(
            DenialCode.VOLUME_IN_ALL_TOO_BIG,
            volume=f"{to_lots(volume_e8):g}",
            limit=_told_size(intent, view, limits, "max_volume"),
        )
    return None


def _losses(intent: OrderIntent, view: GatewayView, limits: Limits, caps: Caps) -> Denial | None:
    """Controls 13 and 14."""
    return (
        margin_level(view.told, caps, limits)
        or daily_loss(view.told, caps, limits, view.breached_day)
        or drawdown(view.told, caps, limits)
    )


_CHECKS: tuple[Check, ...] = (
    _permission,
    _trading,
    _order_volume,
    _all_told,
    _counts,
    _position_limits,
    _losses,
)


def _size(limit_e8: float, view: GatewayView) -> float:
    return limit_e8 / 2 if view.told.conservative else limit_e8


def _told_size(intent: OrderIntent, view: GatewayView, limits: Limits, name: str) -> str:
    told = _told(intent, limits, name)
    return f"half of {told}, as the account's holder wants it" if view.told.conservative else told


def _told(intent: OrderIntent, limits: Limits, name: str) -> str:
    return limits.told(name, intent.magic, intent.symbol)


def _volume_e8(intent: OrderIntent) -> int:
    return to_e8(intent.volume or 0.0)
