"""`onefill terminal check`: the checklist before production."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from onefill.channels.local.checklist import Line, Verdict, check_session, check_settings
from onefill.channels.local.database import default_path
from onefill.channels.local.pool import MT5ConnectionPool
from onefill.channels.local.session import together
from onefill.channels.local.terminals_file import Terminals, load_terminals
from onefill.cli.terminal_serve import serve

_COLOURS = {Verdict.GOOD: "green", Verdict.LOOK: "yellow", Verdict.BAD: "red"}
EXIT_NOT_FIT = 3

app = typer.Typer(
    name="terminal",
    help="Terminals: check what a configuration can do, serve one to an engine elsewhere.\n\n"
    "Example: onefill terminal check --config terminals.toml",
    no_args_is_help=True,
)
app.command("serve")(serve)


@app.callback()
def _terminal() -> None:
    """Terminals."""


@app.command("check")
def check(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="The terminals file (TOML).")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> int:
    """Connect to every session and say what trading would be refused, and why.

    Nothing is traded. Exit status: 0 fit to trade, 3 something keeps it from trading, 2 the call
    was wrong.

    Example: onefill terminal check --config terminals.toml
    """
    terminals = load_terminals(config)
    lines = _checked(terminals)
    if as_json:
        for line in lines:
            print(json.dumps(asdict(line)))
    else:
        _show(lines)
    return EXIT_NOT_FIT if any(line.verdict is Verdict.BAD for line in lines) else 0


def _checked(terminals: Terminals) -> list[Line]:
    lines = check_settings(terminals, terminals.journal or default_path())
    pool = MT5ConnectionPool(
        terminals.sessions, terminals.symbols, terminals.logs, symbol_map=terminals.symbol_map
    )
    try:
        pool.connect()
        work = [check_session(one, terminals) for one in pool.sessions.values()]
        for found in pool.loop.ask(together(*work)):
            lines += found
    finally:
        pool.close()
    return lines


def _show(lines: list[Line]) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("", "what", "", "found"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        verdict = Text(str(line.verdict), style=_COLOURS[line.verdict])
        table.add_row(line.subject, line.what, verdict, line.found)
    (console if console.is_terminal else Console(width=140)).print(table)
    bad = sum(line.verdict is Verdict.BAD for line in lines)
    look = sum(line.verdict is Verdict.LOOK for line in lines)
    typer.echo(f"{bad} keep it from trading, {look} to look at" if bad or look else "fit to trade")
