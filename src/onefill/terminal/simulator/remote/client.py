"""A program's end of a broker that other programs are connected to: `connect`.

A call goes over once, whatever happens: where its answer is lost, the program is told so, and asks
the broker's history as it would ask a real one's. The next call connects again.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
from threading import RLock
from typing import Any

from onefill.model.errors import OnefillError
from onefill.runtime.secret import new_secret
from onefill.terminal.simulator.remote import wire
from onefill.terminal.simulator.remote.address import parse_address
from onefill.terminal.simulator.remote.calls import MAX_SLEEP_MS
from onefill.terminal.simulator.remote.limits import LIMITS, Limits
from onefill.terminal.simulator.surface.backend import Answer

_OFFLINE = Answer(None, (-10004, "No IPC connection"))
_LOST = Answer(None, (-10002, "IPC recv failed"))
_UNSENT = Answer(None, (-10001, "IPC send failed"))
_TIMED_OUT = Answer(None, (-10005, "IPC timeout"))
_INVALID = Answer(None, (-2, "Invalid arguments"))

#: For connecting, and again for each word until the token is proven.
CONNECT_SECONDS = 5.0
#: For an answer, where the broker's time goes by the clock; in lockstep other programs decide.
ANSWER_SECONDS = 90.0


class _Gone(Exception):
    """The connection is lost."""


class RemoteBackend:
    """`surface.backend.Backend` over a connection. Threads take turns, and so do forked children,
    each of which gets a connection of its own."""

    def __init__(
        self,
        address: tuple[str, int],
        token: str,
        seconds: float = CONNECT_SECONDS,
        limits: Limits = LIMITS,
    ) -> None:
        self._address = address
        self._token = token
        self._limits = limits
        self._lock = RLock()
        self._socket: socket.socket | None = None
        self._process = os.getpid()
        self._number = 0
        self._closed = False
        #: The broker's `--speed`: `real`, `10x`, `lockstep`.
        self.pace = ""
        #: Market ms per ms of the machine's clock; 0 in lockstep.
        self.speed = 0.0
        self._open(seconds)

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer:
        """Answer a function of the table; KeyError for another name."""
        seconds = ANSWER_SECONDS if self.speed else None
        return self._ask(name, arguments, seconds)

    def now_ms(self) -> int:
        """The market's time, UTC Unix ms. Raises `OnefillError` (`BROKER_LOST`)."""
        value: int | None = self._ask("now_ms", (), ANSWER_SECONDS).value
        if value is None:
            raise _lost(self._address)
        return value

    def sleep_ms(self, duration_ms: float) -> None:
        """Wait until so much of the market's time has passed, ten years at most.

        Raises `OnefillError` (`BROKER_LOST`).
        """
        wanted_ms = min(max(0.0, float(duration_ms)), float(MAX_SLEEP_MS))
        seconds = wanted_ms / self.speed / 1_000 + ANSWER_SECONDS if self.speed else None
        answer = self._ask("sleep_ms", (wanted_ms,), seconds)
        if answer.error[0] < 0:
            raise _lost(self._address)

    def close(self) -> None:
        """Disconnect, for good."""
        with self._lock:
            self._closed = True
            self._drop()

    # One call.

    def _ask(self, name: str, arguments: tuple[Any, ...], seconds: float | None) -> Answer:
        if os.getpid() != self._process:
            self._after_fork()
        with self._lock:
            self._number += 1
            try:
                framed = wire.frame(wire.Call(self._number, name, list(arguments)))
            except (TypeError, OverflowError, UnicodeEncodeError):
                return _INVALID
            if len(framed) - wire.LENGTH_BYTES > self._limits.request_bytes:
                return _INVALID
            connected = self._connected()
            if connected is None:
                return _OFFLINE
            try:
                return self._exchange(connected, framed, seconds)
            except BaseException:  # what is under way must not be taken for the next call's answer
                self._drop()
                raise

    def _exchange(self, connected: socket.socket, framed: bytes, seconds: float | None) -> Answer:
        connected.settimeout(seconds)
        try:
            connected.sendall(framed)
        except OSError:
            self._drop()
            return _UNSENT
        try:
            told = self._receive(connected, self._limits.answer_bytes)
        except TimeoutError:
            self._drop()
            return _TIMED_OUT
        except (OSError, _Gone):
            self._drop()
            return _LOST
        return self._understood(told)

    def _understood(self, told: wire.FromServer) -> Answer:
        if isinstance(told, wire.Answered) and told.number == self._number:
            return Answer(told.value, (told.code, told.text))
        if isinstance(told, wire.Refused) and told.number == self._number:
            if told.code == "CALL_UNKNOWN":
                raise KeyError(told.sentence)
            return _INVALID
        self._drop()
        return _LOST

    # The connection.

    def _connected(self) -> socket.socket | None:
        """A connection that is alive as far as can be told, a new one if need be."""
        if self._closed:
            return None
        if self._socket is not None and _has_ended(self._socket):
            self._drop()
        if self._socket is None:
            try:
                self._open(CONNECT_SECONDS)
            except OnefillError:
                return None
        return self._socket

    def _open(self, seconds: float) -> None:
        """Connect and show the token. Raises `OnefillError`."""
        try:
            connected = socket.create_connection(self._address, seconds)
        except OSError as wrong:
            raise _unreachable(self._address, str(wrong)) from None
        try:
            welcome = self._greet(connected)
        except (OSError, _Gone) as wrong:
            connected.close()
            raise _unreachable(self._address, str(wrong) or "it hung up") from None
        except BaseException:
            connected.close()
            raise
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.pace, self.speed = welcome.pace, welcome.speed
        self._socket = connected

    def _greet(self, connected: socket.socket) -> wire.Welcome:
        hello = self._receive(connected, self._limits.hello_bytes)
        if isinstance(hello, wire.Refused):
            raise _refused(self._address, hello)
        if not isinstance(hello, wire.Hello) or hello.name != wire.NAME:
            raise _Gone("what answers there is no broker of Onefill's")
        nonce = new_secret(wire.NONCE_BYTES)
        mine = wire.proof(self._token, "client", hello.nonce)
        connected.sendall(wire.frame(wire.Proof(wire.VERSION, mine, nonce)))
        told = self._receive(connected, self._limits.hello_bytes)
        if isinstance(told, wire.Refused):
            raise _refused(self._address, told)
        if not isinstance(told, wire.Welcome) or not wire.is_proof(
            told.proof, self._token, "server", nonce
        ):
            raise _Gone("what answers there does not have the token")
        return told

    def _receive(self, connected: socket.socket, most_bytes: int) -> wire.FromServer:
        length = wire.length_of(_exactly(connected, wire.LENGTH_BYTES))
        if length > most_bytes:
            raise _Gone(f"a frame of {length} bytes; {most_bytes} are allowed")
        try:
            return wire.read_server(_exactly(connected, length))
        except wire.Malformed as wrong:
            raise _Gone(f"a frame that is no message: {wrong}") from None

    def _drop(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def _after_fork(self) -> None:
        """In a child: the connection and whoever held the lock stayed with the parent."""
        self._process = os.getpid()
        self._lock = RLock()
        self._drop()


def connect(address: str, token: str, seconds: float = CONNECT_SECONDS) -> RemoteBackend:
    """A connection to the broker at `HOST:PORT`, which `token` is the secret of, within so many
    seconds.

    Raises `OnefillError`: `ADDRESS_INVALID`, `BROKER_UNREACHABLE`, `BROKER_REFUSED`.
    """
    return RemoteBackend(parse_address(address), token, seconds)


def _exactly(connected: socket.socket, length: int) -> bytes:
    content = bytearray(length)
    view = memoryview(content)
    while view:
        got = connected.recv_into(view)
        if not got:
            raise _Gone("it hung up")
        view = view[got:]
    return bytes(content)


if sys.platform == "win32":

    def _has_ended(connected: socket.socket) -> bool:
        return bool(select.select([connected], [], [], 0)[0])

else:

    def _has_ended(connected: socket.socket) -> bool:
        """Whether something can be read where nothing is expected: the other end's farewell."""
        poll = select.poll()  # select cannot look at a number above 1023
        poll.register(connected, select.POLLIN)
        return bool(poll.poll(0))


def _named(address: tuple[str, int]) -> str:
    host, port = address
    return f"the simulated broker at {host}:{port}"


def _unreachable(address: tuple[str, int], why: str) -> OnefillError:
    return OnefillError("BROKER_UNREACHABLE", f"cannot connect to {_named(address)}: {why}")


def _refused(address: tuple[str, int], told: wire.Refused) -> OnefillError:
    return OnefillError(
        "BROKER_REFUSED", f"{_named(address)} refused: {told.sentence} ({told.code})"
    )


def _lost(address: tuple[str, int]) -> OnefillError:
    return OnefillError("BROKER_LOST", f"the connection to {_named(address)} is lost")
