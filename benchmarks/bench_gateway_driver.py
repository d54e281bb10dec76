"""Sends requests to an HTTP server at given times and notes when each was due and answered: what
the gateway's benchmarks drive with. A late send counts from when it was due, so that a server that
falls behind shows it (no coordinated omission)."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter_ns
from urllib.parse import urlsplit

import msgspec

_PATIENCE_S = 30.0


class Notes(msgspec.Struct):
    """What a process that is measured wrote down, by the same clock."""

    #: When each command came to the agent.
    came_ns: dict[str, int] = {}
    #: When each flush of the journal was durable.
    flushed_ns: list[int] = []


@dataclass(slots=True)
class Asked:
    """One request: its key, when it was due and answered (ns of the clock that the processes of a
    machine share), and the answer."""

    key: str
    due_ns: int = 0
    answered_ns: int = 0
    answer: bytes = b""


@dataclass(slots=True, eq=False)
class _Line:
    """A connection, and what was asked on it."""

    socket: socket.socket
    asked: Asked | None = None
    came: bytearray = field(default_factory=bytearray)


class Driver:
    """Posts decisions to one place. Belongs to one thread; a second one sends what is timed."""

    def __init__(self, url: str, key: str, *, wait_s: int = 20) -> None:
        found = urlsplit(url)
        self._address = (found.hostname or "", found.port or 0)
        self._head = (
            f"POST /v1/decisions?wait={wait_s} HTTP/1.1\r\nHost: {found.netloc}\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: "
        ).encode()
        self._selector = selectors.DefaultSelector()
        self._idle: deque[_Line] = deque()
        self._lines: list[_Line] = []

    def timed(self, rate: float, bodies: list[tuple[str, bytes]]) -> list[Asked]:
        """So many requests a second, whatever becomes of them."""
        asked = [Asked(key) for key, _ in bodies]
        self._ready(min(32, len(bodies)))
        left = len(asked)

        def send() -> None:
            began_ns = perf_counter_ns() + 5_000_000
            for place, one in enumerate(asked):
                one.due_ns = began_ns + int(place / rate * 1e9)
                while (early_ns := one.due_ns - perf_counter_ns()) > 0:
                    time.sleep(early_ns / 1e9)
                self._send(one, bodies[place][1])

        sending = threading.Thread(target=send)
        sending.start()
        while left:
            left -= sum(1 for _ in self._answers())
        sending.join()
        return asked

    def at_once(
        self, slots: int, count: int, body_of: Callable[[int, int], tuple[str, bytes]]
    ) -> tuple[float, list[Asked]]:
        """So many in flight, each followed by the next of its slot (`body_of(slot, turn)`), until
        `count` were answered; how many a second, and all of them."""
        self._ready(slots)
        turns = [0] * slots
        slot_of: dict[str, int] = {}
        asked: list[Asked] = []

        def next_of(slot: int) -> None:
            key, body = body_of(slot, turns[slot])
            turns[slot] += 1
            slot_of[key] = slot
            one = Asked(key, due_ns=perf_counter_ns())
            asked.append(one)
            self._send(one, body)

        began_ns = perf_counter_ns()
        for slot in range(slots):
            next_of(slot)
        done = 0
        while done < count:
            for one in self._answers():
                done += 1
                next_of(slot_of[one.key])
        taken_s = (perf_counter_ns() - began_ns) / 1e9
        left = slots  # each slot has one more under way, asked when its last was answered
        while left:
            left -= sum(1 for _ in self._answers())
        return done / taken_s, asked

    def close(self) -> None:
        """Hang up."""
        for line in self._lines:
            line.socket.close()
        self._selector.close()

    def _ready(self, count: int) -> None:
        """Fresh connections: those of before may be about to be hung up."""
        for line in list(self._idle):
            self._hung_up(line)
        while len(self._idle) < count:
            self._idle.appendleft(self._connected())

    def _connected(self) -> _Line:
        line = _Line(socket.create_connection(self._address, _PATIENCE_S))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(line.socket, selectors.EVENT_READ, line)
        self._lines.append(line)
        return line

    def _send(self, asked: Asked, body: bytes) -> None:
        line = self._idle.pop() if self._idle else self._connected()
        line.asked = asked
        line.socket.sendall(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))

    def _hung_up(self, line: _Line) -> None:
        """A server does so with what is idle for a while."""
        if line.asked is not None:
            raise ConnectionError("the server hung up in the middle of a request")
        self._idle.remove(line)
        self._lines.remove(line)
        self._selector.unregister(line.socket)
        line.socket.close()

    def _answers(self) -> Iterator[Asked]:
        """Those that have come; waits for the first."""
        found = self._selector.select(_PATIENCE_S)
        if not found:
            raise TimeoutError("the server answered nothing for a while")
        for each, _ in found:
            line: _Line = each.data
            more = line.socket.recv(65_536)
            if not more:
                self._hung_up(line)
                continue
            line.came += more
            if (answer := _answer_in(line.came)) is not None and line.asked is not None:
                one, line.asked, line.came = line.asked, None, bytearray()
                one.answered_ns, one.answer = perf_counter_ns(), answer
                self._idle.append(line)
                yield one


def _answer_in(came: bytearray) -> bytes | None:
    head, end, body = came.partition(b"\r\n\r\n")
    if not end:
        return None
    told = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return bytes(body) if len(body) >= int(told) else None
