"""The review: every pre-trade control in order; what passes them all is approved and reserved for.

A new control is a function of a case and a row in `CONTROLS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from onefill.model.account import AccountState, LossMarks
from onefill.model.intent import Action, OrderIntent
from onefill.model.market import MarketView
from onefill.model.resolved import ResolvedOrder
from onefill.model.symbol import Symbol
from onefill.risk import (
    controls,
    losses,
    margin,
    quote,
    risk_at_stop,
    symbol_rules,
    throttle,
    totals,
)
from onefill.risk.approved import SEAL, RiskApproved
from onefill.risk.caps import LIMITS, Caps
from onefill.risk.case import Case
from onefill.risk.limits import Limits
from onefill.risk.reasons import Denial, DenialCode, deny
from onefill.risk.repeat import repeat_fingerprint


class Control(NamedTuple):
    """One pre-trade control: its number (design: controls), its check, and what it looks at."""

    number: int
    check: Callable[[Case], Denial | None]
    actions: tuple[Action, ...] = (Action.OPEN,)


CONTROLS: tuple[Control, ...] = (
    Control(9, controls.permission),
    Control(2, controls.trading_state),
    Control(2, controls.not_halted, (Action.MODIFY,)),
    Control(7, throttle.strategy_goes_on),
    Control(6, throttle.message_rate, (Action.OPEN, Action.MODIFY)),
    Control(15, quote.quote),
    Control(15, quote.change_quote, (Action.MODIFY,)),
    Control(16, symbol_rules.open_rules),
    Control(16, symbol_rules.change_rules, (Action.MODIFY,)),
    Control(16, symbol_rules.close_rules, (Action.CLOSE,)),
    Control(3, controls.collar, (Action.OPEN, Action.MODIFY)),
    Control(5, controls.order_volume),
    Control(4, controls.order_value),
    Control(17, totals.counts),
    Control(12, totals.position_limits),
    Control(11, totals.exposure),
    Control(14, losses.losses),
    Control(8, margin.margin_at_once),
    Control(13, margin.level_at_once),
    Control(23, risk_at_stop.risk_per_trade),
    Control(23, risk_at_stop.risk_of_change, (Action.MODIFY,)),
    Control(10, controls.repeats),
    Control(7, throttle.orders_alike),
)
"""In the order in which they are looked at. Control 8, that limits count at once, is in all sums:
what is approved is reserved in the very commit that accepts it, and counts from there. What
counts orders alike is last: an order that is denied is none of them."""

_CHECKS = {
    action: tuple(control.check for control in CONTROLS if action in control.actions)
    for action in Action
}
#: Limits without which an action is denied. Closes and cancels need none.
_NEEDED = {
    Action.OPEN: frozenset(LIMITS),
    Action.MODIFY: frozenset({"trading", "price_collar_percent", "risk_per_trade_percent"}),
}


def review(
    intent: OrderIntent,
    order: ResolvedOrder,
    symbol: Symbol | None,
    view: MarketView | None,
    state: AccountState,
    limits: Limits,
    now_ms: int,
    marks: LossMarks,
) -> RiskApproved[OrderIntent] | Denial:
    """Approve an intent, with what must be reserved in the commit that accepts it, or deny it.

    Symbol and view may be missing only where no symbol is meant. `marks` are asked for only where
    losses are limited (`losses.watched`). Between this and that commit nothing else may change
    `state`: so approving and reserving are one.
    """
    checks = _CHECKS[order.action]
    caps = limits.caps(intent.magic, order.symbol)
    window_ms = throttle.message_window_ms(order.action, caps)
    if not checks:
        return RiskApproved(intent, None, b"", 0, SEAL, message_window_ms=window_ms)
    assert symbol is not None
    assert view is not None
    if caps.missing and (refused := not_set(order.action, limits, caps)) is not None:
        return refused
    case = Case(intent, order, symbol, view, state, limits, caps, now_ms, marks)
    for check in checks:
        denial = check(case)
        if denial is not None:
            return denial
    if order.action is not Action.OPEN:
        return RiskApproved(intent, None, b"", 0, SEAL, message_window_ms=window_ms)
    repeat = repeat_fingerprint(intent) if caps.repeat_window_ms else b""
    return RiskApproved(
        intent,
        case.held(),
        repeat,
        caps.repeat_window_ms,
        SEAL,
        message_window_ms=window_ms,
        alike_window_ms=throttle.alike_window_ms(order.action, caps),
    )


def not_set(action: Action, limits: Limits, caps: Caps) -> Denial | None:
    """Fail closed: a limit that is set nowhere denies what it would have judged."""
    needed = _NEEDED.get(action, frozenset())
    names = tuple(name for name in caps.missing if name in needed)
    if not names:
        return None
    return deny(DenialCode.LIMIT_NOT_SET, names=limits.told_missing(names))
