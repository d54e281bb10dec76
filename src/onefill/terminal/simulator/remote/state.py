"""A broker's state between two processes: its book, how far its market has come, and a lock that
lets one process at a time have them. `FILE`, `FILE.time` and `FILE.lock`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from onefill.model.errors import OnefillError
from onefill.runtime.lock import FileLock, LockHeld
from onefill.terminal.simulator.entries import AccountOpened, decode_entry
from onefill.terminal.simulator.remote.time_kept import TimeKept

_DAY_MS = 86_400_000
_OPENED_BEFORE_DAYS = 30
_LONGEST_LINE = 65_536


@contextmanager
def keeping(state: Path | None) -> Iterator[TimeKept]:
    """The time of an earlier process; nobody else has the state meanwhile. None keeps nothing.

    Raises `OnefillError` (`STATE_IN_USE`, `STATE_UNUSABLE`, `TIME_UNREADABLE`).
    """
    if state is None:
        yield TimeKept(None)
        return
    try:
        lock = FileLock(Path(f"{state}.lock"))
    except LockHeld as held:
        raise OnefillError(
            "STATE_IN_USE",
            f"process {held.holder} has the broker of {state}: connect to it, or stop it first",
        ) from None
    except OSError as wrong:
        raise OnefillError("STATE_UNUSABLE", f"cannot keep state in {state}: {wrong}") from None
    try:
        with closing(TimeKept(Path(f"{state}.time"))) as kept:
            yield kept
    finally:
        lock.release()


def begun_ms(state: Path | None) -> int | None:
    """When the account was opened (Unix ms); None where there is none yet, or nobody can tell.

    Raises `OnefillError` (`BOOK_UNREADABLE`).
    """
    if state is None or not state.exists():
        return None
    try:
        with state.open("rb") as book:
            first = decode_entry(book.readline(_LONGEST_LINE))
    except OSError as wrong:
        raise OnefillError("BOOK_UNREADABLE", f"cannot read the book {state}: {wrong}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # whoever opens the book says what is wrong with it
    return first.at_ms if isinstance(first, AccountOpened) else None


def opening_ms(start_ms: int) -> int:
    """When the account of a market that begins then is opened: well before, so that its deposit is
    no news."""
    return (start_ms // _DAY_MS - _OPENED_BEFORE_DAYS) * _DAY_MS
