"""A market for both: when the steps of a run are taken, and the ticks between them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from onefill.terminal.simulator.ticks import TickSeries
from tests.model.brokers import HOUR_MS
from tests.model.reference.terms import Broker, Symbol

#: A Monday, 06:00 UTC.
BEGIN_MS = 1_704_693_600_000


@dataclass(frozen=True, slots=True)
class Tick:
    """A quote in points."""

    at_ms: int
    symbol: Symbol
    bid: int
    ask: int


def step_times(rng: Random, count: int) -> list[int]:
    """Mostly seconds apart, at times hours, now and then days."""
    times, now_ms = [], BEGIN_MS + 60_000
    for _ in range(count):
        kind = rng.random()
        if kind < 0.68:
            now_ms += rng.randrange(1_000, 20_000)
        elif kind < 0.93:
            now_ms += rng.randrange(20_000, 900_000)
        elif kind < 0.985:
            now_ms += rng.randrange(1, 6) * HOUR_MS + rng.randrange(60_000)
        else:
            now_ms += rng.randrange(8, 60) * HOUR_MS
        times.append(now_ms)
    return times


def ticks_between(rng: Random, broker: Broker, times: list[int]) -> list[Tick]:
    """Quotes of every symbol from before the first step on; of one symbol perhaps only later."""
    prices = {symbol.name: round(symbol.start / symbol.tick_size) for symbol in broker.symbols}
    ticks = [
        _tick(rng, symbol, prices, BEGIN_MS + place * 1_000)
        for place, symbol in enumerate(broker.symbols)
    ]
    late = rng.choice(broker.symbols[-2:]) if rng.random() < 0.3 else None
    if late is not None:
        ticks = [tick for tick in ticks if tick.symbol is not late]
    before = BEGIN_MS + 30_000
    for place, now_ms in enumerate(times):
        names = [one for one in broker.symbols if one is not late or place > len(times) // 6]
        drawn = set()
        for _ in range(rng.randrange(1, 5)):
            symbol = rng.choice(names)
            for at_ms in {before + 1 + int(rng.random() * (now_ms - before))}:
                drawn.add((at_ms, broker.symbols.index(symbol)))
                if rng.random() < 0.08:  # two symbols in the same millisecond
                    drawn.add((at_ms, broker.symbols.index(rng.choice(names))))
        ticks += [_tick(rng, broker.symbols[which], prices, at) for at, which in sorted(drawn)]
        before = now_ms
    return ticks


def _tick(rng: Random, symbol: Symbol, prices: dict[str, int], at_ms: int) -> Tick:
    """A step of a walk, in the symbol's ticks; a jump now and then."""
    size = round(symbol.tick_size / symbol.point)
    move = rng.gauss(0, symbol.move) * (8 if rng.random() < 0.04 else 1)
    start = round(symbol.start / symbol.tick_size)
    price = prices[symbol.name] + round(move)
    prices[symbol.name] = price = min(max(price, start * 9 // 10), start * 11 // 10)
    spread = max(1, round(symbol.spread / size * rng.choice((0.5, 1, 1, 1, 2))))
    return Tick(at_ms, symbol, price * size, (price + spread) * size)


def series_of(broker: Broker, ticks: list[Tick]) -> dict[str, TickSeries]:
    """The same ticks as the simulator takes them."""
    series = {}
    for symbol in broker.symbols:
        rows = [(tick.at_ms, tick.bid, tick.ask) for tick in ticks if tick.symbol is symbol]
        table = np.array(rows, np.int64).reshape(-1, 3)
        series[symbol.name] = TickSeries(
            symbol.name,
            table[:, 0].copy(),
            table[:, 1].astype(np.int32),
            table[:, 2].astype(np.int32),
            len(rows),
        )
    return series
