"""When equity could next fall so far that the broker stops the account out, without looking at it
on every tick.

Around the quotes in force there is a band for every feed that decides what the positions are worth.
While all quotes stay within their bands equity cannot have lost more than there is room for, so
the ticks in them are skipped by the same search that finds touched levels. A tick that leaves its
band is one at which equity is looked at.
"""

from __future__ import annotations

from collections.abc import Callable

from onefill.terminal.simulator.contract import COLLATERAL
from onefill.terminal.simulator.market import NEVER_HIGH, Feed, Levels
from onefill.terminal.simulator.valuation import Rate, Valuation

#: The widest band, as a share of the quote.
_WIDEST = 1 / 16
#: Money of a point is reckoned for so many lots (1e-8), so that it is not lost in rounding.
_MANY_E8 = 10**20
_EVERY_TICK = Levels(bid_low=NEVER_HIGH)


class _Band:
    """One feed's ticks that need no look."""

    def __init__(self, feed: Feed, share: float) -> None:
        self.feed = feed
        self.levels = _EVERY_TICK
        if share > 0.0:
            bid, ask = feed.bid, feed.ask
            of_bid, of_ask = int(bid * share) + 1, int(ask * share) + 1
            self.levels = Levels(bid - of_bid, bid + of_bid, ask - of_ask, ask + of_ask)
        self._clear = -1

    def next_ms(self, limit_ms: int) -> int | None:
        """When a tick first leaves the band, at a time at the latest."""
        feed = self.feed
        end = feed.place_at(limit_ms) + 1
        begin = max(self._clear, feed.place) + 1
        if begin >= end:
            return None
        found = feed.first_touch(begin, end, self.levels)
        self._clear = found - 1
        return feed.time_at(found) if found < end else None

    def holds(self) -> bool:
        """Whether the quote in force lies in the band."""
        bid_low, bid_high, ask_low, ask_high = self.levels
        return bid_low < self.feed.bid < bid_high and ask_low < self.feed.ask < ask_high


class _Open:
    """One symbol's open positions: their volume, and volume times price (points)."""

    def __init__(self, valuation: Valuation) -> None:
        self.valuation = valuation
        self._rows: dict[int, tuple[int, int]] = {}
        self.volume_e8 = self.cost = 0

    def put(self, ticket: int, volume_e8: int, opened: Rate) -> int:
        """Take a position in, or its new volume; how many there are."""
        volume, cost = self._rows.pop(ticket, (0, 0))
        self.volume_e8 -= volume
        self.cost -= cost
        if volume_e8:
            cost = volume_e8 * -(-opened[0] // opened[1])
            self._rows[ticket] = (volume_e8, cost)
            self.volume_e8 += volume_e8
            self.cost += cost
        return len(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def weight(self) -> tuple[float, int]:
        """Money (minor units) that the positions would move by, were their prices and their costs
        to change by as much as they are; and over how many quotes it is converted."""
        valuation = self.valuation
        close = max(valuation.feed.bid, valuation.feed.ask)
        opened = (close + 1, 1)
        of_point = max(abs(valuation.profit(sign, _MANY_E8, opened, close)) + 1 for sign in (1, -1))
        weight = (self.volume_e8 * close + self.cost) / _MANY_E8 * of_point
        if valuation.specification.calculation == COLLATERAL:
            weight += valuation.assets(self.volume_e8) + 1
        return weight, len(valuation.converted_through)


class MarginWatch:
    """The open positions as far as they decide when equity must be looked at."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._bands: list[_Band] | None = None
        self._feeds: dict[str, Feed] | None = None

    def put(
        self, symbol: str, valuation: Valuation, ticket: int, volume_e8: int, opened: Rate
    ) -> None:
        """Take a position in, or its new volume and price; volume 0 takes it out."""
        one = self._open.get(symbol)
        if one is None:
            one = self._open[symbol] = _Open(valuation)
            self._feeds = None
        if not one.put(ticket, volume_e8, opened):
            del self._open[symbol]
            self._feeds = None
        self._bands = None

    def forget(self) -> None:
        """Equity changed otherwise than by a quote."""
        self._bands = None

    def settle(self) -> None:
        """Equity was looked at, and there is room: where a quote has left its band, begin anew."""
        if self._bands is not None and not all(band.holds() for band in self._bands):
            self._bands = None

    def feeds(self) -> dict[str, Feed]:
        """The symbols whose ticks change what the positions are worth."""
        if self._feeds is None:
            self._feeds = {}
            for one in self._open.values():
                for feed in (one.valuation.feed, *one.valuation.converted_through):
                    self._feeds[feed.symbol] = feed
        return self._feeds

    def next_ms(self, limit_ms: int, room: Callable[[], int]) -> int | None:
        """When equity must be looked at next, at a time at the latest. `room`: how much it may
        lose (minor units) before there is a stop-out; 0 or less: there is one already."""
        if not self._open:
            return None
        if self._bands is None:
            feeds = self.feeds().values()
            if not any(feed.place_at(limit_ms) > feed.place for feed in feeds):
                return None
            self._bands = self._drawn(room())
        found: int | None = None
        for band in self._bands:
            at_ms = band.next_ms(limit_ms)
            if at_ms is not None:
                found = limit_ms = at_ms
        return found

    def _drawn(self, room: int) -> list[_Band]:
        weights = [one.weight() for one in self._open.values()]
        # Each profit is rounded, then and now.
        share = _share(weights, room - sum(map(len, self._open.values())))
        return [_Band(feed, share) for feed in self.feeds().values()]


def _share(weights: list[tuple[float, int]], room: int) -> float:
    """By which share of itself every quote may change, so that less than `room` is lost; 0: none.

    Of a profit v*(c - o)*R, with the close c and the rate R through n quotes (or through c itself,
    R = 1/c) each changed by up to a share s: the change of c makes at most v*R*c*s (v*R*o*s where
    it is the rate) times the growth of R, and R grows or falls by ((1 + s)/(1 - s))**n at most.
    """
    total = sum([weight * (1 + 2 * legs) for weight, legs in weights])
    if room <= 1:
        return 0.0
    share = _WIDEST if total <= 0.0 else min(_WIDEST, room / total)
    while _most(weights, share) >= room - 1:
        share *= 0.75
    return share * 0.999_999


def _most(weights: list[tuple[float, int]], share: float) -> float:
    """The most that can be lost where quotes change by up to a share."""
    lost = 0.0
    for weight, legs in weights:
        grown = ((1 + share) / (1 - share)) ** legs
        lost += weight * (share * grown / (1 - share) + grown - 1)
    return lost
