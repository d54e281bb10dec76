"""A generated symbol: any day's quotes since 2019, as ticks or only as the bars that they make.

Every ten seconds there is a node, whose quote comes from the factors. A node may have no tick, or
one, or more: those that follow it lie between its bid and the next one's of the same minute, and
their spread is not below its own. So bars are had from the nodes alone, and are those of the ticks.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from onefill.runtime.noise import Noise
from onefill.terminal.simulator.quotes.blueprint import Blueprint, FactorPlan
from onefill.terminal.simulator.quotes.factors import (
    FIRST_DAY,
    NODE_MS,
    NODES,
    NODES_A_MINUTE,
    QUIET,
    Factor,
)
from onefill.terminal.simulator.quotes.hours import ROLLOVER, quoted_minutes
from onefill.terminal.simulator.quotes.rows import (
    DAY_MS,
    HALF_HOUR_MS,
    MINUTE_MS,
    NO_ROWS,
    ROW,
    Columns,
    Rows,
    fold_rows,
)
from onefill.terminal.zone import ServerTime

Made = TypeVar("Made")
NO_TICKS = Columns(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))
#: A node's tick comes so long after it, at most.
_LATE_MS = 1_500
_MOST_POINTS = 2**30
_MINUTES_KEPT, _HALF_HOURS_KEPT = 200, 20_000
#: Ticks of so many days at least; where there are many symbols, of the two days that each symbol's
#: day at the server may span: whoever looks at all of them in turn finds them all.
_DAYS_KEPT, _DAYS_OF_EACH = 24, 2


class Nodes(NamedTuple):
    """The nodes of a day that have a tick. Prices are in steps."""

    #: Which of the day's nodes.
    place: NDArray[np.int64]
    #: Of the node's own tick, Unix ms.
    time_ms: NDArray[np.int64]
    bid: NDArray[np.int64]
    spread: NDArray[np.int64]
    #: Ticks that follow it.
    more: NDArray[np.int64]


class Bounds(NamedTuple):
    """Points that a day's quotes stay within."""

    bid_low: int
    bid_high: int
    ask_low: int
    ask_high: int


class Kept(Generic[Made]):
    """What was made last, of all symbols together: what was not asked for longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, int], Made] = OrderedDict()

    def get(self, key: tuple[str, int]) -> Made | None:
        """What is kept of a symbol's day, or None."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: tuple[str, int], made: Made) -> Made:
        """Keep a symbol's day."""
        self._kept[key] = made
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return made


class Workshop:
    """What the symbols of one generated market share: the factors, and what was made last."""

    def __init__(self, seed: int, clock: ServerTime, symbols: int) -> None:
        """`symbols`: how many share it."""
        self.noise = Noise(seed)
        self.clock = clock
        self.days: Kept[Columns] = Kept(max(_DAYS_KEPT, _DAYS_OF_EACH * symbols))
        self.minutes: Kept[Rows] = Kept(_MINUTES_KEPT)
        self.half_hours: Kept[Rows] = Kept(_HALF_HOURS_KEPT)
        self.bounds: Kept[Bounds] = Kept(_HALF_HOURS_KEPT)
        self._factors: dict[str, Factor] = {}

    def factor(self, plan: FactorPlan) -> Factor:
        """The factor of a plan."""
        found = self._factors.get(plan.name)
        if found is None:
            found = self._factors[plan.name] = Factor(plan, self.noise)
        return found


class Generator:
    """The quotes of one symbol, by UTC days counted from 1970-01-01."""

    def __init__(self, blueprint: Blueprint, workshop: Workshop) -> None:
        self.symbol = blueprint.symbol
        self._plan = blueprint
        self._shop = workshop

    def ticks(self, day: int) -> Columns:
        """A day's ticks."""
        kept, key = self._shop.days, (self.symbol, day)
        return kept.get(key) or kept.keep(key, self._ticks_of(day, self._nodes(day)))

    def minutes(self, day: int) -> Rows:
        """A day's bars of a minute."""
        kept, key = self._shop.minutes, (self.symbol, day)
        found = kept.get(key)
        return kept.keep(key, self._minutes_of(day, self._nodes(day))) if found is None else found

    def half_hours(self, day: int) -> Rows:
        """A day's bars of half an hour."""
        kept, key = self._shop.half_hours, (self.symbol, day)
        found = kept.get(key)
        if found is None:
            # Its minutes are not kept: whoever asks for half hours asks for many days.
            minutes = self._minutes_of(day, self._nodes(day))
            halves = minutes["begin_ms"] // HALF_HOUR_MS * HALF_HOUR_MS
            found = kept.keep(key, _frozen(fold_rows(minutes, halves)))
        return found

    def bounds(self, day: int) -> Bounds | None:
        """What no bid and no ask of a day is below or above, in points; None without ticks."""
        kept, key = self._shop.bounds, (self.symbol, day)
        found = kept.get(key)
        if found is None:
            nodes, step = self._nodes(day), self._plan.step_points
            if not len(nodes.place):
                return None
            low, high = int(nodes.bid.min()) * step, int(nodes.bid.max()) * step
            most = (int(nodes.spread.max()) + 1) * step
            found = kept.keep(key, Bounds(low, high, low, high + most))
        return found

    def _nodes(self, day: int) -> Nodes:
        plan, shop = self._plan, self._shop
        open_ = quoted_minutes(plan, day, shop.clock)
        if day < FIRST_DAY or not open_.any():
            empty = np.empty(0, np.int64)
            return Nodes(empty, empty, empty, empty, empty)
        path, activity = shop.factor(plan.factor).day(day)
        if plan.against is not None:
            other = shop.factor(plan.against).day(day)
            path = path - other.path
            activity = (activity + other.activity) / 2
        wide, counts, offsets, bursts = shop.noise.quarters(NODES, "nodes", plan.symbol, day)
        rate = np.where(open_, plan.ticks / QUIET / NODES_A_MINUTE * activity, 0.0)
        bursts *= 1.2
        bursts += 0.4
        bursts *= np.repeat(rate, NODES_A_MINUTE)
        bursts += counts
        count = bursts.astype(np.int64)
        place = np.flatnonzero(count)
        spread = self._spread(activity, wide)[place]
        middle = np.exp(path[place] + plan.start)
        # A symbol's own noise: crosses agree up to a part of the spread.
        middle += (counts[place] - 0.5) * (0.3 * plan.spread)
        bid = np.rint(middle - spread / 2).astype(np.int64)
        np.clip(bid, spread + 1, _MOST_POINTS // plan.step_points, out=bid)
        time_ms = (day * DAY_MS) + place * NODE_MS + (offsets[place] * _LATE_MS).astype(np.int64)
        more = self._more(place, count[place] - 1, bid)
        return _changing(Nodes(place, time_ms, bid, spread, more))

    def _spread(
        self, activity: NDArray[np.float64], wide: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """In steps: wider in news, in dead hours and around the rollover."""
        plan = self._plan
        if plan.fixed:
            return np.full(NODES, max(1, round(plan.spread)), np.int64)
        usual = 0.85 + 0.35 * np.maximum(activity - 2.4, 0.0)
        usual += 0.5 * np.maximum(QUIET - activity, 0.0)
        if not plan.all_week:
            usual[ROLLOVER] *= 3.5
        spread = np.repeat(usual * plan.spread, NODES_A_MINUTE)
        spread *= 1.0 + 0.45 * wide
        return np.maximum(np.rint(spread), 1.0).astype(np.int64)

    def _more(
        self, place: NDArray[np.int64], more: NDArray[np.int64], bid: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """None follow the last node of a minute: nothing of that minute would bound them. Where the
        spread is fixed only new bids make new ticks."""
        minute = place // NODES_A_MINUTE
        more[:-1][minute[1:] != minute[:-1]] = 0
        more[-1:] = 0
        if self._plan.fixed:
            more[:-1] = np.minimum(more[:-1], np.maximum(np.abs(np.diff(bid)) - 1, 0))
        return more

    def _minutes_of(self, day: int, nodes: Nodes) -> Rows:
        if not len(nodes.place):
            return NO_ROWS
        step = self._plan.step_points
        rows = np.empty(len(nodes.place), ROW)
        rows["begin_ms"] = nodes.time_ms
        rows["volume"] = nodes.more + 1
        rows["open"] = rows["high"] = rows["low"] = rows["close"] = nodes.bid * step
        rows["spread"] = nodes.spread * step
        minutes = day * DAY_MS + nodes.place // NODES_A_MINUTE * MINUTE_MS
        return _frozen(fold_rows(rows, minutes))

    def _ticks_of(self, day: int, nodes: Nodes) -> Columns:
        if not len(nodes.place):
            return NO_TICKS
        plan = self._plan
        ticks = nodes.more + 1
        ends = np.cumsum(ticks)
        total = int(ends[-1])
        number = np.arange(total) - np.repeat(ends - ticks, ticks)
        node_ends = day * DAY_MS + (nodes.place + 1) * NODE_MS
        waits = (node_ends - nodes.time_ms - 1) // np.maximum(nodes.more, 1)
        (shift, *_) = self._shop.noise.quarters(total, "ticks", plan.symbol, day)
        wait = np.repeat(waits, ticks)
        shift *= wait
        wait *= number - 1
        wait += shift.astype(np.int64)
        wait += 1
        wait[ends - ticks] = 0  # a node's own tick
        time_ms = np.repeat(nodes.time_ms, ticks)
        time_ms += wait
        ways = np.zeros_like(nodes.bid)
        ways[:-1] = np.diff(nodes.bid)
        bid = np.repeat(ways, ticks)
        bid *= number
        bid //= np.repeat(ticks, ticks)
        bid += np.repeat(nodes.bid, ticks)
        ask = bid + np.repeat(nodes.spread, ticks)
        if not plan.fixed:
            number &= 1
            ask += number
        step = plan.step_points
        found = Columns(time_ms, (bid * step).astype(np.int32), (ask * step).astype(np.int32))
        for column in found:
            column.setflags(write=False)
        return found


def _changing(nodes: Nodes) -> Nodes:
    """Without ticks that say what the one before them said."""
    same = nodes.bid[1:] == nodes.bid[:-1]
    same &= nodes.spread[1:] == nodes.spread[:-1]
    same &= (nodes.more[1:] == 0) & (nodes.more[:-1] == 0)
    if not same.any():
        return nodes
    kept = np.flatnonzero(np.concatenate([[True], ~same]))
    return Nodes(*[column[kept] for column in nodes])


def _frozen(rows: Rows) -> Rows:
    rows.setflags(write=False)
    return rows
