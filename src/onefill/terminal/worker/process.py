"""Starting a worker, and being connected to it: one process, one socket, one token."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, cast

import msgspec

from onefill.model.errors import OnefillError
from onefill.runtime.clock import monotonic_ns
from onefill.runtime.secret import new_secret
from onefill.terminal.session import Session
from onefill.terminal.worker.config import CONFIG_MOST, WorkerConfig
from onefill.terminal.worker.wire import (
    LENGTH,
    TOLD_MOST,
    VERSION,
    Hello,
    Welcome,
    WireBroken,
    WrongVersion,
    decode_hello,
    framed,
    welcome_of,
)

Received = Callable[[bytes], None]

_SECRET = re.compile("PASSW|TOKEN|SECRET", re.IGNORECASE)


class Frames(asyncio.Protocol):
    """Whole frames over an asyncio transport. `on_frame` and `on_lost` belong to the loop."""

    def __init__(self, most: int = TOLD_MOST) -> None:
        """`most`: bytes of a frame; a longer one ends the connection."""
        self._most = most
        self.on_frame: Received = _nobody
        self.on_lost: Callable[[], None] = _nothing
        self.transport: asyncio.Transport | None = None
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by name
        if not self.connected.done():
            self.connected.set_result(None)

    def data_received(self, chunk: bytes) -> None:
        if not self._held and len(chunk) >= LENGTH.size:
            length = LENGTH.unpack_from(chunk)[0]
            if len(chunk) == LENGTH.size + length and length <= self._most:
                self.on_frame(chunk[LENGTH.size :])  # one frame and no more, as nearly always
                return
        self._gather(chunk)

    def _gather(self, chunk: bytes) -> None:
        held = self._held
        held += chunk
        while len(held) >= LENGTH.size:
            length = LENGTH.unpack_from(held)[0]
            if length > self._most:
                self.abort()
                return
            end = LENGTH.size + length
            if len(held) < end:
                return
            body = bytes(held[LENGTH.size : end])
            del held[:end]
            self.on_frame(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.on_lost()

    def send(self, body: bytes) -> None:
        """Write a frame; nothing where the connection has gone."""
        if self.transport is not None:
            self.transport.write(framed(body))

    def abort(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()


def _nobody(_: bytes) -> None:
    return None


def _nothing() -> None:
    return None


class WorkerProcess:
    """A running worker and the connection to it."""

    def __init__(self, process: subprocess.Popen[bytes], frames: Frames, welcome: Welcome) -> None:
        self._process = process
        self.frames = frames
        self.welcome = welcome

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it at once, stopped or hung as it may be; comes back when it is gone."""
        self.frames.abort()
        self._process.kill()
        self._process.wait()

    async def finish(self, patience_s: float) -> None:
        """Hang up and let it log out; kill it where that takes too long."""
        self.frames.abort()
        for _ in range(int(patience_s / 0.02)):
            if self._process.poll() is not None:
                return
            await asyncio.sleep(0.02)
        self.kill()


async def start_worker(session: Session, fences: Path, log: IO[bytes] | int) -> WorkerProcess:
    """Start a worker for a session and wait until it holds its terminal.

    Raises `OnefillError`: the trouble that the worker tells, `WORKER_NOT_STARTED`, `WIRE_VERSION`.
    """
    with tempfile.TemporaryDirectory(prefix="onefill-") as place:
        frames = Frames()
        token = new_secret(16).hex()
        async with _Listening(frames, Path(place)) as address:
            config = WorkerConfig(session=session, address=address, token=token, fences=str(fences))
            process = _spawn(config, log)
            try:
                welcome = await _welcomed(process, frames, token, session)
            except BaseException:
                frames.abort()
                process.kill()
                process.wait()
                raise
    return WorkerProcess(process, frames, welcome)


class _Stranger(asyncio.Protocol):
    """Whoever connects beside the worker: hung up on, whatever it says."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()


class _Listening:
    """A socket that one worker connects to: a Unix socket in a private folder, elsewhere a port of
    the loopback interface."""

    def __init__(self, frames: Frames, place: Path) -> None:
        self._frames = frames
        self._place = place
        self._server: asyncio.Server | None = None
        self._taken = False

    async def __aenter__(self) -> str:
        loop = asyncio.get_running_loop()
        if sys.platform == "win32":
            self._server = await loop.create_server(self._first, "127.0.0.1", 0)
            address = f"tcp:127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        else:
            path = self._place / "worker"
            self._server = await loop.create_unix_server(self._first, path)
            address = f"unix:{path}"
        return address

    def _first(self) -> asyncio.Protocol:
        if self._taken:
            return _Stranger()
        self._taken = True
        return self._frames

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()


def _spawn(config: WorkerConfig, log: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """The process; its configuration goes over its standard input and nowhere else."""
    # What holds the password gets no name here: a traceback may be written with its variables.
    length = len(framed(msgspec.msgpack.encode(config)))
    if length > CONFIG_MOST:
        raise not_started(
            config.session, f"its settings have {length} bytes, {CONFIG_MOST} are the most"
        )
    process = None
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "onefill.terminal.worker"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=_without_secrets(os.environ, config.session),
        )
        assert process.stdin is not None
        with process.stdin as stdin:
            stdin.write(framed(msgspec.msgpack.encode(config)))
    except OSError as wrong:
        if process is not None:
            process.kill()
            process.wait()
        raise not_started(config.session, str(wrong)) from None
    return process


def _without_secrets(environment: Mapping[str, str], session: Session) -> dict[str, str]:
    """What a worker needs of an environment: others may list a process's."""
    own = [secret for secret in (session.password, session.token) if secret]
    return {
        name: value
        for name, value in environment.items()
        if not _SECRET.search(name) and not any(secret in value for secret in own)
    }


async def _welcomed(
    process: subprocess.Popen[bytes], frames: Frames, token: str, session: Session
) -> Welcome:
    """The worker's first two frames, once it holds its terminal."""
    bodies: asyncio.Queue[bytes | None] = asyncio.Queue()
    frames.on_frame = bodies.put_nowait
    frames.on_lost = lambda: bodies.put_nowait(None)
    until_ns = monotonic_ns() + (session.timeout_ms + 10_000) * 1_000_000

    async def next_body() -> bytes:
        while monotonic_ns() < until_ns:
            try:
                async with asyncio.timeout(0.1):
                    body = await bodies.get()
            except TimeoutError:
                if process.poll() is not None and bodies.empty():
                    break
                continue
            if body is None:
                await _given_time_to_end(process)
                break
            return body
        raise not_started(session, _ended(process))

    try:
        hello: Hello = decode_hello(await next_body())
    except msgspec.DecodeError as wrong:
        raise WireBroken(f"its greeting cannot be read ({wrong})") from None
    if hello.token != token:
        raise WireBroken("the process that connected is not the worker that was started")
    if hello.version != VERSION:  # Onefill was upgraded while this engine ran
        raise WrongVersion(session.name, hello.version)
    return welcome_of(await next_body(), session.name)


async def _given_time_to_end(process: subprocess.Popen[bytes]) -> None:
    """A worker that hung up is ending: its status says more than its silence."""
    for _ in range(50):
        if process.poll() is not None:
            return
        await asyncio.sleep(0.02)


def _ended(process: subprocess.Popen[bytes]) -> str:
    status = process.poll()
    if status is None:
        return "it did not answer in time"
    return f"it ended with status {status}; its log says why"


def not_started(session: Session, why: str) -> OnefillError:
    """No worker could be had."""
    return OnefillError(
        "WORKER_NOT_STARTED", f"the worker of session {session.name!r} did not start: {why}"
    )
