"""The files in `secrets/` that the store's rows are worth nothing without: readable to the owner
alone, replaced as a whole, never in the database."""

from __future__ import annotations

import os
from pathlib import Path

from onefill.gateway.identity.errors import IdentityFailed
from onefill.journal.files import sync_directory
from onefill.runtime.secret import open_to_others

_LONGEST = 4096


class SecretFiles:
    """Small files by name, in one directory of mode 0700."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, name: str) -> bytes | None:
        """What a file holds; None where there is none. Raises `IdentityFailed`."""
        path = self.directory / name
        try:
            with path.open("rb") as file:
                if open_to_others(file):
                    raise IdentityFailed(
                        path, f"others can read it: chmod 600 {path}", "SECRETS_EXPOSED"
                    )
                return file.read(_LONGEST)
        except FileNotFoundError:
            return None
        except OSError as wrong:
            raise IdentityFailed(path, f"cannot be read ({wrong.strerror})") from None

    def write(self, name: str, content: bytes) -> None:
        """Make a file hold this, durably and all at once. The caller holds the store's lock."""
        assert len(content) <= _LONGEST, name
        path = self.directory / name
        beside = self.directory / f"{name}.new"
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.unlink(missing_ok=True)
            handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_directory(self.directory)
        except OSError as wrong:
            raise IdentityFailed(path, f"cannot be written ({wrong.strerror})") from None

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            (self.directory / name).unlink(missing_ok=True)
        except OSError as wrong:
            path = self.directory / name
            raise IdentityFailed(path, f"cannot be removed ({wrong.strerror})") from None
