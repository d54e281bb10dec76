"""A symbol's past: its ticks between two times, and the bars that they make.

Ticks that were loaded are handed out as they lie in memory; what is folded of them is kept by the
half hour only, so that ten million ticks stay their own size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from onefill.terminal.simulator.quotes.rows import (
    HALF_HOUR_MS,
    NO_ROWS,
    Columns,
    Rows,
    fold_ticks,
)
from onefill.terminal.simulator.ticks import TickSeries

#: Ticks folded at a time: what that takes for a moment stays small.
_AT_ONCE = 1 << 20
NEVER_MS = 2**62
"""When a symbol's first tick comes that has none."""


class TickHistory(Protocol):
    """All ticks that a symbol ever had or will have; who asks does not ask beyond the present."""

    @property
    def first_ms(self) -> int:
        """No tick comes before it."""
        ...

    def between(self, from_ms: int, to_ms: int) -> Iterator[Columns]:
        """Ticks with `from_ms` <= time <= `to_ms`, in pieces, oldest first; none is empty."""
        ...

    def quote_before(self, at_ms: int) -> tuple[int, int]:
        """Bid and ask of the last tick before a time, in points; zeros where there is none."""
        ...

    def rows(self, unit_ms: int, begin_ms: int, end_ms: int) -> Rows:
        """Bars of a minute or of half an hour (`unit_ms`) that begin in [`begin_ms`, `end_ms`),
        both multiples of it; all of their ticks are counted."""
        ...


class LoadedTicks:
    """The past of a series."""

    def __init__(self, series: TickSeries) -> None:
        self._ticks = Columns(series.time_ms, series.bid, series.ask)
        self._half_hours: Rows | None = None

    @property
    def first_ms(self) -> int:
        """No tick comes before it."""
        return int(self._ticks.time_ms[0]) if len(self._ticks.time_ms) else NEVER_MS

    def between(self, from_ms: int, to_ms: int) -> Iterator[Columns]:
        """One piece, without a copy."""
        begin, end = self._place(from_ms), self._place(to_ms + 1)
        if begin < end:
            yield self._ticks.cut(begin, end)

    def quote_before(self, at_ms: int) -> tuple[int, int]:
        """Bid and ask of the last tick before a time."""
        place = self._place(at_ms) - 1
        return (int(self._ticks.bid[place]), int(self._ticks.ask[place])) if place >= 0 else (0, 0)

    def rows(self, unit_ms: int, begin_ms: int, end_ms: int) -> Rows:
        """Bars of a minute or of half an hour."""
        if unit_ms != HALF_HOUR_MS:
            return self._folded(unit_ms, self._place(begin_ms), self._place(end_ms))
        if self._half_hours is None:
            self._half_hours = self._folded(unit_ms, 0, len(self._ticks.time_ms))
        begins = self._half_hours["begin_ms"]
        first, last = np.searchsorted(begins, [begin_ms, end_ms])
        return self._half_hours[first:last]

    def _place(self, at_ms: int) -> int:
        return int(np.searchsorted(self._ticks.time_ms, at_ms))

    def _folded(self, unit_ms: int, begin: int, end: int) -> Rows:
        parts, times = [], self._ticks.time_ms
        while begin < end:
            until = begin + _AT_ONCE
            if until < end:  # to the end of a bar
                until = self._place((int(times[until]) // unit_ms + 1) * unit_ms)
            until = min(until, end)
            parts.append(fold_ticks(self._ticks.cut(begin, until), unit_ms))
            begin = until
        return np.concatenate(parts) if parts else NO_ROWS
