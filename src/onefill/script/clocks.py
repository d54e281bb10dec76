"""The market's time in everything that a program reads it from or sleeps by.

`time.time`, `datetime.now` and their kin are changed where C answers them (time-machine), so that
libraries that took them long ago tell the market's time too. `monotonic`, `perf_counter` and
`sleep` are replaced in every module that has them, before the program runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

import time_machine

from onefill.script.turns import Turns
from onefill.script.waits import Patch, patched, scaled_waits, virtual_waits
from onefill.terminal.simulator.surface.pace import SECOND_NS, ClockPace, VirtualPace

#: What `monotonic` and `perf_counter` begin with; where they do is no program's business.
_STEADY_START_NS = 10_000 * SECOND_NS
_OURS = ("onefill", "time_machine", "_time_machine")


@contextmanager
def virtual_time(pace: VirtualPace) -> Iterator[Turns]:
    """Everything in virtual time."""
    turns = Turns(pace)
    with _in_force(pace.read_ns, pace.now_ns(), turns.sleep, virtual_waits(turns)):
        yield turns


@contextmanager
def scaled_time(pace: ClockPace) -> Iterator[None]:
    """Everything along a clock that goes faster, or shows another date."""

    def sleep(seconds: float) -> None:
        _sleep(pace, seconds)

    with _in_force(pace.now_ns, pace.now_ns(), sleep, scaled_waits(pace.factor)):
        yield


@contextmanager
def real_time(pace: ClockPace) -> Iterator[None]:
    """The machine's own clocks; only sleeps end with the market."""
    with _replaced({"sleep": lambda seconds: _sleep(pace, seconds)}):
        yield


def _sleep(pace: ClockPace, seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    pace.sleep_ns(int(seconds * SECOND_NS))


@contextmanager
def _in_force(
    now_ns: Callable[[], int], start_ns: int, sleep: Callable[[float], None], waits: list[Patch]
) -> Iterator[None]:
    def steady_ns() -> int:
        return now_ns() - start_ns + _STEADY_START_NS

    def steady() -> float:
        return steady_ns() / SECOND_NS

    functions: dict[str, Callable[..., Any]] = {
        "sleep": sleep,
        "monotonic": steady,
        "monotonic_ns": steady_ns,
        "perf_counter": steady,
        "perf_counter_ns": steady_ns,
    }
    with ExitStack() as stack:
        traveller = stack.enter_context(time_machine.travel(start_ns / SECOND_NS, tick=False))
        vars(traveller)["time_ns"] = now_ns
        stack.enter_context(_replaced(functions))
        stack.enter_context(patched(waits))
        yield


@contextmanager
def _replaced(functions: dict[str, Callable[..., Any]]) -> Iterator[None]:
    """Functions of the `time` module, by name, wherever a module keeps them."""
    forth = {getattr(time, name): function for name, function in functions.items()}
    back = {function: old for old, function in forth.items()}
    _swap(forth)
    try:
        yield
    finally:
        _swap(back)


def _swap(table: dict[Any, Any]) -> None:
    by_identity = {id(old): new for old, new in table.items()}
    for name, module in tuple(sys.modules.items()):
        if name.split(".")[0] in _OURS or not isinstance(module, ModuleType):
            continue
        kept = vars(module)
        for attribute, value in tuple(kept.items()):
            new = by_identity.get(id(value))
            if new is not None:
                kept[attribute] = new
