"""Equity at the start of the broker's day, and the highest ever: kept in a small file, so that a
restart does not begin the day, or the peak, anew."""

from __future__ import annotations

from pathlib import Path

import msgspec

from onefill.agent.small_files import file_of, replace
from onefill.model.errors import OnefillError
from onefill.terminal.zone import ServerTime


class _Marks(msgspec.Struct):
    #: The broker's day, counted from 1970-01-01; -1 at first.
    day: int = -1
    day_start: float = 0.0
    peak: float = 0.0


class EquityMarks:
    """One account's marks. Amounts are in the account's currency."""

    def __init__(self, directory: Path, account: str, zone: ServerTime) -> None:
        """Raises `OnefillError` (`EQUITY_UNREADABLE`): marks that are lost would loosen limits."""
        self._path = file_of(directory, account)
        self._zone = zone
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._marks = msgspec.json.decode(self._path.read_bytes(), type=_Marks)
        except FileNotFoundError:
            self._marks = _Marks()
        except (OSError, msgspec.MsgspecError) as wrong:
            raise OnefillError(
                "EQUITY_UNREADABLE",
                f"cannot read {self._path}, where the account's highest equity is kept: {wrong}; "
                "mend it, or remove it to begin anew",
            ) from None

    @property
    def day(self) -> int:
        """The broker's day that was last seen, counted from 1970-01-01; -1 before the first."""
        return self._marks.day

    @property
    def day_start(self) -> float:
        """Equity when the broker's day was first seen."""
        return self._marks.day_start

    @property
    def peak(self) -> float:
        """The highest equity ever seen."""
        return self._marks.peak

    def see(self, equity: float, now_ms: int) -> None:
        """Equity at a time (UTC). Durable on return where a mark moved. Raises OSError."""
        marks, day = self._marks, self._zone.day_of(now_ms)
        new_day = day > marks.day
        if not new_day and equity <= marks.peak:
            return
        if new_day:
            marks.day, marks.day_start = day, equity
        marks.peak = max(marks.peak, equity)
        replace(self._path, msgspec.json.encode(self._marks))
