"""A broker of nothing but time and replies, served in a thread, for the tests of the connection."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np

from onefill.terminal.port import Pending, Reply
from onefill.terminal.simulator.remote import wire
from onefill.terminal.simulator.remote.client import RemoteBackend, connect
from onefill.terminal.simulator.remote.floor import Floor
from onefill.terminal.simulator.remote.limits import LIMITS, Limits
from onefill.terminal.simulator.remote.pace import ClockPace, Lockstep
from onefill.terminal.simulator.remote.server import Server
from onefill.terminal.simulator.remote.time_kept import TimeKept
from onefill.terminal.simulator.surface.backend import Answer
from tests.own_port import own_port

TOKEN = "a token that only we know"
START = 1_000_000


class Market:
    """Time, and replies to requests that take `latency_ms`."""

    def __init__(self, latency_ms: int = 0) -> None:
        self.now_ms = START
        self.latency_ms = latency_ms
        #: Each call that was carried out: when, its name, its arguments.
        self.calls: list[tuple[int, str, tuple[Any, ...]]] = []
        self._under_way: list[tuple[int, int]] = []
        self._numbers = 0
        #: Raised by the next call.
        self.wrong: Exception | None = None

    def advance(self, to_ms: int) -> int:
        stops = [at_ms for at_ms, _ in self._under_way if self.now_ms < at_ms <= to_ms]
        self.now_ms = min([to_ms, *stops])
        return self.now_ms

    def collect(self) -> list[tuple[int, Reply]]:
        come = [one for one in self._under_way if one[0] <= self.now_ms]
        self._under_way = [one for one in self._under_way if one[0] > self.now_ms]
        return [(number, Reply(f"reply {number}")) for _, number in come]

    def next_due_ms(self) -> int | None:
        return min((at_ms for at_ms, _ in self._under_way), default=None)

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer | Pending:
        self.calls.append((self.now_ms - START, name, arguments))
        if self.wrong is not None:
            raise self.wrong
        if name == "symbol_info":
            return Answer(None, (-4, "Terminal: Not found"))
        if name == "copy_ticks_from":
            return Answer(np.zeros(arguments[2], np.dtype([("time", "<i8"), ("bid", "<f8")])))
        if name == "order_send" and self.latency_ms:
            self._numbers += 1
            self._under_way.append((self.now_ms + self.latency_ms, self._numbers))
            return Pending(self._numbers)
        return Answer((name, *arguments))

    def finished(self, reply: Reply) -> Answer:
        return Answer(reply.value, reply.error)


REQUEST = (1, 0, 0, "EURUSD", 0.1, 0.0, 0.0, 0.0, 0.0, 10, 0, 0, 0, 0, "", 0, 0)


class Hall:
    """A served market: where, and what its server came to."""

    def __init__(self, market: Market, address: tuple[str, int]) -> None:
        self.market = market
        self.address = address
        self.wrong: list[BaseException] = []

    def connect(self, token: str = TOKEN) -> RemoteBackend:
        return connect(f"{self.address[0]}:{self.address[1]}", token)

    def raw(self) -> socket.socket:
        """A connection on which nothing was said yet."""
        connected = socket.create_connection(self.address, 10)
        connected.settimeout(10)
        return connected

    def proven(self) -> socket.socket:
        """A connection on which the token was shown."""
        connected = self.raw()
        hello = hear(connected)
        assert isinstance(hello, wire.Hello)
        said = wire.Proof(wire.VERSION, wire.proof(TOKEN, "client", hello.nonce), b"n" * 32)
        connected.sendall(wire.frame(said))
        assert isinstance(hear(connected), wire.Welcome)
        return connected


@contextmanager
def serving(
    market: Market | None = None,
    *,
    speed: float = 0.0,
    limits: Limits = LIMITS,
    expected: int = 1,
    kept: TimeKept | None = None,
    port: int = 0,
) -> Iterator[Hall]:
    """A server in a thread. `speed` 0: lockstep."""
    market = market or Market()
    listening = socket.create_server(("127.0.0.1", port or own_port()))
    hall = Hall(market, listening.getsockname())
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        pace = ClockPace("fast", speed, START, loop.time) if speed else Lockstep()
        floor = Floor(market, market, pace, expected=expected)
        server = Server(floor, pace, TOKEN, kept=kept, limits=limits)
        await server.open(listening)
        ready.set()
        try:
            await server.run(stop)
        finally:
            await server.close()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except Exception as wrong:  # noqa: BLE001 - a test looks at it
            hall.wrong.append(wrong)
        finally:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    with closing(listening):
        try:
            yield hall
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            assert not thread.is_alive()


def hear(connected: socket.socket) -> wire.FromServer:
    """The server's next message."""
    content = _read(connected, wire.length_of(_read(connected, wire.LENGTH_BYTES)))
    return wire.read_server(content)


def has_hung_up(connected: socket.socket) -> bool:
    """Whether the server has ended the connection."""
    try:
        return connected.recv(1) == b""
    except ConnectionError:
        return True


def _read(connected: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        got = connected.recv(length - len(content))
        if not got:
            raise ConnectionError(f"hung up after {len(content)} of {length} bytes")
        content += got
    return content
