"""One WebSocket while it lasts: what comes is heard, what is queued goes out, and heartbeats prove
that the other side is there."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from onefill.contracts.framing import Framing
from onefill.contracts.messages import Heartbeat, Message, Result, WireError
from onefill.contracts.refusals import FrameRefused
from onefill.runtime.clock import Clock, monotonic_ns

QUEUE_MOST = 4_096
"""Messages that wait to be written; a gateway that reads so slowly is left."""
BEAT_S, BEAT_LEAST_S = 1.0, 0.1
SILENCE_S = 5.0
"""Without an answer to a heartbeat for so long the connection is held to be dead."""
BAD_MOST = 100
"""Frames that cannot be read before the connection is left."""
_BEATS_MOST = 16
_TEXT_FRAME, _GOING_AWAY = 1003, 1001

SESSION_REPLACED = "SESSION_REPLACED"
"""The error, and the close code, that tell a client that a newer one holds its account."""
REPLACED_CODE = 4001


class Peer(Protocol):
    """Whoever lives on a connection: an account of the agent. All calls come on the loop."""

    def opened(self, connection: Connection) -> None:
        """There is a connection; nothing was heard on it yet."""
        ...

    def hear(self, message: Message) -> None:
        """A message came."""
        ...

    def refused(self, refused: FrameRefused) -> None:
        """A frame came that cannot be read."""
        ...

    def contact(self, sent_ns: int) -> None:
        """The gateway answered a heartbeat that was sent then, on the monotonic clock."""
        ...

    def clock(self, ahead_ms: int, within_ms: int) -> None:
        """How far the gateway's clock is ahead of ours (negative: behind), give or take."""
        ...

    def clock_untold(self) -> None:
        """The gateway answered, and tells no clock."""
        ...

    def written(self, result: Result) -> None:
        """A result went out in a dialect that has no acknowledgements."""
        ...

    def closed(self) -> None:
        """The connection is no more."""
        ...


class Connection:
    """Belongs to one loop; `live` is its whole life."""

    def __init__(
        self, socket: ClientConnection, gateway: str, framing: Framing, peer: Peer, clock: Clock
    ) -> None:
        """`gateway`: its address, as its peer is to know it."""
        self.gateway = gateway
        self.enveloped = framing.enveloped
        #: Whether a newer client of the account took the session.
        self.replaced = False
        self._socket = socket
        self._framing = framing
        self._peer = peer
        self._clock = clock
        self._queue: deque[Message] = deque()
        self._more = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._beats: dict[int, int] = {}
        self._bad = 0
        self._beat_s = BEAT_S
        self._answered_ns = monotonic_ns()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def send(self, message: Message) -> bool:
        """Queue a message; False where the connection is at its end, or now is, because too much
        waits already: what must arrive is sent again on the next one."""
        if self._ended.done():
            return False
        if len(self._queue) >= QUEUE_MOST:
            self.end(f"{QUEUE_MOST} messages wait: the gateway does not read them")
            return False
        self._queue.append(message)
        self._drained.clear()
        self._more.set()
        return True

    def end(self, why: str) -> None:
        """Let it come to its end."""
        if not self._ended.done():
            self._ended.set_result(why)

    async def live(self) -> str:
        """Until it ends; why it did, as a sentence."""
        self._peer.opened(self)
        tasks = [asyncio.create_task(work) for work in (self._read(), self._write(), self._beat())]
        for task in tasks:
            task.add_done_callback(self._part_over)
        try:
            return await self._ended
        finally:
            self.end("it was given up")
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._peer.closed()
            try:
                await self._socket.close(_GOING_AWAY)
            finally:
                self._socket.transport.abort()  # where it was not let finish

    async def flushed(self) -> None:
        """Comes back when nothing waits to be written, or the connection is at its end."""
        drained = asyncio.create_task(self._drained.wait())
        both: list[asyncio.Future[Any]] = [drained, self._ended]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        drained.cancel()

    def beat_within(self, lease_s: float) -> None:
        """Send a heartbeat now, and from now on so often that a lease of that length lives through
        a lost one or two."""
        self._beat_s = min(BEAT_S, max(BEAT_LEAST_S, lease_s / 3))
        self._beat_once()

    def _beat_once(self) -> None:
        now_ms = self._clock.now_ms()
        while len(self._beats) >= _BEATS_MOST:
            del self._beats[next(iter(self._beats))]
        self._beats[now_ms] = monotonic_ns()
        self.send(Heartbeat(now_ms))

    def _part_over(self, task: asyncio.Task[str]) -> None:
        if task.cancelled():
            self.end("it was given up")
        elif (wrong := task.exception()) is None:
            self.end(task.result())
        elif isinstance(wrong, ConnectionClosed):
            self._closed_by(wrong)
        elif not self._ended.done():
            self._ended.set_exception(wrong)

    def _closed_by(self, closed: ConnectionClosed) -> None:
        told = closed.rcvd
        if told is None:
            self.end("the connection was cut")
            return
        self.replaced = self.replaced or told.code == REPLACED_CODE
        self.end(f"the gateway closed it ({told.code}{' ' if told.reason else ''}{told.reason})")

    async def _read(self) -> str:
        while True:
            frame = await self._socket.recv()
            if isinstance(frame, str):
                await self._socket.close(_TEXT_FRAME, "frames are binary")
                return "the gateway sent a text frame"
            try:
                message = self._framing.unpack(frame)
            except FrameRefused as refused:
                self._bad += 1
                if self._bad > BAD_MOST:
                    return f"more than {BAD_MOST} frames of the gateway could not be read"
                self._peer.refused(refused)
                continue
            if message is None:
                continue  # a newer gateway's; what it says is not for this client
            if isinstance(message, Heartbeat):
                self._answered(message)
                continue
            if isinstance(message, WireError) and message.code == SESSION_REPLACED:
                self.replaced = True
                return message.message
            self._peer.hear(message)

    def _answered(self, beat: Heartbeat) -> None:
        sent_ns = self._beats.pop(beat.sent_at_ms, None)
        if sent_ns is None:
            return
        self._answered_ns = monotonic_ns()
        if beat.clock_ms:
            half_ms = (self._answered_ns - sent_ns) // 2_000_000 + 1
            self._peer.clock(beat.clock_ms - beat.sent_at_ms - half_ms, half_ms)
        else:
            self._peer.clock_untold()
        self._peer.contact(sent_ns)

    async def _write(self) -> str:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._queue:
                message = self._queue[0]
                try:
                    frame = self._framing.pack(message)
                except FrameRefused:
                    frame = None  # more than a frame holds: the gateway would not read it
                if frame is not None:
                    await self._socket.send(frame)
                self._queue.popleft()
                if not self.enveloped and isinstance(message, Result):
                    self._peer.written(message)
            self._drained.set()

    async def _beat(self) -> str:
        while True:
            if self.enveloped:
                self._beat_once()
            else:
                await self._ping()
            await asyncio.sleep(self._beat_s)
            if monotonic_ns() - self._answered_ns > SILENCE_S * 1e9:
                return f"the gateway answered no heartbeat for {SILENCE_S:g} s"

    async def _ping(self) -> None:
        """A dialect without heartbeats: WebSocket's own."""
        sent_ns = monotonic_ns()
        ponged = asyncio.ensure_future(await self._socket.ping())

        def answered(pong: asyncio.Future[float]) -> None:
            if not pong.cancelled() and pong.exception() is None:
                self._answered_ns = monotonic_ns()
                self._peer.contact(sent_ns)

        ponged.add_done_callback(answered)
