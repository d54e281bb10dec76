"""The server's day so far: its extremes and what it began with, kept up as ticks come.

Volumes count ticks where deals are not told (`chart_mode` 0), as MT5's brokers do not tell them.
"""

from __future__ import annotations

from typing import NamedTuple

from onefill.terminal.simulator.market import Feed
from onefill.terminal.zone import ServerTime


class DayStatistics(NamedTuple):
    """Points; all 0 where the day has no tick yet, but for `close`."""

    bid_high: int = 0
    bid_low: int = 0
    ask_high: int = 0
    ask_low: int = 0
    #: The day's first bid.
    open: int = 0
    #: The last bid of the days before; 0 where there is none.
    close: int = 0
    ticks: int = 0

    def change(self, bid: int) -> float:
        """Of the day, in per cent; 0 where nothing was before it."""
        return (bid - self.close) / self.close * 100 if self.close else 0.0


class DayWatch:
    """One symbol's day."""

    def __init__(self, feed: Feed, clock: ServerTime) -> None:
        self._feed = feed
        self._clock = clock
        self._begins_ms = self._ends_ms = self._seen_ms = -1
        self._so_far = DayStatistics()

    def at(self, now_ms: int) -> DayStatistics:
        """The day up to a time (Unix ms); times do not fall."""
        if not self._begins_ms <= now_ms < self._ends_ms:
            self._begin(now_ms)
        if now_ms > self._seen_ms:
            self._take(now_ms)
        return self._so_far

    def _begin(self, now_ms: int) -> None:
        clock = self._clock
        day = clock.day_of(now_ms)
        self._begins_ms, self._ends_ms = clock.day_begins_ms(day), clock.day_begins_ms(day + 1)
        self._seen_ms = self._begins_ms - 1
        close, _ = self._feed.history.quote_before(self._begins_ms)
        self._so_far = DayStatistics(close=close)

    def _take(self, now_ms: int) -> None:
        for ticks in self._feed.history.between(self._seen_ms + 1, now_ms):
            bid, ask, so_far = ticks.bid, ticks.ask, self._so_far
            highs, lows = (int(bid.max()), int(ask.max())), (int(bid.min()), int(ask.min()))
            first = so_far.ticks == 0
            self._so_far = DayStatistics(
                bid_high=max(highs[0], so_far.bid_high),
                bid_low=lows[0] if first else min(lows[0], so_far.bid_low),
                ask_high=max(highs[1], so_far.ask_high),
                ask_low=lows[1] if first else min(lows[1], so_far.ask_low),
                open=int(bid[0]) if first else so_far.open,
                close=so_far.close,
                ticks=so_far.ticks + len(bid),
            )
        self._seen_ms = now_ms
