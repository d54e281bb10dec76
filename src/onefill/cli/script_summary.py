"""How the end of a program's run looks: the account's money, its deals, the calls made."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from onefill.script.summary import Summary

_PIPED_WIDTH = 100


def summary_table(summary: Summary) -> None:
    """Print it where a person sees it and no other program reads it."""
    console = Console() if sys.stdout.isatty() else Console(stderr=True, width=_PIPED_WIDTH)
    console.print(_table(summary))


def _table(summary: Summary) -> Table:
    table = Table(
        title=f"{escape(summary.program)} on {escape(summary.profile)}",
        title_justify="left",
        show_header=False,
        box=SIMPLE_HEAD,
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, value in (
        ("deposit", summary.deposit),
        ("balance", summary.balance),
        ("equity", summary.equity),
        ("profit", summary.profit),
        ("commission, swap, fees", summary.commission + summary.swap + summary.fee),
        ("max drawdown of balance", summary.max_drawdown),
    ):
        digits = summary.currency_digits
        # Adding 0.0 makes a plain nothing of a negative one.
        table.add_row(name, f"{round(value, digits) + 0.0:,.{digits}f} {summary.currency}")
    table.add_row("deals", f"{summary.deals} ({summary.wins} won, {summary.losses} lost)")
    table.add_row("open positions", str(summary.positions))
    table.add_row("pending orders", str(summary.orders))
    table.add_row("market time", _span(summary))
    table.add_row("calls", f"{sum(summary.calls.values()):,}")
    for name, count in sorted(summary.calls.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(f"  {name}", f"{count:,}")
    table.add_row("ended", summary.ended)
    table.add_row("took", f"{summary.elapsed_seconds:.1f} s")
    return table


def _span(summary: Summary) -> str:
    begin = datetime.fromtimestamp(summary.from_ms / 1_000, UTC)
    covered = timedelta(seconds=(summary.to_ms - summary.from_ms) // 1_000)
    return f"{covered} from {begin:%Y-%m-%d %H:%M:%S}"
