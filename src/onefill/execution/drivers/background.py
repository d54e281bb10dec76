"""The asyncio driver behind a plain call: a loop in a thread of its own.

`execute` works from any thread, and inside a running event loop too, since it never uses that one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType

from onefill.execution.drivers.live import LiveDriver
from onefill.execution.drivers.loop_thread import LoopThread
from onefill.model.intent import OrderIntent
from onefill.model.order import OrderState


class BackgroundDriver:
    """Owns a thread with an event loop, and the driver that lives on it."""

    def __init__(self, make_driver: Callable[[], Awaitable[LiveDriver]]) -> None:
        """`make_driver` is awaited on the loop, so that all that it makes belongs to it."""
        self._thread = LoopThread("onefill-engine")
        try:
            self._driver = self._thread.ask(self._made(make_driver))
        except BaseException:
            self._thread.close()
            raise

    @staticmethod
    async def _made(make_driver: Callable[[], Awaitable[LiveDriver]]) -> LiveDriver:
        driver = await make_driver()
        await driver.boot()
        return driver

    def execute(self, intent: OrderIntent) -> OrderState | None:
        """One order to the end of its pipeline; blocks the caller, not the loop."""
        return self._thread.ask(self._driver.execute(intent))

    def close(self) -> None:
        """Wait for what is under way, then end the thread."""
        try:
            self._thread.ask(self._driver.close())
        finally:
            self._thread.close()

    def __enter__(self) -> BackgroundDriver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
