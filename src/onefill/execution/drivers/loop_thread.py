"""An event loop in a thread of its own, for callers that block: it works from any thread, and
inside a running event loop too, since it never uses that one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from onefill.model.errors import OnefillError
from onefill.runtime.loop import new_event_loop

T = TypeVar("T")


class LoopThread:
    """Runs from construction to `close`."""

    def __init__(self, name: str) -> None:
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def ask(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry work out on the loop; blocks the caller, not the loop. Raises as `begin`."""
        return self.begin(work).result()

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin work on the loop; its result comes in a future of any thread's.

        Raises `OnefillError` (`LOOP_CLOSED`)."""
        if self._loop.is_closed():
            work.close()
            raise OnefillError("LOOP_CLOSED", "it was closed before; nothing was done")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the loop and its thread. What is still under way there is given up."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
