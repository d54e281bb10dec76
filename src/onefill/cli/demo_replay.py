"""`onefill demo --replay`: the engine alone on a generated market, in a few seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from onefill.cli.run import perform
from onefill.replay.demo import write_demo
from onefill.replay.inputs import RunSettings


def replayed(directory: Path, seed: int, faults: str, *, as_json: bool) -> int:
    """Generate a market and decisions, and take every decision to its one proven fill."""
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
