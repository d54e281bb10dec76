"""Paths of currencies and of whatever else has a price: a function of (seed, name, time).

A factor walks from day to day, pulled back a little to where it began, and within a day along a
bridge between the two, so that any day is had without those before it. How lively a minute is
follows the hours of London and New York, a mood of the day, and news at fixed times.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onefill.runtime.noise import Noise
from onefill.terminal.simulator.quotes.blueprint import FactorPlan

FIRST_DAY = 17_897
"""2019-01-01, counted from 1970-01-01: where the generated market begins."""
NODE_MS = 10_000
NODES = 86_400_000 // NODE_MS
MINUTES = 1_440
NODES_A_MINUTE = NODES // MINUTES

#: How lively the hours of a UTC day are; a quiet one is 0.5.
_HOURS = (
    0.60, 0.62, 0.55, 0.50, 0.48, 0.52, 0.75, 1.15, 1.45, 1.35, 1.15, 1.05,
    1.25, 1.60, 1.75, 1.65, 1.35, 1.05, 0.90, 0.80, 0.65, 0.45, 0.38, 0.48,
)  # fmt: skip
QUIET = 0.5
#: Of a minute, what is still to come after each node.
_LEFT = np.arange(NODES_A_MINUTE - 1, -1, -1)
_MINUTE = np.arange(MINUTES, dtype=np.float64)
_SEASON: NDArray[np.float64] = np.interp(
    _MINUTE, np.arange(25) * 60.0, np.array([*_HOURS, _HOURS[0]])
)
#: Minutes of the day at which news comes: London's and New York's mornings, and central banks.
_NEWS = (420, 510, 540, 750, 750, 810, 840, 1_080)
_NEWS_A_DAY = 2
_NEWS_LASTS = 9.0
#: What each weekday moves, from Monday on; a weekend that is none moves more.
_SHARES = [1.0, 1.0, 1.0, 1.0, 1.0, 0.15, 0.25]
_WEEKEND_ALL_WEEK = 0.75
#: The share of its way from home that a factor comes back in a day.
_PULL = 0.0012
_WORKING_DAYS = 261
_KEPT = 3
_BLOCK_DAYS = 512


class FactorDay(NamedTuple):
    """One UTC day of a factor."""

    #: Logarithm of the price at each node, 0 at the start of 2019.
    path: NDArray[np.float64]
    #: How lively each minute is.
    activity: NDArray[np.float64]


class Factor:
    """One path."""

    def __init__(self, plan: FactorPlan, noise: Noise) -> None:
        self._plan = plan
        self._noise = noise
        #: Where each day since `FIRST_DAY` begins.
        self._levels = [0.0]
        #: The standard deviation of each day's way.
        self._widths: list[float] = []
        self._kept: dict[int, FactorDay] = {}

    def day(self, day: int) -> FactorDay:
        """A UTC day (counted from 1970-01-01), `FIRST_DAY` at the earliest."""
        found = self._kept.get(day)
        if found is None:
            if len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            found = self._kept[day] = self._made(day)
        return found

    def _made(self, day: int) -> FactorDay:
        activity = self._activity(day)
        steps = np.repeat(activity, NODES_A_MINUTE)
        parts = np.square(activity)
        shares = np.cumsum(parts) * NODES_A_MINUTE
        shares = (shares[:, None] - parts[:, None] * _LEFT).ravel()
        steps *= self._noise.normal(NODES, "path", self._plan.name, day)
        walk = np.cumsum(steps)
        self._grow(day)
        place = day - FIRST_DAY
        width = self._widths[place] / sqrt(shares[-1])
        begin, end = self._levels[place : place + 2]
        path = np.empty(NODES)
        path[0] = begin
        lack = (end - begin - walk[-1] * width) / shares[-1]
        path[1:] = begin + walk[:-1] * width + shares[:-1] * lack
        return FactorDay(path, activity)

    def _grow(self, day: int) -> None:
        """Know where a day begins and how wide its way is."""
        plan = self._plan
        while day - FIRST_DAY + 1 >= len(self._levels):
            block = len(self._widths) // _BLOCK_DAYS
            first = FIRST_DAY + block * _BLOCK_DAYS
            weekdays = (np.arange(first, first + _BLOCK_DAYS) + 3) % 7  # Monday is 0
            shares = np.array([1.0] * 5 + [_WEEKEND_ALL_WEEK] * 2 if plan.all_week else _SHARES)
            moods = np.exp(0.3 * self._noise.normal(_BLOCK_DAYS, "moods", plan.name, block) - 0.09)
            widths = plan.volatility / sqrt(_WORKING_DAYS) * shares[weekdays] * moods
            ways = widths * self._noise.normal(_BLOCK_DAYS, "days", plan.name, block)
            self._widths += widths.tolist()
            for way in ways.tolist():
                self._levels.append(self._levels[-1] * (1 - _PULL) + way)

    def _activity(self, day: int) -> NDArray[np.float64]:
        season = np.sqrt(_SEASON) if self._plan.all_week else _SEASON
        chances = self._noise.uniform(3 * _NEWS_A_DAY + 24, "activity", self._plan.name, day)
        hours = 0.75 + 0.5 * chances[3 * _NEWS_A_DAY :]
        lively = season * np.interp(_MINUTE, np.arange(24) * 60.0 + 30, hours)
        if (day + 3) % 7 < 5:
            for chance in chances[: 3 * _NEWS_A_DAY].reshape(_NEWS_A_DAY, 3).tolist():
                at = _NEWS[int(chance[0] * len(_NEWS))]
                strength = 4.0 * chance[1] ** 2 * (1 if chance[2] < 0.7 else 0)
                since = _MINUTE[at:] - at
                lively[at:] += strength * np.exp(since / -_NEWS_LASTS)
        return lively
