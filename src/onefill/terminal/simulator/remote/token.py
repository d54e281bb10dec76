"""The token that a broker's clients must have: a line in a file that its owner alone can read."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from onefill.model.errors import OnefillError
from onefill.runtime.secret import new_secret

_SHORTEST, _LONGEST = 16, 1_024
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY


def default_token_file() -> Path:
    """Where the token is unless a command or a program's environment says otherwise."""
    return Path.home() / ".onefill" / "broker.token"


def take_token(path: Path) -> str:
    """The server's: what the file holds, or a new one written to it (mode 0600).

    Raises `OnefillError` (`TOKEN_UNREADABLE`, `TOKEN_INVALID`, `TOKEN_EXPOSED`).
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, _NEW, 0o600)
    except FileExistsError:
        _check_closed(path)
        return read_token(path)
    except OSError as wrong:
        raise _unreadable(path, wrong) from None
    token = new_secret(32).hex()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{token}\n")
    return token


def read_token(path: Path) -> str:
    """What the file holds. Raises `OnefillError` (`TOKEN_UNREADABLE`, `TOKEN_INVALID`)."""
    try:
        with path.open(encoding="utf-8") as file:
            token = file.read(_LONGEST + 2).strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise _unreadable(path, wrong) from None
    if not _SHORTEST <= len(token) <= _LONGEST or len(token.split()) != 1:
        raise OnefillError(
            "TOKEN_INVALID",
            f"{path} must hold one word of {_SHORTEST} to {_LONGEST} letters, the broker's token; "
            "remove the file, and `onefill broker serve` makes a new one",
        )
    return token


def _check_closed(path: Path) -> None:
    if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise OnefillError("TOKEN_EXPOSED", f"others can read the broker's token: chmod 600 {path}")


def _unreadable(path: Path, wrong: Exception) -> OnefillError:
    return OnefillError("TOKEN_UNREADABLE", f"cannot use the token file {path}: {wrong}")
