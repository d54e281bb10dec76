"""A terminal in a worker process, as the asyncio driver calls it: supervised, replaced, never asked
twice.

One call is under way at a time; others wait here, where it is certain that nothing was sent. It is
under way until it is answered, past its deadline, or its worker dead, whether or not its caller
still waits. A call that has no answer by its deadline ends the worker, because what hangs inside C
cannot be stopped in any other way; the call's answer is `TIMED_OUT`, and what became of it is for
the engine to find out. Looks that ask the same and all wait for their turn are asked once: the
answer is newer than each of them. A new worker is started after a back-off; where several die in a
row, the circuit opens.
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

#: Calls that wait for their turn, at most; one more is answered `NO_WORKER` at once.
WAITING_MOST = 10_000
_CROWDED = Reply(
    None, (port.NO_WORKER, f"{WAITING_MOST} calls wait for the terminal already; nothing was sent")
)
#: What looks at the terminal right before a send: with many orders at once most of what waits.
_SHARED = frozenset({"look", "ready"})
#: A look at a deadline that came a moment early is repeated no sooner than this.
_LOOK_AGAIN_NS = 1_000_000


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


class _Call:
    """One call, from its turn's wait to its answer."""

    __slots__ = ("alike", "answer", "arguments", "due_ns", "number", "request")

    def __init__(self, request: Request, answer: asyncio.Future[Reply]) -> None:
        self.request = request
        arguments = encode(request.arguments)
        self.arguments = msgspec.Raw(arguments)
        #: What those have in common that one answer will do for; None where each is asked.
        self.alike: tuple[str, int | None, bytes] | None = None
        if request.name in _SHARED:
            self.alike = (request.name, request.epoch, arguments)
        #: Cancelled where the caller gave up.
        self.answer = answer
        self.number = 0
        #: When the worker is taken to hang, by `monotonic_ns`; 0: never.
        self.due_ns = 0


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
        self._number = 0
        #: What the worker is asked, whether or not its caller still waits.
        self._under_way: _Call | None = None
        self._waiting: deque[_Call] = deque()
        #: Looks that others may share wait apart: they go first, every other time, because whole
        #: lines of orders wait for one of them.
        self._looks: deque[_Call] = deque()
        self._looked = False
        self._alike: dict[tuple[str, int | None, bytes], _Call] = {}
        #: Looks at the deadline. It is left to run from call to call, and looks again where that of
        #: the call under way is later: a timer a call would cost more than the call's encoding.
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_ns = 0
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
        call = _Call(request, asyncio.get_running_loop().create_future())
        if self._under_way is None:
            self._begin(call)
            return await call.answer
        if call.alike is not None:
            return await self._shared(call, call.alike)
        if len(self._waiting) >= WAITING_MOST:
            return _CROWDED
        self._waiting.append(call)
        return await call.answer

    async def _shared(self, call: _Call, alike: tuple[str, int | None, bytes]) -> Reply:
        """The answer of the one like it that waits already, or its own, which others may share: so
        whoever gives up cancels it for nobody."""
        asked = self._alike.get(alike)
        if asked is not None:
            asked.request = call.request  # of the latest deadline
        elif len(self._looks) >= WAITING_MOST:
            return _CROWDED
        else:
            asked = self._alike[alike] = call
            self._looks.append(call)
        return await asyncio.shield(asked.answer)

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
        self._end(_DIED)
        if self._timer is not None:
            self._timer.cancel()
        if worker is not None:
            await worker.finish(2.0)

    # One call after the other.

    def _begin(self, call: _Call) -> None:
        """Ask the worker, or answer where it is certain that nothing is sent."""
        request, worker = call.request, self._worker
        now_ms, now_ns = self._clock.now_ms(), monotonic_ns()
        if _passed(request.not_after_ms, now_ms) or _passed(request.deadline_ms, now_ms):
            call.answer.set_result(_TOO_LATE)  # it waited for its turn: no worker is to blame
            return
        if worker is None:
            call.answer.set_result(_NO_WORKER)
            return
        not_after_ns = budget_ms = 0
        if request.not_after_ms is not None:
            left_ns = (request.not_after_ms - now_ms) * 1_000_000
            not_after_ns = now_ns + left_ns + self._ahead_ns
        if request.deadline_ms is not None:
            call.due_ns = now_ns + (request.deadline_ms - now_ms) * 1_000_000
            budget_ms = max(1, request.deadline_ms - now_ms)
            # A worker that stood still does not begin what nobody waits for any more.
            due_there_ns = call.due_ns + self._ahead_ns
            not_after_ns = min(not_after_ns or due_there_ns, due_there_ns)
        self._number = call.number = self._number + 1
        ask = Ask(
            call.number,
            request.name,
            call.arguments,
            request.epoch,
            not_after_ns,
            request.key,
            request.attempt,
            budget_ms,
        )
        body = encode(ask)
        if len(body) > ASK_MOST:
            call.answer.set_result(_TOO_LONG)
            return
        self._under_way = call
        if call.due_ns:
            self._watch(call.due_ns, now_ns)
        worker.frames.send(body)

    def _end(self, reply: Reply) -> None:
        """Answer the call under way, where there is one, and let the next have its turn."""
        call, self._under_way = self._under_way, None
        if call is not None and not call.answer.done():
            call.answer.set_result(reply)
        while (following := self._following()) is not None:
            if not following.answer.done():
                self._begin(following)

    def _following(self) -> _Call | None:
        """Whose turn is next; None where nobody waits, or a call is under way."""
        if self._under_way is not None:
            return None
        self._looked = bool(self._looks) and not (self._looked and self._waiting)
        if not self._looked:
            return self._waiting.popleft() if self._waiting else None
        following = self._looks.popleft()
        assert following.alike is not None
        del self._alike[following.alike]
        return following

    def _watch(self, due_ns: int, now_ns: int) -> None:
        """Look at the deadline at that time, or before."""
        if self._timer is not None:
            if self._timer_due_ns <= due_ns:
                return
            self._timer.cancel()
        delay_s = max(0.0, (due_ns - now_ns) / 1e9)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look_at_deadline)
        self._timer_due_ns = due_ns

    def _look_at_deadline(self) -> None:
        self._timer = None
        call, now_ns = self._under_way, monotonic_ns()
        if call is None or not call.due_ns:
            return
        if now_ns >= call.due_ns:
            self._hung(call.request.name)
        else:
            self._watch(max(call.due_ns, now_ns + _LOOK_AGAIN_NS), now_ns)

    # What the worker does.

    async def _take(self, start: Callable[[], Awaitable[Connection]]) -> None:
        worker = await start()
        if self._closed:
            await worker.finish(2.0)
            return
        # At most what its clock is ahead of ours: a not-after is never looked at too late.
        self._ahead_ns = worker.welcome.monotonic_ns - monotonic_ns()
        worker.frames.on_frame = lambda body: self._told(worker, body)
        worker.frames.on_lost = lambda: self._lost(worker)
        self._worker = worker
        if worker.frames.transport is None:
            self._lost(worker)

    def _told(self, worker: Connection, body: bytes) -> None:
        call = self._under_way
        try:
            if call is None:
                raise WireBroken("an answer where no call is under way")
            reply = decode_told(body, call.number, call.request.name)
        except WireBroken as broken:
            self._trouble(broken.code, broken.message)
            worker.frames.on_frame = _unheard  # what else it says is worth no more
            worker.kill()
            return
        self._end(reply)

    def _hung(self, name: str) -> None:
        worker, self._worker = self._worker, None
        assert worker is not None, "a call is under way on a worker"
        self._end(_TIMED_OUT)
        self._trouble(
            "WORKER_HUNG",
            f"{name} had no answer before its deadline; the terminal's worker was ended and is "
            "started again",
        )
        worker.frames.on_lost = _nothing
        worker.kill()
        self._died()

    def _lost(self, worker: Connection) -> None:
        if worker is not self._worker:
            return
        self._worker = None
        self._end(_DIED)
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


def _unheard(_: bytes) -> None:
    return None


def _nothing() -> None:
    return None
