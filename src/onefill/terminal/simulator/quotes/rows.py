"""Bars in whole points on UTC: folded from ticks, and from finer bars, a column at once.

A row is a bar that has ticks. Its spread is the smallest of its ticks; its prices are bids.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MINUTE_MS = 60_000
HALF_HOUR_MS = 30 * MINUTE_MS
DAY_MS = 86_400_000

ROW = np.dtype(
    [
        ("begin_ms", np.int64),
        ("volume", np.int64),
        ("open", np.int32),
        ("high", np.int32),
        ("low", np.int32),
        ("close", np.int32),
        ("spread", np.int32),
    ]
)
"""When a bar begins (Unix ms), its count of ticks, its bids and its smallest spread in points."""

Rows = NDArray[np.void]
NO_ROWS: Rows = np.empty(0, ROW)
NO_ROWS.setflags(write=False)


class Columns(NamedTuple):
    """Ticks in strictly rising time: Unix ms, points."""

    time_ms: NDArray[np.int64]
    bid: NDArray[np.int32]
    ask: NDArray[np.int32]

    def cut(self, begin: int, end: int) -> Columns:
        """Those from a place up to another, without a copy."""
        return Columns(self.time_ms[begin:end], self.bid[begin:end], self.ask[begin:end])


def fold_ticks(ticks: Columns, unit_ms: int) -> Rows:
    """The bars of `unit_ms` that ticks make."""
    if not len(ticks.time_ms):
        return NO_ROWS
    units = ticks.time_ms // unit_ms
    starts = _starts(units)
    rows = np.empty(len(starts), ROW)
    rows["begin_ms"] = units[starts] * unit_ms
    ends = np.append(starts[1:], len(units))
    rows["volume"] = ends - starts
    rows["open"] = ticks.bid[starts]
    rows["close"] = ticks.bid[ends - 1]
    rows["high"] = np.maximum.reduceat(ticks.bid, starts)
    rows["low"] = np.minimum.reduceat(ticks.bid, starts)
    rows["spread"] = np.minimum.reduceat(ticks.ask - ticks.bid, starts)
    return rows


def fold_rows(rows: Rows, opens: NDArray[np.int64]) -> Rows:
    """Bars of bars: those with one opening time (`opens`, never falling) become one, which begins
    then."""
    if not len(rows):
        return NO_ROWS
    starts = _starts(opens)
    folded = np.empty(len(starts), ROW)
    folded["begin_ms"] = opens[starts]
    folded["open"] = rows["open"][starts]
    folded["close"] = rows["close"][np.append(starts[1:], len(rows)) - 1]
    folded["volume"] = np.add.reduceat(rows["volume"], starts)
    folded["high"] = np.maximum.reduceat(rows["high"], starts)
    folded["low"] = np.minimum.reduceat(rows["low"], starts)
    folded["spread"] = np.minimum.reduceat(rows["spread"], starts)
    return folded


def _starts(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a new key begins."""
    changed = np.flatnonzero(keys[1:] != keys[:-1])
    return np.concatenate([np.zeros(1, np.int64), changed + 1])
