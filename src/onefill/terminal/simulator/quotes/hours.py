"""When a generated symbol is quoted: in its sessions, and (crypto aside) not at weekends; one
without sessions, at any time.

The weekend is that of the currency market: from Friday 21:55 to Sunday 22:05 UTC.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.quotes.blueprint import Blueprint
from onefill.terminal.simulator.quotes.rows import DAY_MS, MINUTE_MS
from onefill.terminal.simulator.sessions import Sessions
from onefill.terminal.zone import ServerTime

_WEEK_MINUTES = 7 * 1_440
#: 1970-01-05 was a Monday.
_MONDAY_MS = 4 * DAY_MS
_CLOSES, _OPENS = 4 * 1_440 + 21 * 60 + 55, 6 * 1_440 + 22 * 60 + 5
_DAY = np.arange(1_440, dtype=np.int64) * MINUTE_MS
#: Around the rollover of 22:00 UTC spreads are wide.
ROLLOVER = slice(21 * 60 + 55, 22 * 60 + 20)


def quoted_minutes(plan: Blueprint, day: int, clock: ServerTime) -> NDArray[np.bool_]:
    """Of each minute of a UTC day, whether there are quotes. Sessions and a symbol's first and last
    day are on the server's clock."""
    minutes = _DAY + day * DAY_MS
    open_ = np.ones(1_440, np.bool_)
    if not plan.all_week:
        week = (minutes - _MONDAY_MS) // MINUTE_MS % _WEEK_MINUTES
        open_ = (week < _CLOSES) | (week >= _OPENS)
    server = clock.server_column(minutes)
    if plan.sessions:
        open_ &= _weekly(plan.sessions)[(server - _MONDAY_MS) // MINUTE_MS % _WEEK_MINUTES]
    if plan.first_day is not None:
        open_ &= server >= plan.first_day * DAY_MS
    if plan.last_day is not None:
        open_ &= server < (plan.last_day + 1) * DAY_MS
    return open_


@lru_cache(maxsize=256)
def _weekly(sessions: tuple[str, ...]) -> NDArray[np.bool_]:
    """Of each minute of the server's week from Monday on, whether it is in a session."""
    hours = Sessions(sessions)
    return np.array(
        [hours.is_open(_MONDAY_MS + minute * MINUTE_MS) for minute in range(_WEEK_MINUTES)]
    )
