"""Where a simulated broker keeps its book when its session names no file: beside the fences, so
that a worker which takes the place of a dead one finds its account again."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from onefill.terminal.session import Session

_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


def keeping_its_book(session: Session, fences: Path) -> Session:
    """The session with a `state`, where it is a simulated one of this machine without.

    Another profile or other tick files are another broker: the name tells them apart.
    """
    if not session.simulated or session.state:
        return session
    broker = hashlib.sha256(session.simulated.encode())
    for tick_file in session.ticks:
        broker.update(f"\n{tick_file} {_stamp(Path(tick_file.rpartition('=')[2]))}".encode())
    server = _PLAIN.sub("_", session.server) or "server"
    name = f"{session.login}@{server}.{broker.hexdigest()[:8]}.book"
    return msgspec.structs.replace(session, state=str(fences / name))


def _stamp(file: Path) -> str:
    try:
        found = file.stat()
    except OSError:
        return ""  # whoever reads it says what is wrong with it
    return f"{found.st_size} {found.st_mtime_ns}"
