"""What a program waits at, put into the market's time: locks, conditions (and with them events,
queues, timers, futures), joined threads, and asyncio's selector."""

from __future__ import annotations

import queue
import selectors
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Lock, Thread
from typing import Any

from onefill.script.turns import Turns, closed_lock

Patch = tuple[Any, str, Any]
_wait, _join = Condition.wait, Thread.join


class _Waiter:
    """What a condition keeps for each thread that waits, in the place of a plain lock."""

    def __init__(self, turns: Turns) -> None:
        self.lock = closed_lock()
        self._turns = turns

    def release(self) -> None:
        self._turns.unpark(self.lock)


class _Lock:
    """A lock that is waited for in the market's time."""

    def __init__(self, turns: Turns) -> None:
        self._lock = Lock()
        self._turns = turns

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._lock.acquire(blocking=False):
            return True
        if not blocking:
            return False
        taken = False

        def take() -> bool:
            nonlocal taken
            taken = taken or self._lock.acquire(blocking=False)
            return taken

        try:
            self._turns.park(closed_lock(), None if timeout < 0 else timeout, take)
        except BaseException:
            if taken:
                self._lock.release()
            raise
        return taken

    def release(self) -> None:
        self._lock.release()

    def locked(self) -> bool:
        return self._lock.locked()

    def _at_fork_reinit(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def virtual_waits(turns: Turns) -> list[Patch]:
    """Waits that let virtual time pass."""

    def wait(condition: Any, timeout: float | None = None) -> bool:
        if not condition._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        if timeout is not None and timeout <= 0:
            turns.sleep(0)
            return False
        waiter = _Waiter(turns)
        condition._waiters.append(waiter)
        saved = condition._release_save()
        came = False
        try:
            came = turns.park(waiter.lock, timeout)
            return came
        finally:
            condition._acquire_restore(saved)
            if not came:
                with suppress(ValueError):
                    condition._waiters.remove(waiter)

    def join(thread: Thread, timeout: float | None = None) -> None:
        if thread is not threading.current_thread() and thread.is_alive():
            turns.park(closed_lock(), timeout, lambda: not thread.is_alive())
        if not thread.is_alive() or thread is threading.current_thread():
            _join(thread)

    def select(ask: Callable[[float | None], Any], timeout: float | None) -> Any:
        found = ask(0)
        if found or (timeout is not None and timeout <= 0):
            return found

        def happened() -> Any:
            nonlocal found
            found = ask(0)
            return found

        turns.park(closed_lock(), timeout, happened)
        return found

    def lock() -> _Lock:
        return _Lock(turns)

    # These wait where nobody can see it; their Python twins wait at conditions and locks.
    simple: Any = getattr(queue, "_PySimpleQueue", queue.SimpleQueue)
    reentrant: Any = getattr(threading, "_PyRLock", threading.RLock)
    return [
        (threading, "Lock", lock),
        (threading, "_allocate_lock", lock),
        (threading, "RLock", reentrant),
        (Condition, "wait", wait),
        (Thread, "join", join),
        (queue, "SimpleQueue", simple),
        *_selectors(select),
    ]


def scaled_waits(factor: float) -> list[Patch]:
    """Waits on the machine's clock, of a market whose time goes `factor` times as fast."""

    def scaled(timeout: float | None) -> float | None:
        return None if timeout is None else timeout / factor

    def wait(condition: Condition, timeout: float | None = None) -> bool:
        return _wait(condition, scaled(timeout))

    def join(thread: Thread, timeout: float | None = None) -> None:
        _join(thread, scaled(timeout))

    def select(ask: Callable[[float | None], Any], timeout: float | None) -> Any:
        return ask(scaled(timeout))

    return [(Condition, "wait", wait), (Thread, "join", join), *_selectors(select)]


def _selectors(select: Callable[[Callable[[float | None], Any], float | None], Any]) -> list[Patch]:
    """What asyncio's loops wait at."""
    usual: Any = selectors.DefaultSelector

    class MarketSelector(usual):  # type: ignore[misc]
        def select(self, timeout: float | None = None) -> Any:
            return select(super().select, timeout)

    patches: list[Patch] = [(selectors, "DefaultSelector", MarketSelector)]
    if sys.platform == "win32":
        from asyncio import windows_events

        proactor: Any = getattr(windows_events, "IocpProactor")  # noqa: B009
        poll = proactor.select

        def select_there(self: Any, timeout: float | None = None) -> Any:
            return select(lambda limit: poll(self, limit), timeout)

        patches.append((proactor, "select", select_there))
    return patches


@contextmanager
def patched(patches: list[Patch]) -> Iterator[None]:
    """The patches in force; afterwards everything is as it was."""
    before = [(where, name, getattr(where, name)) for where, name, _ in patches]
    for where, name, new in patches:
        setattr(where, name, new)
    try:
        yield
    finally:
        for where, name, old in before:
            setattr(where, name, old)
