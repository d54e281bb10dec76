"""How a served market's time goes: with the machine's clock, or only while all clients wait."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from onefill.model.errors import OnefillError

_TIMES = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)x")
#: Market ms that a call takes in lockstep.
CALL_MS = 1


class Pace(Protocol):
    """Where the market's time may be by now. Times are Unix ms, UTC."""

    #: As the command line has it: `real`, `10x`, `lockstep`.
    name: str
    #: Market ms per ms of the machine's clock; 0: it does not follow that clock.
    speed: float

    def call_ms(self, reached_ms: int) -> int:
        """When a call that arrives now is carried out."""
        ...

    def limit_ms(self, reached_ms: int, *, all_wait: bool, next_ms: int | None) -> int:
        """Up to when time goes now. `all_wait`: no client is busy; the first that waits does so
        until `next_ms`."""
        ...


class ClockPace:
    """Time goes by the machine's clock, `speed` times as fast, whatever the clients do."""

    def __init__(self, name: str, speed: float, start_ms: int, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that never go back; the market is at `start_ms` now."""
        assert speed > 0, speed
        self.name, self.speed = name, speed
        self._start_ms = start_ms
        self._clock = clock
        self._began_s = clock()

    def call_ms(self, reached_ms: int) -> int:
        """Now."""
        return max(reached_ms, self._now_ms())

    def limit_ms(self, reached_ms: int, *, all_wait: bool, next_ms: int | None) -> int:
        """Now."""
        return max(reached_ms, self._now_ms())

    def _now_ms(self) -> int:
        return self._start_ms + int((self._clock() - self._began_s) * 1_000 * self.speed)


class Lockstep:
    """Time goes only while every client waits, and then at once to the first that is due.

    A call takes `CALL_MS`, so that a program that asks again and again gets on.
    """

    name, speed = "lockstep", 0.0

    def call_ms(self, reached_ms: int) -> int:
        """A little later than the last one."""
        return reached_ms + CALL_MS

    def limit_ms(self, reached_ms: int, *, all_wait: bool, next_ms: int | None) -> int:
        """The first that is due, where all wait."""
        return reached_ms if next_ms is None or not all_wait else max(reached_ms, next_ms)


def parse_speed(text: str) -> float:
    """`real`, `10x`, `0.5x`: market ms per ms of the machine's clock; `lockstep`: 0.

    Raises `OnefillError` (`SPEED_INVALID`).
    """
    if text == "lockstep":
        return 0.0
    if text == "real":
        return 1.0
    found = _TIMES.fullmatch(text)
    speed = float(found[1]) if found else 0.0
    if speed == 0.0:
        raise OnefillError(
            "SPEED_INVALID", f"--speed {text!r} is none of real, lockstep, or a factor such as 10x"
        )
    return speed
