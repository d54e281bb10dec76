"""`onefill ...` with notes: when each command came to the agent, and how often the journal was made
durable. A program of its own, because it is the very programs that are measured."""

from __future__ import annotations

import cProfile
import json
import os
import sys
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from onefill.agent.commands import Commands
from onefill.cli import main
from onefill.contracts.messages import Command
from onefill.journal.sqlite_store import SqliteStore
from onefill.journal.store import Batch

came_ns: dict[str, int] = {}
#: How many flushes were durable, as of each time.
flushed_ns: list[int] = []


def _note(run: Any) -> None:
    take, write = Commands.take, SqliteStore.write

    def taken(self: Commands, command: Command) -> None:
        came_ns.setdefault(command.intent.client_key, perf_counter_ns())
        take(self, command)

    def written(self: SqliteStore, batch: Batch) -> None:
        write(self, batch)
        flushed_ns.append(perf_counter_ns())

    Commands.take = taken  # type: ignore[method-assign]
    SqliteStore.write = written  # type: ignore[method-assign]
    run()


if __name__ == "__main__":
    notes = Path(sys.argv.pop(1))
    profile = os.environ.get("BENCH_PROFILE")
    profiler = cProfile.Profile() if profile else None
    try:
        if profiler is not None:
            profiler.runcall(_note, main)
        else:
            _note(main)
    finally:
        notes.write_text(json.dumps({"came_ns": came_ns, "flushed_ns": flushed_ns}))
        if profiler is not None:
            profiler.dump_stats(f"{profile}.{notes.stem}")
