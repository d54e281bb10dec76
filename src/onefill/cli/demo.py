"""`onefill demo`: the whole spine on a generated market, in a few seconds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from onefill.cli.run import perform


def demo(
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where its files go.")
    ] = Path("demo-run"),
    seed: Annotated[int, typer.Option(help="Another seed, another market.")] = 7,
    faults: Annotated[
        str, typer.Option(metavar="SPEC", help="How the broker misbehaves; empty: not at all.")
    ] = "requote=0.1,lost_reply=0.1,partial=0.1",
    as_json: Annotated[bool, typer.Option("--json", help="Answers as JSON.")] = False,
) -> int:
    """Generate a market and decisions, and take every decision to its one proven fill.

    Example: onefill demo --dir demo-run --seed 7
    """
    # Imported here: the help needs none of it.
    from onefill.replay.demo import write_demo
    from onefill.replay.inputs import RunSettings

    files = write_demo(directory, seed)
    settings = RunSettings(
        ticks=[str(path) for path in files.ticks],
        orders=files.orders,
        journal=files.journal,
        faults=faults,
        seed=seed,
    )
    status = perform(settings, as_json=as_json)
    if not as_json:
        onefill = sys.argv[0] if Path(sys.argv[0]).name == "onefill" else "onefill"
        typer.echo("\nWhat you saw, again:")
        ticks = " ".join(map(str, files.ticks))
        spec = f" --faults {faults} --seed {seed}" if faults else f" --seed {seed}"
        again = f"--ticks {ticks} --orders {files.orders} --journal {files.journal}{spec}"
        typer.echo(f"  {onefill} run {again}")
        typer.echo(f"One order's life:\n  {onefill} journal show {files.journal} --order demo-001")
        typer.echo(f"Is it intact?\n  {onefill} journal verify {files.journal}")
    return status
