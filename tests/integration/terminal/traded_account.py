"""One account that is traded on while processes around it die: what was asked, every answer, and
its worker as seen from outside."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from onefill.terminal.session import Session
from tests.integration.terminal.processes import PATIENCE_S, state_of, until
from tests.integration.terminal.served import ServedBroker
from tests.integration.terminal.trader import Json, Trader

LATENCY_MS = 80


class Account:
    """One account: its broker, who trades on it, and what was asked and answered."""

    def __init__(self, home: Path, name: str, login: int, seed: int) -> None:
        self.name, self.login = name, login
        self.broker = ServedBroker(home, login, LATENCY_MS, "balance = 100_000_000\n")
        self.session: Session = self.broker.session(name)
        self._draw = random.Random(f"{seed} {name}")
        self._log = home / "logs" / f"{name}.log"
        server = re.sub(r"[^A-Za-z0-9_.-]+", "_", self.session.fenced_server)
        self._lock = home / "fences" / f"{login}@{server}.lock"
        self._heard = threading.Condition()
        #: Order ids and what they ask, and every answer that each was given.
        self.asked: dict[str, tuple[float, int]] = {}
        self.answers: dict[str, list[Json]] = {}
        self.filled = 0
        self._open = ""

    # Trading: one order at a time, the same again where its answer did not come.

    def trade(self, trader: Callable[[], Trader], over: threading.Event) -> None:
        """Until it is over."""
        while not over.is_set():
            units, direction = self._draw.choice((1_000.0, 2_000.0)), self._draw.choice((1, -1))
            order_id = f"{self.name}-{len(self.asked)}"
            if self.answers and self._draw.random() < 0.1:
                order_id = self._draw.choice(list(self.answers))  # a caller who asks again
                units, direction = self.asked[order_id]
            self.asked[order_id] = units, direction
            self._answered(order_id, trader)
            time.sleep(self._draw.random() * 0.2)

    def _answered(self, order_id: str, trader: Callable[[], Trader]) -> None:
        latest, before = time.monotonic() + PATIENCE_S, len(self.answers.get(order_id, []))
        asked_of: Trader | None = None
        while len(self.answers.get(order_id, [])) == before:
            assert time.monotonic() < latest, f"{order_id} was not answered"
            if trader() is not asked_of:
                asked_of = trader()
                asked_of.ask(self.name, order_id, *self.asked[order_id])
            with self._heard:
                self._heard.wait(0.02)

    def hear(self, told: Json) -> None:
        """An answer came."""
        with self._heard:
            self.answers.setdefault(told["order_id"], []).append(told)
            self.filled += told["status"] == "filled"
            self._heard.notify_all()

    def trades(self) -> None:
        """Comes back when two more orders have filled: one may have been under way before."""
        enough = self.filled + 2
        until(lambda: self.filled >= enough, f"{self.name} does not trade")

    # Its worker, seen from outside.

    def worker(self) -> int:
        """The process that holds the account's lock."""
        found: list[int] = []

        def holds() -> bool:
            text = self._lock.read_text().strip() if self._lock.exists() else ""
            if text.isdecimal() and state_of(int(text)) not in ("", "Z"):
                found.append(int(text))
            return bool(found)

        until(holds, f"{self.name} has no worker")
        return found[-1]

    def told_of(self, *codes: str) -> int:
        """How often its session's log tells of one of those."""
        text = self._log.read_text() if self._log.exists() else ""
        return sum(text.count(f"{code}: ") for code in codes)
