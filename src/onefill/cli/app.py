"""The commands and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from onefill import __version__
from onefill.cli import broker, demo, journal, run, script, terminal

app = typer.Typer(
    name="onefill",
    help="One trade decision in, exactly one verified fill on MetaTrader 5 out.\n\n"
    "Example: onefill run --ticks EURUSD.csv --orders orders.jsonl --journal runs/first",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("script")(script.script)
app.add_typer(broker.app, name="broker")
app.add_typer(journal.app, name="journal")
app.add_typer(terminal.app, name="terminal")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onefill {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")
    ] = False,
) -> None:
    """Options of every command."""
