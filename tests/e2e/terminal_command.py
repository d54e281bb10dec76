"""`onefill terminal ...` in a home of its own, with passwords that must never be shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.command import Ran

SECRET = "correct-horse-battery"


def onefill(home: Path, *words: object, columns: int = 140) -> Ran:
    """The command, with a home of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "onefill", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=home,
        env=environment(home, columns),
        timeout=100,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def environment(home: Path, columns: int = 140) -> dict[str, str]:
    return {
        **os.environ, "HOME": str(home), "USERPROFILE": str(home), "COLUMNS": str(columns),
        "RIGHT_PASSWORD": SECRET, "WRONG_PASSWORD": "not it",
    }  # fmt: skip
