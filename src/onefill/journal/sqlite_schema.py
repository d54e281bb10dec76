"""The journal's tables in SQLite, and the connections that keep their promise of durability."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from onefill.journal.errors import JournalDamaged, JournalFailed, JournalMissing, JournalTooNew

APPLICATION = 0x4F4E4546
"""SQLite's application id of a journal ("ONEF"): tells it from any other database."""

VERSION = 1
WAIT_MS = 10_000
"""How long a connection waits for another one's lock."""

_PIECE = 1 << 16
"""Bytes written at a time: SQLite's layer on Unix takes less than 128 KiB at once."""

TABLES = (
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE records (seq INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, order_number INTEGER, body BLOB NOT NULL, hash BLOB NOT NULL)"
    " STRICT",
    "CREATE INDEX records_by_order ON records (order_number) WHERE order_number IS NOT NULL",
    "CREATE TABLE inbox (account INTEGER NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL,"
    " number INTEGER NOT NULL, PRIMARY KEY (account, key)) STRICT, WITHOUT ROWID",
    "CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, hash BLOB NOT NULL)"
    " STRICT",
    "CREATE TABLE epochs (account TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE cursors (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)


_NOT_WRITTEN = frozenset(
    {
        apsw.SQLITE_IOERR_WRITE,
        apsw.SQLITE_IOERR_FSYNC,
        apsw.SQLITE_IOERR_DIR_FSYNC,
        apsw.SQLITE_IOERR_TRUNCATE,
        apsw.SQLITE_IOERR_SHMSIZE,
    }
)
"""Errors of the disk, not of the file: making or opening a journal writes too."""


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turn SQLite's complaints about a file into sentences of ours."""
    try:
        yield
    except apsw.NotADBError as error:
        raise JournalDamaged(path, "is not a journal") from error
    except apsw.CantOpenError as error:
        why = "cannot be read: its directory must be writable (copy it to one that is)"
        raise JournalDamaged(path, why) from error
    except (apsw.CorruptError, apsw.IOError) as error:
        if getattr(error, "extendedresult", 0) in _NOT_WRITTEN:
            raise JournalFailed(path, reason(error)) from error
        raise JournalDamaged(path, f"cannot be read ({error})") from error
    except apsw.Error as error:
        raise JournalFailed(path, reason(error)) from error


def reason(error: apsw.Error) -> str:
    """Why something could not be written."""
    if isinstance(error, apsw.FullError):
        return "the disk is full"
    if isinstance(error, apsw.ConstraintError):
        return f"something was to be written twice ({error})"
    if isinstance(error, apsw.BusyError):
        return "another program holds the file locked"
    return f"the disk or the file reports an error ({error})"


def open_writer(
    path: Path, *, create: bool, vfs: str | None, exclusive: bool, synchronous: str
) -> apsw.Connection:
    """The one connection that writes; makes the tables where there are none yet.

    `exclusive` does without shared memory, for file layers that have none.
    """
    assert synchronous in ("FULL", "NORMAL"), synchronous
    with sentences(path):
        _write_wal_again(path, vfs)
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    with _opened(path, flags, vfs) as connection:
        if exclusive:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check_kind(connection, path, may_be_new=create)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone does not reach the disk
        if connection.pragma("user_version") == 0:
            _make_tables(connection)
        _check_tables(connection, path)
        return connection


def open_reader(path: Path, *, vfs: str | None) -> apsw.Connection:
    """A connection that only reads, beside the writer in this or another process."""
    with _opened(path, apsw.SQLITE_OPEN_READONLY, vfs) as connection:
        _check_kind(connection, path, may_be_new=False)
        _check_tables(connection, path)
        return connection


def _write_wal_again(path: Path, vfs: str | None) -> None:
    """Make sure that what a dead process left in the WAL is on the disk before it is believed.

    After a failed fsync the kernel forgets that it owes the disk those pages, and yet shows them to
    whoever reads: records appended after them would be lost with them in the next power cut.
    """
    flags = [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE, 0]
    try:
        wal = apsw.VFSFile(vfs or "", f"{path}-wal", flags)
    except apsw.CantOpenError:
        return  # the last writer closed it
    try:
        size, at = wal.xFileSize(), 0
        while at < size:
            piece = wal.xRead(min(_PIECE, size - at), at)
            wal.xWrite(piece, at)
            at += len(piece)
        if size:
            wal.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        wal.xClose()


@contextmanager
def _opened(path: Path, flags: int, vfs: str | None) -> Iterator[apsw.Connection]:
    """A connection that stays open unless the block finds something wrong."""
    try:
        connection = apsw.Connection(str(path), flags=flags, vfs=vfs)
    except apsw.CantOpenError as error:
        if path.exists():
            raise JournalDamaged(path, "cannot be opened: look at its permissions") from error
        raise JournalMissing(path.parent) from error
    try:
        with sentences(path):
            connection.set_busy_timeout(WAIT_MS)
            connection.execute("PRAGMA trusted_schema = OFF")
            yield connection
    except BaseException:
        connection.close()
        raise


def _check_kind(connection: apsw.Connection, path: Path, *, may_be_new: bool) -> None:
    version = connection.pragma("user_version")
    application = connection.pragma("application_id")
    if application == APPLICATION:
        if version > VERSION:
            raise JournalTooNew(path, version, VERSION)
        return
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application or version or tables:
        raise JournalDamaged(path, "is a database, but not a journal")
    if not may_be_new:
        raise JournalMissing(path.parent)


def _make_tables(connection: apsw.Connection) -> None:
    with connection:
        for statement in TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _check_tables(connection: apsw.Connection, path: Path) -> None:
    """A dropped constraint or an added trigger would undo what the tables promise."""
    found = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    statements = {sql for (sql,) in found}
    if statements != set(TABLES):
        odd = sorted(map(str, statements.symmetric_difference(TABLES)))[0]
        raise JournalDamaged(path, f"has other tables than a journal ({odd!r})")
