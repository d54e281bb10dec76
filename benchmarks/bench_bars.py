"""A year of minutes out of ticks, what ticks take in memory, and days of a market made up.

The year is about as many ticks as a liquid symbol has: 10 million. Its floor is one pass over the
same bids that finds each minute's highest, given where the minutes begin.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from time import perf_counter

import numpy as np

from benchmarks.report import Row, print_rows
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.quotes.bars import bars_between, last_bars
from onefill.terminal.simulator.quotes.generated import generated_market
from onefill.terminal.simulator.quotes.history import LoadedTicks
from onefill.terminal.simulator.surface.rates import Rates
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.simulator.ticks import TickSeries
from onefill.terminal.zone import ServerTime, parse_zone

SYMBOL, START_MS, YEAR_MS = "EURUSD", 1_672_617_600_000, 365 * 86_400_000
RUNS = 5
_CLOCK = ServerTime(parse_zone("America/New_York+7"))
_M1, _D1 = 1, 16408
_DAYS = 40


def year(count: int) -> TickSeries:
    """A year of ticks, evenly spread and walking."""
    times = START_MS + np.arange(count, dtype=np.int64) * (YEAR_MS // count)
    bid = np.arange(count, dtype=np.int32)
    bid = 110_000 + bid % 13 + bid // 1_000 % 500
    return TickSeries(SYMBOL, times, bid, bid + np.int32(10), count)


def look_around(count: int) -> None:
    """Load so many ticks, and ask of them what a program asks."""
    ticks = year(count)
    terminal = SimulatedTerminal(load_profile(), {SYMBOL: ticks})
    terminal.advance(int(ticks.time_ms[-1]))
    rates = Rates(terminal)
    for timeframe in (_M1, 16385, _D1):
        assert len(rates.copy_rates_from_pos(SYMBOL, timeframe, 0, 300).value) == 300


def run(quick: bool) -> list[Row]:
    """Measure everything; `quick` takes a tenth of the ticks."""
    count = 1_000_000 if quick else 10_000_000
    return [_year(count), *_generated(), _memory(count)]


def _year(count: int) -> Row:
    ticks = year(count)
    begin_ms, end_ms = int(ticks.time_ms[0]), int(ticks.time_ms[-1])
    starts = np.flatnonzero(np.diff(ticks.time_ms // 60_000, prepend=0))
    floor = _least(lambda: np.maximum.reduceat(ticks.bid, starts))
    bars = 0

    def fold() -> None:
        nonlocal bars
        opens = (begin_ms, end_ms + 86_400_000)
        bars = len(bars_between(LoadedTicks(ticks), _CLOCK, _M1, opens, end_ms))

    seconds = _least(fold)
    name = f"M1 of a year, {count:,} ticks"
    note = f"{bars:,} bars in {seconds:.2f} s"
    return Row(name, count / seconds, "ticks/s", "np.maximum.reduceat", count / floor, note)


def _generated() -> list[Row]:
    feed = generated_market(load_profile(), START_MS)[SYMBOL].feed()
    begin = START_MS // 86_400_000 + 3
    days = [day for day in range(begin, begin + _DAYS) if (day + 3) % 7 < 5]
    made = 0

    def make() -> None:
        nonlocal made
        for day in days:
            pieces = feed.history.between(day * 86_400_000, (day + 1) * 86_400_000 - 1)
            made += sum(len(piece.time_ms) for piece in pieces)

    seconds = _once(make)
    noise = np.random.Philox(key=1)
    # What each tick cannot do without: a drawn word, and its place in three columns.
    floor = _least(lambda: [(noise.random_raw(made), np.zeros(made), np.zeros(made))])
    note = f"{seconds / len(days) * 1e3:.1f} ms a day"
    rows = [
        Row("ticks made up", made / seconds, "ticks/s", "a Philox word, 16 B", made / floor, note)
    ]
    now_ms = START_MS + 5 * YEAR_MS
    bars = 500
    seconds = _once(lambda: last_bars(feed.history, _CLOCK, _D1, bars, now_ms, now_ms))
    again = _least(lambda: last_bars(feed.history, _CLOCK, _D1, bars, now_ms, now_ms))
    name = f"D1 made up, {bars} bars, first call"
    note = f"{seconds:.2f} s; again {again * 1e3:.1f} ms"
    rows.append(Row(name, bars / seconds, "bars/s", "the same call again", bars / again, note))
    return rows


def _memory(count: int) -> Row:
    """The peak of all arrays and objects while ticks are made and looked around in."""
    tracemalloc.start()
    try:
        look_around(count)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    name = f"memory for {count:,} loaded ticks, bars asked for"
    return Row(name, peak / 2**20, "MiB", "16 B a tick", count * 16 / 2**20, "peak")


def _least(work: Callable[[], object]) -> float:
    return min(_once(work) for _ in range(RUNS))


def _once(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


if __name__ == "__main__":
    print_rows(run(quick=False))
