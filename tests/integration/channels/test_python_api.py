"""The published snippet, as the documentation prints it, and as a program; over real workers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(program: str, home: Path) -> list[str]:
    """What a program prints, in a home of its own, without an account in its environment."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("MT5_")}
    known.pop("ONEFILL_JOURNAL", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=home,
        env={**known, "HOME": str(home), "USERPROFILE": str(home), "ONEFILL_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def printed() -> str:
    """The documentation's program."""
    found = re.search(
        r"```python\n(.*?)```", (ROOT / "docs" / "python_api.md").read_text(), re.DOTALL
    )
    assert found is not None
    return found[1]


@pytest.mark.parametrize("source", ["docs", "example"])
def test_the_published_snippet_runs_as_printed_and_twice_sends_once(
    tmp_path: Path, source: str
) -> None:
    program = printed() if source == "docs" else (ROOT / "examples" / "engine.py").read_text()
    first = run(program, tmp_path)

    assert first[0].startswith("filled 95000.0 "), first
    assert (tmp_path / ".onefill" / "journal" / "journal.sqlite").exists()
    assert "connected to account 1000001" in (tmp_path / "logs" / "mt5" / "main.log").read_text()
    assert run(program, tmp_path) == first
