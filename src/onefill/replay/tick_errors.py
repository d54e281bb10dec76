"""What is said of a tick file that cannot be used, and of a line that was skipped."""

from dataclasses import dataclass
from pathlib import Path

from onefill.model.errors import OnefillError


class TicksError(OnefillError):
    """A tick file cannot be used: `TICKS_UNREADABLE`, `TICKS_BROKEN` (strict) or `TICKS_SOURCE`."""


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that was skipped."""

    file: Path
    #: Counted from 1, as an editor does; a header counts.
    line: int
    #: What is wrong with it, in plain words.
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


def unreadable(file: Path, why: str) -> TicksError:
    """The error for a file of which nothing can be used."""
    return TicksError("TICKS_UNREADABLE", f"{file}: {why}")


def refused(broken: BrokenLine) -> TicksError:
    """The error for a line that strict reading does not skip."""
    return TicksError("TICKS_BROKEN", f"{broken}; without --strict such lines are skipped")
