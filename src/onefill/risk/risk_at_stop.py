"""Control 23: what one trade loses if its stop loss is hit, in percent of the equity."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from onefill.risk.case import Case, loss_at_stop
from onefill.risk.reasons import Denial, DenialCode, deny


def risk_per_trade(case: Case) -> Denial | None:
    """For an order that opens: it has a stop loss, and the loss there is within the limit."""
    if case.caps.risk_percent == inf:
        return None
    if not case.order.stop_loss:
        return deny(DenialCode.STOP_LOSS_MISSING, limit=case.told("risk_per_trade_percent"))
    return _judge(case, case.held().risk_minor)


def risk_of_change(case: Case) -> Denial | None:
    """For a change of levels: no loss above the limit, unless it is less than it was."""
    if case.caps.risk_percent == inf:
        return None
    now = _stands(case)
    if now is None:
        return None
    stop = case.order.stop_loss
    entry = case.order.stop_limit_price or case.order.price or now.entry
    if not stop:
        if not now.stop:
            return None
        return deny(DenialCode.STOP_LOSS_MISSING, limit=case.told("risk_per_trade_percent"))
    risk = loss_at_stop(case, entry, stop, case.order.side, now.volume_e8)
    if now.stop:
        was = loss_at_stop(case, now.entry, now.stop, case.order.side, now.volume_e8)
        if risk <= was:
            return None
    return _judge(case, risk)


class _Standing(NamedTuple):
    """The position or working order that a change means, as it is now."""

    entry: float
    stop: float
    volume_e8: int


def _stands(case: Case) -> _Standing | None:
    order, state = case.order, case.state
    if order.position_ticket:
        position = state.positions.get(order.position_ticket)
        if position is None:
            return None
        return _Standing(position.price, position.stop_loss, position.volume_e8)
    working = state.orders.get(state.tickets.get(order.order_ticket, ""))
    if working is None or working.order is None:
        return None
    now = working.order
    return _Standing(now.stop_limit_price or now.price, now.stop_loss, now.volume_e8)


def _judge(case: Case, risk_minor: int) -> Denial | None:
    equity, view = case.view.equity, case.view
    if case.within(risk_minor, equity * case.caps.risk_percent / 100):
        return None
    share = risk_minor / case.scale / equity * 100 if equity > 0 else inf
    return deny(
        DenialCode.RISK_TOO_BIG,
        value=case.money(risk_minor),
        percent=f"{share:.4g}",
        equity=f"{equity:.{view.currency_digits}f} {view.currency}",
        limit=case.told("risk_per_trade_percent"),
    )
