"""When a symbol can be traded: weekly hours from the broker's profile, in UTC."""

from __future__ import annotations

import re

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
#: Unix time began on a Thursday.
_MONDAY_MS = 4 * _DAY_MS
_FORM = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d)"
)


class Sessions:
    """Hours of trade. Without any the market is always open: the ticks say when it moves."""

    def __init__(self, texts: tuple[str, ...] = ()) -> None:
        """Texts such as `Mon-Thu 00:05-24:00` or `Sun 22:00-24:00`; ValueError on another form."""
        self._spans = sorted(span for text in texts for span in _spans(text))

    def is_open(self, now_ms: int) -> bool:
        """Whether requests are taken at a time (Unix ms)."""
        if not self._spans:
            return True
        in_week = (now_ms - _MONDAY_MS) % _WEEK_MS
        return any(begin <= in_week < end for begin, end in self._spans)


def _spans(text: str) -> list[tuple[int, int]]:
    """Begin and end of each day's session, in ms since Monday 00:00."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None or found["first"] not in _DAYS or (found["last"] or "mon") not in _DAYS:
        raise ValueError(f"session {text!r}: expected days and hours such as 'Mon-Fri 00:05-23:55'")
    first = _DAYS.index(found["first"])
    last = _DAYS.index(found["last"] or found["first"])
    begin, end = _minutes(found["from"]), _minutes(found["to"])
    if last < first or not begin < end <= 24 * 60:
        raise ValueError(f"session {text!r} ends before it begins; write one for each part")
    minute_ms = 60_000
    return [
        (day * _DAY_MS + begin * minute_ms, day * _DAY_MS + end * minute_ms)
        for day in range(first, last + 1)
    ]


def _minutes(clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    return hours * 60 + minutes
