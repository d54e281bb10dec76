"""Controls 13 and 14 from an account's profile: margin level, daily loss, drawdown."""

from __future__ import annotations

from math import inf

from onefill.risk.at_gateway_view import Told
from onefill.risk.caps import Caps
from onefill.risk.limits import Limits
from onefill.risk.reasons import Denial, DenialCode, deny

#: A part of the smallest unit of money that is float noise.
_NOISE = 1e-6


def margin_level(told: Told, caps: Caps, limits: Limits) -> Denial | None:
    """Control 13: the margin level now is not below the floor. What the order itself would need is
    known beside the terminal only, where the control is looked at again."""
    floor = caps.margin_level_percent
    if not floor or told.margin_used <= 0:
        return None
    level = told.equity / told.margin_used * 100
    if level >= floor:
        return None
    limit = limits.told("min_margin_level_percent", caps.magic, caps.symbol)
    return deny(DenialCode.MARGIN_LEVEL_TOO_LOW, level=f"{level:.4g}", would_be="is", limit=limit)


def daily_loss(
    told: Told, caps: Caps, limits: Limits, breached_day: float | None = None
) -> Denial | None:
    """Control 14: equity against the start of the broker's day.

    `breached_day` is the equity with which the day of a breach began: the rest of that day is
    reduce-only, whatever the equity does.
    """
    start = told.day_start_equity
    least, theirs = caps.daily_loss, told.max_daily_loss
    if not start or (least == inf and not theirs):
        return None
    lost = start - told.equity
    own = bool(theirs) and theirs < least
    most = theirs if own else least
    if lost < most - _NOISE and breached_day != start:
        return None
    limit = (
        f"max_daily_loss = {theirs:g} (the account holder's)"
        if own
        else limits.told("max_daily_loss", caps.magic, caps.symbol)
    )
    return deny(DenialCode.DAILY_LOSS, value=f"{lost:.2f} {told.currency}".strip(), limit=limit)


def drawdown(told: Told, caps: Caps, limits: Limits) -> Denial | None:
    """Control 14: equity against its highest ever."""
    peak = told.peak_equity
    least, theirs = caps.drawdown_percent, told.max_drawdown * 100
    if not peak or (least == inf and not theirs):
        return None
    percent = (peak - told.equity) / peak * 100
    own = bool(theirs) and theirs < least
    if percent < (theirs if own else least) - _NOISE:
        return None
    limit = (
        f"max_drawdown = {told.max_drawdown:g} of the highest equity (the account holder's)"
        if own
        else limits.told("max_drawdown_percent", caps.magic, caps.symbol)
    )
    return deny(DenialCode.DRAWDOWN, percent=f"{percent:.4g}", limit=limit)
