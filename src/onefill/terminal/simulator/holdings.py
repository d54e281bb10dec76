"""The open positions of one symbol, valued together at every quote."""

from __future__ import annotations

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
    """Positions of one symbol, and their floating profit."""

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
        self._valued_at = -1
        self._through_at: tuple[int, ...] = ()
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

    def drop(self, ticket: int) -> None:
        """Take a position out; one that is not here changes nothing."""
        self._valued_at = -1
        self._averaged.pop(ticket, None)
        for side in self._sides.values():
            side.drop(ticket)

    def floating(self) -> int:
        """The sum of the positions' profits at the quotes in force, each rounded."""
        feed = self._valuation.feed
        if not (self._averaged or self._sides[1].count or self._sides[-1].count):
            return 0
        if feed.place == self._valued_at and not self._through:
            return self._floating
        through_at = tuple(other.place for other in self._through)
        if feed.place == self._valued_at and through_at == self._through_at:
            return self._floating
        self._valued_at, self._through_at = feed.place, through_at
        total = 0
        for side, close in ((self._sides[1], feed.bid), (self._sides[-1], feed.ask)):
            if side.count:
                total += self._profit(side, close)
        for sign, volume_e8, opened in self._averaged.values():
            close = feed.bid if sign > 0 else feed.ask
            total += self._valuation.profit(sign, volume_e8, opened, close)
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
        self.count = 0
        self._rows: dict[int, int] = {}
        self._tickets: list[int] = []
        self._opened: NDArray[np.int64] = np.zeros(16, np.int64)
        self._steps: NDArray[np.int64] = np.zeros(16, np.int64)
        self._all_steps = 0
        self._all_cost = 0
        self._dearest = self._largest = 0

    def put(self, ticket: int, opened: int, steps: int) -> None:
        row = self.count
        if row == len(self._opened):
            self._opened = np.concatenate([self._opened, np.zeros_like(self._opened)])
            self._steps = np.concatenate([self._steps, np.zeros_like(self._steps)])
        self._opened[row], self._steps[row] = opened, steps
        self._rows[ticket] = row
        self._tickets.append(ticket)
        self.count += 1
        self._all_steps += steps
        self._all_cost += opened * steps
        self._dearest, self._largest = max(self._dearest, opened), max(self._largest, steps)

    def drop(self, ticket: int) -> None:
        """The last row takes the place of the one that goes."""
        row = self._rows.pop(ticket, None)
        if row is None:
            return
        opened, steps = int(self._opened[row]), int(self._steps[row])
        self._all_steps -= steps
        self._all_cost -= opened * steps
        self.count -= 1
        last = self._tickets.pop()
        if last != ticket:
            self._tickets[row] = last
            self._rows[last] = row
            self._opened[row] = self._opened[self.count]
            self._steps[row] = self._steps[self.count]

    def moved(self, close: int) -> int:
        """Points times steps that all have won."""
        return (close * self._all_steps - self._all_cost) * self._sign

    def rounded(self, close: int, gain: Rate, loss: Rate) -> int:
        """The sum of all profits, each rounded; `gain` and `loss`: money of a point and a step."""
        opened, steps = self._opened[: self.count], self._steps[: self.count]
        widest = max(close, self._dearest) * self._largest
        most = widest * 2 * max(gain[0], loss[0]) + max(gain[1], loss[1])
        if self.count > _FEW and most > _MOST and _fits_floats(widest, gain, loss):
            moved = (close - opened) * steps * self._sign
            won = np.maximum(moved, 0)
            return _rounded_sum(won, gain) - _rounded_sum(won - moved, loss)
        if self.count <= _FEW or most > _MOST:
            moves = (
                (close - at) * of * self._sign
                for at, of in zip(opened.tolist(), steps.tolist(), strict=True)
            )
            return sum(
                rounded(move * gain[0], gain[1]) if move > 0 else rounded(move * loss[0], loss[1])
                for move in moves
            )
        moved = (close - opened) * steps * self._sign
        won = np.maximum(moved, 0)
        lost = won - moved
        won = (won * (2 * gain[0]) + gain[1]) // (2 * gain[1])
        lost = (lost * (2 * loss[0]) + loss[1]) // (2 * loss[1])
        return int(won.sum() - lost.sum())


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
