"""Control 15: the quote on which an order is judged exists, is sane, and is fresh."""

from __future__ import annotations

from onefill.model.market import MarketView
from onefill.model.symbol import Symbol
from onefill.risk.caps import Caps
from onefill.risk.case import Case
from onefill.risk.limits import Limits
from onefill.risk.reasons import Denial, DenialCode, deny

_MOST = 1e300


def sane_quote(symbol: Symbol, view: MarketView) -> Denial | None:
    """Refuses a quote that is none yet, zero, infinite, not a number, or crossed."""
    bid, ask = view.bid, view.ask
    # Written so that NaN, for which every comparison is false, does not pass.
    if view.quote_ms > 0 and 0 < bid <= ask < _MOST:
        return None
    if view.quote_ms <= 0:
        return deny(DenialCode.NO_QUOTE, symbol=symbol.name)
    code = DenialCode.QUOTE_CROSSED if 0 < ask < bid < _MOST else DenialCode.QUOTE_INVALID
    return deny(code, symbol=symbol.name, bid=bid, ask=ask)


def fresh_quote(
    symbol: Symbol, view: MarketView, limits: Limits, caps: Caps, now_ms: int
) -> Denial | None:
    """Refuses a quote older than `max_quote_age_s`."""
    age_ms = now_ms - view.quote_ms
    if age_ms <= caps.quote_age_ms:
        return None
    limit = limits.told("max_quote_age_s", caps.magic, caps.symbol)
    return deny(DenialCode.QUOTE_STALE, symbol=symbol.name, age=f"{age_ms / 1000:g}", limit=limit)


def quote(case: Case) -> Denial | None:
    """Control 15 for an opening order: sane, fresh, and worth something in account currency."""
    view = case.view
    refused = sane_quote(case.symbol, view) or fresh_quote(
        case.symbol, view, case.limits, case.caps, case.now_ms
    )
    if refused is not None:
        return refused
    if 0 < view.point_value < _MOST and 0 <= view.margin_per_lot < _MOST:
        return None
    return deny(
        DenialCode.VALUE_UNKNOWN,
        symbol=case.symbol.name,
        currency=view.currency,
        what=f"a point {view.point_value:g}, margin of a lot {view.margin_per_lot:g}",
    )


def change_quote(case: Case) -> Denial | None:
    """Control 15 for a change of levels: the quote need only be sane."""
    return sane_quote(case.symbol, case.view)
