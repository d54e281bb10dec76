"""What the demo shows: one line an event, as it comes, and what is left when it is over."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from onefill.cli.event_text import event_words
from onefill.contracts.rest import OrderEvent, Position
from onefill.model.wording import counted

_WORDS = {
    "accepted": ("decision", "cyan"),
    "dispatched": ("command", "blue"),
    "reported": ("result", "green"),
    "denied": ("blocked", "red"),
    "alerted": ("alert", "yellow"),
}


class Told:
    """Lines for people, or JSON for programs; and the counts."""

    def __init__(self, since_ms: int, *, as_json: bool) -> None:
        """What happened before `since_ms` was another demo in the same directory: not told."""
        self._since_ms = since_ms
        self._json = as_json
        self._console = Console(highlight=False)
        self.counts: Counter[str] = Counter()

    @property
    def filled(self) -> int:
        """How many results said that an order is filled."""
        return self.counts["filled"]

    def line(self, text: str) -> None:
        """Something beside the events; not for programs."""
        if not self._json:
            typer.echo(text)

    def event(self, event: OrderEvent) -> None:
        """One record of the gateway's journal."""
        if event.at_ms < self._since_ms:
            return
        self.counts[event.type] += 1
        state = str(event.detail.get("to", ""))
        if event.type == "reported":
            self.counts[state] += 1
        if self._json:
            sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
            sys.stdout.flush()
            return
        word, colour = _WORDS.get(event.type, (event.type, "white"))
        at = datetime.fromtimestamp(event.at_ms / 1_000, UTC)
        self._console.print(
            f"{at:%H:%M:%S}.{event.at_ms % 1_000:03d}  [{colour}]{word:<9}[/]"
            f"{escape(event.client_key):<34} {escape(event_words(event))}",
            soft_wrap=True,
        )

    def summary(self, directory: Path, positions: list[Position]) -> None:
        """What passed, where it lies, and how to look into it."""
        counts = self.counts
        if self._json:
            sys.stdout.write(json.dumps({"type": "summary", "counts": counts}) + "\n")
            return
        onefill = sys.argv[0] if Path(sys.argv[0]).name == "onefill" else "onefill"
        typer.echo(
            f"\n{counted(counts['accepted'], 'decision')}, "
            f"{counted(counts['dispatched'], 'command')}, {counted(counts['reported'], 'result')}, "
            f"{counts['filled']} filled, {counts['denied']} blocked; "
            f"{counted(len(positions), 'position')} open"
        )
        for name in ("gateway", "agent"):
            typer.echo(
                f"\nThe {name}'s journal:\n  {onefill} journal show {directory / name}/journal"
            )
            typer.echo(f"  {onefill} journal verify {directory / name}/journal")
        typer.echo(f"\nWhat each part said: {directory / 'logs'}")
