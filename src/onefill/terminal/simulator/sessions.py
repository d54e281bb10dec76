"""When a symbol can be traded: weekly hours on the server's clock, and its first and last day."""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import date

from onefill.terminal.zone import ServerTime, parse_zone

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
#: Unix time began on a Thursday.
_MONDAY_MS = 4 * _DAY_MS
#: By so much at most does a clock change at once.
_CHANGE_MS = 7_200_000
_FORM = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d)"
)
_UTC = ServerTime(parse_zone("UTC"))


class Sessions:
    """Hours of trade. Without any the market is always open: the ticks say when it moves."""

    def __init__(
        self,
        texts: tuple[str, ...] = (),
        clock: ServerTime = _UTC,
        *,
        begins_ms: int = 0,
        ends_ms: int | None = None,
    ) -> None:
        """Texts such as `Mon-Thu 00:05-24:00`, or `Sun-Thu 22:00-21:00`, over midnight and named
        for the days on which it begins; ValueError on another form. There is no trade before
        `begins_ms` and from `ends_ms` on (UTC)."""
        spans = _joined(sorted(span for text in texts for span in _spans(text)))
        self._clock = clock
        self._opens = [begin for begin, _ in spans]
        self._closes = [end for _, end in spans]
        self._begins_ms, self.ends_ms = begins_ms, ends_ms
        self._always = not texts and not begins_ms and ends_ms is None
        self._all_week = not texts

    def is_open(self, now_ms: int) -> bool:
        """Whether requests are taken, and orders triggered, at a time (Unix ms)."""
        if self._always:
            return True
        if now_ms < self._begins_ms or (self.ends_ms is not None and now_ms >= self.ends_ms):
            return False
        if self._all_week:
            return True
        in_week = (self._clock.server_ms(now_ms) - _MONDAY_MS) % _WEEK_MS
        at = bisect_right(self._opens, in_week) - 1
        return at >= 0 and in_week < self._closes[at]

    def opens_ms(self, now_ms: int) -> int | None:
        """A time after `now_ms`, when it is closed, before which it stays closed; None: for ever.

        It is the opening, or earlier where the server's clock changes in between.
        """
        if self.ends_ms is not None and now_ms >= self.ends_ms:
            return None
        if now_ms < self._begins_ms:
            return self._begins_ms
        if not self._opens:
            return None
        in_week = (self._clock.server_ms(now_ms) - _MONDAY_MS) % _WEEK_MS
        at = bisect_right(self._opens, in_week)
        begin = self._opens[at] if at < len(self._opens) else self._opens[0] + _WEEK_MS
        opening = now_ms + begin - in_week
        if self._clock.offset_ms(opening) != self._clock.offset_ms(now_ms):
            opening -= _CHANGE_MS
        return max(now_ms + 1, opening)


def trading_day(text: str) -> int | None:
    """A date (`2026-12-18`) as days since 1970-01-01; None for none. ValueError on another form."""
    if not text:
        return None
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def sessions_of(
    texts: tuple[str, ...], first: str, last: str, clock: ServerTime = _UTC
) -> Sessions:
    """The hours of a symbol that is traded from its first to its last day (dates, empty: none) on
    the server's clock. ValueError where one is of another form."""
    first_day, last_day = trading_day(first), trading_day(last)
    return Sessions(
        texts,
        clock,
        begins_ms=0 if first_day is None else clock.day_begins_ms(first_day),
        ends_ms=None if last_day is None else clock.day_begins_ms(last_day + 1),
    )


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that touch or overlap as one."""
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _spans(text: str) -> list[tuple[int, int]]:
    """Begin and end of each day's session, in ms since Monday 00:00."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None or found["first"] not in _DAYS or (found["last"] or "mon") not in _DAYS:
        raise ValueError(f"session {text!r}: expected days and hours such as 'Mon-Fri 00:05-23:55'")
    first = _DAYS.index(found["first"])
    last = _DAYS.index(found["last"] or found["first"])
    begin, end = _minutes(found["from"]), _minutes(found["to"])
    if begin == end or begin >= 24 * 60 or end > 24 * 60:
        raise ValueError(f"session {text!r}: its hours are not those of a day")
    if end < begin:
        end += 24 * 60
    minute_ms = 60_000
    spans = []
    for days in range((last - first) % 7 + 1):
        day = (first + days) % 7
        opens, closes = day * _DAY_MS + begin * minute_ms, day * _DAY_MS + end * minute_ms
        spans.append((opens, min(closes, _WEEK_MS)))
        if closes > _WEEK_MS:
            spans.append((0, closes - _WEEK_MS))
    return spans


def _minutes(clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    return hours * 60 + minutes if minutes < 60 else 24 * 60 + 1
