"""The way out to one client: a bounded queue and, only while something is in it, one writer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from starlette.types import Send

from onefill.gateway.delivery.closing import CloseCode, reason_of
from onefill.gateway.delivery.counters import Counters
from onefill.gateway.delivery.settings import DeliverySettings

_SLOW = "what waits is not being read; connect again for it"


class Outgoing:
    """Frames leave in the order in which they were put. `put` and `close` return at once.

    A full queue takes no more commands: the desk keeps them and tries again. Where nothing of a
    full queue was read for `slow_s`, the client is told to come again (1013), and is cut off if it
    does not even read that. What it did not answer is handed again when it is back.
    """

    __slots__ = (
        "_abort", "_bytes", "_counters", "_ending", "_frames", "_grace", "_send", "_settings",
        "_slow", "_writer", "_written",
    )  # fmt: skip

    def __init__(
        self,
        send: Send,
        abort: Callable[[], None],
        settings: DeliverySettings,
        counters: Counters,
    ) -> None:
        self._send = send
        self._abort = abort
        self._settings = settings
        self._counters = counters
        #: Each with the account that it is for; empty where it is for the client itself.
        self._frames: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._ending: tuple[CloseCode, str] | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._written = 0

    @property
    def ending(self) -> bool:
        """Whether the client is being let go: nothing more is put."""
        return self._ending is not None

    def put(self, frame: bytes, account: str = "") -> bool:
        """Queue a command for an account; False where there is no room for it now."""
        if self._ending is not None:
            return False
        if self._has_room(len(frame), 1):
            self._append(account, frame)
            return True
        if self._slow is None:
            loop = asyncio.get_running_loop()
            self._slow = loop.call_later(
                self._settings.slow_s, self._look_whether_slow, self._written
            )
        return False

    def answer(self, frame: bytes, account: str = "") -> bool:
        """Queue what nobody would try again: it has room of its own, and where that is full too,
        the client is told to come again."""
        if self._ending is not None:
            return False
        if self._has_room(len(frame), 2):
            self._append(account, frame)
            return True
        self.close(CloseCode.SLOW, _SLOW)
        return False

    def _has_room(self, size: int, shares: int) -> bool:
        settings = self._settings
        return (
            len(self._frames) < settings.queue_frames * shares
            and self._bytes + size <= settings.queue_bytes * shares
        )

    def _append(self, account: str, frame: bytes) -> None:
        self._frames.append((account, frame))
        self._bytes += len(frame)
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    def _look_whether_slow(self, written: int) -> None:
        self._slow = None
        if self._frames and self._written == written:
            self.close(CloseCode.SLOW, _SLOW)

    def drop(self, account: str) -> None:
        """Forget what waits for an account: it is no longer this client's."""
        kept = [each for each in self._frames if each[0] != account]
        self._frames = deque(kept)
        self._bytes = sum(len(frame) for _, frame in kept)

    def close(self, code: CloseCode, sentence: str) -> None:
        """Write what waits, then the close frame; cut the client off if it does not read them."""
        if self._ending is not None:
            return
        self._ending = (code, reason_of(sentence))
        self._counters.closed[code] += 1
        loop = asyncio.get_running_loop()
        self._grace = loop.call_later(self._settings.close_s, self._abort)
        if self._writer is None:
            self._writer = loop.create_task(self._write())

    async def written(self) -> None:
        """Wait until nothing waits to be written, or the client is gone."""
        if self._writer is not None:
            await self._writer

    async def _write(self) -> None:
        try:
            while self._frames:
                _, frame = self._frames.popleft()
                self._bytes -= len(frame)
                await self._send({"type": "websocket.send", "bytes": frame})
                self._written += 1
                self._counters.frames_out += 1
            if self._ending is not None:
                code, reason = self._ending
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except (OSError, RuntimeError):
            # Gone (OSError), or the server itself is ending the connection (ASGI servers raise
            # RuntimeError for a send after that). The reader hears of it.
            self._frames.clear()
            self._bytes = 0
        finally:
            self._writer = None
