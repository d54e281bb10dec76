"""One run of a program: the stage is set, the program has it under the name `MetaTrader5`, and what
it made of the account is summed up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from onefill import mt5
from onefill.mt5._state import attach
from onefill.runtime.clock import SteadyClock
from onefill.script.clocks import real_time, scaled_time, virtual_time
from onefill.script.program import read_program, run_program
from onefill.script.settings import ScriptSettings
from onefill.script.stage import Stage, stage_for
from onefill.script.summary import Ending, Summary, summarise
from onefill.terminal.simulator.surface.backend import Backend
from onefill.terminal.simulator.surface.pace import EndOfData, VirtualPace

PACKAGE = "MetaTrader5"
INTERRUPTED = 130
Tell = Callable[[Summary], None]


def run_script(settings: ScriptSettings, tell: Tell) -> int:
    """Run a program to its end or to that of its market, and tell the summary; the exit status.

    Raises `OnefillError` where the program cannot be started.
    """
    source = read_program(settings.program)
    took = SteadyClock()
    with stage_for(settings) as stage:

        def conclude(ended: str, status: int) -> None:
            stage.backend.catch_up()
            tell(_summary(settings, stage, ended, status, took))

        def give_up() -> None:
            """The program takes no end of data for an answer."""
            conclude(_market_end(stage), 0)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

        if isinstance(stage.pace, VirtualPace):
            stage.pace.give_up = give_up
        ended, status = _perform(settings, stage, source)
        conclude(ended, status)
    return status


def _perform(settings: ScriptSettings, stage: Stage, source: bytes) -> tuple[str, int]:
    """Why the program ended, and its exit status."""
    try:
        with _named(stage.backend), _time_of(stage):
            return "program", run_program(settings.program, list(settings.arguments), source)
    except EndOfData:
        return _market_end(stage), 0
    except KeyboardInterrupt:
        return "interrupted", INTERRUPTED


def _market_end(stage: Stage) -> str:
    return "time limit" if stage.limited else "end of data"


@contextmanager
def _named(backend: Backend) -> Iterator[None]:
    """`import MetaTrader5` finds ours, and its `initialize` this terminal."""
    before = sys.modules.get(PACKAGE)
    sys.modules[PACKAGE] = mt5
    attach(backend)
    try:
        yield
    finally:
        mt5.shutdown()
        attach(None)
        if before is None:
            del sys.modules[PACKAGE]
        else:
            sys.modules[PACKAGE] = before


@contextmanager
def _time_of(stage: Stage) -> Iterator[None]:
    pace = stage.pace
    if isinstance(pace, VirtualPace):
        with virtual_time(pace):
            yield
    elif stage.present:
        with real_time(pace):
            yield
    else:
        with scaled_time(pace):
            yield


def _summary(
    settings: ScriptSettings, stage: Stage, ended: str, status: int, took: SteadyClock
) -> Summary:
    ending = Ending(
        program=str(settings.program),
        profile=stage.profile.name,
        from_ms=stage.start_ms,
        to_ms=stage.backend.now_ms(),
        ended=ended,
        exit_status=status,
        elapsed_seconds=round(took.now_ns() / 1e9, 3),
    )
    return summarise(stage.terminal.broker.account, ending, stage.backend.calls)
