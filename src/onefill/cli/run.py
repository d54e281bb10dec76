"""`onefill run`: decisions from a file through the engine, on ticks from files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onefill.model.errors import OnefillError

if TYPE_CHECKING:
    from onefill.replay.inputs import RunSettings


def run(
    ticks: Annotated[
        list[str] | None,
        typer.Option(
            "--ticks",
            metavar="FILE...",
            help="Tick files: CSV `time_msc,bid,ask` or MetaTrader 5's export, gzip or not; the "
            "symbol from the file's name, or as EURUSD=FILE. Several merge by time.",
        ),
    ] = None,
    orders: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="The decisions, one JSON a line.")
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where everything is kept; run again to go on from it."),
    ] = None,
    balance: Annotated[float, typer.Option(help="The deposit.")] = 10_000.0,
    currency: Annotated[str, typer.Option(help="The account's currency.")] = "USD",
    leverage: Annotated[
        int | None,
        typer.Option(help="The account's leverage, 1 to this; else the broker's, which is 100."),
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Limits (TOML); what the file leaves out denies."),
    ] = None,
    show_limits: Annotated[
        bool, typer.Option("--show-limits", help="Print the shipped limits, to copy, and end.")
    ] = False,
    broker: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Changes to the simulated broker (TOML)."),
    ] = None,
    ticks_tz: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="The clock of MetaTrader 5 exports: UTC+2, Europe/Athens, or New York + 7 h as "
            "America/New_York+7.",
        ),
    ] = None,
    faults: Annotated[
        str,
        typer.Option(
            metavar="SPEC", help="Make the broker misbehave: lost_reply=0.2,hang=0.02,partial=0.1"
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="Decides which faults strike.")] = 0,
    strict: Annotated[bool, typer.Option(help="Refuse tick files with broken lines.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object an order, then the summary.")
    ] = False,
) -> int:
    """Take decisions through risk and the nine stages on a simulated terminal.

    Run it again with the same journal: nothing is sent twice, the stored answers are told again,
    and new lines of the orders file go on from there. Exit status: 0 all final or working,
    3 something is in quarantine, 2 the call was wrong.

    Example: onefill run --ticks EURUSD-2014-05-08.csv.gz --orders orders.jsonl --journal runs/may
    """
    # Imported here, and in `perform`: the help needs none of it.
    from onefill.replay.inputs import RunSettings
    from onefill.risk.limits import limits_text

    if show_limits:
        typer.echo(limits_text(), nl=False)
        return 0
    missing = [
        name
        for name, value in (("--ticks", ticks), ("--orders", orders), ("--journal", journal))
        if not value
    ]
    if missing or ticks is None or orders is None or journal is None:
        raise OnefillError(
            "OPTION_MISSING",
            f"onefill run needs {', '.join(missing)} (onefill run --help shows an example)",
        )
    settings = RunSettings(
        ticks=ticks,
        orders=orders,
        journal=journal,
        balance=balance,
        currency=currency.upper(),
        leverage=leverage,
        limits=limits,
        broker=broker,
        ticks_tz=ticks_tz,
        faults=faults,
        seed=seed,
        strict=strict,
    )
    return perform(settings, as_json=as_json)


def perform(settings: RunSettings, *, as_json: bool) -> int:
    """Read, replay, show; the exit status."""
    from onefill.cli.interrupt import ending_between_instants
    from onefill.cli.show import print_json, print_notes, print_tables, replay_progress
    from onefill.replay.inputs import read_inputs
    from onefill.replay.run import replay
    from onefill.runtime.collector import calm_collector

    inputs = read_inputs(settings)
    calm_collector()
    quiet = as_json or not sys.stderr.isatty()
    with (
        replay_progress(inputs, quiet=quiet) as shown,
        ending_between_instants(shown) as progress,
    ):
        result = replay(inputs, progress=progress)
    print_notes(inputs)
    if as_json:
        print_json(result)
    else:
        print_tables(result, settings)
    return result.exit_status
