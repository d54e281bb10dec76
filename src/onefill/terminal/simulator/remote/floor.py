"""The trading floor: who is connected to a served broker, who waits for what, and until when.

It knows neither sockets nor the machine's clock: the server tells it what clients ask and gives it
turns, and it says which of those who waited have their answer.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import ceil
from typing import Any, NamedTuple, Protocol

from onefill.terminal.port import Pending, Reply
from onefill.terminal.simulator.remote.pace import Pace
from onefill.terminal.simulator.surface.backend import Answer

_NOBODY = (0, 0)
_TIMED_OUT = Answer(None, (-10005, "IPC timeout"))
#: Market ms after which a request without a reply is given up.
TIMEOUT_MS = 60_000


class Market(Protocol):
    """The time of a simulated terminal, and the replies that it still owes."""

    @property
    def now_ms(self) -> int:
        """The time reached, Unix ms."""
        ...

    def advance(self, to_ms: int) -> int:
        """Run to a time, or stop early where something happened; the time reached."""
        ...

    def collect(self) -> list[tuple[int, Reply]]:
        """Replies that have come since the last look."""
        ...

    def next_due_ms(self) -> int | None:
        """When it will do something of its own."""
        ...


class Calls(Protocol):
    """MT5's functions over that terminal."""

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer | Pending:
        """Answer at the time reached, or say under which number the reply comes."""
        ...

    def finished(self, reply: Reply) -> Answer:
        """The answer that a reply makes."""
        ...


class _Wait(NamedTuple):
    """Until when a client waits at most, and what it is answered then."""

    at_ms: int
    number: int
    client: int
    answer: Answer


class Floor:
    """Clients are numbers above 0. Each asks for one thing at a time."""

    def __init__(self, market: Market, calls: Calls, pace: Pace, *, expected: int = 1) -> None:
        """In lockstep, time stands still until `expected` clients have come."""
        self._market = market
        self._calls = calls
        self._pace = pace
        self._expected = expected
        self._clients: set[int] = set()
        self._numbers = count(1)
        self._waits: list[_Wait] = []
        #: Those who wait, and for which of the waits.
        self._waiting: dict[int, int] = {}
        #: For a reply of the terminal, by its number: who waits for it, in which of the waits.
        self._replies: dict[int, tuple[int, int]] = {}

    @property
    def now_ms(self) -> int:
        """The market's time."""
        return self._market.now_ms

    def join(self, client: int) -> None:
        """A client has connected."""
        assert client not in self._clients, client
        self._clients.add(client)
        self._expected -= 1

    def leave(self, client: int) -> None:
        """A client is gone: it no longer holds time back. What it asked for happens all the same,
        and its answer is nobody's."""
        self._clients.discard(client)
        self._waiting.pop(client, None)

    def call(self, client: int, name: str, arguments: tuple[Any, ...]) -> Answer | None:
        """Carry out a call now; None where the answer comes with a later turn."""
        assert client in self._clients, client
        assert client not in self._waiting, client
        self._bring_to(self._pace.call_ms(self.now_ms))
        if name == "now_ms":
            return Answer(self.now_ms)
        if name == "sleep_ms":
            self._wait(client, self.now_ms + ceil(arguments[0]), Answer(None))
            return None
        answer = self._calls.call(name, arguments)
        if isinstance(answer, Answer):
            return answer
        wait = self._wait(client, self.now_ms + TIMEOUT_MS, _TIMED_OUT)
        self._replies[answer.number] = client, wait
        return None

    def turn(self) -> list[tuple[int, Answer]]:
        """Let time go as far as it may; those whose answer has come, in order.

        It ends with the first answers, so that whoever has one goes on at that time.
        """
        answered = self._answered()
        limit_ms = self._pace.limit_ms(
            self.now_ms, all_wait=self._all_wait(), next_ms=self._next_ms()
        )
        while not answered and self.now_ms < limit_ms:
            self._market.advance(limit_ms)
            answered = self._answered()
        return answered

    def due_ms(self) -> int | None:
        """When the next turn has something to do: a client's wait ends, or the broker acts."""
        dues = [due for due in (self._next_ms(), self._market.next_due_ms()) if due is not None]
        return min(dues, default=None)

    def _bring_to(self, to_ms: int) -> None:
        while self.now_ms < to_ms:
            self._market.advance(to_ms)

    def _wait(self, client: int, at_ms: int, answer: Answer) -> int:
        wait = _Wait(at_ms, next(self._numbers), client, answer)
        self._waiting[client] = wait.number
        heappush(self._waits, wait)
        return wait.number

    def _all_wait(self) -> bool:
        return self._expected <= 0 and len(self._waiting) == len(self._clients)

    def _next_ms(self) -> int | None:
        """When the first wait ends; waits that have ended already are forgotten."""
        while self._waits and self._waiting.get(self._waits[0].client) != self._waits[0].number:
            heappop(self._waits)
        return self._waits[0].at_ms if self._waits else None

    def _answered(self) -> list[tuple[int, Answer]]:
        answered = []
        for number, reply in self._market.collect():
            client, wait = self._replies.pop(number, _NOBODY)
            if self._waiting.get(client) == wait:
                del self._waiting[client]
                answered.append((client, self._calls.finished(reply)))
        while (next_ms := self._next_ms()) is not None and next_ms <= self.now_ms:
            over = heappop(self._waits)
            del self._waiting[over.client]
            answered.append((over.client, over.answer))
        return answered
