"""An engine in a process of its own that trades what it is told, a thread a session: the process
that `havoc` stops and kills, and the end of it that the test holds."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from onefill.channels.local.pool import MT5ConnectionPool
from onefill.channels.local.session import PooledSession
from onefill.terminal.session import Session
from onefill.terminal.worker.terminal import Patience, WorkerTerminal
from tests.integration.terminal.served import CONTINUE, KILL, decision, engine_on
from tests.simulation.processes import ROOT

Json = dict[str, Any]


class Plan(msgspec.Struct, frozen=True):
    """What the process is told first."""

    home: str
    journal: str
    sessions: tuple[Session, ...]


class Undaunted(PooledSession):
    """A session whose workers may die as often as they like: no circuit opens."""

    def _make_terminal(self) -> WorkerTerminal:
        patience = Patience(first_s=0.05, most_s=0.5, deaths=10_000)
        return WorkerTerminal(self._start_worker, self._clock, patience, self._heard)


class Pool(MT5ConnectionPool):
    """Lends them."""

    session_class = Undaunted


class Trader:
    """The test's end: orders out, answers in, whichever comes first."""

    def __init__(self, plan: Plan, hear: Callable[[Json], None]) -> None:
        """`hear` is called with every answer, on a thread of its own."""
        self._hear = hear
        self._writing = threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.terminal.trader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        self._say(msgspec.json.encode(plan))
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def ask(self, session: str, order_id: str, units: float, direction: int) -> None:
        """Have an order executed; nothing where the process is no more."""
        order = {"session": session, "order_id": order_id, "units": units, "direction": direction}
        self._say(json.dumps(order).encode())

    def kill(self) -> None:
        """End it at once; comes back when it is gone and all it said was heard."""
        self.process.send_signal(KILL)
        self._reap()

    def finish(self) -> None:
        """Let it execute what it was told, and end."""
        self.process.send_signal(CONTINUE)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._reap()

    def _reap(self) -> None:
        self.process.wait(120)
        self._listening.join(120)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                continue

    def _say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        with self._writing:
            try:
                self.process.stdin.write(line + b"\n")
                self.process.stdin.flush()
            except (OSError, ValueError):
                return  # it was killed: whoever asked asks the next one

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                self._hear(json.loads(line))


def main() -> None:
    """Trade until standard input ends."""
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    home = Path(plan.home)
    pool = Pool(
        {one.name: one for one in plan.sessions}, ["EURUSD"], home / "logs", fences=home / "fences"
    )
    with pool, engine_on(pool, Path(plan.journal)) as engine:
        orders: dict[str, queue.Queue[Json | None]] = {
            name: queue.Queue() for name in pool.sessions
        }
        saying = threading.Lock()

        def trade(name: str) -> None:
            while (order := orders[name].get()) is not None:
                wanted = decision(order["order_id"], order["units"], order["direction"])
                told = json.dumps(engine.execute(wanted, session=name).to_dict())
                with saying:
                    print(told, flush=True)

        threads = [threading.Thread(target=trade, args=(name,)) for name in orders]
        for thread in threads:
            thread.start()
        for line in sys.stdin:
            order = json.loads(line)
            orders[order["session"]].put(order)
        for waiting in orders.values():
            waiting.put(None)
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
