"""The program's threads in virtual time: each waits until its own moment, and time goes on when
all of them wait.

A thread that sleeps, waits for a condition with a time limit, or joins another thread is *parked*.
While another thread runs, time stands still but for what that thread's own calls cost. So two
threads that sleep for a second each take one second together, and the order in which they wake is
the order of their moments, the same in every run.

A thread that waits where nobody can see it (a socket, a lock of C code) would hold up time for
ever: once it has not moved for `_GRACE_NS`, it is not waited for until it moves again.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, RLock, get_ident

from onefill.runtime.clock import SteadyClock
from onefill.terminal.simulator.surface.pace import SECOND_NS, EndOfData, VirtualPace

#: How long a parked thread waits on the machine's clock before it looks around again (seconds).
_SLICE = 0.002
#: So long a thread that nobody can see waiting holds up time, and for so many looks: on a machine
#: that is too busy to let it run, nobody looks at it either.
_GRACE_NS = SECOND_NS
_GRACE_LOOKS = 200
#: What a sleep of nothing takes: loops that only yield come to an end.
_YIELD_NS = 100_000
#: A thread that has no number yet.
_STARTING = -1


@dataclass(eq=False, slots=True)
class _Parked:
    """A thread that waits. Its lock is released when it may go on."""

    ident: int
    lock: threading.Lock
    until_ns: int | None
    #: Whether what it waits for has happened, where that is to be asked.
    happened: Callable[[], object] | None
    timed_out: bool = False


class Turns:
    """Who waits until when. It moves its pace when everybody waits."""

    def __init__(self, pace: VirtualPace) -> None:
        self._pace = pace
        self._parked: list[_Parked] = []
        #: Where threads that do not wait were last seen, since when, and how often.
        self._seen: dict[int, tuple[tuple[int, int], int, int]] = {}
        self._clock = SteadyClock()
        self._lock = RLock()
        pace.moved = self._wake

    def sleep(self, seconds: float) -> None:
        """`time.sleep` in the market's time."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        duration_ns = max(int(seconds * SECOND_NS), _YIELD_NS)
        if threading.active_count() == 1:
            self._pace.sleep_ns(duration_ns)
        else:
            self.park(closed_lock(), duration_ns / SECOND_NS)

    def park(
        self,
        lock: threading.Lock,
        seconds: float | None,
        happened: Callable[[], object] | None = None,
    ) -> bool:
        """Wait until `lock` is released or `happened` says something true; False when `seconds`
        were over first. Raises `EndOfData` where time ends before."""
        until_ns = None
        if seconds is not None:
            until_ns = self._pace.now_ns() + max(0, int(seconds * SECOND_NS))
        one = _Parked(get_ident(), lock, until_ns, happened)
        with self._lock:
            self._seen.pop(one.ident, None)
            self._parked.append(one)
        try:
            self._wait(one)
        finally:
            with self._lock:
                if one in self._parked:
                    self._parked.remove(one)
        if one.timed_out and self._over():
            self._pace.spend()
        return not one.timed_out

    def unpark(self, lock: threading.Lock) -> None:
        """What the thread behind a lock waits for has happened: it runs again from here on.
        RuntimeError where it does already."""
        with self._lock:
            self._parked = [one for one in self._parked if one.lock is not lock]
            lock.release()

    def _wait(self, one: _Parked) -> None:
        while True:
            if one.lock.acquire(blocking=False):
                return
            if one.happened is not None and one.happened():
                return
            with self._lock:
                if one in self._parked and not self._moving(self._running()):
                    self._go_on()
            if one.lock.acquire(timeout=_SLICE):
                return

    def _running(self) -> set[int]:
        """The threads that are not parked."""
        waiting = {one.ident for one in self._parked if one.happened is None or not one.happened()}
        return {thread.ident or _STARTING for thread in threading.enumerate()} - waiting

    def _moving(self, running: set[int]) -> bool:
        """Whether any of these threads has moved lately."""
        if not running:
            return False
        now_ns = self._clock.now_ns()
        frames = sys._current_frames()
        moving = False
        for ident in running:
            frame = frames.get(ident)
            place = (id(frame), frame.f_lasti) if frame is not None else (0, 0)
            before, since_ns, looks = self._seen.get(ident, (None, now_ns, 0))
            if before != place:
                since_ns, looks = now_ns, 0
            self._seen[ident] = (place, since_ns, looks + 1)
            moving |= now_ns - since_ns < _GRACE_NS or looks < _GRACE_LOOKS
        return moving

    def _go_on(self) -> None:
        """Let time pass to the next moment at which anybody wakes. Where there is none, nobody will
        ever wake but by a thread that waits unseen; where there is no such thread, by the end."""
        moments = [one.until_ns for one in self._parked if one.until_ns is not None]
        now_ns, end_ns = self._pace.now_ns(), self._pace.end_ns
        if not moments and self._running():
            return
        moment_ns = min(moments) if moments else end_ns
        if moment_ns is None:
            return
        try:
            self._pace.sleep_ns(max(0, moment_ns - now_ns))
        except EndOfData:
            self._end()

    def _wake(self, now_ns: int) -> None:
        """Release the first thread whose moment has come; the others follow when it waits again."""
        if not self._parked:
            return
        with self._lock:
            if self._over():
                self._end()
                return
            due = [(one.until_ns, at) for at, one in enumerate(self._parked) if one.until_ns]
            if due and min(due)[0] <= now_ns:
                self._release(self._parked[min(due)[1]])

    def _end(self) -> None:
        for one in tuple(self._parked):
            self._release(one)

    def _release(self, one: _Parked) -> None:
        one.timed_out = True
        self._parked.remove(one)
        _release(one.lock)

    def _over(self) -> bool:
        end_ns = self._pace.end_ns
        return end_ns is not None and self._pace.now_ns() >= end_ns


def closed_lock() -> threading.Lock:
    """A lock to wait at."""
    lock = Lock()
    lock.acquire()
    return lock


def _release(lock: threading.Lock) -> None:
    # Released already: what it waited for happened in the same moment.
    with suppress(RuntimeError):
        lock.release()
