"""The controls over permission, trading state, price, size and repeats: a function each.

Each is given a case and answers with a denial, or None. They are listed in `review.CONTROLS`.
"""

from __future__ import annotations

from onefill.model.volume import to_lots
from onefill.risk.caps import Trading
from onefill.risk.case import Case
from onefill.risk.reasons import Denial, DenialCode, deny
from onefill.risk.repeat import repeat_fingerprint


def trading_state(case: Case) -> Denial | None:
    """Control 2, for an order that opens: neither reduce-only nor halted."""
    state = case.caps.trading
    if state is Trading.NORMAL:
        return None
    halted = state is Trading.HALTED
    code = DenialCode.TRADING_HALTED if halted else DenialCode.REDUCE_ONLY
    return deny(code, limit=case.told("trading"))


def not_halted(case: Case) -> Denial | None:
    """Control 2, for a change of levels: not halted."""
    if case.caps.trading is not Trading.HALTED:
        return None
    return deny(DenialCode.TRADING_HALTED, limit=case.told("trading"))


def collar(case: Case) -> Denial | None:
    """Control 3: no price that the intent names is more than N % from the quote."""
    intent = case.intent
    for field, price in (
        ("price", intent.price),
        ("stop_limit_price", intent.stop_limit_price),
    ):
        if not price:
            continue
        quoted = case.symbol.points(case.quote)
        away = abs(case.symbol.points(price) - quoted) * 100
        if not away <= case.caps.price_collar_percent * quoted + 1e-6:
            return deny(
                DenialCode.PRICE_COLLAR,
                field=field,
                price=price,
                percent=f"{away / quoted:.4g}",
                quote=case.quote,
                limit=case.told("price_collar_percent"),
            )
    return None


def order_value(case: Case) -> Denial | None:
    """Control 4: what the order is worth, in account currency."""
    value = case.held().value_minor
    if case.within(value, case.caps.order_value):
        return None
    return deny(
        DenialCode.ORDER_VALUE_TOO_BIG,
        value=case.money(value),
        limit=case.told("max_order_value"),
    )


def order_volume(case: Case) -> Denial | None:
    """Control 5: how many lots the order has."""
    if case.order.volume_e8 <= case.caps.order_volume_e8:
        return None
    return deny(
        DenialCode.ORDER_VOLUME_TOO_BIG,
        volume=f"{to_lots(case.order.volume_e8):g}",
        limit=case.told("max_order_volume"),
    )


def permission(case: Case) -> Denial | None:
    """Control 9: automatic trading is on and the symbol is on the list."""
    if not case.caps.auto_trading:
        return deny(DenialCode.AUTO_TRADING_OFF, limit=case.told("auto_trading"))
    if not case.caps.permitted:
        return deny(
            DenialCode.SYMBOL_NOT_PERMITTED,
            symbol=case.symbol.name,
            limit=case.told("symbols"),
        )
    return None


def repeats(case: Case) -> Denial | None:
    """Control 10: the same content under another key is held for a while."""
    if not case.caps.repeat_window_ms:
        return None
    until_ms = case.state.recent.get(repeat_fingerprint(case.intent), 0)
    if case.now_ms >= until_ms:
        return None
    return deny(
        DenialCode.DUPLICATE_ORDER,
        seconds=f"{(until_ms - case.now_ms) / 1000:g}",
        limit=case.told("repeat_window_s"),
    )
