"""`onefill ...` with notes: when each command came to the agent, and how often the journal was made
durable. With BENCH_PROFILE=FILE in the environment each process also leaves a profile (cProfile)
in FILE.gateway and FILE.agent."""

from __future__ import annotations

import cProfile
import os
import sys
from pathlib import Path
from time import perf_counter_ns, thread_time
from typing import Any

import msgspec

from benchmarks.bench_gateway_driver import Notes
from onefill.agent.commands import Commands
from onefill.cli import main
from onefill.contracts.messages import Command
from onefill.journal.sqlite_store import SqliteStore
from onefill.journal.store import Batch


def _note(notes: Notes, run: Any) -> None:
    take, write = Commands.take, SqliteStore.write

    def taken(self: Commands, command: Command) -> None:
        notes.came_ns.setdefault(command.intent.client_key, perf_counter_ns())
        take(self, command)

    def written(self: SqliteStore, batch: Batch) -> None:
        write(self, batch)
        notes.flushed_ns.append(perf_counter_ns())

    Commands.take = taken  # type: ignore[method-assign]
    SqliteStore.write = written  # type: ignore[method-assign]
    run()


if __name__ == "__main__":
    file, found = Path(sys.argv.pop(1)), Notes()
    profile = os.environ.get("BENCH_PROFILE")
    # Its own time on a processor: what others do on the machine is not counted.
    profiler = cProfile.Profile(thread_time) if profile else None
    try:
        if profiler is not None:
            profiler.runcall(_note, found, main)
        else:
            _note(found, main)
    finally:
        file.write_bytes(msgspec.json.encode(found))
        if profiler is not None:
            profiler.dump_stats(f"{profile}.{file.stem}")
