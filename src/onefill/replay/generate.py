"""A market that never was: seeded quotes for the demo and for measurements, and a file of them.

It looks like a quiet currency pair: a random walk whose volatility comes in clusters, quotes that
come in bursts, a spread that widens while it moves. It is nobody's market and predicts nothing.
"""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.ticks import TickSeries

#: Ticks over which volatility, pace and spread change their mood.
_CLUSTER = 400
#: The spread in pips: calm, wide, and in the bursts.
_CALM_SPREAD, _WIDE_SPREAD, _BURST_SPREAD = 0.5, 2.0, 6.0
#: A burst is where the mood is above this: about one tick in fifty.
_BURST_MOOD = 2.0
#: Lines written at a time.
_LINES = 100_000


def generate_ticks(
    symbol: str,
    digits: int,
    start_ms: int,
    count: int,
    seed: int,
    price: float,
    mean_interval_ms: int = 400,
    volatility_points: float = 1.5,
) -> TickSeries:
    """`count` quotes of `symbol` from `start_ms` (Unix ms) on, around `price`.

    `volatility_points` is the standard deviation of one step in calm times. A pip is 10 points at
    3 or 5 digits, else 1 point. The same arguments give the same series.
    """
    assert count > 0, count
    assert mean_interval_ms >= 1, mean_interval_ms
    assert 0 < price * 10**digits < 2**30, "a series holds up to 2**31 - 1 points"
    draws = _Draws(seed)
    mood = _mood(draws, count)
    # exp of a normal value has the mean exp(variance / 2): 0.18 brings the mean back to 1.
    interval = -np.log1p(-draws.uniform("interval", count)) * np.exp(-0.6 * mood - 0.18)
    interval_ms = np.rint(np.maximum(1, interval * mean_interval_ms)).astype(np.int64)
    interval_ms[0] = 0
    step = draws.normal("step", count) * volatility_points * np.exp(0.5 * mood)
    spread = _spread(draws, mood, 10 if digits in (3, 5) else 1)
    middle = _reflected(round(price * 10**digits), np.rint(step).astype(np.int64))
    bid = np.maximum(1, middle - spread // 2)
    return TickSeries(
        symbol,
        start_ms + np.cumsum(interval_ms),
        bid.astype(np.int32),
        (bid + spread).astype(np.int32),
        count,
    )


class _Draws:
    """Columns of draws, each a function of (seed, what for, place): splitmix64 of the three.

    Not numpy's generators: what those draw may change from one version of numpy to the next.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def uniform(self, what: str, count: int) -> NDArray[np.float64]:
        """Numbers in [0, 1)."""
        begin = hashlib.blake2b(f"{self._seed} {what}".encode(), digest_size=8).digest()
        word = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        word += np.uint64(int.from_bytes(begin, "big"))
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word ^= word >> np.uint64(31)
        return (word >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, what: str, count: int) -> NDArray[np.float64]:
        """Numbers near enough to standard normal: twelve uniform ones added up, minus six."""
        total = np.full(count, -6.0)
        for part in range(12):
            total += self.uniform(f"{what} {part}", count)
        return total


def _mood(draws: _Draws, count: int) -> NDArray[np.float64]:
    """A standard normal value per tick that changes slowly: neighbours share most draws."""
    total = np.cumsum(draws.normal("mood", count + _CLUSTER))
    mood: NDArray[np.float64] = (total[_CLUSTER:] - total[:-_CLUSTER]) / _CLUSTER**0.5
    return mood


def _spread(draws: _Draws, mood: NDArray[np.float64], pip_points: int) -> NDArray[np.int64]:
    chance = draws.uniform("spread", len(mood))
    usual = _CALM_SPREAD + (_WIDE_SPREAD - _CALM_SPREAD) * chance**2
    burst = _WIDE_SPREAD + (_BURST_SPREAD - _WIDE_SPREAD) * chance
    pips = np.where(mood > _BURST_MOOD, burst, usual)
    points: NDArray[np.int64] = np.rint(np.maximum(1, pips * pip_points)).astype(np.int64)
    return points


def _reflected(middle: int, step: NDArray[np.int64]) -> NDArray[np.int64]:
    """The walk from `middle`, thrown back at half and at one and a half times where it began."""
    width = max(1, middle)
    walk = np.cumsum(step) + width // 2
    inside = np.abs((walk + width) % (2 * width) - width)
    return inside + middle // 2


def write_csv(series: TickSeries, digits: int, path: Path) -> None:
    """Write `time_msc,bid,ask` lines, with a header; prices have the symbol's `digits` decimals."""
    unit = 10**digits
    price = f"%d.%0{digits}d" if digits else "%d"
    pattern = f"%d,{price},{price}\n"
    with path.open("w", encoding="ascii", newline="") as file:
        file.write("time_msc,bid,ask\n")
        for at in range(0, len(series), _LINES):
            part = slice(at, at + _LINES)
            columns = [series.time_ms[part].tolist()]
            for points in (series.bid[part], series.ask[part]):
                whole, decimals = np.divmod(points, unit)
                columns += [whole.tolist(), decimals.tolist()] if digits else [whole.tolist()]
            rows = zip(*columns, strict=True)
            file.writelines(pattern % row for row in rows)
