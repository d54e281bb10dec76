"""Stage 1's checks, right before sending: what was stopped since the review, the market, the quote,
the spread, the margin and the losses."""

from __future__ import annotations

from onefill.model.account import AccountState, LossMarks
from onefill.model.intent import Action
from onefill.model.market import MarketView
from onefill.model.order import OrderState
from onefill.model.symbol import Symbol
from onefill.risk.case import Case
from onefill.risk.limits import Limits
from onefill.risk.losses import losses
from onefill.risk.margin import margin_when_sending
from onefill.risk.quote import quote, sane_quote
from onefill.risk.reasons import Denial, DenialCode, deny
from onefill.risk.review import not_set
from onefill.risk.symbol_rules import tradable
from onefill.risk.throttle import strategy_goes_on


def validate(
    order: OrderState,
    symbol: Symbol,
    view: MarketView,
    limits: Limits,
    state: AccountState,
    now_ms: int,
    marks: LossMarks,
) -> Denial | None:
    """Whether an accepted order may be sent now; `order` is one of `state`, with its reservation.

    What raises risk needs all of it; a close an open market and a quote; changes and cancels
    nothing more than the review has seen.
    """
    resolved = order.order
    assert resolved is not None
    if resolved.action is Action.CLOSE:
        if not view.session_open:
            return deny(DenialCode.MARKET_CLOSED, symbol=symbol.name)
        return sane_quote(symbol, view)
    if resolved.action is not Action.OPEN:
        return None
    caps = limits.caps(order.intent.magic, symbol.name)
    if caps.missing and (refused := not_set(Action.OPEN, limits, caps)) is not None:
        return refused
    case = Case(order.intent, resolved, symbol, view, state, limits, caps, now_ms, marks)
    return (
        strategy_goes_on(case)
        or tradable(case)
        or quote(case)
        or _spread(case)
        or losses(case)
        or margin_when_sending(case, order)
    )


def _spread(case: Case) -> Denial | None:
    pips = case.symbol.pips_between(case.view.ask, case.view.bid)
    if pips <= case.caps.spread_pips:
        return None
    return deny(
        DenialCode.SPREAD_TOO_WIDE,
        symbol=case.symbol.name,
        pips=f"{pips:g}",
        limit=case.told("max_spread_pips"),
    )
