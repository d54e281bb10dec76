"""The installed command as a user runs it, and what it said."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIELDS = [
    "client_key",
    "intent_id",
    "status",
    "reason",
    "order_ticket",
    "deal_tickets",
    "position_ticket",
    "requested_price",
    "fill_price",
    "filled_volume",
    "slippage_pips",
    "commission",
    "attempts",
    "received_at_ms",
    "submitted_at_ms",
    "filled_at_ms",
]
"""An answer's fields, in their order."""


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def answers(self) -> dict[str, dict[str, Any]]:
        """Of a `run --json`: the answers by client key."""
        return {one["client_key"]: one for one in map(json.loads, self.out.splitlines()[:-1])}

    @property
    def summary(self) -> dict[str, Any]:
        """Of a `run --json`: the last object."""
        summary: dict[str, Any] = json.loads(self.out.splitlines()[-1])["summary"]
        return summary

    @property
    def complaint(self) -> str:
        """The one line that a wrong call leaves on standard error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("onefill: "), self.err
        return lines[0]


def onefill(*words: object, cwd: Path | None = None, timeout: float = 100) -> Ran:
    """Run the command to its end; what it prints is read as a pipe reads it."""
    done = subprocess.run(
        [sys.executable, "-m", "onefill", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=timeout,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def write_orders(path: Path, *lines: dict[str, Any] | str) -> Path:
    """A file of decisions; a text goes in as it is."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


def quote_at(ticks: Path, at_ms: int) -> tuple[float, float]:
    """Bid and ask in force at a time, read without the product."""
    bid = ask = 0.0
    with gzip.open(ticks, "rt") as lines:
        next(lines)
        for line in lines:
            time, bid_text, ask_text = line.split(",")
            if int(time) > at_ms:
                break
            bid, ask = float(bid_text), float(ask_text)
    return bid, ask


def book_lines(journal: Path) -> list[str]:
    """What the simulated broker wrote into its own book."""
    return (journal / "broker.log").read_text().splitlines()
