"""Small files that an account must find again after a restart: replaced whole, so that a power cut
leaves the old one or the new one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from onefill.journal.files import sync_directory

_PLAIN = re.compile(r"[^A-Za-z0-9_.@-]+")


def file_of(directory: Path, account: str) -> Path:
    """An account's file in a directory."""
    return directory / f"{_PLAIN.sub('_', account)}.json"


def replace(path: Path, content: bytes) -> None:
    """Durable on return. Raises OSError; then the old one is there still."""
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_directory(path.parent)
