"""The market as it unrolls: each symbol's quotes, how far they have come, and what is touched next.

A touch is a tick whose bid or ask reaches a level that something waits at. Ticks that touch nothing
cost next to nothing: a window of them is compared at once, and whole blocks of them are skipped by
their extremes. A symbol that nobody looks at costs nothing: its feed follows the market's position
only when it is asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.quotes.history import LoadedTicks, TickHistory
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


class Position:
    """How far a market has come: to a time, of whose millisecond only the first symbols' ticks may
    have come yet."""

    __slots__ = ("_all_ms", "_first", "_now_ms", "moves")

    def __init__(self) -> None:
        #: Counts the moves, so that a feed sees whether it has to look again.
        self.moves = 0
        self._now_ms = self._all_ms = 0
        self._first = 0

    def move(self, now_ms: int) -> None:
        """All ticks up to a time have come."""
        if now_ms >= self._now_ms:
            self._now_ms = self._all_ms = now_ms
            self.moves += 1

    def move_to_tick(self, now_ms: int, order: int) -> None:
        """All ticks before `now_ms` have come, and in it those of the symbols up to `order`."""
        if now_ms < self._now_ms:
            return
        self._first = max(order, self._first) if now_ms == self._now_ms else order
        self._now_ms = now_ms
        self._all_ms = max(self._all_ms, now_ms - 1)
        self.moves += 1

    def seen_ms(self, order: int) -> int:
        """Up to when a symbol's ticks have come."""
        return self._now_ms if order <= self._first else self._all_ms


class Feed(ABC):
    """One symbol's quotes, and which of them is in force at the market's position.

    A tick's `place` is a whole number that rises with time; what comes before the first is -1.
    """

    #: The symbol's past, as `copy_ticks_*` and `copy_rates_*` tell it.
    history: TickHistory

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        #: Of symbols whose ticks come in one millisecond, the lower one's comes first.
        self.order = 0
        self._position = Position()
        self._moves = 0
        self._place = -1

    def follow(self, position: Position, order: int) -> None:
        """Take part in a market."""
        self._position, self._moves, self.order = position, -1, order

    @property
    def place(self) -> int:
        """The place of the quote in force (-1: none has come yet)."""
        if self._moves != self._position.moves:
            self._catch_up()
        return self._place

    def _catch_up(self) -> None:
        """Find the quote in force at the position that the market has moved to."""
        position = self._position
        self._moves = position.moves
        self._place = self._last(self._place, position.seen_ms(self.order))

    def place_at(self, now_ms: int) -> int:
        """The place of the last tick at or before a time, not before the quote in force."""
        return self._last(self.place, now_ms)

    @property
    @abstractmethod
    def bid(self) -> int:
        """Points; there must be a quote."""

    @property
    @abstractmethod
    def ask(self) -> int:
        """Points; there must be a quote."""

    @property
    @abstractmethod
    def time_ms(self) -> int:
        """When the quote in force came; 0: none has come."""

    @abstractmethod
    def time_at(self, place: int) -> int:
        """When the tick at a place comes."""

    @abstractmethod
    def first_touch(self, begin: int, end: int, levels: Levels) -> int:
        """The first place in [begin, end) that touches a level; `end` where none does."""

    @abstractmethod
    def _last(self, place: int, now_ms: int) -> int:
        """The place of the last tick at or before a time, `place` at the earliest."""


class LoadedFeed(Feed):
    """Quotes that were loaded; a place is an index."""

    def __init__(self, series: TickSeries) -> None:
        super().__init__(series.symbol)
        self.count = len(series)
        self._bid = np.ascontiguousarray(series.bid)
        self._ask = np.ascontiguousarray(series.ask)
        # One number out of a memoryview costs half of what it costs out of an array.
        self._times = np.ascontiguousarray(series.time_ms).data
        self._bids = self._bid.data
        self._asks = self._ask.data
        self._extremes: tuple[NDArray[np.int32], ...] | None = None
        self.history: TickHistory = LoadedTicks(series)

    @property
    def bid(self) -> int:
        """Points; there must be a quote."""
        if self._moves != self._position.moves:  # `place`, without a call
            self._catch_up()
        return self._bids[self._place]

    @property
    def ask(self) -> int:
        """Points; there must be a quote."""
        if self._moves != self._position.moves:  # `place`, without a call
            self._catch_up()
        return self._asks[self._place]

    @property
    def time_ms(self) -> int:
        """When the quote in force came; 0: none has come."""
        place = self.place
        return self._times[place] if place >= 0 else 0

    def time_at(self, place: int) -> int:
        """When the tick at a place comes."""
        return self._times[place]

    def _last(self, place: int, now_ms: int) -> int:
        times, low = self._times, place + 1
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
                found = first_of(self._bid[begin:until], self._ask[begin:until], levels)
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


def first_of(bid: NDArray[np.int32], ask: NDArray[np.int32], levels: Levels) -> int:
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


class FeedMaker(Protocol):
    """Where a symbol's quotes come from if not out of a series."""

    @property
    def begins_ms(self) -> int:
        """When the account may open on it, Unix ms."""
        ...

    def feed(self) -> Feed:
        """A feed that stands before its first tick."""
        ...


Quotes = Mapping[str, TickSeries | FeedMaker]
"""What a market is made of, by symbol."""


class Market:
    """All symbols' quotes, in the order in which ticks of one millisecond follow each other."""

    def __init__(self, quotes: Quotes) -> None:
        self._position = Position()
        self.feeds: dict[str, Feed] = {}
        for order, (name, one) in enumerate(quotes.items()):
            feed = LoadedFeed(one) if isinstance(one, TickSeries) else one.feed()
            feed.follow(self._position, order)
            self.feeds[name] = feed

    def move(self, now_ms: int) -> None:
        """Every symbol's quote in force at a time."""
        self._position.move(now_ms)

    def move_to_tick(self, feed: Feed, place: int) -> None:
        """The quotes in force on one tick: of symbols that come after it in the same millisecond,
        the ones before."""
        self._position.move_to_tick(feed.time_at(place), feed.order)
