"""How far a broker's market has come, kept beside its book so that a restart never goes back.

The book tells when something last happened; programs were told later times than that.
"""

from __future__ import annotations

import os
from pathlib import Path

from onefill.model.errors import OnefillError

_DIGITS = 16
_OPEN = os.O_CREAT | os.O_RDWR | getattr(os, "O_BINARY", 0)


class TimeKept:
    """A file of one number, written over at every step: it survives the process, not the machine.

    Unix ms. Without a path nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        """Raises `OnefillError` (`TIME_UNREADABLE`)."""
        self._path = path
        self._file: int | None = None
        #: What was kept last; 0: nothing.
        self.kept_ms = 0
        if path is None:
            return
        try:
            self._file = os.open(path, _OPEN, 0o600)
            text = os.read(self._file, 64).strip()
        except OSError as wrong:
            raise OnefillError("TIME_UNREADABLE", f"cannot use {path}: {wrong}") from None
        if text and not text.isdigit():
            os.close(self._file)
            raise OnefillError(
                "TIME_UNREADABLE",
                f"{path} holds no time in ms; remove it, and the market goes on from the book's",
            )
        self.kept_ms = int(text or 0)

    def keep(self, now_ms: int) -> None:
        """Keep a later time. Raises `OnefillError` (`TIME_UNWRITABLE`)."""
        if now_ms <= self.kept_ms:
            return
        self.kept_ms = now_ms
        if self._file is None:
            return
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, b"%0*d\n" % (_DIGITS, now_ms))
        except OSError as wrong:
            raise OnefillError("TIME_UNWRITABLE", f"cannot write {self._path}: {wrong}") from None

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
