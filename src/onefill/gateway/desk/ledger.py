"""The accounts' books over the gateway's journal: append, make durable, tell whoever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

import msgspec

from onefill.gateway.desk.book import Book
from onefill.journal.journal import Journal
from onefill.model.events import Alerted, Event, Reported, key_of
from onefill.model.order import OrderState
from onefill.runtime.clock import Clock

GATEWAY = "gateway"
"""The journal's account of what concerns no account, or one that does not exist."""


class Log(Protocol):
    """What the desk needs of the journal's writer (`journal.group_writer.GroupWriter`)."""

    def append(self, account: str, event: Event, at_ms: int) -> int:
        """Give the event its number and apply it to the live state."""
        ...

    async def durable(self, seq: int | None = None) -> None:
        """Come back when the journal is durable up to that number; None: all of it."""
        ...


class Ledger:
    """Belongs to the running event loop, as the journal does."""

    def __init__(
        self, journal: Journal, log: Log, clock: Clock, steady_ms: Callable[[], int] | None
    ) -> None:
        self._journal = journal
        self._log = log
        self._clock = clock
        #: Milliseconds that never step, for leases: whoever sets the clock ends none.
        self.steady_ms = steady_ms or clock.now_ms
        self._books: dict[str, Book] = {}
        self._awaited: dict[tuple[str, str], list[asyncio.Future[None]]] = {}
        self._changed: list[tuple[int, tuple[str, str]]] = []
        #: The last record of each order that has one which may not be durable, oldest first.
        self._latest: dict[tuple[str, str], int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        #: What ended work that nobody waited for: the journal failed.
        self.failure: BaseException | None = None

    @property
    def durable_seq(self) -> int:
        """The last record that survives whatever happens."""
        return self._journal.durable_seq

    def now_ms(self) -> int:
        """Unix milliseconds, UTC."""
        return self._clock.now_ms()

    def book(self, id: str) -> Book:
        """An account's book, by its journal name; opened on first use."""
        found = self._books.get(id)
        if found is None:
            found = self._books[id] = Book(id, self._journal.state(id))
        return found

    def books(self) -> list[Book]:
        """Every open book."""
        return list(self._books.values())

    def recorded(self) -> list[str]:
        """The journal names of all accounts that have a record."""
        return [name for name in self._journal.accounts() if "/" in name]

    def find(self, book: Book, key: str) -> OrderState | None:
        """An order as it stands, durable or not; it may change under the reader."""
        return self._journal.find(book.id, key)

    def has_result(self, book: Book, key: str, sequence: int) -> bool:
        """Whether a result of that number is among an order's durable records."""
        return any(
            isinstance(record.event, Reported) and record.event.sequence == sequence
            for record in self._journal.records(account=book.id, order=key)
        )

    def append(self, book: Book, event: Event) -> int:
        """Take an event into the account; whoever waits for its order is told once durable."""
        seq = book.appended = self._log.append(book.id, event, self.now_ms())
        if type(event) is not Alerted:
            place = (book.id, key_of(event))
            self._latest.pop(place, None)
            self._latest[place] = seq
            if place in self._awaited:
                self._changed.append((seq, place))
        return seq

    def alert(
        self, book: Book, code: str, message: str, *, key: str = "", level: str = "warning"
    ) -> None:
        """A person must hear of it."""
        self.append(book, Alerted(code=code, message=message, level=level, key=key))

    def alert_gateway(self, code: str, message: str, *, level: str = "warning") -> None:
        """The same where it is about no account."""
        self._log.append(GATEWAY, Alerted(code=code, message=message, level=level), self.now_ms())

    async def durable(self, book: Book | None = None) -> None:
        """All of an account's records (None: of every account) are durable; those who wait for
        its orders are told."""
        await self._log.durable(self._journal.appended_seq if book is None else book.appended)
        self._tell()

    async def told(self, book: Book, order: OrderState) -> OrderState:
        """The order as it stands now, once that is durable; for other orders' records it does not
        wait."""
        stands = msgspec.structs.replace(order)
        await self._log.durable(self._latest.get((book.id, order.key), 0))
        self._tell()
        return stands

    async def change(self, book: Book, key: str) -> None:
        """Comes back after the order's next change is durable."""
        place = (book.id, key)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(place, []).append(waiter)
        try:
            await waiter
        finally:
            waiting = self._awaited.get(place)
            if waiting is not None and waiter in waiting:
                waiting.remove(waiter)
                if not waiting:
                    del self._awaited[place]

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that nobody waits for; what ends it is kept in `failure`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def rest(self) -> None:
        """End the work that nobody waits for."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def refuse_after_failure(self) -> None:
        """Raises what ended the desk's own work before."""
        if self.failure is not None:
            raise self.failure

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and self.failure is None:
            self.failure = error

    def _tell(self) -> None:
        durable, later = self._journal.durable_seq, []
        while self._latest and self._latest[place := next(iter(self._latest))] <= durable:
            del self._latest[place]
        if not self._changed:
            return
        for seq, place in self._changed:
            if seq > durable:
                later.append((seq, place))
                continue
            for waiter in self._awaited.pop(place, ()):
                if not waiter.done():
                    waiter.set_result(None)
        self._changed = later

    def __iter__(self) -> Iterator[Book]:
        return iter(self.books())
