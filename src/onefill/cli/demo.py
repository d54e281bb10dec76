"""`onefill demo`: everything at once on this machine, on quotes that come as you look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FAULTS = "requote=0.1,lost_reply=0.1,partial=0.1"


def demo(
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where its files go.")
    ] = Path("demo-run"),
    seconds: Annotated[
        float | None,
        typer.Option(help="Stop after so long; without a terminal after 20 s, else with Ctrl-C."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another market.")] = 7,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="The engine alone, on a day that was: done in seconds."),
    ] = False,
    faults: Annotated[
        str, typer.Option(metavar="SPEC", help="How the broker misbehaves; empty: not at all.")
    ] = FAULTS,
    as_json: Annotated[bool, typer.Option("--json", help="What happens as JSON lines.")] = False,
) -> int:
    """A gateway, an agent, a simulated broker and a strategy, trading until Ctrl-C.

    Decisions, commands, fills and results are shown as they come; then where the journal lies and
    how to look into it.

    Example: onefill demo --dir demo-run --seconds 30
    """
    # Imported here: the help needs none of it.
    if replay:
        from onefill.cli.demo_replay import replayed

        return replayed(directory, seed, faults, as_json=as_json)
    from onefill.cli.demo_live import live

    return live(directory, seed, faults, seconds, as_json=as_json)
