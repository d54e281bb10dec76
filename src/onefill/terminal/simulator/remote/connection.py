"""The server's end of one connection: whole frames, in time, of a size that is allowed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from onefill.terminal.simulator.remote import wire
from onefill.terminal.simulator.remote.limits import Limits

#: So long, and for so many blocks of 64 KB, a client is heard out that is being refused.
_FAREWELL_S = 1.0
_FAREWELL_READS = 64


class Dropped(Exception):
    """The server ends a connection, and why. Without a code nobody needs to be told."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code, self.sentence = code, sentence


class Connection:
    """Frames in and out. One task uses it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._limits = limits
        #: What was read while nothing was expected.
        self._early = b""
        address = writer.get_extra_info("peername")
        opened: socket.socket = writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        #: For the log.
        self.peer = f"{address[0]}:{address[1]}" if address else "a client"

    async def receive(self, most_bytes: int) -> wire.FromClient | None:
        """The next message; None where the client has hung up between two.

        Raises `Dropped` (`FRAME_TORN`, `FRAME_TOO_LARGE`, `FRAME_MALFORMED`) and
        `ConnectionError`.
        """
        try:
            first = self._early or await self._reader.read(1)
            self._early = b""
            content = await self._rest(first, most_bytes) if first else None
        except OSError as wrong:  # whatever the network has come to
            raise ConnectionResetError(str(wrong)) from None
        if content is None:
            return None
        try:
            return wire.read_client(content)
        except wire.Malformed as wrong:
            raise Dropped("FRAME_MALFORMED", f"a frame that is no message: {wrong}") from None

    async def _rest(self, first: bytes, most_bytes: int) -> bytes:
        """The content of a frame that has begun."""
        try:
            async with asyncio.timeout(self._limits.frame_seconds):
                rest = await self._reader.readexactly(wire.LENGTH_BYTES - len(first))
                length = wire.length_of(first + rest)
                if length > most_bytes:
                    raise Dropped(
                        "FRAME_TOO_LARGE", f"a frame of {length} bytes; {most_bytes} are allowed"
                    )
                return await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise Dropped("FRAME_TORN", "the connection ended within a frame") from None
        except TimeoutError:
            raise Dropped("FRAME_TORN", "a frame's end did not come in time") from None

    async def send(self, framed: bytes) -> None:
        """Hand a frame over. Raises `Dropped` where the client does not take it in time, and
        `ConnectionError`."""
        self._writer.write(framed)
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()
            raise Dropped("ANSWER_NOT_TAKEN", "the client does not read its answers") from None
        except OSError as wrong:
            raise ConnectionResetError(str(wrong)) from None

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[asyncio.Task[None]]:
        """While the client waits for an answer: a task that ends if it hangs up, or goes on to
        ask something else, which is kept for `receive`."""
        watching = asyncio.create_task(self._watch())
        try:
            yield watching
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        while not self._early:
            try:
                self._early = await self._reader.read(1)
            except OSError:
                return
            if not self._early:
                return
        await asyncio.get_running_loop().create_future()  # it is still there

    async def refuse(self, why: Dropped) -> None:
        """Say why the connection ends, if the client still listens."""
        if self._writer.is_closing():
            return
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_FAREWELL_S):
                self._writer.write(wire.frame(wire.Refused(0, why.code, why.sentence)))
                await self._writer.drain()
                if why.code != "TOO_MANY_STRANGERS":
                    await self._hear_out()

    async def _hear_out(self) -> None:
        """Take what the client still sends: hung up on before, it would never read why."""
        self._writer.write_eof()
        for _ in range(_FAREWELL_READS):
            if not await self._reader.read(1 << 16):
                return

    def close(self) -> None:
        """Hang up."""
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()
        else:
            self._writer.close()
