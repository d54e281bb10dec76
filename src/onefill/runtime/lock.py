"""An operating-system lock on a file that names the process holding it: one writer, one worker."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from reading a locked byte, so the lock lies far behind the pid.
    _FAR = 1 << 20

    def _try_lock(handle: int) -> bool:
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        # flock, not lockf: it also keeps out a second writer in the same process.
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class LockHeld(Exception):
    """Another process (or another owner in this one) has the lock."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is locked by process {holder}")
        #: Its process id, or "unknown".
        self.holder = holder


class FileLock:
    """Held from construction to `release`, or to the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises `LockHeld` with the pid of who has it."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _try_lock(self._handle):
            os.lseek(self._handle, 0, os.SEEK_SET)
            holder = os.read(self._handle, 32).decode(errors="replace").strip()
            os.close(self._handle)
            raise LockHeld(path, holder or "unknown")
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.truncate(self._handle, 0)
        os.write(self._handle, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the next writer in."""
        if self._handle >= 0:
            os.close(self._handle)  # closing releases the lock; the file stays for the next one
            self._handle = -1
