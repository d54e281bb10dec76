"""MT5's bars: 21 timeframes on the server's clock, down to the unfinished one.

A bar opens with its first tick's bid and none is empty. Minutes and hours are aligned to the
server's day, weeks begin on Sunday, months on their first day. Where the server's clock goes back
an hour, bars go on from where they were: none opens twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.quotes.history import NEVER_MS, TickHistory
from onefill.terminal.simulator.quotes.rows import (
    DAY_MS,
    HALF_HOUR_MS,
    MINUTE_MS,
    NO_ROWS,
    Rows,
    fold_rows,
    fold_ticks,
)
from onefill.terminal.zone import ServerTime

HOUR_MS = 60 * MINUTE_MS
DAILY, WEEKLY, MONTHLY = 16408, 32769, 49153
SPANS_MS: dict[int, int] = {
    **{minutes: minutes * MINUTE_MS for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{16384 + hours: hours * HOUR_MS for hours in (1, 2, 3, 4, 6, 8, 12, 24)},
    WEEKLY: 7 * DAY_MS,
    MONTHLY: 31 * DAY_MS,
}
"""How long a bar of each of MT5's timeframes is, at most."""

#: Clocks change by no more.
_CHANGE_MS = 2 * HOUR_MS
#: 1970-01-04 was a Sunday.
_SUNDAY_DAYS = 3


def opening_times(timeframe: int, server_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """When the bar opens that holds each server time (ms)."""
    if timeframe == MONTHLY:
        months = server_ms.astype("datetime64[ms]").astype("datetime64[M]")
        opens: NDArray[np.int64] = months.astype("datetime64[ms]").astype(np.int64)
        return opens
    span_ms, shift_ms = SPANS_MS[timeframe], 0
    if timeframe == WEEKLY:
        shift_ms = _SUNDAY_DAYS * DAY_MS
    begins: NDArray[np.int64] = (server_ms - shift_ms) // span_ms * span_ms + shift_ms
    return begins


def opening_time(timeframe: int, server_ms: int) -> int:
    """When the bar opens that holds a server time (ms)."""
    return int(opening_times(timeframe, np.array([server_ms], np.int64))[0])


def clock_of_bars(clock: ServerTime, utc_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """The server's clock, which for bars stands still where it would go back."""
    server = clock.server_column(utc_ms)
    changes, offsets = clock.zone.changes_ms, clock.zone.offsets_ms
    if not len(changes):
        return server
    places = np.searchsorted(changes, utc_ms, side="right")
    before = np.maximum(places - 1, 0)
    back = offsets[before] - offsets[before + 1]
    stands = (places > 0) & (utc_ms - changes[before] < back)
    if stands.any():
        server[stands] = (changes[before] + offsets[before] - 1)[stands]
    return server


def bars_between(
    history: TickHistory,
    clock: ServerTime,
    timeframe: int,
    opens_ms: tuple[int, int],
    now_ms: int,
) -> Rows:
    """The bars that open from `opens_ms[0]` to `opens_ms[1]`, both included, as they stand at
    `now_ms` (UTC); their times are the server's, in ms."""
    first_ms, last_ms = opens_ms
    if history.first_ms > now_ms or last_ms < first_ms:
        return NO_ROWS
    begin_ms = _utc_ms(clock, opening_time(timeframe, first_ms)) - _CHANGE_MS
    begin_ms = max(begin_ms, history.first_ms) // HALF_HOUR_MS * HALF_HOUR_MS
    end_ms = _utc_ms(clock, last_ms) + SPANS_MS[timeframe] + _CHANGE_MS
    rows = _fine(history, _unit_ms(clock, timeframe), begin_ms, min(end_ms, now_ms))
    if not len(rows):
        return NO_ROWS
    opens = opening_times(timeframe, clock_of_bars(clock, rows["begin_ms"]))
    inside = slice(*np.searchsorted(opens, [first_ms, last_ms + 1]))
    return fold_rows(rows[inside], opens[inside])


def last_bars(
    history: TickHistory, clock: ServerTime, timeframe: int, count: int, upto_ms: int, now_ms: int
) -> Rows:
    """The last `count` bars that open at or before `upto_ms` (server time), oldest first."""
    upto_ms = min(upto_ms, clock.server_ms(now_ms) + _CHANGE_MS)
    if history.first_ms == NEVER_MS:
        return NO_ROWS
    start_ms = opening_time(timeframe, clock.server_ms(history.first_ms) - _CHANGE_MS)
    span_ms = count * SPANS_MS[timeframe] * 3 // 2 + _CHANGE_MS
    while True:
        from_ms = max(upto_ms - span_ms, start_ms)
        found = bars_between(history, clock, timeframe, (from_ms, upto_ms), now_ms)
        if len(found) >= count or from_ms <= start_ms:
            return found[-count:]
        span_ms *= 4


def _unit_ms(clock: ServerTime, timeframe: int) -> int:
    """What the bars are folded from."""
    whole = SPANS_MS[timeframe] % HALF_HOUR_MS == 0
    return HALF_HOUR_MS if whole and not (clock.zone.offsets_ms % HALF_HOUR_MS).any() else MINUTE_MS


def _fine(history: TickHistory, unit_ms: int, begin_ms: int, until_ms: int) -> Rows:
    """Half hours (where those will do), then minutes, then what there is of the last minute."""
    minute_ms = (until_ms + 1) // MINUTE_MS * MINUTE_MS
    unit_end_ms = max(minute_ms // unit_ms * unit_ms, begin_ms)
    parts = [
        history.rows(unit_ms, begin_ms, unit_end_ms),
        history.rows(MINUTE_MS, unit_end_ms, max(minute_ms, unit_end_ms)),
        *[
            fold_ticks(piece, MINUTE_MS)
            for piece in history.between(max(minute_ms, begin_ms), until_ms)
        ],
    ]
    return np.concatenate(parts)


def _utc_ms(clock: ServerTime, server_ms: int) -> int:
    return clock.utc_ms(max(server_ms, 1))
