"""`onefill script`: a program written for `MetaTrader5`, run as it is on a simulated terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from onefill.cli import ProgramStatus
from onefill.cli.market_options import (
    Balance,
    Currency,
    Faults,
    Leverage,
    Seed,
    Ticks,
    TicksZone,
)
from onefill.script.settings import ScriptSettings

if TYPE_CHECKING:
    from onefill.script.summary import Summary


def script(
    program: Annotated[
        Path,
        typer.Argument(metavar="PROGRAM.py", help="A program that says `import MetaTrader5`."),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ARGS...",
            help="The program's own. Options that are not ours, and all that follows --, too.",
        ),
    ] = None,
    ticks: Ticks = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="The broker: one of `onefill broker profiles`, or a TOML file. Usually ecn.",
        ),
    ] = None,
    speed: Annotated[
        str,
        typer.Option(
            metavar="max|real|10x", help="How the market's time goes: max is the processor's pace."
        ),
    ] = "max",
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The broker's book: the next run goes on from it."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="When the market begins (UTC): 2025-01-06T09:00. Usually with the ticks.",
        ),
    ] = None,
    span: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="SPAN",
            help="The market ends after so long: 30d, 12h. A generated one after 30d anyway.",
        ),
    ] = None,
    balance: Balance = None,
    currency: Currency = None,
    leverage: Leverage = None,
    seed: Seed = None,
    faults: Faults = None,
    ticks_tz: TicksZone = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No summary at the end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The summary as one JSON object, on standard output.")
    ] = False,
) -> ProgramStatus:
    """Run an unmodified MetaTrader5 program, and tell what it made of the account.

    At --speed max its sleeps and clocks are the market's: a month takes seconds, and the same
    inputs give the same results. When the market ends, the program does. Exit status: the
    program's own; 130 after Ctrl-C; 2 the call was wrong.

    Example: onefill script bot.py --lots 0.1 --profile ecn --for 5d
    """
    # Imported here: what changes a program's clocks is of no use to other commands, and slow.
    from onefill.cli.script_summary import summary_table
    from onefill.runtime.collector import calm_collector
    from onefill.script.run import run_script

    settings = ScriptSettings(
        program=program,
        arguments=tuple(arguments or ()),
        ticks=tuple(ticks or ()),
        ticks_tz=ticks_tz,
        profile=profile,
        speed=speed,
        state=state,
        start=start,
        span=span,
        balance=balance,
        currency=currency,
        leverage=leverage,
        seed=seed,
        faults=faults,
    )

    def tell(summary: Summary) -> None:
        sys.stdout.flush()
        if as_json:
            print(msgspec.json.encode(summary).decode(), flush=True)
        elif not quiet:
            summary_table(summary)

    calm_collector()
    return ProgramStatus(run_script(settings, tell))
