"""Ticks replayed per second by the simulated terminal, idle and among live orders, and its calls.

The market drifts upwards, so that a ladder of pending orders above it triggers one order in every
1,000 ticks; each that triggers is placed again on top. A plain loop that looks at every order on
every tick is measured beside it, and gives the same fills (a test compares them).
"""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.report import Row, print_rows
from onefill.model.market import MarketView
from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Reply, Request
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.simulator.ticks import TickSeries

SYMBOL, START_MS = "EURUSD", 1_399_248_000_000
#: Ticks between two triggers, and the points between two rungs of the ladder.
PACE, RUNG = 1_000, 20
LIVE = (10, 100, 1_000, 10_000)
RUNS = 5
_SPREAD, _BID = 10, 110_000
_FLOOR = "numpy's minimum and maximum"

#: A fill: when, at which rung.
Fill = tuple[int, int]


def drifting(count: int) -> TickSeries:
    """Ticks that rise by one rung in `PACE` ticks, with a saw of a few points on top."""
    place = np.arange(count, dtype=np.int64)
    bid = _BID + place * RUNG // PACE + place * 7 % 5
    times = START_MS + place * 50
    return TickSeries(SYMBOL, times, bid.astype(np.int32), (bid + _SPREAD).astype(np.int32), count)


class Ladder:
    """Live orders on rising rungs: sell limits and buy stops by turns."""

    def __init__(self, ticks: TickSeries, live: int, book: Path | None = None) -> None:
        self.terminal = SimulatedTerminal(
            load_profile(), {SYMBOL: ticks}, balance=1e9, leverage=500, book=book
        )
        self.end_ms = int(ticks.time_ms[-1])
        self.terminal.advance(START_MS)
        self.rungs: dict[int, int] = {}
        self.top = 0
        for _ in range(live):
            self.place()

    def place(self) -> None:
        """One order on the next rung."""
        self.top += 1
        level, sells = rung(self.top)
        request = BrokerRequest(
            action=port.ACTION_PENDING,
            symbol=SYMBOL,
            volume=0.01,
            price=level / 1e5,
            type=port.TYPE_SELL_LIMIT if sells else port.TYPE_BUY_STOP,
            type_filling=port.FILLING_RETURN,
        )
        reply = self.terminal.call(
            Request("order_send", {"request": request}), self.terminal.now_ms
        )
        assert isinstance(reply, Reply)
        self.rungs[reply.value.order] = self.top

    def replay(self) -> list[Fill]:
        """To the last tick; every order that fills is placed again on top."""
        fills: list[Fill] = []
        terminal, cursor = self.terminal, 1
        while terminal.advance(self.end_ms) < self.end_ms or terminal.has_changes(cursor):
            reply = terminal.call(Request("changes", {"cursor": cursor}), terminal.now_ms)
            assert isinstance(reply, Reply)
            cursor = reply.value.cursor
            for deal in reply.value.deals:
                fills.append((deal.time_ms, self.rungs.pop(deal.order)))
                self.place()
        return fills


def rung(number: int) -> tuple[int, bool]:
    """The level in points of a rung, and whether a sell limit waits there (else a buy stop)."""
    sells = number % 2 == 0
    return _BID + number * RUNG + (0 if sells else _SPREAD), sells


def naive(ticks: TickSeries, live: int) -> list[Fill]:
    """The same, looking at every live order on every tick."""
    waiting = [(number, *rung(number)) for number in range(1, live + 1)]
    top, fills = live, []
    columns = (ticks.time_ms.tolist(), ticks.bid.tolist(), ticks.ask.tolist())
    for time_ms, bid, ask in list(zip(*columns, strict=True))[1:]:
        touched = [one for one in waiting if (bid if one[2] else ask) >= one[1]]
        for one in touched:
            fills.append((time_ms, one[0]))
            waiting.remove(one)
            top += 1
            waiting.append((top, *rung(top)))
    return fills


def run(quick: bool) -> list[Row]:
    """Measure everything; `quick` replays fewer ticks."""
    ticks = drifting(1_000_000 if quick else 5_000_000)
    floor = len(ticks) / _least(lambda: _extremes(ticks))
    rows = [_idle(ticks, floor, 0), _idle(ticks, floor, 1_000)]
    rows += [_live(ticks, live, floor) for live in LIVE]
    rows.append(_naive())
    with tempfile.TemporaryDirectory() as folder:
        rows += _calls(2_000 if quick else 20_000, Path(folder))
    return rows


def _extremes(ticks: TickSeries) -> None:
    for column in (ticks.bid, ticks.ask):
        column.min()
        column.max()


def _least(work: Callable[[], object], runs: int = RUNS) -> float:
    return min(_seconds(work) for _ in range(runs))


def _seconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


def _idle(ticks: TickSeries, floor: float, far: int) -> Row:
    """Nothing triggers; a caller comes every 10,000 ticks. `far` orders wait out of reach."""
    times = []
    for _ in range(RUNS):
        ladder = Ladder(ticks, 0)
        ladder.top = 2 * len(ticks) // PACE
        for _ in range(far):
            ladder.place()
        times.append(_seconds(partial(_hop, ladder)))
    name = f"ticks replayed, {far:,} orders out of reach" if far else "ticks replayed, idle"
    return Row(name, len(ticks) / float(np.median(times)), "ticks/s", _FLOOR, floor)


def _hop(ladder: Ladder) -> None:
    now_ms = ladder.terminal.now_ms
    while now_ms < ladder.end_ms:
        now_ms = ladder.terminal.advance(min(now_ms + 500_000, ladder.end_ms))


def _live(ticks: TickSeries, live: int, floor: float) -> Row:
    times, fills = [], 0
    for _ in range(3):
        ladder = Ladder(ticks, live)
        begin = perf_counter()
        fills = len(ladder.replay())
        times.append(perf_counter() - begin)
    name = f"ticks replayed, {live:,} live orders"
    value = len(ticks) / float(np.median(times))
    return Row(name, value, "ticks/s", _FLOOR, floor, f"{fills:,} filled and placed again")


def _naive() -> Row:
    """The plain loop among 1,000 orders, on as many ticks as can be waited for."""
    ticks = drifting(5_000)
    plain = min(_seconds(partial(naive, ticks, 1_000)) for _ in range(3))
    fast = min(_seconds(Ladder(ticks, 1_000).replay) for _ in range(3))
    name = "ticks replayed, 1,000 live orders, plain loop"
    floor = len(ticks) / fast
    return Row(name, len(ticks) / plain, "ticks/s", "the terminal, the same ticks", floor)


def _calls(count: int, folder: Path) -> list[Row]:
    """Calls a second, the book on disk; each beside the least that its answer costs."""
    book = folder / "broker.log"
    ladder = Ladder(drifting(10_000), 100, book)
    deal = BrokerRequest(
        action=port.ACTION_DEAL,
        symbol=SYMBOL,
        volume=0.01,
        type_filling=port.FILLING_IOC,
        comment="0123456789abcdef",
    )
    before = book.stat().st_size
    seconds = _seconds(partial(_call, ladder, Request("order_send", {"request": deal}), count))
    size = (book.stat().st_size - before) // count
    floor = count / _least(partial(_write, folder / "floor.log", size, count), 3)
    rows = [Row("order_send, a market order", count / seconds, "calls/s", f"write {size} B", floor)]
    views: tuple[tuple[str, type], ...] = (("look", MarketView), ("ready", port.Ready))
    for name, view in views:
        request = Request(name, {"symbol": SYMBOL})
        seconds = _least(partial(_call, ladder, request, count), 3)
        floor = count / _least(partial(_build, view, count), 3)
        note = f"{count:,} positions open"
        rows.append(Row(name, count / seconds, "calls/s", "build the answer", floor, note))
    return rows


def _call(ladder: Ladder, request: Request, count: int) -> None:
    call, now_ms = ladder.terminal.call, ladder.terminal.now_ms
    for _ in range(count):
        call(request, now_ms)


def _build(view: type, count: int) -> None:
    fields = dict.fromkeys(getattr(view, "__struct_fields__", ()), 0)
    for _ in range(count):
        view(**fields)


def _write(path: Path, size: int, count: int) -> None:
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        content = b"x" * size
        for _ in range(count):
            os.write(file, content)
    finally:
        os.close(file)


if __name__ == "__main__":
    print_rows(run(quick=False))
