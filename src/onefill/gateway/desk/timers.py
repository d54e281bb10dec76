"""What is to be done when its time comes: one heap and one timer for all accounts."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from onefill.runtime.clock import Clock


class Timers:
    """Belongs to the running event loop. The clock is looked at again after `look_ms` at the
    latest, so that a clock that was set goes unnoticed no longer than that."""

    def __init__(self, clock: Clock, look_ms: int) -> None:
        self._clock = clock
        self._look_ms = look_ms
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._made = 0
        self._handle: asyncio.TimerHandle | None = None
        self._closed = False

    def at(self, at_ms: int, call: Callable[[], None]) -> None:
        """Call it once that time (Unix ms) has come."""
        self._made += 1
        heapq.heappush(self._heap, (at_ms, self._made, call))
        if self._heap[0][0] == at_ms:
            self._arm()

    def due(self) -> None:
        """Do everything whose time has come, in order."""
        now_ms = self._clock.now_ms()
        while self._heap and self._heap[0][0] <= now_ms:
            heapq.heappop(self._heap)[2]()
        self._arm()

    def close(self) -> None:
        """Nothing is done from here on."""
        self._closed = True
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._heap and not self._closed:
            wait_ms = self._heap[0][0] - self._clock.now_ms()
            delay_s = max(0, min(wait_ms, self._look_ms)) / 1000
            self._handle = asyncio.get_running_loop().call_later(delay_s, self.due)
