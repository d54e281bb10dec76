"""What a worker is told when it starts: over its standard input, so that no password is in an
argument list, an environment or a file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from onefill.terminal.session import Session

#: Bytes of that frame, at most.
CONFIG_MOST = 64 * 1024


class WorkerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The one frame on a worker's standard input."""

    session: Session
    #: Where the engine listens: `unix:PATH` or `tcp:HOST:PORT`.
    address: str
    #: What the engine must hear first.
    token: str
    #: Where locks and epochs lie.
    fences: str
    #: How long to wait for another worker to let go of the account.
    patience_s: float = 5.0

    def __repr__(self) -> str:
        return f"WorkerConfig({self.session!r}, {self.address})"

    __str__ = __repr__


def default_fences() -> Path:
    """Where the workers of this user keep their locks: the same for every engine of the machine,
    because an account may have one worker only."""
    return Path.home() / ".onefill" / "terminals"
