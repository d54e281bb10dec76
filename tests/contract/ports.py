"""Ways to a terminal: in this process, in a worker, on another machine, and a real one.

The real one is a demo account on Windows (or in Wine), which `MT5_LOGIN`, `MT5_PASSWORD` and
`MT5_SERVER` name, with `MT5_TERMINAL` (its program), `MT5_TIME_ZONE` and `MT5_SYMBOL` (EURUSD)
where they are needed. docs/terminals.md says how to run it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from onefill.execution.drivers.live import LiveTerminal
from onefill.replay.ticks import load_ticks, parse_source
from onefill.runtime.clock import SystemClock
from onefill.terminal.session import Session
from onefill.terminal.simulator.live import LiveSimulator
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.worker.front import Front
from onefill.terminal.worker.process import WorkerProcess, start_worker
from onefill.terminal.worker.remote import reach
from onefill.terminal.worker.terminal import WorkerTerminal
from onefill.terminal.worker.tls import fingerprint_of, own_certificate, server_context

LOGIN, SERVER = 1000001, "Onefill-Demo"
TOKEN = "a token that nobody guesses"
EVERY_MS, MINUTES = 100, 5


def market(home: Path) -> Path:
    """EURUSD from now on, ten quotes a second, bid 1.10000 and 1.10001 in turn."""
    file = home / "EURUSD.csv"
    if not file.exists():
        begins_ms = time.time_ns() // 1_000_000
        rows = ["time_msc,bid,ask"]
        for number in range(MINUTES * 60_000 // EVERY_MS):
            bid = 1.1 + (number % 2) / 100_000
            rows.append(f"{begins_ms + number * EVERY_MS},{bid:.5f},{bid + 0.0001:.5f}")
        file.write_text("\n".join(rows) + "\n")
    return file


def session(home: Path, name: str = "main", login: int = LOGIN, **more: Any) -> Session:
    """A simulated terminal on that market."""
    fields: dict[str, Any] = {
        "terminal_path": "simulated:default",
        "ticks": (str(market(home)),),
        "state": str(home / f"{name}.book"),
        **more,
    }
    return Session(name=name, login=login, server=SERVER, **fields)


@asynccontextmanager
async def in_process(home: Path) -> AsyncIterator[LiveTerminal]:
    """The simulator itself, in real time."""
    profile = load_profile()
    loaded = load_ticks(
        [parse_source(str(market(home)))], lambda name: profile.symbol(name).digits, None, False
    )
    terminal = SimulatedTerminal(profile, loaded.series, book=home / "main.book")
    live = LiveSimulator(terminal, SystemClock())
    yield live
    live.close()
    terminal.close()


@asynccontextmanager
async def in_worker(home: Path) -> AsyncIterator[LiveTerminal]:
    """A worker process that hosts the simulated module."""
    terminal = local(home)
    await terminal.start()
    yield terminal
    await terminal.close()


def local(home: Path) -> WorkerTerminal:
    """A worker's terminal, not started yet."""

    async def start() -> WorkerProcess:
        with (home / "worker.log").open("ab") as log:
            return await start_worker(session(home), home / "fences", log)

    return WorkerTerminal(start, SystemClock())


@asynccontextmanager
async def over_tls(home: Path) -> AsyncIterator[LiveTerminal]:
    """The same behind a front, over TLS on the loopback interface."""
    clock = SystemClock()
    behind = local(home)
    await behind.start()
    certificate, key = own_certificate(home / "tls", clock)
    front = Front(behind, TOKEN, clock)
    port = await front.listen("127.0.0.1", 0, server_context(certificate, key))
    there = session(
        home,
        terminal_path=f"tls://127.0.0.1:{port}",
        token=TOKEN,
        fingerprint=fingerprint_of(certificate),
    )
    terminal = WorkerTerminal(lambda: reach(there), clock)
    await terminal.start()
    yield terminal
    await terminal.close()
    await front.close()
    await behind.close()
    await asyncio.sleep(0)


REAL = "MetaTrader5"


@asynccontextmanager
async def metatrader(home: Path) -> AsyncIterator[LiveTerminal]:
    """A worker process that hosts the real package, on the demo account that is named."""
    there = real_session()

    async def start() -> WorkerProcess:
        with (home / "worker.log").open("ab") as log:
            return await start_worker(there, home / "fences", log)

    terminal = WorkerTerminal(start, SystemClock())
    await terminal.start()
    yield terminal
    await terminal.close()


def real_session() -> Session:
    """The demo account that the environment names."""
    return Session(
        name="demo",
        login=int(os.environ["MT5_LOGIN"]),
        server=os.environ["MT5_SERVER"],
        password=os.environ["MT5_PASSWORD"],
        terminal_path=os.environ.get("MT5_TERMINAL", ""),
        time_zone=os.environ.get("MT5_TIME_ZONE", ""),
    )


def why_not(kind: str) -> str:
    """Why a way to a terminal cannot be gone here; empty where it can."""
    if kind != REAL:
        return ""
    if os.name != "nt":
        return "the real package exists for Windows (and Wine) only: run this suite there"
    missing = {"MT5_LOGIN", "MT5_PASSWORD", "MT5_SERVER"} - set(os.environ)
    return f"set {', '.join(sorted(missing))} of a demo account" if missing else ""


ADAPTERS = {
    "in process": in_process,
    "in a worker": in_worker,
    "over TLS": over_tls,
    REAL: metatrader,
}
