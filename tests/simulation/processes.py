"""Real processes, started in milliseconds and killed for good: the sweep's side of `victim.py`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

if sys.platform == "win32":
    SIGKILL = signal.SIGTERM  # which is as sudden there
else:
    SIGKILL = signal.SIGKILL

ROOT = Path(__file__).resolve().parent.parent.parent


class Nursery:
    """Starts victims."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.victim"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(30)
        self._server.stdout.close()

    def start(self, request: dict[str, Any]) -> Child:
        """A process that does what is asked."""
        return Child(self, self.ask(request))

    def command(self, *words: str, folder: Path) -> tuple[int, str]:
        """`onefill ...` in a process of its own: exit status, and all it printed."""
        out, err = folder / "command.out", folder / "command.err"
        status = self.start({"command": list(words), "out": str(out), "err": str(err)}).wait()
        return status, out.read_text() + err.read_text()

    def ask(self, request: dict[str, Any]) -> int:
        """One line there, one number back."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, "the process that starts the victims has died"
        return int(answer)


class Child:
    """A process that was started. Until it is waited for, its pid is nobody else's."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit status; of a signal, the number below zero."""
        return self._nursery.ask({"wait": self.pid})

    def is_stopped(self) -> bool:
        """Whether a SIGSTOP holds it."""
        found = subprocess.run(
            ["ps", "-o", "state=", "-p", str(self.pid)], capture_output=True, text=True, check=False
        )
        return found.stdout.startswith("T")
