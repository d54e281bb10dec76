"""A machine's clock, which the tests set; and processes that are started, killed, stopped and
started again on the same words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from bisect import bisect_right
from pathlib import Path
from typing import Any

from tests.integration.terminal.processes import go_on, gone, stop, until
from tests.integration.terminal.served import CONTINUE, KILL

ROOT = Path(__file__).resolve().parent.parent.parent
_CLOCKS = str(Path(__file__).parent / "clocks")


def real_ms() -> int:
    """Unix milliseconds by the only clock here that is right."""
    return time.time_ns() // 1_000_000


class MachineClock:
    """What the processes of one machine take for the time of day."""

    def __init__(self, file: Path) -> None:
        self._file = file
        #: (from when on, how far it is off), oldest first.
        self.history: list[tuple[int, int]] = []
        self.set(0)

    def set(self, shift_ms: int) -> None:
        """From now on it is so far ahead."""
        self.history.append((real_ms(), shift_ms))
        mode = "r+b" if self._file.exists() else "wb"
        with self._file.open(mode) as file:
            file.write(shift_ms.to_bytes(8, "little", signed=True))

    @property
    def shift_ms(self) -> int:
        """How far ahead it is."""
        return self.history[-1][1]

    def now_ms(self) -> int:
        """What it shows."""
        return real_ms() + self.shift_ms

    def real_of(self, shown_ms: int) -> int:
        """When it showed a time; it must not have gone back."""
        begun = [from_ms + shift_ms for from_ms, shift_ms in self.history]
        place = max(0, bisect_right(begun, shown_ms) - 1)
        return shown_ms - self.history[place][1]

    def least_at(self, at_ms: int, within_ms: int) -> int:
        """The earliest time that it may have shown within so long before that moment."""
        times = [from_ms for from_ms, _ in self.history]
        first = max(0, bisect_right(times, at_ms - within_ms) - 1)
        last = max(first, bisect_right(times, at_ms) - 1)
        return at_ms + min(shift for _, shift in self.history[first : last + 1])


class Part:
    """A program of the fleet, whichever process it is just now."""

    def __init__(self, name: str, words: list[str], home: Path, clock: MachineClock) -> None:
        self.name, self.words = name, words
        self._out, self.log = home / f"{name}.out", home / f"{name}.log"
        self._environment = {
            **os.environ,
            "HOME": str(home),  # where locks of terminals lie
            "PYTHONPATH": os.pathsep.join((_CLOCKS, str(ROOT))),
            "PYTHONUNBUFFERED": "1",
            "CHAOS_CLOCK": str(clock._file),
        }
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self.starts += 1
        with self._out.open("wb") as out, self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def first_line(self) -> dict[str, Any]:
        """The JSON that it prints once it is ready."""

        def printed() -> bool:
            assert self.alive, f"{self.name} ended: {self.log.read_text()[-2_000:]}"
            return b"\n" in self._out.read_bytes()

        until(printed, f"{self.name} does not say that it is ready")
        said: dict[str, Any] = json.loads(self._out.read_bytes().partition(b"\n")[0])
        return said

    @property
    def alive(self) -> bool:
        """Whether it runs, or stands still."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """SIGKILL; it is gone when this comes back."""
        assert self.alive, f"{self.name} was gone already: {self.log.read_text()[-2_000:]}"
        assert self.process is not None
        os.kill(self.pid, KILL)
        status = self.process.wait(30)
        assert status == -KILL, (self.name, status)
        gone(self.pid)

    def stand_still(self) -> None:
        """SIGSTOP; it stands still when this comes back."""
        stop(self.pid)

    def go_on(self) -> None:
        """SIGCONT."""
        go_on(self.pid)

    def end(self, number: int = signal.SIGINT, patience_s: float = 30.0) -> int | None:
        """Ask it to end, and wait; its exit status."""
        if self.process is None:
            return None
        if self.alive:
            self.process.send_signal(CONTINUE)
            self.process.send_signal(number)
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
