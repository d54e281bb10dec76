"""The journal in one SQLite file: WAL, `synchronous=FULL`, one connection that writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw

from onefill.journal.errors import JournalDamaged, JournalFailed, StaleEpoch
from onefill.journal.record import Row
from onefill.journal.sqlite_schema import open_reader, open_writer, reason, sentences
from onefill.journal.store import Batch, InboxRow, Snapshot

SNAPSHOTS_KEPT = 3
"""A damaged snapshot leaves older ones to begin from."""

_COLUMNS = "SELECT seq, account, at_ms, order_number, body, hash FROM records"
_IN_ORDER = "ORDER BY seq LIMIT ?"


def no_hook(point: str) -> None:
    """What a store calls at its crash points outside of tests."""


class SqliteStore:
    """Keeps a journal in SQLite (implements `Store`).

    Every read ends its statement at once: an open one would hold later reads on an old view of the
    file, and a key that was seen would look new.
    """

    def __init__(
        self,
        path: Path,
        writer: apsw.Connection | None,
        reader: apsw.Connection,
        hook: Callable[[str], None],
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._hook = hook
        self._writing = threading.Lock()
        # Where both are one connection (exclusive), reads wait for a write on another thread.
        self._reading = self._writing if reader is writer else threading.Lock()
        self._read = reader.cursor().execute
        self._names: dict[int, str] = {}
        self._ids: dict[str, int] = {}
        self._learn_accounts()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        create: bool,
        hook: Callable[[str], None] = no_hook,
        vfs: str | None = None,
        exclusive: bool = False,
        synchronous: str = "FULL",
    ) -> SqliteStore:
        """Open for writing; the caller holds the writer's lock."""
        writer = open_writer(
            path, create=create, vfs=vfs, exclusive=exclusive, synchronous=synchronous
        )
        try:
            reader = writer if exclusive else open_reader(path, vfs=vfs)
            return cls(path, writer, reader, hook)
        except BaseException:
            writer.close()
            raise

    @classmethod
    def open_to_read(cls, path: Path) -> SqliteStore:
        """Open for reading only, whoever writes."""
        return cls(path, None, open_reader(path, vfs=None), no_hook)

    def last_seq(self) -> int:
        """The last record's seq; 0 where there is none."""
        last: int = self._all("SELECT coalesce(max(seq), 0) FROM records")[0][0]
        return last

    def rows(self, after: int, limit: int, account: str | None = None) -> list[Row]:
        """Records with a seq above `after`, in order, at most `limit`."""
        if account is None:
            return self._rows(f"{_COLUMNS} WHERE seq > ? {_IN_ORDER}", (after, limit))
        number = self._id(account)
        if number is None:
            return []
        where = "WHERE seq > ? AND account = ?"
        return self._rows(f"{_COLUMNS} {where} {_IN_ORDER}", (after, number, limit))

    def order_rows(self, number: int, after: int, limit: int) -> list[Row]:
        """The same of one order."""
        where = "WHERE order_number = ? AND seq > ?"
        return self._rows(f"{_COLUMNS} {where} {_IN_ORDER}", (number, after, limit))

    def first_rows(self, above: int, below: int, accounts: Iterable[str], limit: int) -> list[Row]:
        """First records of orders of these accounts, with `above < seq < below`, newest first."""
        ids = ",".join(str(i) for name in accounts if (i := self._id(name)) is not None)
        where = f"WHERE seq > ? AND seq < ? AND order_number = seq AND account IN ({ids})"
        return self._rows(f"{_COLUMNS} {where} ORDER BY seq DESC LIMIT ?", (above, below, limit))

    def find_key(self, account: str, key: str) -> InboxRow | None:
        """The inbox row of a client key."""
        account_id = self._id(account)
        if account_id is None:
            return None
        with self._reading:
            found = self._read(
                "SELECT content, number FROM inbox WHERE account = ? AND key = ?", (account_id, key)
            ).get
        return None if found is None else InboxRow(account, key, found[0], found[1])

    def inbox(self, limit: int) -> Iterator[list[InboxRow]]:
        """The whole inbox, in chunks of at most `limit`."""
        last: tuple[int, str] = (-1, "")
        while chunk := self._all(
            "SELECT account, key, content, number FROM inbox WHERE (account, key) > (?, ?)"
            " ORDER BY account, key LIMIT ?",
            (*last, limit),
        ):
            names = self._named(row[0] for row in chunk)
            yield [InboxRow(names[number], *rest) for number, *rest in chunk]
            last = chunk[-1][:2]

    def count_keys(self, up_to: int) -> int:
        """How many inbox rows have a number of at most `up_to`."""
        count: int = self._all("SELECT count(*) FROM inbox WHERE number <= ?", (up_to,))[0][0]
        return count

    def accounts(self) -> list[str]:
        """Every account that has a record, oldest first."""
        self._learn_accounts()
        return [self._names[number] for number in sorted(self._names)]

    def snapshots(self) -> Iterator[Snapshot]:
        """The snapshots kept, newest first."""
        for (seq,) in self._all("SELECT seq FROM snapshots ORDER BY seq DESC"):
            for row in self._all("SELECT seq, body, hash FROM snapshots WHERE seq = ?", (seq,)):
                yield Snapshot(*row)

    def epochs(self) -> dict[str, int]:
        """The epoch in force of each account that has one."""
        return dict(self._all("SELECT account, epoch FROM epochs"))

    def cursors(self) -> dict[str, int]:
        """Every follower's cursor."""
        return dict(self._all("SELECT name, seq FROM cursors"))

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file: broken pages, indexes that miss rows."""
        try:
            found = self._all("PRAGMA integrity_check(10)")
        except JournalDamaged as damage:
            return [damage.message]
        return [text for (text,) in found if text != "ok"]

    def write(self, batch: Batch) -> None:
        """Make a batch durable in one transaction; see `Store.write`."""
        assert self._writer is not None, "this journal was opened to be read"
        with self._writing:
            self._hook("flush:begin")
            execute = self._writer.execute
            try:
                execute("BEGIN IMMEDIATE")
                self._fence(batch.epochs)
                self._insert(self._writer, batch)
                self._hook("flush:in_transaction")
                execute("COMMIT")
            except BaseException as error:
                self._give_up(self._writer)
                if isinstance(error, apsw.Error):
                    raise JournalFailed(self._path, reason(error)) from error
                raise
            self._hook("flush:committed")

    def take_epoch(self, account: str) -> int:
        """The account's next epoch, durable on return."""
        assert self._writer is not None, "this journal was opened to be read"
        with self._writing:
            self._hook("epoch:before")
            try:
                epoch: int = self._writer.execute(
                    "INSERT INTO epochs VALUES (?, 1)"
                    " ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
                    (account,),
                ).get
            except apsw.Error as error:
                self._give_up(self._writer)
                raise JournalFailed(self._path, reason(error)) from error
            self._hook("epoch:after")
            return epoch

    def copy_to(self, path: Path) -> None:
        """Copy the whole journal, as of one moment, into a new file that needs no other beside it.

        Raises `apsw.Error` where the copy cannot be written. The writer goes on meanwhile.
        """
        copy = apsw.Connection(str(path))
        try:
            with self._reading, copy.backup("main", self._reader, "main") as pages:
                pages.step()  # all in one step: a writer's commit would make it begin again
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()

    def close(self) -> None:
        """Close the file; the writer last, for it then folds the WAL into it."""
        with self._reading:
            if self._reader is not self._writer:
                self._reader.close()
        with self._writing:
            if self._writer is not None:
                self._writer.close()

    def _fence(self, epochs: dict[str, set[int]]) -> None:
        for account, named in epochs.items():
            assert self._writer is not None
            current = self._writer.execute(
                "SELECT epoch FROM epochs WHERE account = ?", (account,)
            ).get
            for epoch in sorted(named):
                if epoch != current:
                    raise StaleEpoch(self._path, account, epoch, current)

    def _insert(self, writer: apsw.Connection, batch: Batch) -> None:
        ids = self._ids
        for account in {row.account: None for row in batch.rows}:
            if account not in ids:
                made = "INSERT INTO accounts (name) VALUES (?) RETURNING id"
                ids[account] = writer.execute(made, (account,)).get
                self._names[ids[account]] = account
        writer.executemany(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)",
            [(s, ids[a], at, n, body, link) for s, a, at, n, body, link in batch.rows],
        )
        if batch.inbox:
            writer.executemany(
                "INSERT INTO inbox VALUES (?, ?, ?, ?)",
                [(ids[a], key, content, number) for a, key, content, number in batch.inbox],
            )
        if batch.cursors:
            writer.executemany(
                "INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
                list(batch.cursors.items()),
            )
        if batch.snapshot is not None:
            self._hook("snapshot:begin")
            writer.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", batch.snapshot)
            writer.execute(
                "DELETE FROM snapshots WHERE seq NOT IN"
                " (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)",
                (SNAPSHOTS_KEPT,),
            )
            self._hook("snapshot:done")

    def _give_up(self, writer: apsw.Connection) -> None:
        """After a failure nothing is written any more, not even what closing would fold in."""
        with suppress(apsw.Error):
            writer.execute("ROLLBACK")
        writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)

    def _all(self, sql: str, bindings: tuple[int | str, ...] = ()) -> list[Any]:
        with self._reading, sentences(self._path):
            return self._read(sql, bindings).fetchall()

    def _rows(self, sql: str, bindings: tuple[int | str, ...]) -> list[Row]:
        found = self._all(sql, bindings)
        names = self._named(row[1] for row in found)
        return [Row(seq, names[a], at, n, body, link) for seq, a, at, n, body, link in found]

    def _id(self, account: str) -> int | None:
        if account not in self._ids and self._writer is None:
            self._learn_accounts()  # another process writes
        return self._ids.get(account)

    def _named(self, numbers: Iterable[int]) -> dict[int, str]:
        """The accounts' names, once all of these are among them."""
        wanted = set(numbers)
        if not wanted <= self._names.keys():
            self._learn_accounts()
            if unknown := wanted - self._names.keys():
                raise JournalDamaged(self._path, f"misses the names of accounts {sorted(unknown)}")
        return self._names

    def _learn_accounts(self) -> None:
        for number, name in self._all("SELECT id, name FROM accounts"):
            self._names[number] = name
            self._ids[name] = number
