"""One log file a session: what its worker says, and what happens to it. Never a password."""

from __future__ import annotations

import logging
from pathlib import Path
from time import gmtime
from typing import IO

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s"


class SessionLog:
    """`DIRECTORY/NAME.log`, appended to; the worker's own output goes into `NAME.worker.log`."""

    def __init__(self, name: str, directory: Path) -> None:
        """Raises OSError where the directory cannot be used."""
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / f"{name}.log"
        self._handler = logging.FileHandler(self.path, encoding="utf-8", delay=True)
        formatter = logging.Formatter(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
        formatter.converter = gmtime
        self._handler.setFormatter(formatter)
        self._logger = logging.Logger(f"onefill.session.{name}", logging.INFO)
        self._logger.addHandler(self._handler)
        self._worker: IO[bytes] | None = None
        self._worker_path = directory / f"{name}.worker.log"

    def info(self, text: str) -> None:
        """Note what happened."""
        self._logger.info(text)

    def warning(self, code: str, text: str) -> None:
        """Note what somebody should look at."""
        self._logger.warning("%s: %s", code, text)

    def worker_output(self) -> IO[bytes]:
        """Where the worker's standard output and errors go."""
        if self._worker is None:
            self._worker = self._worker_path.open("ab", buffering=0)
        return self._worker

    def close(self) -> None:
        """Let go of the files."""
        self._logger.addHandler(logging.NullHandler())  # later words go nowhere, not to stderr
        self._logger.removeHandler(self._handler)
        self._handler.close()
        if self._worker is not None:
            self._worker.close()
