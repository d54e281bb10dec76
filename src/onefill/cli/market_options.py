"""The options of the commands that put a program before a simulated broker: its market, the account
in it, and what goes wrong. What is not given is the profile's."""

from __future__ import annotations

from typing import Annotated

import typer

Ticks = Annotated[
    list[str] | None,
    typer.Option(
        "--ticks",
        metavar="FILE...",
        help="Tick files, as `onefill run` takes them. Without: a generated market.",
    ),
]
TicksZone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="The clock of MetaTrader 5's tick exports.")
]
Balance = Annotated[float | None, typer.Option(help="The deposit.")]
Currency = Annotated[str | None, typer.Option(help="The account's currency.")]
Leverage = Annotated[int | None, typer.Option(help="The account's leverage.")]
Seed = Annotated[
    int | None,
    typer.Option(help="Another seed, another generated market, slippage and faults."),
]
Faults = Annotated[
    str | None,
    typer.Option(metavar="SPEC", help="As `onefill run` takes them; none: not even its own."),
]
