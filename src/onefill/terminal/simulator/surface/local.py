"""A terminal in this process: MT5's functions, called in the market's time."""

from __future__ import annotations

from collections import Counter
from threading import RLock
from typing import Any, Protocol

from onefill.terminal.port import Pending, Reply
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.surface.pace import MS_NS, Pace


class Market(Protocol):
    """What a simulated terminal does as time goes on."""

    @property
    def now_ms(self) -> int:
        """The time reached."""
        ...

    def advance(self, to_ms: int) -> int:
        """Run to a time, or to the first at which something happened."""
        ...

    def next_due_ms(self) -> int | None:
        """When a reply is due, at the latest."""
        ...

    def collect(self) -> list[tuple[int, Reply]]:
        """Replies that have come since the last look."""
        ...

    def close(self) -> None:
        """Let go of the book."""
        ...


class Surface(Protocol):
    """MT5's functions over that terminal, at the time that it has reached."""

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer | Pending:
        """Answer a function, or say under which number the reply comes."""
        ...

    def finished(self, reply: Reply) -> Answer:
        """The answer that a reply makes."""
        ...


class LocalBackend:
    """`surface.backend.Backend` in one process. Threads take turns, as they do at the real one."""

    def __init__(self, terminal: Market, functions: Surface, pace: Pace) -> None:
        self.pace = pace
        #: How often each function was called.
        self.calls: Counter[str] = Counter()
        self._terminal = terminal
        self._functions = functions
        self._lock = RLock()
        self._replies: dict[int, Reply] = {}

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer:
        """Answer a function at the pace's time. Raises `EndOfData` where no time is left."""
        with self._lock:
            self.pace.spend()
            self.calls[name] += 1
            self.catch_up()
            answer = self._functions.call(name, arguments)
            if isinstance(answer, Pending):
                return self._functions.finished(self._reply(answer.number))
            return answer

    def now_ms(self) -> int:
        """The market's time, UTC Unix ms."""
        return self.pace.now_ns() // MS_NS

    def sleep_ms(self, duration_ms: float) -> None:
        """Let so much of the market's time pass."""
        self.pace.sleep_ns(int(duration_ms * MS_NS))

    def close(self) -> None:
        """Disconnect; the terminal goes on."""

    def catch_up(self) -> None:
        """Let the market run to the pace's time."""
        with self._lock:
            self._run(self.now_ms())

    def _run(self, to_ms: int) -> None:
        advance = self._terminal.advance
        if to_ms > self._terminal.now_ms:
            while advance(to_ms) < to_ms:
                self._keep_replies()
        self._keep_replies()

    def _reply(self, number: int) -> Reply:
        """A reply that is under way: time passes until it comes."""
        while number not in self._replies:
            due_ms = self._terminal.next_due_ms()
            assert due_ms is not None, "a call that nobody will answer has no deadline"
            self.pace.sleep_ns(max(due_ms * MS_NS - self.pace.now_ns(), MS_NS))
            self.catch_up()
        return self._replies.pop(number)

    def _keep_replies(self) -> None:
        self._replies.update(self._terminal.collect())
