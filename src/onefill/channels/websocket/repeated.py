"""What goes on for long is said at once, and then again at growing intervals: neither a line a try,
nor one line and never again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from onefill.runtime.clock import monotonic_ns

FIRST_S, MOST_S = 60.0, 3_600.0
"""After how long it is said again, doubled each time, and the most that this becomes."""


@dataclass(slots=True)
class _Said:
    what: str
    again_ns: int
    after_s: float


class Repeated:
    """What was said last about each subject (a gateway, a terminal)."""

    def __init__(self, now_ns: Callable[[], int] = monotonic_ns) -> None:
        self._now_ns = now_ns
        self._said: dict[str, _Said] = {}

    def due(self, subject: str, what: str) -> bool:
        """Whether to say it now; then it counts as said."""
        now_ns = self._now_ns()
        said = self._said.get(subject)
        if said is None or said.what != what:
            after_s = FIRST_S
        elif now_ns < said.again_ns:
            return False
        else:
            after_s = min(said.after_s * 2, MOST_S)
        self._said[subject] = _Said(what, now_ns + int(after_s * 1e9), after_s)
        return True

    def over(self, subject: str) -> None:
        """It goes on no longer."""
        self._said.pop(subject, None)
