"""Where the time comes from: the machine in live work, the market in a replay."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Protocol

#: Taken here, so that a program whose `time` module tells the market's time does not change it.
_monotonic_ns = time.monotonic_ns
if sys.platform == "linux":
    _awake_or_not_ns = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
else:
    _awake_or_not_ns = time.monotonic_ns


class Clock(Protocol):
    """Something that knows the time."""

    def now_ms(self) -> int:
        """Unix milliseconds, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Unix milliseconds, UTC."""
        return time.time_ns() // 1_000_000


class SteadyClock:
    """The machine's time since this was made: it never steps, and no simulated time moves it."""

    def __init__(self) -> None:
        self._began_ns = _monotonic_ns()

    def now_ns(self) -> int:
        """Nanoseconds."""
        return _monotonic_ns() - self._began_ns


def monotonic_ns() -> int:
    """Nanoseconds that never go back; on one machine the same in every process.

    Linux's monotonic clock stands still while the machine sleeps, which would make what waited
    through a sleep look in time; the one that counts sleep too is taken there.
    """
    return _awake_or_not_ns()


def steady_ms() -> int:
    """`monotonic_ns` in milliseconds."""
    return monotonic_ns() // 1_000_000


def pause(duration_s: float) -> None:
    """Let real time pass; blocks the thread. Only for threads and processes that have nothing else
    to do."""
    time.sleep(duration_s)


class VirtualClock:
    """A clock that only its owner moves, and never back."""

    def __init__(self, start_ms: int = 0) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """Unix milliseconds, UTC."""
        return self._now_ms

    def advance(self, to_ms: int) -> None:
        """Move on to a time; an earlier one changes nothing."""
        if to_ms > self._now_ms:
            self._now_ms = to_ms
