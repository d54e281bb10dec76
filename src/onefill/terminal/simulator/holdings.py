"""The open positions of one symbol, valued together at every quote."""

from __future__ import annotations

from array import array
from functools import cached_property
from math import gcd

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.market import Feed
from onefill.terminal.simulator.valuation import Rate, Valuation, rounded

_FEW = 24
#: Products stay below it in arrays of 64 bits; beyond, whole numbers without a bound are used.
_MOST = 2**61
#: Floats of amounts below 2**40 are nearer than that.
_NEAR = 1e-3


class Holdings:
    """Positions of one symbol, and their floating profit.

    All are valued when a quote has moved; a deal changes that sum by what it is about alone.
    """

    def __init__(self, valuation: Valuation, step_e8: int) -> None:
        """`step_e8`: volumes are multiples of it."""
        self._valuation = valuation
        self._step_e8 = step_e8
        above, below = valuation.per_point[0] * step_e8, valuation.per_point[1]
        common = gcd(above, below)
        self._per_step: Rate = (above // common, below // common)
        self._sides = {1: _Side(1), -1: _Side(-1)}
        #: Those with an average price between points: ticket to side, volume, price.
        self._averaged: dict[int, tuple[int, int, Rate]] = {}
        #: The quotes at which the sum was reckoned.
        self._valued_at: tuple[int, ...] = ()
        self._floating = 0

    @cached_property
    def _linear(self) -> bool:
        return self._valuation.is_linear and self._per_step[1] == 1

    @cached_property
    def _through(self) -> tuple[Feed, ...]:
        return self._valuation.converted_through

    def put(self, ticket: int, sign: int, volume_e8: int, opened: Rate) -> None:
        """Take a position in, or its new volume and price."""
        self.drop(ticket)
        if opened[1] == 1 and volume_e8 % self._step_e8 == 0:
            self._sides[sign].put(ticket, opened[0], volume_e8 // self._step_e8)
        else:
            self._averaged[ticket] = (sign, volume_e8, opened)
        if self._is_valued():
            self._floating += self._worth(sign, volume_e8, opened)

    def drop(self, ticket: int) -> None:
        """Take a position out; one that is not here changes nothing."""
        found = self._averaged.pop(ticket, None)
        for sign, side in self._sides.items():
            row = side.drop(ticket)
            if row is not None:
                found = sign, row[1] * self._step_e8, (row[0], 1)
        if found is not None and self._is_valued():
            self._floating -= self._worth(*found)

    def _places(self) -> tuple[int, ...]:
        """The quotes in force that decide what positions are worth."""
        place = self._valuation.feed.place
        if not self._through:
            return (place,)
        return (place, *[other.place for other in self._through])

    def _is_valued(self) -> bool:
        return bool(self._valued_at) and self._valued_at == self._places()

    def _worth(self, sign: int, volume_e8: int, opened: Rate) -> int:
        feed = self._valuation.feed
        close = feed.bid if sign > 0 else feed.ask
        return self._valuation.profit(sign, volume_e8, opened, close)

    def floating(self) -> int:
        """The sum of the positions' profits at the quotes in force, each rounded."""
        feed = self._valuation.feed
        if not (self._averaged or self._sides[1].count or self._sides[-1].count):
            return 0
        places = self._places()
        if places == self._valued_at:
            return self._floating
        self._valued_at = places
        total = 0
        for side, close in ((self._sides[1], feed.bid), (self._sides[-1], feed.ask)):
            if side.count:
                total += self._profit(side, close)
        for row in self._averaged.values():
            total += self._worth(*row)
        self._floating = total
        return total

    def _profit(self, side: _Side, close: int) -> int:
        above, below = self._per_step
        if self._linear:
            return side.moved(close) * above
        gain = self._valuation.profit_rate(close, gain=True)
        loss = self._valuation.profit_rate(close, gain=False)
        return side.rounded(
            close, (above * gain[0], below * gain[1]), (above * loss[0], below * loss[1])
        )


class _Side:
    """Positions of one side, in columns: opening prices in points, volumes in steps."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._rows: dict[int, int] = {}
        self._tickets: list[int] = []
        # One number goes into these and out of them in a fraction of what numpy takes for it.
        self._opened = array("q")
        self._steps = array("q")
        self._all_steps = 0
        self._all_cost = 0
        self._dearest = self._largest = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._tickets)

    def put(self, ticket: int, opened: int, steps: int) -> None:
        self._rows[ticket] = len(self._tickets)
        self._tickets.append(ticket)
        self._opened.append(opened)
        self._steps.append(steps)
        self._all_steps += steps
        self._all_cost += opened * steps
        self._dearest, self._largest = max(self._dearest, opened), max(self._largest, steps)

    def drop(self, ticket: int) -> tuple[int, int] | None:
        """Price and volume of the row that goes; the last row takes its place."""
        row = self._rows.pop(ticket, None)
        if row is None:
            return None
        opened, steps = self._opened[row], self._steps[row]
        self._all_steps -= steps
        self._all_cost -= opened * steps
        last = self._tickets.pop(), self._opened.pop(), self._steps.pop()
        if last[0] != ticket:
            self._rows[last[0]] = row
            self._tickets[row], self._opened[row], self._steps[row] = last
        return opened, steps

    def moved(self, close: int) -> int:
        """Points times steps that all have won."""
        return (close * self._all_steps - self._all_cost) * self._sign

    def rounded(self, close: int, gain: Rate, loss: Rate) -> int:
        """The sum of all profits, each rounded; `gain` and `loss`: money of a point and a step."""
        widest = max(close, self._dearest) * self._largest
        most = widest * 2 * max(gain[0], loss[0]) + max(gain[1], loss[1])
        if self.count > _FEW and most > _MOST and _fits_floats(widest, gain, loss):
            moved = self._moves(close)
            won = np.maximum(moved, 0)
            return _rounded_sum(won, gain) - _rounded_sum(won - moved, loss)
        if self.count <= _FEW or most > _MOST:
            moves = [
                (close - at) * of * self._sign
                for at, of in zip(self._opened, self._steps, strict=True)
            ]
            return sum(
                rounded(move * gain[0], gain[1]) if move > 0 else rounded(move * loss[0], loss[1])
                for move in moves
            )
        moved = self._moves(close)
        won = np.maximum(moved, 0)
        lost = won - moved
        won = (won * (2 * gain[0]) + gain[1]) // (2 * gain[1])
        lost = (lost * (2 * loss[0]) + loss[1]) // (2 * loss[1])
        return int(won.sum() - lost.sum())

    def _moves(self, close: int) -> NDArray[np.int64]:
        """Points times steps that each has won."""
        opened, steps = np.frombuffer(self._opened, np.int64), np.frombuffer(self._steps, np.int64)
        return (close - opened) * steps * self._sign


def _fits_floats(widest: int, gain: Rate, loss: Rate) -> bool:
    """Whether moves and amounts are so small that floats tell all but near halves apart."""
    most = max(widest * gain[0] // gain[1], widest * loss[0] // loss[1])
    return widest < 2**53 and most < 2**40


def _rounded_sum(moved: NDArray[np.int64], rate: Rate) -> int:
    """The sum of moves (none below 0) at a rate, each rounded: floats decide, except near halves,
    where whole numbers do."""
    above_half = moved * (rate[0] / rate[1]) + 0.5
    doubtful = np.abs(above_half - np.rint(above_half)) < _NEAR
    total = int(np.floor(above_half[~doubtful]).astype(np.int64).sum())
    return total + sum(rounded(move * rate[0], rate[1]) for move in moved[doubtful].tolist())
