"""How a run looks: progress and notes on standard error, answers on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from onefill.execution.report import Answer
from onefill.replay.inputs import Inputs, RunSettings
from onefill.replay.run import RunResult, book_path
from onefill.replay.summary import Summary

_ROWS_SHOWN = 40
_NOTES_SHOWN = 10
_PIPED_WIDTH = 120
_COLOURS = {
    "filled": "green",
    "done": "green",
    "working": "cyan",
    "partially_filled": "yellow",
    "denied": "yellow",
    "rejected": "red",
    "unknown": "bold red",
    "quarantined": "bold red",
}


def print_notes(inputs: Inputs) -> None:
    """Broken tick lines and refused order lines, on standard error."""
    broken, refused = inputs.ticks.broken, inputs.orders.refused
    for line in broken[:_NOTES_SHOWN]:
        print(f"{line.file}:{line.line}: {line.reason}; skipped", file=sys.stderr)
    if inputs.ticks.broken_count > min(len(broken), _NOTES_SHOWN):
        print(f"{inputs.ticks.broken_count} broken tick lines in all", file=sys.stderr)
    for no in refused:
        field = f"{no.field}: " if no.field else ""
        print(f"{no.file}:{no.line}: {field}{no.message}; refused", file=sys.stderr)


@contextmanager
def replay_progress(inputs: Inputs, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar over the market's time."""
    if quiet:
        yield lambda _: None
        return
    series = inputs.ticks.series.values()
    first = min(int(ticks.time_ms[0]) for ticks in series)
    last = max(int(ticks.time_ms[-1]) for ticks in series)
    columns = (
        TextColumn("[bold]replaying[/] {task.fields[at]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("ticks", total=inputs.ticks.read, at="")
        span = max(1, last - first)

        def progress(now_ms: int) -> None:
            share = min(1.0, max(0.0, (now_ms - first) / span))
            bars.update(task, completed=int(share * inputs.ticks.read), at=_clock(now_ms))

        yield progress


def print_json(result: RunResult) -> None:
    """One object an order, in order of arrival, then the summary."""
    encode = msgspec.json.Encoder().encode
    lines = [encode(one) for one in result.answers]
    lines.append(encode({"summary": result.summary}))
    sys.stdout.write(b"\n".join(lines).decode() + "\n")


def print_tables(result: RunResult, settings: RunSettings) -> None:
    """What a person likes to read: the orders, then the summary."""
    # A table in a log or a pipe is not squeezed into the 80 columns that are assumed there.
    console = Console() if sys.stdout.isatty() else Console(width=_PIPED_WIDTH)
    console.print(_orders_table(result.answers))
    hidden = len(result.answers) - _ROWS_SHOWN
    if hidden > 0:
        console.print(f"[dim]{hidden} more orders: --json shows all of them[/]")
    console.print(_summary_table(result.summary))
    for name, text in (
        ("head", result.summary.head_hash),
        ("journal", str(settings.journal)),
        ("broker's book", str(book_path(settings.journal))),
    ):
        console.print(f"[dim]{name}[/] {escape(text)}", soft_wrap=True, highlight=False)


def _orders_table(answers: list[Answer]) -> Table:
    table = Table(title="Orders", title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for name in ("order", "received", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("lots", "price", "slip"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why", min_width=20)
    for one in answers[:_ROWS_SHOWN]:
        colour = _COLOURS.get(one.status, "white")
        table.add_row(
            escape(one.client_key),
            _clock(one.received_at_ms) if one.received_at_ms else "",
            f"[{colour}]{one.status}[/]",
            f"{one.filled_volume:g}" if one.filled_volume else "",
            _number(one.fill_price or one.requested_price),
            "" if one.slippage_pips is None else f"{one.slippage_pips:+.1f}",
            escape(one.reason.message) if one.reason else "",
        )
    return table


def _summary_table(summary: Summary) -> Table:
    table = Table(title="Summary", title_justify="left", show_header=False, box=SIMPLE_HEAD)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for status, number in summary.counts.items():
        table.add_row(status, str(number))
    money = summary.currency
    for name in ("balance", "equity", "profit", "floating_profit", "margin"):
        table.add_row(name.replace("_", " "), f"{getattr(summary, name):,.2f} {money}")
    slip = summary.slippage
    if slip.mean_pips is not None and slip.worst_pips is not None:
        table.add_row("slippage, mean", f"{slip.mean_pips:+.2f} pips")
        table.add_row("slippage, worst", f"{slip.worst_pips:+.1f} pips")
    table.add_row("ticks replayed", f"{summary.ticks_replayed:,}")
    table.add_row("broken tick lines", f"{summary.broken_lines:,}")
    table.add_row("refused order lines", f"{len(summary.refused_lines):,}")
    return table


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%d %b %H:%M:%S")


def _number(price: float | None) -> str:
    return "" if price is None else f"{price:g}" if price >= 1e6 else repr(price)
