"""Calls through local workers, beside a bare round trip of the same bytes between two processes.

Each session's worker hosts the simulated module on a market of its own. `symbol_info_tick` is what
is asked: it costs the module next to nothing, so that the way there and back is what is measured.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import msgspec

from benchmarks.report import Row
from onefill.runtime.clock import SystemClock
from onefill.runtime.collector import calm_collector
from onefill.terminal.port import Reply, Request, Tick
from onefill.terminal.session import Session
from onefill.terminal.worker.process import WorkerProcess, start_worker
from onefill.terminal.worker.terminal import WorkerTerminal
from onefill.terminal.worker.wire import Ask, encode, encode_told, framed

_SESSIONS = (1, 4, 16)
_DEADLINE_MS = 2_000
_ASKED = ("symbol_info_tick", {"symbol": "EURUSD"})


def run(quick: bool) -> list[Row]:
    """One call beside its floors, several sessions at once, and one of four that ends."""
    calm_collector()
    count = 2_000 if quick else 20_000
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        _write_market(home)
        rows = asyncio.run(_one(home, count))
        rows += asyncio.run(_many(home, count))
        if sys.platform != "win32":
            rows.append(asyncio.run(_beside_one_that_ends(home, "is killed", signal.SIGKILL)))
            rows.append(asyncio.run(_beside_one_that_ends(home, "hangs", signal.SIGSTOP)))
    return rows


def _write_market(home: Path) -> None:
    """Ten minutes of EURUSD, a quote a second, from now on."""
    now_ms = time.time_ns() // 1_000_000
    rows = [f"{now_ms + second * 1_000},1.1,1.1001" for second in range(600)]
    (home / "EURUSD.csv").write_text("\n".join(["time_msc,bid,ask", *rows, ""]))


async def _terminals(home: Path, count: int) -> list[WorkerTerminal]:
    made = [_terminal(home, number) for number in range(count)]
    for terminal in made:
        await terminal.start()
        for _ in range(200):
            if (await _call(terminal)).value:
                break
            await asyncio.sleep(0.05)
    return made


def _terminal(home: Path, number: int) -> WorkerTerminal:
    session = Session(
        name=f"s{number}",
        login=1_000_001 + number,
        server="Onefill-Demo",
        terminal_path="simulated:default",
        ticks=(str(home / "EURUSD.csv"),),
    )

    async def start() -> WorkerProcess:
        with (home / "workers.log").open("ab") as log:
            return await start_worker(session, home / "fences", log)

    return WorkerTerminal(start, SystemClock())


async def _call(terminal: WorkerTerminal) -> Reply:
    deadline_ms = time.time_ns() // 1_000_000 + _DEADLINE_MS
    return await terminal.call(Request(*_ASKED, deadline_ms=deadline_ms))


async def _timed(terminal: WorkerTerminal, count: int) -> list[float]:
    """Seconds that each of so many calls took, one after the other."""
    times = []
    for _ in range(count):
        began = perf_counter()
        reply = await _call(terminal)
        times.append(perf_counter() - began)
        assert isinstance(reply.value, Tick), reply
    return times


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


# One call.


async def _one(home: Path, count: int) -> list[Row]:
    """In turns, so that what else the machine does befalls the call and its floors alike."""
    (terminal,) = await _terminals(home, 1)
    ask = framed(encode(Ask(1, _ASKED[0], msgspec.Raw(encode(_ASKED[1])), budget_ms=_DEADLINE_MS)))
    told = framed(encode_told(1, Reply(Tick(time.time_ns() // 1_000_000, 1.1, 1.1001))))
    calls, floor, peers = list[float](), list[float](), list[float]()
    peer = _rpyc()
    with BareEcho(len(ask), told) as echo:
        for _ in range(20):
            calls += await _timed(terminal, count // 20)
            floor += echo.timed(ask, count // 20)
            peers += peer.timed(max(5, count // 1_000)) if peer else []
    if peer:
        peer.close()
    await terminal.close()
    bare = "bare socket pair, same bytes"
    rows = [
        Row("a call of a local worker, p50", median(calls) * 1e6, "us", f"{bare}, p50",
            median(floor) * 1e6),
        Row("a call of a local worker, p99", _p99(calls) * 1e6, "us", f"{bare}, p99",
            _p99(floor) * 1e6),
    ]  # fmt: skip
    if peers:
        rows.append(
            Row("RPyC call as mt5linux makes it, p50", median(peers) * 1e6, "us",
                "a call of a local worker, p50", median(calls) * 1e6)
        )  # fmt: skip
    return rows


class BareEcho:
    """The floor: another process that answers so many bytes with so many, both blocking."""

    def __init__(self, asked: int, told: bytes) -> None:
        self._told = len(told)
        self._ours, theirs = socket.socketpair()
        self._process = get_context("spawn").Process(target=_echo, args=(theirs, asked, told))
        self._process.start()
        theirs.close()

    def timed(self, ask: bytes, count: int) -> list[float]:
        """Seconds of each of so many round trips."""
        times = []
        for _ in range(count):
            began = perf_counter()
            self._ours.sendall(ask)
            _receive(self._ours, self._told)
            times.append(perf_counter() - began)
        return times

    def __enter__(self) -> BareEcho:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._process.join()


def _echo(connection: socket.socket, asked: int, told: bytes) -> None:
    while _receive(connection, asked):
        connection.sendall(told)


def _receive(connection: socket.socket, length: int) -> bool:
    while length:
        more = connection.recv(length)
        if not more:
            return False
        length -= len(more)
    return True


def _rpyc() -> Any:
    if find_spec("rpyc") is None:
        print("RPyC is not installed here; `make bench-peers ARGS=worker` measures it")
        return None
    return import_module("benchmarks.peer_rpyc").Peer()


# Several sessions.


async def _many(home: Path, count: int) -> list[Row]:
    rows, alone = [], 0.0
    for sessions in _SESSIONS:
        terminals = await _terminals(home, sessions)
        began = perf_counter()
        found = await asyncio.gather(*(_timed(one, count // sessions) for one in terminals))
        rate = count // sessions * sessions / (perf_counter() - began)
        alone = alone or rate
        times = [each for one in found for each in one]
        await asyncio.gather(*(one.close() for one in terminals))
        rows.append(
            Row(f"calls, {sessions} sessions at once", rate, "calls/s", "one session", alone,
                f"p50 {median(times) * 1e6:.0f} us, p99 {_p99(times) * 1e6:.0f} us")
        )  # fmt: skip
    return rows


async def _beside_one_that_ends(home: Path, what: str, number: int) -> Row:
    """The p99 of three sessions before one worker ends, and from then until it is back."""
    *others, victim = await _terminals(home, 4)
    before = await asyncio.gather(*(_timed(one, 1_000) for one in others))
    assert victim.welcome is not None
    os.kill(victim.welcome.pid, number)
    lost = asyncio.create_task(_call(victim))
    during: list[float] = []
    while victim.restarts == 0:
        for found in await asyncio.gather(*(_timed(one, 100) for one in others)):
            during += found
    assert (await lost).value is None
    await asyncio.gather(*(one.close() for one in (*others, victim)))
    calm = [each for one in before for each in one]
    return Row(
        f"p99 of 3 sessions while a 4th's worker {what}",
        _p99(during) * 1e6,
        "us",
        "their p99 before",
        _p99(calm) * 1e6,
        f"{len(during):,} calls until it was back, worst {max(during) * 1e3:.1f} ms",
    )
