"""A terminal in a worker process, as the asyncio driver calls it: supervised, replaced, never asked
twice.

One call is under way at a time; others wait here, where it is certain that nothing was sent. A call
that has no answer by its deadline ends the worker, because what hangs inside C cannot be stopped in
any other way; the call's answer is `TIMED_OUT`, and what became of it is for the engine to find
out. A new worker is started after a back-off; where several die in a row, the circuit opens.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import msgspec

from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock, monotonic_ns
from onefill.terminal import port
from onefill.terminal.port import Reply, Request
from onefill.terminal.worker.process import Frames
from onefill.terminal.worker.wire import (
    ASK_MOST,
    Ask,
    Welcome,
    WireBroken,
    decode_told,
    encode,
)

_TIMED_OUT = Reply(None, (port.TIMED_OUT, "no answer before the call's deadline"))
_DIED = Reply(None, (port.WORKER_DIED, "the process that held the terminal died during the call"))
_NO_WORKER = Reply(None, (port.NO_WORKER, "no process holds the terminal; nothing was sent"))
_TOO_LATE = Reply(None, (port.TOO_LATE, "the order's time had passed; nothing was sent"))
_TOO_LONG = Reply(None, (-2, f"a call has {ASK_MOST} bytes at most; nothing was sent"))


class Connection(Protocol):
    """A worker that can be asked: a process of this machine, or one behind a socket."""

    frames: Frames
    welcome: Welcome

    def kill(self) -> None:
        """End it at once, hung as it may be."""
        ...

    async def finish(self, patience_s: float) -> None:
        """Let it end in peace."""
        ...


class Patience(NamedTuple):
    """How a worker that dies is replaced. Seconds."""

    first_s: float = 0.2
    most_s: float = 30.0
    #: So many deaths within the window open the circuit; then nothing is tried for `open_s`.
    deaths: int = 5
    window_s: float = 60.0
    open_s: float = 60.0


PATIENCE = Patience()


class WorkerTerminal:
    """`LiveTerminal` over a worker. Belongs to one event loop."""

    def __init__(
        self,
        start: Callable[[], Awaitable[Connection]],
        clock: Clock,
        patience: Patience = PATIENCE,
        trouble: Callable[[str, str], None] = lambda code, sentence: None,
    ) -> None:
        """`start` starts or reaches a worker; `trouble` is told (code, sentence) what an operator
        should hear: `WORKER_DIED`, `WORKER_HUNG`, `WORKER_CIRCUIT_OPEN`, `WORKER_BACK`."""
        self._start = start
        self._clock = clock
        self._patience = patience
        self._trouble = trouble
        self._worker: Connection | None = None
        self._turn = asyncio.Lock()
        self._number = 0
        #: Calls that were sent and are not answered: one, and those whose callers gave up.
        self._names: dict[int, str] = {}
        self._answer: asyncio.Future[Reply] | None = None
        self._ahead_ns = 0
        self._deaths: deque[int] = deque()
        self._replacing: asyncio.Task[None] | None = None
        self._closed = False
        self.restarts = 0

    @property
    def welcome(self) -> Welcome | None:
        """What the worker said of itself; None while there is none."""
        return self._worker.welcome if self._worker is not None else None

    async def start(self) -> None:
        """Have a worker; raises what keeps it from starting (`OnefillError`)."""
        await self._take(self._start)

    async def call(self, request: Request) -> Reply:
        """Make a call; `TIMED_OUT` after its deadline, `WORKER_DIED` where the worker ended during
        it, `NO_WORKER` or `TOO_LATE` where it is certain that nothing was sent."""
        async with self._turn:
            now_ms = self._clock.now_ms()
            if _passed(request.not_after_ms, now_ms) or _passed(request.deadline_ms, now_ms):
                return _TOO_LATE  # it waited here for its turn: the worker is not to blame
            worker = self._worker
            if worker is None:
                return _NO_WORKER
            return await self._ask(worker, request, now_ms)

    def replace(self) -> None:
        """End the worker and start another: a terminal that lost its broker logs in anew."""
        if self._worker is not None:
            self._lost(self._worker)

    async def close(self) -> None:
        """Let the worker end."""
        self._closed = True
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.wait({self._replacing})  # a worker that is being started ends with it
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.finish(2.0)

    async def _ask(self, worker: Connection, request: Request, now_ms: int) -> Reply:
        loop = asyncio.get_running_loop()
        self._number += 1
        number = self._number
        not_after_ns = 0
        if request.not_after_ms is not None:
            left_ns = (request.not_after_ms - now_ms) * 1_000_000
            not_after_ns = monotonic_ns() + left_ns + self._ahead_ns
        ask = Ask(
            number,
            request.name,
            msgspec.Raw(encode(request.arguments)),
            request.epoch,
            not_after_ns,
            request.key,
            request.attempt,
            max(1, request.deadline_ms - now_ms) if request.deadline_ms is not None else 0,
        )
        body = encode(ask)
        if len(body) > ASK_MOST:
            return _TOO_LONG
        answer: asyncio.Future[Reply] = loop.create_future()
        self._answer, self._names[number] = answer, request.name
        timer = None
        if request.deadline_ms is not None:
            delay_s = max(0.0, (request.deadline_ms - now_ms) / 1_000)
            timer = loop.call_later(delay_s, self._hung, worker, answer, request.name)
        worker.frames.send(body)
        try:
            return await answer
        finally:
            self._answer = None
            if timer is not None:
                timer.cancel()

    # What the worker does.

    async def _take(self, start: Callable[[], Awaitable[Connection]]) -> None:
        worker = await start()
        if self._closed:
            await worker.finish(2.0)
            return
        # At most what its clock is ahead of ours: a not-after is never looked at too late.
        self._ahead_ns = worker.welcome.monotonic_ns - monotonic_ns()
        self._names.clear()
        worker.frames.on_frame = lambda body: self._told(worker, body)
        worker.frames.on_lost = lambda: self._lost(worker)
        self._worker = worker
        if worker.frames.transport is None:
            self._lost(worker)

    def _told(self, worker: Connection, body: bytes) -> None:
        try:
            number, reply = decode_told(body, self._names)
        except WireBroken as broken:
            self._trouble(broken.code, broken.message)
            worker.kill()
            return
        del self._names[number]
        if number == self._number and self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)

    def _hung(self, worker: Connection, answer: asyncio.Future[Reply], name: str) -> None:
        if answer.done():
            return
        answer.set_result(_TIMED_OUT)
        self._trouble(
            "WORKER_HUNG",
            f"{name} had no answer before its deadline; the terminal's worker was ended and is "
            "started again",
        )
        self._worker = None
        worker.frames.on_lost = _nothing
        worker.kill()
        self._died()

    def _lost(self, worker: Connection) -> None:
        if worker is not self._worker:
            return
        self._worker = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(_DIED)
        if self._closed:
            return
        self._trouble("WORKER_DIED", "the terminal's worker died; it is started again")
        worker.kill()
        self._died()

    # Replacing it.

    def _died(self) -> None:
        if self._closed:
            return
        self._count_death()
        if self._replacing is None or self._replacing.done():
            self._replacing = asyncio.create_task(self._replace())

    def _count_death(self) -> None:
        now_ns = monotonic_ns()
        self._deaths.append(now_ns)
        while now_ns - self._deaths[0] > self._patience.window_s * 1e9:
            self._deaths.popleft()

    async def _replace(self) -> None:
        patience = self._patience
        while self._worker is None and not self._closed:
            await asyncio.sleep(self._wait_s(patience))
            try:
                await self._take(self._start)
            except OnefillError as wrong:
                self._trouble(wrong.code, wrong.message)
                self._count_death()
            except OSError as wrong:  # no room for its socket, no file left: it may pass
                self._trouble("WORKER_NOT_STARTED", f"no worker could be started: {wrong}")
                self._count_death()
        if self._closed:
            return
        self.restarts += 1
        self._trouble("WORKER_BACK", "the terminal has a worker again")

    def _wait_s(self, patience: Patience) -> float:
        deaths = len(self._deaths)
        if deaths >= patience.deaths:
            self._trouble(
                "WORKER_CIRCUIT_OPEN",
                f"the terminal's worker ended {deaths} times in {patience.window_s:g} s; nothing "
                f"is tried for {patience.open_s:g} s",
            )
            self._deaths.clear()
            return patience.open_s
        return min(patience.most_s, patience.first_s * 2.0 ** max(0, deaths - 1))


def _passed(time_ms: int | None, now_ms: int) -> bool:
    return time_ms is not None and now_ms > time_ms


def _nothing() -> None:
    return None
