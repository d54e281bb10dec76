"""What a call through a worker is measured beside: round trips of the same bytes between the same
two processes, with less and less of ours in them."""

from __future__ import annotations

import asyncio
import socket
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any, cast

from onefill.runtime.clock import SystemClock, monotonic_ns
from onefill.terminal.port import Reply, Request, Tick
from onefill.terminal.worker.channel import SocketChannel
from onefill.terminal.worker.fence import Fence
from onefill.terminal.worker.process import Frames
from onefill.terminal.worker.serve import Gate, serve
from onefill.terminal.worker.terminal import WorkerTerminal
from onefill.terminal.worker.wire import VERSION, Welcome

#: What every one of them answers.
TICK = Tick(1_700_000_000_000, 1.1, 1.1001)


class BareEcho:
    """Another process that answers so many bytes with so many, both ends blocking."""

    def __init__(self, ask: bytes, told: bytes) -> None:
        self._ask, self._told = ask, len(told)
        self._ours, theirs = socket.socketpair()
        self._process = get_context("spawn").Process(target=_echo, args=(theirs, len(ask), told))
        self._process.start()
        theirs.close()

    def timed(self, count: int) -> list[float]:
        """Seconds of each of so many round trips."""
        times = []
        for _ in range(count):
            began = perf_counter()
            self._ours.sendall(self._ask)
            _receive(self._ours, self._told)
            times.append(perf_counter() - began)
        return times

    def close(self) -> None:
        """End both."""
        self._ours.close()
        self._process.join()


class LoopEcho(asyncio.Protocol):
    """The same process at the other end, awaited on the running event loop at this one: what no
    caller on a loop comes below."""

    def __init__(self, ask: bytes, told: bytes) -> None:
        self._ask, self._told = ask, len(told)
        self._ours, theirs = socket.socketpair()
        self._process = get_context("spawn").Process(target=_echo, args=(theirs, len(ask), told))
        self._process.start()
        theirs.close()
        self._came = 0
        self._answer: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    async def connect(self) -> None:
        """Have the loop read it."""
        await asyncio.get_running_loop().create_connection(lambda: self, sock=self._ours)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        if self._came == self._told and self._answer is not None:
            self._came = 0
            self._answer.set_result(None)

    async def timed(self, count: int) -> list[float]:
        """Seconds of each of so many round trips."""
        loop, transport, times = asyncio.get_running_loop(), self._transport, []
        assert transport is not None
        for _ in range(count):
            began = perf_counter()
            self._answer = loop.create_future()
            transport.write(self._ask)
            await self._answer
            times.append(perf_counter() - began)
        return times

    async def close(self) -> None:
        """End both."""
        assert self._transport is not None
        self._transport.abort()
        await asyncio.get_running_loop().run_in_executor(None, self._process.join)


def _echo(connection: socket.socket, asked: int, told: bytes) -> None:
    while _receive(connection, asked):
        connection.sendall(told)


def _receive(connection: socket.socket, length: int) -> bool:
    while length:
        more = connection.recv(length)
        if not more:
            return False
        length -= len(more)
    return True


class AtOnce:
    """A worker whose terminal answers at once: `serve`, `WorkerTerminal` and all between them, and
    no terminal's work."""

    def __init__(self, fences: Path) -> None:
        self._ours, theirs = socket.socketpair()
        self._process = get_context("spawn").Process(target=_serve_at_once, args=(theirs, fences))
        self._process.start()
        theirs.close()
        self.frames = Frames()
        self.welcome = Welcome(VERSION, 0, 1, "S", "none", monotonic_ns())

    async def terminal(self) -> WorkerTerminal:
        """It, as the engine calls it."""
        found = WorkerTerminal(self._connected, SystemClock())
        await found.start()
        return found

    async def _connected(self) -> AtOnce:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self.frames, sock=self._ours)
        return self

    def kill(self) -> None:
        """End it at once."""
        self.frames.abort()
        self._process.kill()

    async def finish(self, patience_s: float) -> None:
        """Hang up, and wait for its end."""
        self.frames.abort()
        await asyncio.get_running_loop().run_in_executor(None, self._process.join, patience_s)


class _Instant:
    def call(self, request: Request, gate: Gate) -> Reply:
        return Reply(TICK)


def _serve_at_once(connection: socket.socket, fences: Path) -> None:
    from onefill.runtime.collector import calm_collector

    calm_collector()
    terminal: Any = _Instant()
    serve(SocketChannel(connection), terminal, Fence(fences, 1, "S", 0.0))
