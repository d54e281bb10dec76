"""A worker for engines on other machines: TLS and a token before it, one call at a time behind it.

The front starts the worker beside the terminal and replaces it where it hangs or dies, as an engine
on this machine would.
"""

from __future__ import annotations

import asyncio
import hmac
import ssl
from collections.abc import Callable

import msgspec

from onefill.runtime.clock import Clock, monotonic_ns
from onefill.terminal.port import Request
from onefill.terminal.worker.process import Frames
from onefill.terminal.worker.terminal import WorkerTerminal
from onefill.terminal.worker.wire import (
    ASK_MOST,
    VERSION,
    Ask,
    Hello,
    Welcome,
    arguments_of,
    decode_ask,
    decode_hello,
    encode,
    encode_told,
)

#: Connections at once; engines are few, and one that hangs must not keep a newer one out.
CONNECTIONS_MOST = 8
#: A connection that has not said its token by then is closed.
GREETING_S = 5.0
#: Who is refused is told at most so often, with how many there were: a log has its limits.
TOLD_EVERY_S = 1.0


class Front:
    """Serves one session's terminal. Belongs to one event loop."""

    def __init__(
        self,
        terminal: WorkerTerminal,
        token: str,
        clock: Clock,
        trouble: Callable[[str, str], None] = lambda code, sentence: None,
    ) -> None:
        """`trouble` is told (code, sentence) who was refused: `TOKEN_REFUSED`."""
        self._trouble = trouble
        self._refused = 0
        self._tell_from_ns = 0
        self._terminal = terminal
        self._token = token.encode()
        self._clock = clock
        self._open: set[Frames] = set()
        self._epoch = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext) -> int:
        """Take connections; the port (0 lets the system choose one). Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connection, host, port, ssl=tls, ssl_handshake_timeout=GREETING_S
        )
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Take no more, and end those that are open. The terminal stays its owner's."""
        if self._server is not None:
            self._server.close()
        for frames in list(self._open):
            frames.abort()
        for task in self._tasks:
            task.cancel()

    def _connection(self) -> Frames:
        frames = Frames(most=ASK_MOST)
        if len(self._open) >= CONNECTIONS_MOST:
            frames.connected.add_done_callback(lambda _: frames.abort())
            return frames
        self._open.add(frames)
        bodies: asyncio.Queue[bytes | None] = asyncio.Queue()
        frames.on_frame = bodies.put_nowait
        frames.on_lost = lambda: self._gone(frames, bodies)
        task = asyncio.get_running_loop().create_task(self._serve(frames, bodies))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return frames

    def _gone(self, frames: Frames, bodies: asyncio.Queue[bytes | None]) -> None:
        self._open.discard(frames)
        bodies.put_nowait(None)

    async def _serve(self, frames: Frames, bodies: asyncio.Queue[bytes | None]) -> None:
        try:
            await frames.connected
            peer = _peer(frames)
            refused = await self._why_refused(bodies)
            if refused:
                self._tell_refused(peer, refused)
                return
            frames.send(encode(self._welcome()))
            while (body := await bodies.get()) is not None:
                ask = decode_ask(body)
                self._epoch = max(self._epoch, ask.epoch)
                reply = await self._terminal.call(self._request(ask))
                frames.send(encode_told(ask.number, reply))
        except msgspec.DecodeError:
            return  # whoever it is does not speak our language
        finally:
            frames.abort()

    async def _why_refused(self, bodies: asyncio.Queue[bytes | None]) -> str:
        """What is wrong with a greeting, in words; empty where it is welcome."""
        try:
            async with asyncio.timeout(GREETING_S):
                body = await bodies.get()
            if body is None:
                return "hung up without a token"
            hello: Hello = decode_hello(body)
        except TimeoutError:
            return f"showed no token within {GREETING_S:g} s"
        except msgspec.DecodeError:
            return "does not speak this protocol"
        if not hmac.compare_digest(hello.token.encode(), self._token):
            return "showed another token"
        return "" if hello.version == VERSION else f"speaks version {hello.version}, not {VERSION}"

    def _tell_refused(self, peer: str, why: str) -> None:
        """Who it was, and how many there were; never what was said."""
        self._refused += 1
        now_ns = monotonic_ns()
        if now_ns >= self._tell_from_ns:
            self._tell_from_ns = now_ns + int(TOLD_EVERY_S * 1e9)
            self._trouble("TOKEN_REFUSED", f"{peer} {why}; refused so far: {self._refused}")

    def _welcome(self) -> Welcome:
        known = self._terminal.welcome
        if known is None:
            trouble = ("NO_WORKER", "the terminal has no worker just now; it is started again")
            return Welcome(VERSION, 0, 0, "", "", monotonic_ns(), trouble)
        epoch = max(known.epoch, self._epoch)
        return msgspec.structs.replace(known, monotonic_ns=monotonic_ns(), epoch=epoch)

    def _request(self, ask: Ask) -> Request:
        now_ms = self._clock.now_ms()
        not_after_ms = None
        if ask.not_after_ns:
            not_after_ms = now_ms + (ask.not_after_ns - monotonic_ns()) // 1_000_000
        deadline_ms = now_ms + ask.budget_ms if ask.budget_ms else None
        return Request(
            ask.name,
            arguments_of(ask),
            ask.epoch,
            not_after_ms,
            deadline_ms,
            ask.key,
            ask.attempt,
        )


def _peer(frames: Frames) -> str:
    """Where a connection comes from."""
    address = frames.transport.get_extra_info("peername") if frames.transport else None
    return f"{address[0]} port {address[1]}" if address else "somebody"
