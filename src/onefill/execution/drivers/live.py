"""The asyncio driver: one task an order, group commits by a writer, the terminal awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from onefill.execution.denial import Refused
from onefill.execution.desk import Desk
from onefill.execution.effects import Call, Commit, Effect, Sleep, Start, Steps, Tell, Until
from onefill.execution.follow import Following, follow
from onefill.execution.gate import may_be_stopped
from onefill.execution.intake import rehearse, same_content, take
from onefill.execution.pipeline import resume
from onefill.execution.recovery import boot
from onefill.execution.stages.submit import Fenced, fenced
from onefill.execution.told import Alarm
from onefill.model.errors import OnefillError
from onefill.model.events import Alerted, Event
from onefill.model.intent import OrderIntent
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.terminal import port
from onefill.terminal.port import Reply, Request

_UNDER_WAY = frozenset({State.RECEIVED, State.ACCEPTED, State.SENDING, State.UNKNOWN})


class LiveTerminal(Protocol):
    """A terminal whose calls are awaited (a worker process, or the simulator in real time)."""

    async def call(self, request: Request) -> Reply:
        """Make a call; its reply, `TIMED_OUT` after the request's deadline."""
        ...


class LiveLog(Protocol):
    """What the asyncio driver needs of the journal."""

    def append(self, account: str, event: Event, at_ms: int) -> int:
        """Give the event its number and apply it to the live state."""
        ...

    async def durable(self, seq: int) -> None:
        """Come back when the journal is durable up to that number."""
        ...


class LiveDriver:
    """Runs orders of one account on the running event loop."""

    def __init__(
        self,
        desk: Desk,
        journal: LiveLog,
        terminal: LiveTerminal,
        tell: Callable[[Any], None],
    ) -> None:
        self.desk = desk
        self.following = Following()
        self._journal = journal
        self._terminal = terminal
        self._tell = tell
        self._waiting: dict[asyncio.Future[None], Until] = {}
        #: The same of those that stand in line: a hundred may, and one of them is looked at.
        self._in_line: dict[asyncio.Future[None], Until] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._follower: asyncio.Task[None] | None = None
        self._closed = False
        #: What ended a task that nobody waited for (one taken up after a start, a child order).
        self._failure: BaseException | None = None
        #: The last record's number; a commit without events waits for all that came before it.
        self._appended = 0
        #: Sends that a gate stops without an answer yet, by their number, oldest first; how many
        #: there were; and who waits until there is none up to a number.
        self._sends: dict[int, None] = {}
        self._sent = 0
        self._quiet: list[tuple[int, asyncio.Future[None]]] = []

    async def boot(self) -> None:
        """Reconcile, take up what a stopped engine left, and begin to follow the account."""
        for order in await self._drive(boot(self.desk, self.following)):
            self._spawn_watched(resume(self.desk, order))
        self._follower = asyncio.create_task(self._keep_following())
        self._follower.add_done_callback(self._watch)

    async def execute(self, intent: OrderIntent, *, to_the_end: bool = False) -> OrderState | None:
        """One order to the end of its pipeline; the order as it stands then.

        None where the key belongs to an order with other content. A caller that gives up waiting
        ends nothing: the order goes on. `to_the_end`: a repeat waits as the first one did. Raises
        what ended the driver's own work before, and `ENGINE_CLOSED`.
        """
        if self._closed:
            raise _closed()
        if self._failure is not None:
            raise self._failure
        if self._follower is not None and self._follower.done():
            self._follower.result()  # raises what ended it: nobody follows any more
        task = self._spawn(
            self._taken_to_the_end(intent) if to_the_end else take(self.desk, intent)
        )
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            if self.desk.find(intent.client_key) is None:
                raise _closed() from None
        found = self.desk.find(intent.client_key)
        return found if found is not None and same_content(found, intent) else None

    def _taken_to_the_end(self, intent: OrderIntent) -> Steps:
        yield from take(self.desk, intent)
        order = self.desk.find(intent.client_key)
        if order is not None and order.state in _UNDER_WAY:
            yield Until(lambda _: order.state not in _UNDER_WAY)

    async def rehearse(self, intent: OrderIntent) -> Refused | None:
        """What would be said to an order now, without taking it; None: it would be accepted."""
        refused: Refused | None = await self._drive(rehearse(self.desk, intent))
        return refused

    async def close(self, patience_s: float | None = None) -> None:
        """Stop following and wait for what is under way; what is not done within the patience is
        given up here, and taken up from the journal after the next start."""
        self._closed = True
        if self._follower is not None:
            self._follower.cancel()
            with suppress(asyncio.CancelledError, Fenced):  # which was told
                await self._follower
        if not self._tasks:
            return
        done, late = await asyncio.wait(self._tasks, timeout=patience_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            task.result()

    def _spawn_watched(self, steps: Steps) -> None:
        """Work that nobody waits for: what ends it is told, and every later order hears it."""
        self._spawn(steps).add_done_callback(self._watch)

    def _watch(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        self._failure = self._failure or error
        message = f"work on the account's orders ended: {error}; start the engine again"
        self._tell(Alarm(Alerted(code="ENGINE_FAILED", message=message, level="critical")))

    def _spawn(self, steps: Steps) -> asyncio.Task[Any]:
        task = asyncio.create_task(self._drive(steps))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drive(self, steps: Steps) -> Any:
        value: Any = None
        while True:
            try:
                effect = steps.send(value)
            except StopIteration as end:
                self._wake()
                return end.value
            if self._waiting or self._in_line:
                self._wake()  # others may wait for what this step did beside the journal
            try:
                value = await self._do(effect)
            except BaseException:
                steps.close()  # what it held up goes on, and meets the trouble itself
                self._wake()
                raise

    async def _do(self, effect: Effect) -> Any:
        if isinstance(effect, Call):
            return self._heeded(await self._call(effect.request))
        if isinstance(effect, Commit):
            await self._commit(effect)
        elif isinstance(effect, Tell):
            self._tell(effect.what)
        elif isinstance(effect, Start):
            self._spawn_watched(take(self.desk, effect.intent))
        elif isinstance(effect, Sleep):
            await self._sleep_until(effect.until_ms)
        else:
            await self._until(effect)
        return None

    async def _call(self, request: Request) -> Reply:
        order = self.desk.state.orders.get(request.key)
        if request.name != "order_send" or order is None or not may_be_stopped(order.intent):
            return await self._terminal.call(request)
        self._sent = number = self._sent + 1
        self._sends[number] = None
        try:
            return await self._terminal.call(request)
        finally:
            del self._sends[number]
            oldest = next(iter(self._sends), self._sent + 1)
            for upto, met in self._quiet:
                if upto < oldest:
                    self._resolve(met)
            self._quiet = [one for one in self._quiet if one[0] >= oldest]

    def _heeded(self, reply: Reply) -> Reply:
        """A call's reply. Raises `Fenced` where another engine has taken the account over: nothing
        that this one waits for will ever come, looks included."""
        if reply.error[0] != port.STALE_EPOCH:
            return reply
        for met in (*self._waiting, *self._in_line):
            if not met.done():
                met.set_exception(fenced(self.desk))
        raise fenced(self.desk)

    async def quiet(self) -> None:
        """Comes back once every send that a gate stops and that had begun is answered. After a halt
        was put on the gate none that it covers begins, so coming back acknowledges the halt; others
        that go on meanwhile do not keep it."""
        if self._sends:
            met: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._quiet.append((self._sent, met))
            await met

    async def _commit(self, commit: Commit) -> None:
        now_ms = self.desk.now_ms
        for event in commit.events:
            self._appended = self._journal.append(self.desk.account, event, now_ms)
        await self._journal.durable(self._appended)
        self._wake()

    async def _sleep_until(self, until_ms: int) -> None:
        await asyncio.sleep(max(0, until_ms - self.desk.now_ms) / 1_000)

    async def _until(self, until: Until) -> None:
        if until.condition(self.desk.state):
            return
        loop = asyncio.get_running_loop()
        met: asyncio.Future[None] = loop.create_future()
        waiting = self._in_line if until.in_line else self._waiting
        waiting[met] = until
        timer = None
        if until.until_ms is not None:
            delay = max(0, until.until_ms + 1 - self.desk.now_ms) / 1_000
            timer = loop.call_later(delay, self._resolve, met)
        try:
            await met
        finally:
            waiting.pop(met, None)
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        """Resume those whose condition holds, in the order that `Until` says."""
        state = self.desk.state
        due = [one for one in self._waiting.items() if one[1].condition(state)]
        for met, _ in sorted(due, key=lambda one: one[1].number):
            self._resolve(met)
        for met, until in self._in_line.items():
            if not until.condition(self.desk.state):
                break
            self._resolve(met)

    @staticmethod
    def _resolve(met: asyncio.Future[None]) -> None:
        if not met.done():
            met.set_result(None)

    async def _keep_following(self) -> None:
        while True:
            await asyncio.sleep(self.desk.config.poll_interval_ms / 1_000)
            await self._drive(follow(self.desk, self.following))


def _closed() -> OnefillError:
    return OnefillError("ENGINE_CLOSED", "the engine was closed; nothing was sent")
