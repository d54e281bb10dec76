"""Who is who, in one SQLite file that several processes write, and in memory, where it is read.

Every change is one transaction: the rows, and the entry of the audit trail that tells them.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw
import msgspec

from onefill.gateway.identity import audit
from onefill.gateway.identity.errors import IdentityFailed
from onefill.gateway.identity.rows import (
    Key,
    cells_of,
    completed,
    delete,
    key_of,
    plain_of,
    row_of,
    upsert,
)
from onefill.gateway.identity.schema import APPLICATION, TABLE_OF, TABLES, VERSION, migrate
from onefill.gateway.identity.secret_files import SecretFiles
from onefill.runtime.clock import Clock

WAIT_MS = 10_000
"""How long one process waits for another's transaction."""

MAX_DETAIL = 1_000_000
"""Characters that one entry of the audit trail may have."""

_HEAD = "audit.head"
_ENTRY = ", ".join(audit.Entry._fields)
T = TypeVar("T", bound=msgspec.Struct)


class Change:
    """What one transaction changes; nothing of it is seen before it is durable."""

    def __init__(self) -> None:
        self.rows: dict[tuple[type[msgspec.Struct], Key], msgspec.Struct | None] = {}
        #: What the audit trail tells beside the rows. Never a secret.
        self.notes: dict[str, Any] = {}

    def put(self, row: msgspec.Struct) -> None:
        """Add a row, or replace the one of its key."""
        self.rows[type(row), key_of(row)] = row

    def remove(self, row: msgspec.Struct) -> None:
        """Remove a row."""
        self.rows[type(row), key_of(row)] = None

    def told(self) -> str:
        """The entry's detail: every row whole, or null where it was removed."""
        rows = [
            [TABLE_OF[kind].name, list(key), None if row is None else plain_of(row)]
            for (kind, key), row in self.rows.items()
        ]
        text = json.dumps({**self.notes, "rows": rows}, ensure_ascii=False)
        assert len(text) <= MAX_DETAIL, "a change is too large for one entry"
        return text


class Store:
    """The rows in memory and the file behind them."""

    def __init__(self, path: Path, secrets: SecretFiles, clock: Clock) -> None:
        """Open the file, made where it is missing (mode 0600). Raises `IdentityFailed`."""
        self.path = path
        self.secrets = secrets
        #: Goes up whenever the rows in memory change.
        self.version = 0
        #: In every entry: the login of who runs a command, beside the name that is given.
        self.login = ""
        self._clock = clock
        self._lock = threading.RLock()
        self._failed = ""
        self._seal_key = b""
        self._rows: dict[type[msgspec.Struct], dict[Key, msgspec.Struct]] = {}
        with self._sentences():
            self._connection = _opened(path)
        try:
            with self._locked():
                if self._connection.pragma("user_version") < VERSION:
                    migrate(self._connection)
            self._seen = -1
            self.refresh()
        except BaseException:
            self._connection.close()
            raise

    def use_seal(self, key: bytes) -> None:
        """Seal the audit trail with this key from now on; before it, nothing can be changed."""
        self._seal_key = key

    def all(self, kind: type[T]) -> Mapping[Key, T]:
        """Every row of a kind, by key."""
        return cast("Mapping[Key, T]", self._rows[kind])

    def get(self, kind: type[T], *key: str) -> T | None:
        """A row by its key."""
        return cast("T | None", self._rows[kind].get(key))

    def refresh(self) -> bool:
        """Read again what another process changed; whether there was something."""
        with self._lock, self._sentences():
            seen = self._connection.pragma("data_version")
            if seen == self._seen:
                return False
            with self._reading():  # all tables as of one moment
                self._seen = self._connection.pragma("data_version")
                rows = self.read_tables()
            self._rows = rows
            self.version += 1
            return True

    def read_tables(self) -> dict[type[msgspec.Struct], dict[Key, msgspec.Struct]]:
        """The tables as the file holds them now. Raises `IdentityFailed`."""
        rows: dict[type[msgspec.Struct], dict[Key, msgspec.Struct]] = {}
        for table in TABLES:
            select = f"SELECT {', '.join(table.fields)} FROM {table.name}"
            try:
                found = [row_of(table, cells) for cells in self._connection.execute(select)]
            except (msgspec.ValidationError, ValueError) as wrong:
                why = f"table {table.name} holds what Onefill never wrote ({wrong})"
                raise IdentityFailed(self.path, why, "IDENTITY_DAMAGED") from None
            rows[table.kind] = {key_of(row): row for row in found}
        return rows

    @contextmanager
    def change(self, who: str, what: str, reason: str = "") -> Iterator[Change]:
        """A transaction: reads inside it see what every process has done so far; what is put is
        durable, with its entry in the audit trail, when the block ends without an error. `who` does
        it, `reason` is why, in that person's words."""
        with self._lock:
            self._check_writable()
            with self._locked():
                self.refresh()
                change = Change()
                yield change
                if not change.rows and not change.notes:
                    return
                self._write(change, who, what, reason)
            self._apply(change)
            self._note_head()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process from writing, for what is done beside the database."""
        with self._lock, self._locked():
            yield

    def entries(self, after: int = 0, limit: int = -1) -> list[audit.Entry]:
        """Entries of the audit trail with a seq above `after`, in order; all, without a limit."""
        select = f"SELECT {_ENTRY} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
        with self._lock, self._sentences():
            found = self._connection.execute(select, (after, limit)).fetchall()
        return [audit.Entry(*cast("tuple[Any, ...]", row)) for row in found]

    def last_entry(self) -> int:
        """The last entry's seq; 0 where there is none."""
        with self._lock, self._sentences():
            last: int = self._connection.execute("SELECT coalesce(max(seq), 0) FROM audit").get
            return last

    def verify(self, told_head: str | None = None) -> audit.Verdict:
        """Whether the audit trail is whole and the tables are what it says."""
        with self.alone():
            noted = self._noted_head()
            verdict, told = audit.check_chain(self.entries(), self._seal_key, noted, told_head)
            held = {
                TABLE_OF[kind].name: {"/".join(key): plain_of(row) for key, row in rows.items()}
                for kind, rows in self.read_tables().items()
            }
        for table in TABLES:
            rows = told.get(table.name, {})
            rows.update({k: completed(table, v) for k, v in rows.items() if isinstance(v, dict)})
        breaks = (*verdict.breaks, *audit.compare_tables(told, held))
        return msgspec.structs.replace(verdict, breaks=breaks)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _write(self, change: Change, who: str, what: str, reason: str) -> None:
        execute = self._connection.execute
        for (kind, key), row in change.rows.items():
            table = TABLE_OF[kind]
            if row is None:
                execute(delete(table), key)
            else:
                execute(upsert(table), cells_of(row))
        last = execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        seq, before = last or (0, audit.START)
        now_ms, told = self._clock.now_ms(), change.told()
        entry = audit.Entry(seq + 1, now_ms, who, what, told, reason, self.login, b"")
        entry = entry._replace(hash=audit.seal(self._seal_key, before, entry))
        execute(f"INSERT INTO audit ({_ENTRY}) VALUES ({', '.join('?' * len(entry))})", entry)

    def _apply(self, change: Change) -> None:
        """Take what is durable now into memory; who reads meanwhile, on another thread too, sees a
        kind's rows as they were or as they are."""
        rows = dict(self._rows)
        for kind in {kind for kind, _ in change.rows}:
            rows[kind] = dict(rows[kind])
        for (kind, key), row in change.rows.items():
            if row is None:
                rows[kind].pop(key, None)
            else:
                rows[kind][key] = row
        self._rows = rows
        self.version += 1

    def _note_head(self) -> None:
        """Write the last seal beside the database. Under the lock, so that it never goes back; a
        crash before it leaves the one before, which the next change mends. A note that the trail
        does not fit any more is evidence, and stays."""
        with self._locked():
            noted = self._noted_head()
            if noted is not None:
                found = self.entries(noted.seq - 1, 1)
                if not found or found[0].hash.hex() != noted.hash:
                    return
            last = self._connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
            seq, link = last.fetchone() or (0, b"")
            self.secrets.write(_HEAD, msgspec.json.encode(audit.Head(seq, link.hex())))

    def _noted_head(self) -> audit.Head | None:
        content = self.secrets.read(_HEAD)
        try:
            return None if content is None else msgspec.json.decode(content, type=audit.Head)
        except msgspec.DecodeError:
            return None

    def _check_writable(self) -> None:
        assert self._seal_key, "a store is changed only once its audit trail can be sealed"
        if self._failed:
            raise IdentityFailed(
                self.path, f"{self._failed}; mend the cause and start again: nothing more is taken"
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One write transaction. An error of the disk ends all writing: after a failed fsync, what
        is read is not what is kept."""
        with self._sentences():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                with suppress(apsw.Error):
                    self._connection.execute("ROLLBACK")
                if isinstance(error, apsw.IOError | apsw.FullError):
                    self._failed = f"the disk or the file reported an error ({error})"
                    self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
                raise

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except apsw.NotADBError:
            raise IdentityFailed(self.path, "is not Onefill's", "IDENTITY_DAMAGED") from None
        except apsw.BusyError:
            why = "another program holds it locked: try again when it is done"
            raise IdentityFailed(self.path, why, "IDENTITY_BUSY") from None
        except apsw.CorruptError as error:
            raise IdentityFailed(self.path, f"is damaged ({error})", "IDENTITY_DAMAGED") from error
        except apsw.Error as error:
            raise IdentityFailed(self.path, f"SQLite reports {error}") from error


def _opened(path: Path) -> apsw.Connection:
    """A connection to a file that its owner alone can read, and that is ours. Raises what SQLite
    does, and `IdentityFailed`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as wrong:
        raise IdentityFailed(path, f"cannot be opened ({wrong.strerror})") from None
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(WAIT_MS)
        version = connection.pragma("user_version")
        application = connection.pragma("application_id")
        if application not in (0, APPLICATION) or (not application and version):
            raise IdentityFailed(path, "is a database, but not Onefill's", "IDENTITY_DAMAGED")
        if version > VERSION:
            why = f"a newer Onefill wrote it (version {version}; this one knows {VERSION})"
            raise IdentityFailed(path, why, "IDENTITY_TOO_NEW")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection
