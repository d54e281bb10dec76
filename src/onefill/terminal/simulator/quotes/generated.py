"""A market that is made up where no ticks are loaded: feeds of all symbols that have a price.

A place is a day and an index in it, so that any time's quote is had without the days before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.market import Feed, Levels, first_of
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.quotes.blueprint import blueprints
from onefill.terminal.simulator.quotes.factors import FIRST_DAY
from onefill.terminal.simulator.quotes.generator import Generator, Workshop
from onefill.terminal.simulator.quotes.history import TickHistory
from onefill.terminal.simulator.quotes.rows import (
    DAY_MS,
    HALF_HOUR_MS,
    NO_ROWS,
    Columns,
    Rows,
)
from onefill.terminal.zone import ServerTime, parse_zone

FIRST_MS = FIRST_DAY * DAY_MS
"""2019-01-01: there is no generated quote before it."""
_INDEX_BITS = 24
_INDEX = (1 << _INDEX_BITS) - 1
_FIRST_WINDOW = 64
#: A closed market's last quote is looked for so far back.
_LONGEST_REST_DAYS = 14


@dataclass(frozen=True, slots=True)
class GeneratedQuotes:
    """Makes the feed of one generated symbol."""

    generator: Generator
    #: When the account opens on it, Unix ms.
    begins_ms: int

    def feed(self) -> Feed:
        """A feed that stands before its first tick."""
        return GeneratedFeed(self.generator)


def generated_market(
    profile: Profile, begins_ms: int, *, seed: int | None = None
) -> dict[str, GeneratedQuotes]:
    """Quotes of all of a profile's symbols that have a `generated_price`, or two currencies with
    one. The account opens at `begins_ms` (Unix ms), 2019-01-02 at the earliest; `seed` None: the
    profile's."""
    clock = ServerTime(parse_zone(profile.broker.time_zone))
    plans = blueprints(profile)
    workshop = Workshop(profile.broker.seed if seed is None else seed, clock, len(plans))
    begins_ms = max(begins_ms, FIRST_MS + DAY_MS)
    return {
        name: GeneratedQuotes(Generator(blueprint, workshop), begins_ms)
        for name, blueprint in plans.items()
    }


class GeneratedTicks:
    """The past (and future) of a generated symbol."""

    first_ms = FIRST_MS

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def between(self, from_ms: int, to_ms: int) -> Iterator[Columns]:
        """A piece for each day."""
        from_ms = max(from_ms, FIRST_MS)
        for day in range(from_ms // DAY_MS, to_ms // DAY_MS + 1):
            ticks = self._generator.ticks(day)
            begin, end = np.searchsorted(ticks.time_ms, [from_ms, to_ms + 1])
            if begin < end:
                yield ticks.cut(int(begin), int(end))

    def quote_before(self, at_ms: int) -> tuple[int, int]:
        """Bid and ask of the last tick before a time."""
        for day in _days_back(at_ms // DAY_MS):
            ticks = self._generator.ticks(day)
            index = int(np.searchsorted(ticks.time_ms, at_ms)) - 1
            if index >= 0:
                return int(ticks.bid[index]), int(ticks.ask[index])
        return 0, 0

    def rows(self, unit_ms: int, begin_ms: int, end_ms: int) -> Rows:
        """Bars of a minute or of half an hour."""
        begin_ms = max(begin_ms, FIRST_MS)
        if begin_ms >= end_ms:
            return NO_ROWS
        make = self._generator.half_hours if unit_ms == HALF_HOUR_MS else self._generator.minutes
        days = range(begin_ms // DAY_MS, (end_ms - 1) // DAY_MS + 1)
        parts = [make(day) for day in days]
        parts[-1] = parts[-1][: np.searchsorted(parts[-1]["begin_ms"], end_ms)]
        parts[0] = parts[0][np.searchsorted(parts[0]["begin_ms"], begin_ms) :]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


class GeneratedFeed(Feed):
    """Quotes made up day by day; only the day of the quote in force is held."""

    def __init__(self, generator: Generator) -> None:
        super().__init__(generator.symbol)
        self._generator = generator
        self._day = -1
        self._hold(0)
        self.history: TickHistory = GeneratedTicks(generator)

    def _hold(self, day: int) -> None:
        """Have a day's ticks at hand."""
        ticks = self._generator.ticks(day)
        self._day = day
        self._times, self._bids, self._asks = (column.data for column in ticks)

    def _index(self, place: int) -> int:
        if place >> _INDEX_BITS != self._day:
            self._hold(place >> _INDEX_BITS)
        return place & _INDEX

    @property
    def bid(self) -> int:
        """Points; there must be a quote."""
        index = self._index(self.place)
        return self._bids[index]

    @property
    def ask(self) -> int:
        """Points; there must be a quote."""
        index = self._index(self.place)
        return self._asks[index]

    @property
    def time_ms(self) -> int:
        """When the quote in force came; 0: none has come."""
        place = self.place
        return self.time_at(place) if place >= 0 else 0

    def time_at(self, place: int) -> int:
        """When the tick at a place comes."""
        day = place >> _INDEX_BITS
        if day == self._day:
            return self._times[place & _INDEX]
        return int(self._generator.ticks(day).time_ms[place & _INDEX])

    def first_touch(self, begin: int, end: int, levels: Levels) -> int:
        """The first place in [begin, end) that touches a level; `end` where none does."""
        last_day, last = end >> _INDEX_BITS, end & _INDEX
        begin = max(begin, FIRST_DAY << _INDEX_BITS)
        first = begin & _INDEX
        for day in range(begin >> _INDEX_BITS, last_day + 1):
            if first or self._may_touch(day, levels):
                ticks = self._generator.ticks(day)
                part = slice(first, last if day == last_day else None)
                found = _first(ticks.bid[part], ticks.ask[part], levels)
                if found >= 0:
                    return (day << _INDEX_BITS) + first + found
            first = 0
        return end

    def _may_touch(self, day: int, levels: Levels) -> bool:
        bounds = self._generator.bounds(day)
        return bounds is not None and (
            bounds.bid_low <= levels.bid_low
            or bounds.bid_high >= levels.bid_high
            or bounds.ask_low <= levels.ask_low
            or bounds.ask_high >= levels.ask_high
        )

    def _last(self, place: int, now_ms: int) -> int:
        today = now_ms // DAY_MS
        if today == self._day == place >> _INDEX_BITS:
            behind = bisect_right(self._times, now_ms, (place & _INDEX) + 1)
            return (today << _INDEX_BITS) + behind - 1
        for day in _days_back(now_ms // DAY_MS):
            if day < place >> _INDEX_BITS:
                break
            if day == self._day:
                index = bisect_right(self._times, now_ms) - 1
            else:
                times = self._generator.ticks(day).time_ms
                index = int(np.searchsorted(times, now_ms, "right")) - 1
            if index >= 0:
                return max(place, (day << _INDEX_BITS) + index)
        return place


def _days_back(day: int) -> range:
    """A day and those before it, as far as a closed market's last quote is looked for."""
    return range(day, max(day - _LONGEST_REST_DAYS, FIRST_DAY - 1), -1)


def _first(bid: NDArray[np.int32], ask: NDArray[np.int32], levels: Levels) -> int:
    """The first of some ticks that touches a level, looked for in growing windows; -1 for none."""
    begin, window = 0, _FIRST_WINDOW
    while begin < len(bid):
        part = slice(begin, begin + window)
        found = first_of(bid[part], ask[part], levels)
        if found >= 0:
            return begin + found
        begin, window = begin + window, window * 4
    return -1
