"""Small files that an account must find again after a restart: replaced whole, so that a power cut
leaves the old one or the new one; their owner's alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

from onefill.journal.files import sync_directory

_PLAIN = re.compile(r"[^A-Za-z0-9_.@-]+")
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


def file_of(directory: Path, account: str) -> Path:
    """An account's file in a directory."""
    return directory / f"{_PLAIN.sub('_', account)}.json"


def replace(path: Path, content: bytes) -> None:
    """Durable on return. Raises OSError; then the old one is there still."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)  # else it could be a link to somewhere
    with os.fdopen(os.open(beside, _NEW, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_directory(path.parent)
