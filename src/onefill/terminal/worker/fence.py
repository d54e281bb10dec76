"""One worker an account, and no engine older than the newest that it has listened to.

The operating system's lock says which worker is the account's; the lowest acceptable epoch lies in
a file beside it, durable before any call of a new epoch is carried out.
"""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

from onefill.model.errors import OnefillError
from onefill.runtime.clock import monotonic_ns, pause
from onefill.runtime.lock import FileLock, LockHeld

_LOOK_S = 0.05
#: How long a process that was ended may take to be gone.
_GONE_NS = 5_000_000_000
_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


class Fence:
    """Holds an account's lock until `release`, or until the process ends, however it ends."""

    def __init__(
        self,
        directory: Path,
        login: int,
        server: str,
        patience_s: float,
        *,
        take_over: bool = False,
    ) -> None:
        """Take the lock, waiting so long for another worker to let go; with `take_over` one that
        holds it for longer is ended, stopped or hung as it may be.

        Raises `OnefillError`: `ACCOUNT_IN_USE` names the process that has it, `FENCE_UNUSABLE`.
        """
        name = f"{login}@{_PLAIN.sub('_', server) or 'server'}"
        self._epoch_path = directory / f"{name}.epoch"
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = directory / f"{name}.lock"
            self._lock = _locked(path, login, server, patience_s, take_over=take_over)
            self.epoch = self._read()
        except OSError as wrong:
            raise OnefillError(
                "FENCE_UNUSABLE",
                f"cannot use {directory}, where workers keep their locks and epochs: {wrong}",
            ) from None

    def _read(self) -> int:
        try:
            text = self._epoch_path.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return 0
        if not text.isdecimal():
            # To take it for 0 would let an engine send that was shut out.
            self._lock.release()
            raise OnefillError(
                "FENCE_UNUSABLE",
                f"{self._epoch_path} holds no epoch; make sure that no other engine trades this "
                "account, then remove the file",
            )
        return int(text)

    def admits(self, epoch: int) -> bool:
        """Whether an engine of this epoch is listened to; a newer one shuts out all before it."""
        if epoch > self.epoch:
            self._write(epoch)
            self.epoch = epoch
        return epoch == self.epoch

    def _write(self, epoch: int) -> None:
        beside = self._epoch_path.with_suffix(".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, str(epoch).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        beside.replace(self._epoch_path)
        with suppress(OSError):  # Windows opens no directories, and needs no fsync of them
            folder = os.open(self._epoch_path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def release(self) -> None:
        """Let another worker have the account."""
        self._lock.release()


def _locked(path: Path, login: int, server: str, patience_s: float, *, take_over: bool) -> FileLock:
    until_ns = monotonic_ns() + int(patience_s * 1e9)
    while True:
        try:
            return FileLock(path)
        except LockHeld as held:
            if monotonic_ns() >= until_ns:
                if not (take_over and _ended(held.holder)):
                    raise OnefillError(
                        "ACCOUNT_IN_USE",
                        f"account {login} on {server} is held by the worker with process id "
                        f"{held.holder}; stop the engine that it belongs to, or let the session "
                        "take the account over (take_over = true), which ends that worker",
                    ) from None
                take_over, until_ns = False, monotonic_ns() + _GONE_NS
            pause(_LOOK_S)


def _ended(holder: str) -> bool:
    """End the process that holds a lock; False where it is not known which."""
    if not holder.isdecimal():
        return False
    with suppress(ProcessLookupError):
        os.kill(int(holder), getattr(signal, "SIGKILL", signal.SIGTERM))
    return True
