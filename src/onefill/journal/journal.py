"""The live journal of one writer: states and chain heads at once, durability in groups."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType

import msgspec

from onefill.journal import loading
from onefill.journal.errors import JournalFailed
from onefill.journal.files import make_directory, sqlite_file, writer_lock
from onefill.journal.loading import Accounts, Standing, make_snapshot
from onefill.journal.record import Record, Row, link, order_number, read
from onefill.journal.sqlite_store import SqliteStore, no_hook
from onefill.journal.store import Batch, InboxRow, Store
from onefill.model.account import AccountState
from onefill.model.events import (
    Accepted,
    Denied,
    Event,
    Sending,
    decode_event,
    encode_event,
    key_of,
)
from onefill.model.fold import BrokenRecord, apply, order_of
from onefill.model.order import OrderState
from onefill.runtime.lock import FileLock

LATELY_OVER = 2_048
"""How many orders that are over are kept at hand."""
LATELY_APPENDED = 1_024
"""How many records are kept at hand, for those who follow closely."""


class Journal:
    """The write path. Belongs to one thread; only `Store.write` may run on another one.

    `append` gives number and hash at once and changes the live state; `flush` makes everything
    appended durable in one transaction. After a failure every call raises `JournalFailed`: what is
    on disk is found out by opening again.
    """

    def __init__(self, store: Store, path: Path, lock: FileLock, snapshot_every: int) -> None:
        self._store = store
        self._path = path
        self._lock = lock
        self._snapshot_every = snapshot_every
        self._accounts: Accounts
        self._appended, self._accounts = loading.load(store, path)
        self._durable = self._appended
        self._snapshot_seq = self._appended
        self._snapshot_asked = False
        self._cursors = store.cursors()
        self._batch = Batch()
        self._taken: Batch | None = None
        # Orders lately over, by (account, key), with the seq of the record that ended them; all of
        # those whose end is not durable yet are among them.
        self._over: dict[tuple[str, str], tuple[OrderState, int]] = {}
        # The latest records without a gap, durable or not.
        self._lately: deque[Record] = deque(maxlen=LATELY_APPENDED)
        self._failure: JournalFailed | None = None

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        create: bool = True,
        hook: Callable[[str], None] = no_hook,
        vfs: str | None = None,
        exclusive: bool = False,
        snapshot_every: int = 50_000,
        synchronous: str = "FULL",
    ) -> Journal:
        """Open `directory`'s journal as its one writer.

        `hook` is called at the crash points; `vfs` names a SQLite file layer, `exclusive` does
        without shared memory; `snapshot_every` is in records. Raises `JournalMissing` (only with
        `create=False`), `JournalInUse`, `JournalTooNew` or `JournalDamaged`.
        """
        assert snapshot_every > 0
        if create:
            make_directory(directory)
        with ExitStack() as undo:
            lock = writer_lock(directory)
            undo.callback(lock.release)
            path = sqlite_file(directory)
            store = SqliteStore.open(
                path,
                create=create,
                hook=hook,
                vfs=vfs,
                exclusive=exclusive,
                synchronous=synchronous,
            )
            undo.callback(store.close)
            journal = cls(store, path, lock, snapshot_every)
            undo.pop_all()
            return journal

    @property
    def appended_seq(self) -> int:
        """The last record's number, durable or not."""
        return self._appended

    @property
    def durable_seq(self) -> int:
        """The last record that survives whatever happens; tell nobody of anything after it."""
        return self._durable

    def accounts(self) -> list[str]:
        """Every account that has a record, oldest first."""
        return [name for name, one in self._accounts.items() if one.state.records]

    def state(self, account: str) -> AccountState:
        """The account's live state, what is appended and not yet durable included."""
        return self._standing(account).state

    def head(self, account: str) -> str:
        """The hash of the account's last record (hex); zeros where it has none."""
        return self._standing(account).head.hex()

    def append(self, account: str, event: Event, at_ms: int) -> int:
        """Take an event into the live state and the next flush; returns its number. No disk write.

        `at_ms` is Unix ms, UTC. Raises `BrokenRecord` where the event cannot follow; the journal
        then takes nothing more, for the state may be half changed.
        """
        standing = self._standing(account)
        state = standing.state
        try:
            body = encode_event(event)
            # What is folded is what will be read back: a float given as an int cannot make the
            # live state differ from the replayed one, nor an ill-typed field spoil the journal.
            event = decode_event(body)
            seq = self._appended + 1
            key = key_of(event)
            order = state.orders.get(key)
            number = order_number(order, event, key, seq, lambda key: self._past(account, key))
            head = link(standing.head, seq, standing.name, at_ms, number, body)
            apply(state, event, seq, at_ms)
            if number == seq:
                order = self._first(account, event, seq, at_ms)
            if type(event) is Sending:
                self._batch.epochs.setdefault(account, set()).add(event.epoch)
            if order is not None and order.is_final:
                self._over.pop((account, key), None)
                self._over[account, key] = (order, seq)
            standing.head = head
            self._batch.rows.append(Row(seq, account, at_ms, number, body, head))
            self._lately.append(Record(seq, account, at_ms, event, head))
            self._appended = seq
        except BaseException as error:
            self.fail(error)
            if isinstance(error, msgspec.MsgspecError):
                raise BrokenRecord(f"an event of account {account!r} is ill-typed") from error
            raise
        return seq

    def flush(self) -> None:
        """Make everything appended durable in one transaction; a snapshot comes with it when due.

        Raises `JournalFailed`, or `StaleEpoch` where a Sending names an epoch not in force.
        """
        self._refuse_after_failure()
        try:
            batch = self.take()
            if batch is not None:
                self.write(batch)
                self.settle(batch)
        except BaseException as error:
            self.fail(error)
            raise

    def take(self) -> Batch | None:
        """First third of a flush: what is to be written; None where there is nothing."""
        self._refuse_after_failure()
        assert self._taken is None, "one flush at a time"
        batch, self._batch = self._batch, Batch()
        grown = self._appended - self._snapshot_seq
        if grown >= self._snapshot_every or (grown and self._snapshot_asked):
            batch.snapshot = make_snapshot(self._appended, self._accounts)
            self._snapshot_seq = self._appended
        self._snapshot_asked = False
        if not batch:
            return None
        self._taken = batch
        return batch

    def write(self, batch: Batch) -> None:
        """Second third: the transaction. The only part that may run on another thread."""
        self._store.write(batch)

    def settle(self, batch: Batch) -> None:
        """Last third: the batch is durable."""
        assert self._taken is batch
        self._taken = None
        if batch.rows:
            self._durable = batch.rows[-1].seq
        # Those lately over stay at hand: they are what closes and repeats ask for.
        excess = len(self._over) - LATELY_OVER
        for place, (_, seq) in list(islice(self._over.items(), max(0, excess))):
            if seq > self._durable:
                break
            del self._over[place]

    def fail(self, error: BaseException) -> None:
        """A third of a flush failed: from now on every call raises."""
        if self._failure is None:
            if not isinstance(error, JournalFailed):
                error = JournalFailed(self._path, f"an earlier step was cut short ({error!r})")
            self._failure = error

    def find(self, account: str, key: str) -> OrderState | None:
        """The order of a client key, live or over, durable or not; None where the key is new."""
        order = self._standing(account).state.orders.get(key)
        if order is not None:
            return order
        over = self._over.get((account, key))
        if over is not None:
            return over[0]
        return loading.find_over(self._store, account, key)

    def records(
        self, *, after: int = 0, account: str | None = None, order: str | None = None
    ) -> Iterator[Record]:
        """Durable records above `after`, in order; of one account, of one order (client key)."""
        count = max(0, self._appended - after)
        if order is None and count <= len(self._lately):
            lately = [*islice(reversed(self._lately), count)]
            return (
                record
                for record in reversed(lately)
                if record.seq <= self._durable and account in (None, record.account)
            )
        return loading.records(self._store, after=after, account=account, order=order)

    def ended_by(self, account: str, key: str, seq: int) -> OrderState | None:
        """The order that record `seq` ended, as it stands since; None where it is not at hand."""
        order, ended = self._over.get((account, key), (None, 0))
        return order if ended == seq else None

    def read_after(self, seq: int, limit: int) -> list[Record]:
        """The durable records that follow record `seq`, at most `limit`."""
        rows = self._store.rows(seq, min(limit, self._durable - seq))
        return [read(row) for row in rows]

    def reader(self) -> Store:
        """What is durable, over a connection of its own: for reading on another thread."""
        return SqliteStore.open_to_read(self._path)

    def epoch(self, account: str) -> int:
        """The account's epoch in force; 0 where none was ever taken."""
        return self._store.epochs().get(account, 0)

    def take_epoch(self, account: str) -> int:
        """The account's next epoch, durable on return: Sendings of older ones fail from now on."""
        self._refuse_after_failure()
        try:
            return self._store.take_epoch(account)
        except BaseException as error:
            self.fail(error)
            raise

    def cursor(self, name: str) -> int:
        """The last record a follower has dealt with; 0 at first."""
        return self._cursors.get(name, 0)

    def move_cursor(self, name: str, seq: int) -> None:
        """Remember how far a follower is; durable with the next flush."""
        self._refuse_after_failure()
        assert self.cursor(name) <= seq <= self._durable, (name, seq)
        self._cursors[name] = self._batch.cursors[name] = seq

    def snapshot(self) -> None:
        """Flush, and keep the states, so that opening need not replay what came before."""
        self._snapshot_asked = True
        self.flush()

    def close(self) -> None:
        """Flush, take a snapshot, let the files go. After a failure: only the last."""
        try:
            if self._failure is None:
                self.snapshot()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let the files go and write nothing, as a crash would."""
        self.fail(JournalFailed(self._path, "it is closed"))
        self._store.close()
        self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _standing(self, account: str) -> Standing:
        if self._failure is not None:
            raise self._failure
        found = self._accounts.get(account)
        if found is None:
            found = self._accounts[account] = Standing.empty(account)
        return found

    def _first(self, account: str, event: Event, seq: int, at_ms: int) -> OrderState | None:
        """A key is seen for the first time; an order denied at once is over at once."""
        assert isinstance(event, Accepted | Denied)
        self._batch.inbox.append(InboxRow(account, event.key, event.content, seq))
        return order_of([(seq, at_ms, event)]) if isinstance(event, Denied) else None

    def _past(self, account: str, key: str) -> int | None:
        over = self._over.get((account, key))
        if over is not None:
            return over[0].number
        entry = self._store.find_key(account, key)
        return entry.number if entry else None

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
