"""The broker's own book, `broker.log`: what happened, appended before anybody is told.

One JSON line per thing that happened (`entries` says which), in UTF-8. What happened together is
written with one call and closed by an `end` line, so that a killed process leaves either all of it
or a torn tail that the next start cuts off. The broker is not the engine: it does not fsync, it
only has to outlive the engine's process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.entries import (
    VERSION,
    AccountOpened,
    Ended,
    Entry,
    decode_entry,
    encode_entries,
)

_APPEND = os.O_CREAT | os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Book:
    """An append-only file of entries; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        """Open or make the book. Raises `OnefillError` (`BOOK_UNREADABLE`, `BOOK_BROKEN`)."""
        self.path = path
        self._file: int | None = None
        self._length = 0
        #: What the book held when it was opened, `end` lines left out; the ledger takes it over.
        self.found: list[Entry] = []
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        try:
            self._file = os.open(path, _APPEND, 0o600)
            content = path.read_bytes()
            self.found, self._length = _read(content, path)
            if self._length < len(content):
                os.ftruncate(self._file, self._length)
        except OSError as wrong:
            self.close()
            raise OnefillError(
                "BOOK_UNREADABLE", f"cannot open the simulated broker's book {path}: {wrong}"
            ) from None

    def append(self, entries: Iterable[Entry], at_ms: int) -> None:
        """Write what happened together. It survives the death of this process from here on.

        Raises `OnefillError` (`BOOK_UNWRITABLE`); nothing of it is in the book then.
        """
        if self._file is None:
            return
        line = encode_entries((*entries, Ended(at_ms=at_ms)))
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as wrong:
            os.ftruncate(self._file, self._length)
            raise OnefillError(
                "BOOK_UNWRITABLE", f"cannot write the simulated broker's book {self.path}: {wrong}"
            ) from None
        self._length += len(line)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_book(path: Path) -> list[Entry]:
    """All that is complete in a book, `end` lines left out; the file is not touched."""
    return _read(path.read_bytes(), path)[0]


def _read(content: bytes, path: Path) -> tuple[list[Entry], int]:
    """The entries up to the last `end` line, and the length of what they take."""
    complete: list[Entry] = []
    together: list[Entry] = []
    length = position = 0
    while (newline := content.find(b"\n", position)) >= 0:
        entry = _decoded(content[position:newline], path, position)
        position = newline + 1
        if isinstance(entry, Ended):
            complete += together
            together = []
            length = position
        else:
            together.append(entry)
    _check_beginning(complete, path)
    return complete, length


def _decoded(line: bytes, path: Path, position: int) -> Entry:
    try:
        entry: Entry = decode_entry(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise OnefillError(
            "BOOK_BROKEN",
            f"the simulated broker's book {path} is broken at byte {position}: {wrong}; "
            "begin again with an empty directory",
        ) from None
    return entry


def _check_beginning(entries: list[Entry], path: Path) -> None:
    if not entries:
        return
    first = entries[0]
    if not isinstance(first, AccountOpened) or first.version != VERSION:
        raise OnefillError(
            "BOOK_BROKEN",
            f"the simulated broker's book {path} is of another version than {VERSION}; begin "
            "again with an empty directory",
        )
