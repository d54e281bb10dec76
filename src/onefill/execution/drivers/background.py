"""The asyncio driver behind a plain call: a loop in a thread of its own.

`execute` works from any thread, and inside a running event loop too, since it never uses that one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from onefill.execution.drivers.live import LiveDriver
from onefill.model.intent import OrderIntent
from onefill.model.order import OrderState

T = TypeVar("T")


class BackgroundDriver:
    """Owns a thread with an event loop, and the driver that lives on it."""

    def __init__(self, make_driver: Callable[[], Awaitable[LiveDriver]]) -> None:
        """`make_driver` is awaited on the loop, so that all that it makes belongs to it."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="onefill-engine", daemon=True
        )
        self._thread.start()
        try:
            self._driver = self._ask(self._made(make_driver))
        except BaseException:
            self._stop_loop()
            raise

    @staticmethod
    async def _made(make_driver: Callable[[], Awaitable[LiveDriver]]) -> LiveDriver:
        driver = await make_driver()
        await driver.boot()
        return driver

    def execute(self, intent: OrderIntent) -> OrderState | None:
        """One order to the end of its pipeline; blocks the caller, not the loop."""
        return self._ask(self._driver.execute(intent))

    def close(self) -> None:
        """Wait for what is under way, then end the thread."""
        try:
            self._ask(self._driver.close())
        finally:
            self._stop_loop()

    def __enter__(self) -> BackgroundDriver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
