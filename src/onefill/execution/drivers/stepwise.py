"""The synchronous driver: orders, the broker and the journal in one thread, in virtual time.

Everything that happens at one instant goes on until all of it waits; then one fsynced commit makes
durable what all of them appended, and only then does time move. Given the same inputs, the same
things happen in the same order.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, Protocol

from onefill.execution.desk import Desk
from onefill.execution.effects import Call, Commit, Sleep, Start, Steps, Tell, Until
from onefill.execution.follow import Following, follow
from onefill.execution.intake import take
from onefill.execution.pipeline import resume
from onefill.execution.recovery import boot
from onefill.model.events import Event
from onefill.model.intent import OrderIntent
from onefill.runtime.clock import VirtualClock
from onefill.terminal.port import Pending, Reply, Terminal


class Log(Protocol):
    """What a driver needs of the journal."""

    def append(self, account: str, event: Event, at_ms: int) -> int:
        """Give the event its number and apply it to the live state."""
        ...

    def flush(self) -> None:
        """Make everything appended durable, in one commit."""
        ...


def _nothing(_: Any) -> None:
    return None


class StepwiseDriver:
    """Runs orders against a terminal that is advanced step by step."""

    def __init__(
        self,
        desk: Desk,
        journal: Log,
        terminal: Terminal,
        clock: VirtualClock,
        tell: Callable[[Any], None] = _nothing,
        hook: Callable[[str], None] | None = None,
    ) -> None:
        self.desk = desk
        self.following = Following()
        self._journal = journal
        self._terminal = terminal
        self._clock = clock
        self._tell = tell
        self._hook = hook
        self._ready: deque[tuple[Steps, Any]] = deque()
        self._committing: list[tuple[Steps, str]] = []
        self._awaiting: dict[int, Steps] = {}
        self._timers: list[tuple[int, int, Steps | None]] = []
        self._waiting: dict[int, tuple[Steps, Until]] = {}
        self._ids = count(1)
        self._followed_records = -1
        self._follow_again_ms = 0
        #: Nothing of the account is believed before the boot has.
        self._booting = False

    def start(self, steps: Steps) -> None:
        """Begin a generator of effects at this instant."""
        self._ready.append((steps, None))

    def boot(self) -> None:
        """Reconcile, then take up the orders a stopped engine left; before anything new."""
        orders = None
        self._booting = True

        def booting() -> Steps:
            nonlocal orders
            orders = yield from boot(self.desk, self.following)

        self.start(booting())
        while orders is None:
            self.settle()
            if orders is None:
                self._move(self._next_due() or self._clock.now_ms() + 1_000)
        self._booting = False
        for order in orders:
            self.start(resume(self.desk, order))

    def run(
        self,
        arrivals: Iterable[tuple[int, OrderIntent]] = (),
        end_ms: int = 0,
        progress: Callable[[int], None] = _nothing,
    ) -> None:
        """Take each decision when it arrives, go on to `end_ms`, and then until nothing is due.

        Decisions that arrive at one instant are in flight together.
        """
        source = iter(arrivals)
        upcoming = next(source, None)
        while True:
            while upcoming is not None and upcoming[0] <= self._clock.now_ms():
                self.start(take(self.desk, upcoming[1]))
                upcoming = next(source, None)
            self.settle()
            due = self._next_due()
            if upcoming is not None:
                due = upcoming[0] if due is None else min(due, upcoming[0])
            if due is None:
                if self._clock.now_ms() >= end_ms:
                    return
                due = end_ms
            self._move(due)
            progress(self._clock.now_ms())

    def settle(self) -> None:
        """Go on at this instant until everything waits for time to pass."""
        while True:
            while self._ready:
                self._run(*self._ready.popleft())
            if self._committing:
                self._flush()
            elif not self._wake() and not self._follow():
                return

    def _run(self, steps: Steps, value: Any) -> None:
        """One generator until it has to wait."""
        while True:
            try:
                effect = steps.send(value)
            except StopIteration:
                return
            value = None
            if isinstance(effect, Call):
                value = self._call(effect)
                if isinstance(value, Pending):
                    self._awaiting[value.number] = steps
                    return
            elif isinstance(effect, Commit):
                self._append(steps, effect)
                return
            elif isinstance(effect, Tell):
                self._reach(f"tell:{effect.point}:before")
                self._tell(effect.what)
                self._reach(f"tell:{effect.point}:after")
            elif isinstance(effect, Start):
                self.start(take(self.desk, effect.intent))
            elif isinstance(effect, Sleep):
                heapq.heappush(self._timers, (effect.until_ms, next(self._ids), steps))
                return
            elif not effect.condition(self.desk.state):
                self._wait(steps, effect)
                return

    def _call(self, call: Call) -> Reply | Pending:
        if self._hook is None:
            return self._terminal.call(call.request, self._clock.now_ms())
        self._hook(f"call:{call.point}:before")
        reply = self._terminal.call(call.request, self._clock.now_ms())
        self._hook(f"call:{call.point}:after")
        return reply

    def _reach(self, point: str) -> None:
        if self._hook is not None:
            self._hook(point)

    def _append(self, steps: Steps, commit: Commit) -> None:
        self._reach(f"commit:{commit.point}:before")
        now_ms = self._clock.now_ms()
        for event in commit.events:
            self._journal.append(self.desk.account, event, now_ms)
        self._committing.append((steps, commit.point))

    def _flush(self) -> None:
        self._journal.flush()
        committed, self._committing = self._committing, []
        for steps, point in committed:
            self._reach(f"commit:{point}:after")
            self._ready.append((steps, None))

    def _wait(self, steps: Steps, until: Until) -> None:
        number = next(self._ids)
        self._waiting[number] = (steps, until)
        if until.until_ms is not None:
            heapq.heappush(self._timers, (until.until_ms + 1, number, None))

    def _wake(self) -> bool:
        """Resume those whose condition holds, in the order that `Until` says."""
        state = self.desk.state
        met = [number for number, (_, until) in self._waiting.items() if until.condition(state)]
        met.sort(key=lambda number: self._waiting[number][1].number)
        for number in met:
            self._ready.append((self._waiting.pop(number)[0], None))
        return bool(met)

    def _follow(self) -> bool:
        """Look at what changed on the account, once per change of it or of what we know."""
        following = self.following
        kept = bool(following.deals or following.orders)
        again = kept and self._followed_records != self.desk.state.records
        news = self._terminal.has_changes(following.cursor)
        early = self._booting or self._clock.now_ms() < self._follow_again_ms
        if early or not (again or news):
            return False
        self._followed_records = self.desk.state.records
        self.start(self._followed(following.cursor))
        return True

    def _followed(self, cursor: int) -> Steps:
        asked = yield from follow(self.desk, self.following)
        untold = self.following.cursor == cursor and self._terminal.has_changes(cursor)
        if not asked or untold:
            # The terminal could not tell; ask again later, not in a circle.
            self._followed_records = -1
            self._follow_again_ms = self._clock.now_ms() + self.desk.config.poll_interval_ms
            yield Sleep(self._follow_again_ms)

    def _next_due(self) -> int | None:
        while self._timers and self._timers[0][2] is None:
            if self._timers[0][1] in self._waiting:
                break
            heapq.heappop(self._timers)  # it came back by its condition
        due = self._terminal.next_due_ms()
        if self._timers:
            due = self._timers[0][0] if due is None else min(due, self._timers[0][0])
        return due

    def _move(self, to_ms: int) -> None:
        """Let the market run to a time, or to the first thing that happens before it."""
        reached_ms = self._terminal.advance(max(to_ms, self._clock.now_ms()))
        self._clock.advance(reached_ms)
        for number, reply in self._terminal.collect():
            self._ready.append((self._awaiting.pop(number), reply))
        while self._timers and self._timers[0][0] <= self._clock.now_ms():
            _, number, steps = heapq.heappop(self._timers)
            if steps is None:
                waited = self._waiting.pop(number, None)
                steps = waited[0] if waited else None
            if steps is not None:
                self._ready.append((steps, None))
