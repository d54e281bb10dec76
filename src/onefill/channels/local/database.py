"""The published engine's database: the journal, at a stated path."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from onefill.execution.report import answer
from onefill.journal.errors import JournalInUse
from onefill.journal.journal import Journal

VARIABLE = "ONEFILL_JOURNAL"


def default_path() -> Path:
    """`ONEFILL_JOURNAL`, else `.onefill/journal` in the user's home."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path.home() / ".onefill" / "journal"


class ExecutionDatabase:
    """Where an engine keeps every execution: append-only, fsynced, hash-chained.

    One engine at a time writes; `onefill journal show PATH` looks into it from outside.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        """A directory; None: `default_path()`. Nothing is opened before an engine needs it."""
        self.path = Path(path) if path is not None else default_path()
        self._journal: Journal | None = None

    def open(self) -> Journal:
        """The journal, for the one engine that writes it. Raises `JournalInUse` and others."""
        if self._journal is not None:
            raise JournalInUse(self.path, "(this one, by another engine)")
        self._journal = Journal.open(self.path)
        return self._journal

    def close(self) -> None:
        """Let another engine write."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def find(self, account: str, order_id: str) -> dict[str, Any] | None:
        """An execution by its account (`LOGIN@SERVER`) and order id, as plain values; None where
        the journal, which an engine must have open, knows none."""
        if self._journal is None:
            return None
        found = self._journal.find(account, order_id)
        return None if found is None else msgspec.to_builtins(answer(found))
