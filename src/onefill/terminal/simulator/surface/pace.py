"""How the market's time goes for a program that is connected to a simulated terminal: as fast as
the processor, or along a clock."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from onefill.runtime.clock import SteadyClock

MS_NS = 1_000_000
SECOND_NS = 1_000_000_000
#: What a call costs in virtual time, so that a loop which only asks comes to an end.
CALL_NS = MS_NS
#: What reading a clock takes in virtual time: a loop that waits for a moment gets there.
READING_NS = 100_000
#: So often a program may ask on after the end before it is given up.
_PATIENCE = 10_000


class EndOfData(BaseException):
    """The market's time is over. Not an `Exception`: a program that catches those and goes on ends
    all the same."""


class Pace(Protocol):
    """The market's time, in Unix nanoseconds (UTC)."""

    #: From here on no time is left; None: the market has no end.
    end_ns: int | None

    def now_ns(self) -> int:
        """The time reached."""
        ...

    def spend(self) -> None:
        """A call is made. Raises `EndOfData`."""
        ...

    def sleep_ns(self, duration_ns: int) -> None:
        """Let time pass. Raises `EndOfData` once no more is left."""
        ...


class VirtualPace:
    """Time that goes as fast as the processor: only calls and sleeps move it."""

    def __init__(self, start_ns: int, end_ns: int | None = None, *, call_ns: int = CALL_NS) -> None:
        assert call_ns > 0, "a loop that only asks would never end"
        self._now_ns = start_ns
        self._call_ns = call_ns
        self._refused = 0
        self._late_readings = 0
        self.end_ns = end_ns
        #: Told each time reached.
        self.moved: Callable[[int], None] | None = None
        #: What becomes of a program that swallows `EndOfData` and goes on for ever.
        self.give_up: Callable[[], None] = _nothing

    def now_ns(self) -> int:
        """The time reached."""
        return self._now_ns

    def spend(self) -> None:
        """A call's cost passes."""
        self.sleep_ns(self._call_ns)

    def sleep_ns(self, duration_ns: int) -> None:
        """Time passes at once; up to the end, and then `EndOfData`."""
        now_ns = self._now_ns + (duration_ns if duration_ns > 0 else 0)
        if self.end_ns is not None and now_ns >= self.end_ns:
            self._now_ns = self.end_ns
            self._refuse()
        self._now_ns = now_ns
        if self.moved is not None:
            self.moved(now_ns)

    def read_ns(self) -> int:
        """The time as a clock shows it to a program. At the end it stands still, so that what
        winds up can still read it; whoever waits for it to go on gets `EndOfData`."""
        now_ns = self._now_ns + READING_NS
        if self.end_ns is not None and now_ns >= self.end_ns:
            self._late_readings += 1
            if self._late_readings > _PATIENCE:
                self.sleep_ns(self.end_ns - self._now_ns)
            return self._now_ns
        self._now_ns = now_ns
        if self.moved is not None:
            self.moved(now_ns)
        return now_ns

    def _refuse(self) -> None:
        self._refused += 1
        if self._refused == 1 and self.moved is not None:
            self.moved(self._now_ns)
        if self._refused > _PATIENCE:
            self.give_up()
        raise EndOfData


class ClockPace:
    """Time along the machine's clock, `factor` times as fast."""

    def __init__(
        self,
        start_ns: int,
        end_ns: int | None = None,
        *,
        factor: float = 1.0,
        clock: SteadyClock | None = None,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """`wait` lets so many seconds of the machine's time pass."""
        assert factor > 0, factor
        self._start_ns = start_ns
        self._clock = clock or SteadyClock()
        self._wait = wait or _wait
        self._began_ns = self._clock.now_ns()
        self.factor = factor
        self.end_ns = end_ns

    def now_ns(self) -> int:
        """The time reached, not beyond the end."""
        passed_ns = self._clock.now_ns() - self._began_ns
        now_ns = self._start_ns + int(passed_ns * self.factor)
        return now_ns if self.end_ns is None else min(now_ns, self.end_ns)

    def spend(self) -> None:
        """A call takes the time that it takes."""
        if self.end_ns is not None and self.now_ns() >= self.end_ns:
            raise EndOfData

    def sleep_ns(self, duration_ns: int) -> None:
        """Wait on the machine's clock."""
        until_ns = self.now_ns() + max(0, duration_ns)
        if self.end_ns is not None:
            until_ns = min(until_ns, self.end_ns)
        while (left_ns := until_ns - self.now_ns()) > 0:
            self._wait(left_ns / self.factor / SECOND_NS)
        self.spend()


def _wait(seconds: float) -> None:
    # A lock, not an event: `onefill script` puts events' waits into the market's time.
    lock = Lock()
    lock.acquire()
    lock.acquire(timeout=seconds)


def _nothing() -> None:
    return None
