"""The worker's end of a connection: whole frames, read and written by one thread that may block."""

from __future__ import annotations

import socket
import sys
from typing import Protocol

from onefill.terminal.worker.wire import ASK_MOST, LENGTH, WireBroken, framed


class Channel(Protocol):
    """Frames in both directions."""

    def read(self) -> bytes | None:
        """The next frame's body; None where the other end has gone. Raises `WireBroken`."""
        ...

    def write(self, body: bytes) -> None:
        """Send a frame. Raises OSError where the other end has gone."""
        ...


class SocketChannel:
    """A connected stream socket (Unix or TCP)."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        #: Room for the longest frame; `_held` bytes of it have come.
        self._room = bytearray(LENGTH.size + ASK_MOST)
        self._view = memoryview(self._room)
        self._held = 0

    def read(self) -> bytes | None:
        """The next frame's body; None where the other end has gone."""
        while True:
            if self._held >= LENGTH.size:
                length = LENGTH.unpack_from(self._room)[0]
                if length > ASK_MOST:
                    raise WireBroken(f"a frame of {length} bytes; a call has {ASK_MOST} at most")
                end = LENGTH.size + length
                if self._held >= end:
                    return self._taken(end)
            try:
                more = self._socket.recv_into(self._view[self._held :])
            except (ConnectionError, TimeoutError):
                return None
            if not more:
                return None
            self._held += more

    def _taken(self, end: int) -> bytes:
        """The first frame's body; what came after it moves to the front."""
        body = bytes(self._view[LENGTH.size : end])
        left = self._held - end
        if left:
            self._room[:left] = self._room[end : self._held]
        self._held = left
        return body

    def write(self, body: bytes) -> None:
        """Send a frame."""
        self._socket.sendall(framed(body))

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


def connect(address: str) -> SocketChannel:
    """A connection to `unix:PATH` or `tcp:HOST:PORT`. Raises OSError."""
    kind, _, where = address.partition(":")
    if sys.platform != "win32" and kind == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(where)
        return SocketChannel(connection)
    host, _, port = where.rpartition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return SocketChannel(connection)
