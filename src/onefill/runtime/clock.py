"""Where the time comes from: the machine in live work, the market in a replay."""

from __future__ import annotations

import time
from typing import Protocol


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
