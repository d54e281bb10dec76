"""A journal's directory: which files lie in it, and making it so that a power cut keeps it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onefill.journal.errors import JournalDamaged, JournalFailed, JournalInUse, JournalMissing
from onefill.journal.sqlite_store import SqliteStore
from onefill.runtime.lock import FileLock, LockHeld


def sqlite_file(directory: Path) -> Path:
    """The journal itself; SQLite keeps `-wal` and `-shm` files beside it."""
    return directory / "journal.sqlite"


def writer_lock(directory: Path) -> FileLock:
    """Become the directory's one writer. Raises `JournalInUse` or `JournalMissing`."""
    if not directory.is_dir():
        raise JournalMissing(directory)
    path = directory / "journal.lock"
    try:
        return FileLock(path)
    except LockHeld as held:
        raise JournalInUse(directory, held.holder) from None
    except OSError as error:
        raise JournalFailed(path, str(error)) from error


def make_directory(directory: Path, mode: int = 0o700) -> None:
    """Make the directory where it is missing, for its owner alone, and its entry in the one above
    durable. What is missing above it is made as usual."""
    if directory.is_dir():
        return
    if directory.exists():
        raise JournalDamaged(directory, "is a file, not a journal's directory")
    make_directory(directory.parent, 0o777)
    try:
        directory.mkdir(mode, exist_ok=True)
        sync_directory(directory.parent)
    except OSError as error:
        raise JournalFailed(directory, str(error)) from error


def sync_directory(directory: Path) -> None:
    """Make names created in a directory durable; Windows does that by itself."""
    if sys.platform != "win32":
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def reading(directory: Path) -> Iterator[SqliteStore]:
    """The directory's store for reading only, whoever writes."""
    path = sqlite_file(directory)
    if not path.is_file():
        raise JournalMissing(directory)
    store = SqliteStore.open_to_read(path)
    try:
        yield store
    finally:
        store.close()
