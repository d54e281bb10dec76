"""The journal's durable records as they come, read once for everybody who follows: event streams
and metrics. A stream that is further behind reads the file instead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec

from onefill.gateway.api.books import Books
from onefill.gateway.api.told import event_told
from onefill.journal.journal import Journal
from onefill.journal.record import Record

CHUNK = 256
"""Records read at a time."""

_encode = msgspec.json.Encoder().encode


class Line:
    """A record, and its text once somebody asked for it."""

    __slots__ = ("_text", "account", "record", "seq")

    def __init__(self, record: Record) -> None:
        self.record = record
        self.seq = record.seq
        self.account = record.account
        self._text: bytes | None = None

    def text(self) -> bytes:
        """The record as a server-sent event."""
        if self._text is None:
            told = event_told(self.record)
            self._text = b"id: %d\nevent: %s\ndata: %s\n\n" % (
                self.seq,
                told.type.encode(),
                _encode(told),
            )
        return self._text


class Feed:
    """Follows the journal from where it stands when this starts."""

    def __init__(self, journal: Journal, books: Books, *, poll_s: float, kept: int) -> None:
        self._journal = journal
        self._books = books
        self._poll_s = poll_s
        self._kept: deque[Line] = deque(maxlen=kept)
        self._waiting: set[asyncio.Future[None]] = set()
        self._sleeper: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.tail = journal.durable_seq
        self.ended = False
        #: Who else hears of every record.
        self.hearers: list[Callable[[Record], None]] = []

    def start(self) -> None:
        """Begin to follow; on the running loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="feed")

    def nudge(self, accounts: frozenset[str] = frozenset()) -> None:
        """Records have just become durable (`GroupWriter.followers` may call this): look now, where
        a stream waits for them."""
        if self._waiting:
            self._look()

    def _look(self) -> None:
        if self._sleeper is not None:
            _met(self._sleeper)

    def end_streams(self) -> None:
        """Every stream ends: the gateway is about to stop."""
        self.ended = True
        self._wake()

    async def close(self) -> None:
        """Stop following."""
        self.end_streams()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def after(self, seq: int) -> list[Line]:
        """Some of the records that follow record `seq`, in order; empty: there are none yet."""
        if seq >= self.tail:
            return []
        kept = self._kept
        if kept and kept[0].seq <= seq + 1:
            begin = seq + 1 - kept[0].seq  # the journal's numbers have no gaps
            return [kept[at] for at in range(begin, min(begin + CHUNK, len(kept)))]
        return [Line(record) for record in await self._books.after(seq, CHUNK)]

    async def grown(self, patience_s: float) -> None:
        """Comes back when there is more, when the streams end, or after so long."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiting.add(waiter)
        if self.tail < self._journal.durable_seq:
            self._look()
        # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes with the result.
        timer = loop.call_later(patience_s, _met, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)

    async def _follow(self) -> None:
        while True:
            records = self._journal.read_after(self.tail, CHUNK)
            for record in records:
                self._kept.append(Line(record))
                for hear in self.hearers:
                    hear(record)
            if records:
                self.tail = records[-1].seq
                self._wake()
            if len(records) == CHUNK:
                await asyncio.sleep(0)
            else:
                await self._sleep()

    async def _sleep(self) -> None:
        """Until somebody says that there is more, or until it is time to look anyway."""
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        timer = loop.call_later(self._poll_s, self._look)
        try:
            await self._sleeper
        finally:
            timer.cancel()

    def _wake(self) -> None:
        for waiter in self._waiting:
            _met(waiter)
        self._waiting.clear()


def _met(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
