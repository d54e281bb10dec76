"""The simulated terminal in real time: calls are awaited, and the broker's time is the clock's."""

from __future__ import annotations

import asyncio

from onefill.runtime.clock import Clock
from onefill.terminal.port import Reply, Request
from onefill.terminal.simulator.terminal import SimulatedTerminal


class LiveSimulator:
    """Answers an asyncio driver (`execution.drivers.live.LiveTerminal`) from a simulated terminal.

    Belongs to one event loop. The broker is brought up to the clock's time before each call, and
    whenever an answer is due; a call that names a deadline is answered `TIMED_OUT` by then.
    """

    def __init__(self, terminal: SimulatedTerminal, clock: Clock) -> None:
        self._terminal = terminal
        self._clock = clock
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def call(self, request: Request) -> Reply:
        """Make a call now; its reply, once it comes."""
        self._catch_up()
        answer = self._terminal.call(request, self._terminal.now_ms)
        if isinstance(answer, Reply):
            return answer
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[answer.number] = waiting
        self._set_timer()
        try:
            return await waiting
        finally:
            self._waiting.pop(answer.number, None)

    def close(self) -> None:
        """Wait for no more answers."""
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._waiting.values():
            waiting.cancel()

    def _catch_up(self) -> None:
        """Let the broker run to the present; hand over what it has answered."""
        now_ms = self._clock.now_ms()
        while self._terminal.now_ms < now_ms:
            self._terminal.advance(now_ms)
        for number, reply in self._terminal.collect():
            waiting = self._waiting.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)

    def _set_timer(self) -> None:
        """Come back when the broker does something next, while anybody waits for it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ms = self._terminal.next_due_ms()
        if due_ms is None or not self._waiting:
            return
        delay_ms = max(1, due_ms - self._clock.now_ms())
        self._timer = asyncio.get_running_loop().call_later(delay_ms / 1_000, self._wake)

    def _wake(self) -> None:
        self._catch_up()
        self._set_timer()
