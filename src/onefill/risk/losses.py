"""Control 14: the loss of the broker's day, and the drawdown from the highest equity.

A daily loss that was reached stays reached for the rest of the broker's day, whatever the equity
does: whoever is told such a denial records it (`breach_of`).
"""

from __future__ import annotations

from math import inf

from onefill.model.account import AccountState, LossMarks
from onefill.model.market import MarketView
from onefill.risk.caps import Caps
from onefill.risk.case import Case
from onefill.risk.reasons import Denial, DenialCode, deny

#: A part of the smallest unit of money, or of a percent, that is float noise.
_NOISE = 1e-6
_MOST = 1e300
_LIMITS = {
    DenialCode.DAILY_LOSS.value: "max_daily_loss",
    DenialCode.DRAWDOWN.value: "max_drawdown_percent",
}


def watched(caps: Caps) -> bool:
    """Whether losses are limited at all."""
    return caps.daily_loss != inf or caps.drawdown_percent != inf


def marks_at(
    state: AccountState, view: MarketView, day: int, *, day_start: float = 0.0, peak: float = 0.0
) -> LossMarks:
    """The marks after a look at the account on a day of the broker's.

    `day_start` and `peak` are those of somebody who looks more often (0: nobody does). A day's
    start never moves once it is known; without anybody who knew it, it is that of the first look.
    """
    known, equity = state.equity, view.equity if 0 < view.equity < _MOST else 0.0
    start = (known.day_start if day <= known.day else 0.0) or day_start or equity
    return LossMarks(max(day, known.day), start, max(known.peak, peak, equity))


def losses(case: Case) -> Denial | None:
    """Nothing is opened where the day's loss or the drawdown has reached its limit."""
    if not watched(case.caps):
        return None
    return _known(case) or _daily_loss(case) or _drawdown(case)


def breach_of(code: str, caps: Caps) -> str:
    """What of a limit is recorded as reached on a denial of this code; empty: it is another's."""
    if code not in _LIMITS:
        return ""
    most = caps.daily_loss if code == DenialCode.DAILY_LOSS.value else caps.drawdown_percent
    return f"{_LIMITS[code]} = {most:.10g}"


def _known(case: Case) -> Denial | None:
    marks, equity = case.marks, case.view.equity
    # Written so that NaN does not pass.
    if marks.day_start > 0 and marks.peak > 0 and -_MOST < equity < _MOST:
        return None
    name = "max_daily_loss" if case.caps.daily_loss != inf else "max_drawdown_percent"
    return deny(DenialCode.EQUITY_UNKNOWN, limit=case.told(name))


def _daily_loss(case: Case) -> Denial | None:
    most, lost = case.caps.daily_loss, case.marks.day_start - case.view.equity
    if most == inf or (lost < most - _NOISE and not _reached(case, DenialCode.DAILY_LOSS)):
        return None
    return deny(
        DenialCode.DAILY_LOSS,
        value=case.money(lost * case.scale),
        limit=case.told("max_daily_loss"),
    )


def _drawdown(case: Case) -> Denial | None:
    most, peak = case.caps.drawdown_percent, case.marks.peak
    percent = (peak - case.view.equity) / peak * 100
    if most == inf or percent < most - _NOISE:
        return None
    return deny(
        DenialCode.DRAWDOWN, percent=f"{percent:.4g}", limit=case.told("max_drawdown_percent")
    )


def _reached(case: Case, code: DenialCode) -> bool:
    breached = case.state.breached
    return bool(breached) and breached.get(breach_of(code, case.caps)) == case.marks.day
