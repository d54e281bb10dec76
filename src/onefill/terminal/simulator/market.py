"""The market as it unrolls: each symbol's quotes, how far they have come, and what is touched next.

A touch is a tick whose bid or ask reaches a level that something waits at. Ticks that touch nothing
cost next to nothing: a window of them is compared at once, and whole blocks of them are skipped by
their extremes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.ticks import TickSeries

NEVER_LOW, NEVER_HIGH = -(2**31), 2**31 - 1
"""Levels that no price reaches from above, and from below."""

_BLOCK = 1024
_FIRST_WINDOW = 64
_FIRST_BLOCKS = 64


class Levels(NamedTuple):
    """The nearest levels, in points: touched where bid <= `bid_low`, bid >= `bid_high`,
    ask <= `ask_low` or ask >= `ask_high`."""

    bid_low: int = NEVER_LOW
    bid_high: int = NEVER_HIGH
    ask_low: int = NEVER_LOW
    ask_high: int = NEVER_HIGH


NO_LEVELS = Levels()


class Feed:
    """One symbol's quotes and the place of the quote in force (-1: none has come yet)."""

    def __init__(self, series: TickSeries) -> None:
        self.symbol = series.symbol
        self.count = len(series)
        self.place = -1
        self._bid = np.ascontiguousarray(series.bid)
        self._ask = np.ascontiguousarray(series.ask)
        # One number out of a memoryview costs half of what it costs out of an array.
        self._times = np.ascontiguousarray(series.time_ms).data
        self._bids = self._bid.data
        self._asks = self._ask.data
        self._extremes: tuple[NDArray[np.int32], ...] | None = None

    @property
    def bid(self) -> int:
        """Points; there must be a quote."""
        return self._bids[self.place]

    @property
    def ask(self) -> int:
        """Points; there must be a quote."""
        return self._asks[self.place]

    @property
    def time_ms(self) -> int:
        """When the quote in force came; 0: none has come."""
        return self._times[self.place] if self.place >= 0 else 0

    def time_at(self, place: int) -> int:
        """When the tick at a place comes."""
        return self._times[place]

    def place_at(self, now_ms: int) -> int:
        """The place of the last tick at or before a time, not before the quote in force."""
        times, low = self._times, self.place + 1
        step = 1
        while low < self.count and times[low] <= now_ms:
            high = min(low + step, self.count)
            if high == self.count or times[high] > now_ms:
                return bisect_right(times, now_ms, low + 1, high) - 1
            low, step = high, step * 8
        return low - 1

    def first_touch(self, begin: int, end: int, levels: Levels) -> int:
        """The first place in [begin, end) that touches a level; `end` where none does."""
        while begin < end:
            if begin % _BLOCK == 0 and begin + _BLOCK < end:
                begin = max(begin, self._first_block(begin // _BLOCK, end, levels) * _BLOCK)
            stop = min((begin // _BLOCK + 1) * _BLOCK, end)
            window = _FIRST_WINDOW
            while begin < stop:
                until = min(begin + window, stop)
                found = _first(self._bid[begin:until], self._ask[begin:until], levels)
                if found >= 0:
                    return begin + found
                begin, window = until, window * 4
        return end

    def _first_block(self, block: int, end: int, levels: Levels) -> int:
        """The first block from `block` on that may hold a touch; one at or past `end` where none
        does."""
        if self._extremes is None:
            self._extremes = self._block_extremes()
        low_bid, high_bid, low_ask, high_ask = self._extremes
        last = -(-end // _BLOCK)
        window = _FIRST_BLOCKS
        while block < last:
            part = slice(block, min(block + window, last))
            touched = low_bid[part] <= levels.bid_low
            touched |= high_bid[part] >= levels.bid_high
            touched |= low_ask[part] <= levels.ask_low
            touched |= high_ask[part] >= levels.ask_high
            found = int(touched.argmax())
            if touched[found]:
                return block + found
            block, window = part.stop, window * 4
        return block

    def _block_extremes(self) -> tuple[NDArray[np.int32], ...]:
        starts = np.arange(0, self.count, _BLOCK)
        return (
            np.minimum.reduceat(self._bid, starts),
            np.maximum.reduceat(self._bid, starts),
            np.minimum.reduceat(self._ask, starts),
            np.maximum.reduceat(self._ask, starts),
        )


def _first(bid: NDArray[np.int32], ask: NDArray[np.int32], levels: Levels) -> int:
    """The first place that touches, -1 where none does. Sides without a level are not compared."""
    touched: NDArray[np.bool_] | None = None
    if levels.bid_low != NEVER_LOW:
        touched = bid <= levels.bid_low
    if levels.bid_high != NEVER_HIGH:
        reached = bid >= levels.bid_high
        touched = reached if touched is None else np.logical_or(touched, reached, out=touched)
    if levels.ask_low != NEVER_LOW:
        reached = ask <= levels.ask_low
        touched = reached if touched is None else np.logical_or(touched, reached, out=touched)
    if levels.ask_high != NEVER_HIGH:
        reached = ask >= levels.ask_high
        touched = reached if touched is None else np.logical_or(touched, reached, out=touched)
    if touched is None:
        return -1
    found = int(touched.argmax())
    return found if touched[found] else -1


class Market:
    """All symbols' quotes, in the order in which ticks of one millisecond follow each other."""

    def __init__(self, series: Mapping[str, TickSeries]) -> None:
        self.feeds = {name: Feed(one) for name, one in series.items()}
        self._ordered = tuple(self.feeds.values())

    def move(self, now_ms: int) -> None:
        """Every symbol's quote in force at a time."""
        for feed in self._ordered:
            feed.place = feed.place_at(now_ms)

    def move_to_tick(self, feed: Feed, place: int) -> None:
        """The quotes in force on one tick: of symbols that come after it in the same millisecond,
        the ones before."""
        at_ms = feed.time_at(place)
        for other in self._ordered:
            if other is feed:
                feed.place = place
                at_ms -= 1
            else:
                other.place = other.place_at(at_ms)
