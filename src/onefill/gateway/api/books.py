"""Orders and events as the journal proves them, read on a thread beside the writer: nothing that is
not durable is told, and a long look back holds up no decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from onefill.journal.journal import Journal
from onefill.journal.loading import find_over, order_rows
from onefill.journal.record import Record, read
from onefill.journal.store import Store
from onefill.model.events import Accepted, Denied, decode_event
from onefill.model.order import OrderState

T = TypeVar("T")
CHUNK = 256
"""Orders looked at in one read."""


class Found(NamedTuple):
    """An order and the journal name of its account."""

    account: str
    order: OrderState


class Page(NamedTuple):
    """Orders, newest first; `below` is where the next page begins, 0: there is none."""

    orders: list[Found]
    below: int


class Books:
    """Reads the journal on one thread of its own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="books")

    async def order(self, account: str, key: str) -> OrderState | None:
        """The order of a client key."""
        return await self._do(lambda store: find_over(store, account, key))

    async def events(self, account: str, key: str, most: int) -> list[Record]:
        """An order's records, oldest first."""
        return await self._do(lambda store: _events(store, account, key, most))

    async def after(self, seq: int, limit: int) -> list[Record]:
        """Records that follow record `seq`."""
        last = min(limit, self._journal.durable_seq - seq)
        return await self._do(lambda store: [read(row) for row in store.rows(seq, last)])

    async def by_intent(self, accounts: Collection[str], intent_id: str, scan: int) -> Found | None:
        """The order of an intent id, among the accounts' latest: at most `scan` records back."""
        below = self._journal.durable_seq + 1
        return await self._do(lambda store: _by_intent(store, accounts, intent_id, below, scan))

    async def page(
        self,
        accounts: Collection[str],
        wanted: Callable[[OrderState], bool],
        *,
        below: int,
        limit: int,
        scan: int,
    ) -> Page:
        """Orders of these accounts whose first record is before `below` (0: the newest), at most
        `scan` records back."""
        start = below or self._journal.durable_seq + 1
        return await self._do(lambda store: _page(store, accounts, wanted, start, limit, scan))

    async def close(self) -> None:
        """Let the file go."""
        if self._store is not None:
            await self._do(lambda store: store.close())
        self._thread.shutdown(wait=False)

    async def _do(self, look: Callable[[Store], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._look, look)

    def _look(self, look: Callable[[Store], T]) -> T:
        if self._store is None:
            self._store = self._journal.reader()
        return look(self._store)


def _events(store: Store, account: str, key: str, most: int) -> list[Record]:
    entry = store.find_key(account, key)
    if entry is None:
        return []
    found: list[Record] = []
    for row in order_rows(store, entry.number):
        found.append(read(row))
        if len(found) == most:
            break
    return found


def _by_intent(
    store: Store, accounts: Collection[str], intent_id: str, below: int, scan: int
) -> Found | None:
    floor = max(0, below - scan)
    while rows := store.first_rows(floor, below, accounts, CHUNK):
        for row in rows:
            event = decode_event(row.body)
            if isinstance(event, Accepted | Denied) and event.intent_id == intent_id:
                order = find_over(store, row.account, event.key)
                return None if order is None else Found(row.account, order)
        below = rows[-1].seq
    return None


def _page(
    store: Store,
    accounts: Collection[str],
    wanted: Callable[[OrderState], bool],
    below: int,
    limit: int,
    scan: int,
) -> Page:
    found: list[Found] = []
    floor = max(0, below - scan)
    while rows := store.first_rows(floor, below, accounts, CHUNK):
        for row in rows:
            below = row.seq
            event = decode_event(row.body)
            if not isinstance(event, Accepted | Denied):
                continue
            order = find_over(store, row.account, event.key)
            if order is not None and wanted(order):
                found.append(Found(row.account, order))
                if len(found) == limit:
                    return Page(found, below if below > 1 else 0)
    return Page(found, floor + 1 if floor else 0)
