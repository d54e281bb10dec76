"""Secrets: bytes that nobody can guess, from the operating system, and files that keep them."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from typing import IO, Any


def new_secret(length: int) -> bytes:
    """So many bytes, never the same twice."""
    return secrets.token_bytes(length)


def open_to_others(file: IO[Any]) -> bool:
    """Whether the mode of an open file lets anybody but its owner at it. Windows has no such modes:
    False there."""
    mode = os.fstat(file.fileno()).st_mode
    return sys.platform != "win32" and bool(stat.S_IMODE(mode) & 0o077)
