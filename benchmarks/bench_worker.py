"""Calls through local workers, beside round trips of the same bytes between two processes: bare,
and awaited on an event loop as the engine awaits them.

Each session's worker hosts the simulated module on a market of its own, asked for its
`symbol_info_tick`. That costs the module as much as a bare round trip, so the way there and back is
measured alone too, to a terminal that answers at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import msgspec

from benchmarks.report import Row
from benchmarks.worker_floors import TICK, AtOnce, BareEcho, LoopEcho
from onefill.runtime.clock import SystemClock
from onefill.runtime.collector import calm_collector
from onefill.runtime.loop import run as run_on_loop
from onefill.terminal.port import Reply, Request, Tick
from onefill.terminal.session import Session
from onefill.terminal.worker.process import WorkerProcess, start_worker
from onefill.terminal.worker.terminal import WorkerTerminal
from onefill.terminal.worker.wire import Ask, encode, encode_told, framed

_SESSIONS = (1, 4, 16)
_DEADLINE_MS = 2_000
#: So often the call and its floors take turns.
_TURNS = 20
_ASKED = ("symbol_info_tick", {"symbol": "EURUSD"})


def run(quick: bool) -> list[Row]:
    """One call beside its floors, several sessions at once, and one of four that ends."""
    calm_collector()
    count = 2_000 if quick else 20_000
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        _write_market(home)
        rows = run_on_loop(_one(home, count))
        rows += run_on_loop(_many(home, count))
        if sys.platform != "win32":
            rows.append(run_on_loop(_beside_one_that_ends(home, "is killed", signal.SIGKILL)))
            rows.append(run_on_loop(_beside_one_that_ends(home, "hangs", signal.SIGSTOP)))
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
    at_once = await AtOnce(home / "fences").terminal()
    ask = framed(encode(Ask(1, _ASKED[0], msgspec.Raw(encode(_ASKED[1])), budget_ms=_DEADLINE_MS)))
    told = framed(encode_told(1, Reply(TICK)))
    bare, looped, peer = BareEcho(ask, told), LoopEcho(ask, told), _rpyc()
    await looped.connect()
    taken: dict[str, list[float]] = {"call": [], "way": [], "bare": [], "loop": [], "peer": []}
    for _ in range(_TURNS):
        taken["call"] += await _timed(terminal, count // _TURNS)
        taken["bare"] += bare.timed(count // _TURNS)
        taken["way"] += await _timed(at_once, count // _TURNS)
        taken["loop"] += await looped.timed(count // _TURNS)
        taken["peer"] += peer.timed(max(5, count // 1_000)) if peer else []
    bare.close()
    await asyncio.gather(looped.close(), terminal.close(), at_once.close())
    if peer:
        peer.close()
    return _beside_floors(taken)


def _beside_floors(taken: dict[str, list[float]]) -> list[Row]:
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    floors = {"bare": "bare socket pair, same bytes", "loop": f"the same awaited on {loop}"}
    calls = {
        "call": "a call of a local worker",
        "way": "the way alone, a terminal that answers at once",
    }
    rows = []
    for call, name in calls.items():
        for word, of in (("p50", median), ("p99", _p99)):
            rows += [
                Row(f"{name}, {word}", of(taken[call]) * 1e6, "us",
                    f"{floor_name}, {word}", of(taken[floor]) * 1e6)
                for floor, floor_name in floors.items()
            ]  # fmt: skip
    if taken["peer"]:
        rows.append(
            Row("RPyC call as mt5linux makes it, p50", median(taken["peer"]) * 1e6, "us",
                "a call of a local worker, p50", median(taken["call"]) * 1e6)
        )  # fmt: skip
    return rows


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
