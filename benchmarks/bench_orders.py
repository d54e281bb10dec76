"""One order end to end, and orders a second with many in flight, each beside what its fsyncs cost.

Every second order opens 0.01 lot at the market and the next closes it, so that the book stays the
size of a live account's. Everything is durable: the floor of an order is three fsynced commits of
the bytes that its three commits hold.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import apsw

from benchmarks.report import Row
from onefill.execution.config import ExecutionConfig
from onefill.execution.desk import Desk
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.journal.journal import Journal
from onefill.model.intent import Action, OrderIntent, Side
from onefill.model.states import State
from onefill.replay.generate import generate_ticks
from onefill.risk.limits import load_limits
from onefill.runtime.clock import VirtualClock
from onefill.runtime.collector import calm_collector
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal

_START_MS = 1_772_409_600_000
_ACCOUNT = "bench"
_IN_FLIGHT = (1, 10, 100, 500)
_BYTES = (700, 500, 900)  # about what the three commits of an order hold


class Bench:
    """An engine on a simulated terminal with a book and a journal on the disk."""

    def __init__(self, folder: Path) -> None:
        ticks = generate_ticks("EURUSD", 5, _START_MS, 200_000, 1, 1.085)
        self.terminal = SimulatedTerminal(
            load_profile(None),
            {"EURUSD": ticks},
            currency="USD",
            balance=1_000_000.0,
            leverage=100,
            book=folder / "broker.log",
        )
        self.journal = Journal.open(folder)
        self.clock = VirtualClock(int(ticks.time_ms[0]))
        epoch = self.journal.take_epoch(_ACCOUNT)
        self.terminal.fence(epoch)
        desk = Desk(
            tenant="local",
            account=_ACCOUNT,
            login=self.terminal.login,
            server=self.terminal.server,
            state=self.journal.state(_ACCOUNT),
            find=lambda key: self.journal.find(_ACCOUNT, key),
            limits=load_limits(None),
            clock=self.clock,
            epoch=epoch,
            config=ExecutionConfig(),
        )
        self.driver = StepwiseDriver(desk, self.journal, self.terminal, self.clock)
        self.driver.boot()
        self._orders = self._intents()

    def _intents(self) -> Iterator[OrderIntent]:
        number = 0
        while True:
            block = [f"o-{number + k}" for k in range(500)]
            number += 500
            for key in block:
                yield OrderIntent(
                    client_key=key, action=Action.OPEN, symbol="EURUSD", side=Side.BUY, volume=0.01
                )
            for key in block:
                yield OrderIntent(client_key=f"{key}/c", action=Action.CLOSE, target=key)

    def send(self, count: int) -> None:
        """So many orders at one instant, to their confirmation."""
        now_ms = self.clock.now_ms()
        self.driver.run([(now_ms, intent) for intent in islice(self._orders, count)], now_ms)

    def let_time_pass(self) -> None:
        """On to the next instant: the market moves, stops are looked at."""
        self.driver.run((), self.clock.now_ms() + 200)

    def check(self, orders: int) -> None:
        """All of them filled, or the figure is worth nothing."""
        assert self.journal.state(_ACCOUNT).counts.get(State.FILLED) == orders

    def close(self) -> None:
        """Let the files go."""
        self.terminal.close()
        self.journal.close()


def run(quick: bool) -> list[Row]:
    """(a) latency of one order; (b) orders a second by how many are in flight."""
    calm_collector()
    return [*_one_order(300 if quick else 2_000), *_throughput(2_000 if quick else 10_000)]


def _one_order(count: int) -> list[Row]:
    times, floor = _beside_floor(1, count, to_confirmation=True)
    return [
        Row("one order, p50", median(times) * 1e6, "us", "3 fsynced commits, p50",
            median(floor) * 1e6),
        Row("one order, p99", quantiles(times, n=100)[98] * 1e6, "us", "3 fsynced commits, p99",
            quantiles(floor, n=100)[98] * 1e6),
    ]  # fmt: skip


def orders_per_second(in_flight: int, count: int) -> float:
    """`count` durable orders, `in_flight` at a time, over the time that all of them took."""
    times, _ = _beside_floor(in_flight, count // in_flight)
    return len(times) * in_flight / sum(times)


def _throughput(count: int) -> list[Row]:
    rows = []
    for in_flight in _IN_FLIGHT:
        total = min(count, in_flight * 1_500) // 1_000 * 1_000 or 1_000
        times, floor = _beside_floor(in_flight, total // in_flight)
        worst = quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0]
        rows.append(
            Row(
                f"orders durable, {in_flight} in flight",
                len(times) * in_flight / sum(times),
                "orders/s",
                "3 fsynced commits of as many",
                len(floor) * in_flight / sum(floor),
                f"a group: median {median(times) * 1e3:.1f} ms, p99 {worst * 1e3:.1f} ms",
            )
        )
    return rows


def _beside_floor(
    in_flight: int, groups: int, *, to_confirmation: bool = False
) -> tuple[list[float], list[float]]:
    """Seconds that each group of orders took, and the bare commits of its bytes right after it: in
    turns, so that both meet the same disk. A group's time ends when the market has moved on, or
    at its confirmation."""
    times, floor = [], []
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        bench, bare = Bench(folder), BareCommits(folder / "floor.sqlite")
        for _ in range(groups):
            began = perf_counter()
            bench.send(in_flight)
            confirmed = perf_counter()
            bench.let_time_pass()
            times.append((confirmed if to_confirmation else perf_counter()) - began)
            began = perf_counter()
            bare.commit_thrice(in_flight)
            floor.append(perf_counter() - began)
        bench.check(groups * in_flight)
        bench.close()
        bare.close()
    return times, floor


class BareCommits:
    """The floor: SQLite as the journal sets it, one table, the bytes of an order's commits."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path))
        self._connection.execute("pragma journal_mode=wal")
        self._connection.execute("pragma synchronous=full")
        self._connection.execute("create table records(seq integer primary key, body, hash)")
        self._seq = 0

    def commit_thrice(self, in_flight: int) -> None:
        """Accept, sending, outcome: three fsynced commits of `in_flight` records each."""
        for size in _BYTES:
            first, self._seq = self._seq + 1, self._seq + in_flight
            rows = [(seq, b"x" * size, b"h" * 32) for seq in range(first, self._seq + 1)]
            self._connection.execute("begin immediate")
            self._connection.executemany("insert into records values (?, ?, ?)", rows)
            self._connection.execute("commit")

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()
