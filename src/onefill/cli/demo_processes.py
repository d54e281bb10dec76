"""The demo's parts as processes: started, listened to, ended in order; each with its own log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from onefill.model.errors import OnefillError

STOP_PATIENCE_S = 12.0


def onefill(*words: str) -> list[str]:
    """A command of this very installation."""
    return [sys.executable, "-m", "onefill", *words]


def python(*words: str) -> list[str]:
    """A program, by this very Python."""
    return [sys.executable, *words]


class Child:
    """A process for as long as a `with` block lasts. What it says on standard error, and after its
    first line on standard output too, is in its log."""

    def __init__(
        self, name: str, words: list[str], directory: Path, *, environment: dict[str, str] | None
    ) -> None:
        self.name = name
        self.log = directory / "logs" / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._out = self.log.with_suffix(".out")
        with self.log.open("ab") as errors, self._out.open("wb") as out:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"},
                # Ctrl-C is for the demo, which ends its parts one after the other.
                start_new_session=sys.platform != "win32",
                creationflags=_NEW_GROUP,
            )

    def check(self) -> None:
        """Raises `OnefillError` where it has ended."""
        status = self._process.poll()
        if status is not None:
            raise OnefillError(
                "DEMO_NOT_STARTED", f"the {self.name} ended with status {status}: {self.last()}"
            )

    def first_line(self) -> dict[str, Any] | None:
        """The JSON object that it printed first; None where it has not yet. Raises as `check`."""
        text = self._out.read_text(encoding="utf-8")
        if "\n" not in text:
            self.check()
            return None
        said: dict[str, Any] = json.loads(text.partition("\n")[0])
        return said

    def last(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it said nothing; see {self.log}"

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._process.send_signal(_STOP)
        try:
            self._process.wait(STOP_PATIENCE_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):  # Ctrl-C again: at once
            self._process.kill()
            self._process.wait()


if sys.platform == "win32":
    _NEW_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP
    _STOP = signal.CTRL_BREAK_EVENT
else:
    _NEW_GROUP = 0
    _STOP = signal.SIGINT
