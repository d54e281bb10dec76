"""A market's time that is kept beside its book, so that the next process goes on from there."""

from __future__ import annotations

from onefill.terminal.simulator.remote.time_kept import TimeKept
from onefill.terminal.simulator.surface.pace import MS_NS, Pace


class KeptPace:
    """Another pace, whose time is written down at every call."""

    def __init__(self, pace: Pace, kept: TimeKept) -> None:
        self._pace = pace
        self._kept = kept
        self.end_ns = pace.end_ns

    def now_ns(self) -> int:
        """The time reached."""
        return self._pace.now_ns()

    def spend(self) -> None:
        """A call is made."""
        self._pace.spend()
        self._kept.keep(self._pace.now_ns() // MS_NS)

    def sleep_ns(self, duration_ns: int) -> None:
        """Let time pass."""
        self._pace.sleep_ns(duration_ns)
        self._kept.keep(self._pace.now_ns() // MS_NS)
