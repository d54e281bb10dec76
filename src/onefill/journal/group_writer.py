"""Group commit for asyncio: many tasks wait until what they appended is durable, one thread writes.

Whatever is appended while a flush runs goes into the next one, so the slower the disk, the larger
the groups.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType

from onefill.journal.journal import Journal
from onefill.journal.store import Batch
from onefill.model.events import Event


class GroupWriter:
    """Flushes a journal on a thread of its own, at most one flush at a time.

    Make it on the running event loop that also appends to the journal; end it with `close`. The
    journal itself stays its owner's to close.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []
        self._flushing: list[asyncio.Future[None]] = []
        #: The last record that the flush under way holds; 0: there is no flush.
        self._flushing_seq = 0
        self._scheduled = False
        self._closed = False
        #: Told, on the loop, of which accounts records have just become durable.
        self.followers: list[Callable[[frozenset[str]], None]] = []
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def append(self, account: str, event: Event, at_ms: int) -> int:
        """Append to the journal; see `Journal.append`."""
        return self._journal.append(account, event, at_ms)

    async def durable(self, seq: int | None = None) -> None:
        """Comes back when record `seq` is durable; None: everything appended, and every cursor.

        Raises the flush's failure (`JournalFailed`, `StaleEpoch`): then nothing more is written.
        """
        assert not self._closed
        if seq is not None and seq <= self._journal.durable_seq:
            return
        waiter = self._loop.create_future()
        under_way = seq is not None and seq <= self._flushing_seq
        (self._flushing if under_way else self._waiting).append(waiter)
        if not self._scheduled:
            self._scheduled = True
            # Not at once: whoever else is ready in this turn of the loop comes along.
            self._loop.call_soon(self._begin)
        await waiter

    async def close(self) -> None:
        """Flush what is left and end the thread."""
        if self._closed:
            return
        try:
            await self.durable()
        finally:
            self._closed = True
            self._batches.put(None)
            await asyncio.to_thread(self._thread.join)

    async def __aenter__(self) -> GroupWriter:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _begin(self) -> None:
        """Hand everything appended so far to the thread (on the loop; no flush is running)."""
        self._flushing, self._waiting = self._waiting, []
        try:
            self._flushing_seq = self._journal.appended_seq
            batch = self._journal.take()
        except BaseException as error:  # noqa: BLE001 - told to every waiter
            self._end(None, error)
            return
        if batch is None:
            self._end(None, None)
        else:
            self._batches.put(batch)

    def _write(self) -> None:
        """The thread: one transaction after the other."""
        while (batch := self._batches.get()) is not None:
            failure: BaseException | None = None
            try:
                self._journal.write(batch)
            except BaseException as error:  # noqa: BLE001 - told to every waiter
                failure = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._end, batch, failure)

    def _end(self, batch: Batch | None, failure: BaseException | None) -> None:
        """A flush came to its end (on the loop): tell those it was for, begin the next one."""
        if failure is not None:
            self._journal.fail(failure)
        elif batch is not None:
            self._journal.settle(batch)
        told, self._flushing, self._flushing_seq = self._flushing, [], 0
        for waiter in told:
            if waiter.done():
                continue  # its task was cancelled meanwhile
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(failure)
        if failure is None and batch is not None and self.followers and batch.rows:
            accounts = frozenset(row.account for row in batch.rows)
            for follower in self.followers:
                follower(accounts)
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            self._loop.call_soon(self._begin)
