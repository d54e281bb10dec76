"""Runs to be killed: `python -m tests.simulation.victim` forks a process for every request.

Each is a whole `onefill run` in a process of its own; forking from one that has everything
imported makes a life of it cost 50 ms instead of 500. Every effect's name goes into a trace, and at
the chosen one the process sends itself a signal. After SIGKILL nothing is flushed, closed or told.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from onefill.cli import main as command
from onefill.cli.show import print_json
from onefill.execution.config import ExecutionConfig
from onefill.execution.told import Acknowledged, Settled
from onefill.model.errors import OnefillError
from onefill.model.states import FINAL
from onefill.replay.inputs import RunSettings, read_inputs
from onefill.replay.run import replay
from onefill.risk.limits import load_limits
from onefill.terminal.simulator.profile import load_profile

assert sys.platform != "win32", "there is no SIGKILL to die of"

Plan = dict[str, Any]


def live(plan: Plan) -> int:
    """One run as the plan says; its exit status, as the command's."""
    settings = RunSettings(
        ticks=plan["ticks"],
        orders=Path(plan["orders"]),
        journal=Path(plan["journal"]),
        faults=plan["faults"],
        seed=plan["seed"],
    )
    try:
        result = replay(
            read_inputs(settings),
            tell=_teller(plan["told"]),
            hook=_tracer(plan["trace"], plan.get("end")),
            config=ExecutionConfig(**plan["config"]),
            journal_options=plan.get("journal_options"),
        )
    except OnefillError as wrong:
        print(f"{wrong.code}: {wrong.message}", file=sys.stderr)
        return 2
    print_json(result)
    return result.exit_status


def _tracer(path: str, end: list[Any] | None) -> Callable[[str], None]:
    """Writes every point down; at the nth of the chosen name, sends itself a signal."""
    trace = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    seen: Counter[str] = Counter()
    chosen, nth, number = end if end else (None, 0, 0)

    def reach(point: str) -> None:
        os.write(trace, f"{point}\n".encode())
        if point == chosen:
            seen[point] += 1
            if seen[point] == nth:
                os.kill(os.getpid(), number)

    return reach


def _teller(path: str) -> Callable[[Any], None]:
    """Writes down what a door would have been told, one JSON value a line."""
    told = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(what: Any) -> None:
        if isinstance(what, Acknowledged | Settled) and what.order is not None:
            order = what.order
            line = {"key": order.key, "state": str(order.state), "final": order.state in FINAL}
            os.write(told, (json.dumps(line) + "\n").encode())

    return tell


def _child(request: Plan) -> int:
    """In the forked process: its own input and output, then the run or the command."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name, number in (("out", 1), ("err", 2)):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    status = 1
    try:
        status = _command_line(request["command"]) if "command" in request else live(request)
    except BaseException:  # noqa: BLE001 - told as a process tells it: on standard error
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _command_line(words: list[str]) -> int:
    try:
        command(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    raise AssertionError("a command always says how it ended")


def serve() -> None:
    """Fork a process for every line and answer with its pid; {"wait": pid} asks how it ended."""
    with redirect_stderr(StringIO()):
        _command_line(["journal", "verify", "nowhere"])  # imports what commands import late
    load_limits(None)
    load_profile(None)
    gc.freeze()  # what is imported by now is shared, and stays so
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = os.fork()
            if not answer:
                os._exit(_child(request))
        print(answer, flush=True)


if __name__ == "__main__":
    serve()
