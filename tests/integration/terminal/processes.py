"""Processes seen and stopped from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.integration.terminal.served import CONTINUE, STOP

#: Far more than anything here takes.
PATIENCE_S = 90.0


def state_of(process: int) -> str:
    """A process's state letter; empty where there is none."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat.rpartition(")")[2].split()[0]


def stop(process: int) -> None:
    os.kill(process, STOP)
    until(lambda: state_of(process) == "T", "it does not stand still")


def go_on(process: int) -> None:
    with suppress(ProcessLookupError):  # an engine that goes on ends a worker that does not yet
        os.kill(process, CONTINUE)
    until(lambda: state_of(process) != "T", "it stands still")


def gone(process: int) -> None:
    until(lambda: state_of(process) == "", f"process {process} lives on")


def until(true: Callable[[], bool], otherwise: str) -> None:
    latest = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < latest, otherwise
        time.sleep(0.01)
