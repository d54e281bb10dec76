"""The broker's clock: what `--ticks-tz` names, and how its times become UTC, a column at once.

MetaTrader 5 exports server time, and most FX servers keep "New York + 7 h": a day of trading then
ends at midnight, and the clock changes on American dates. No IANA name says that, so a zone here is
an IANA name, a number of hours, or both.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from onefill.model.errors import OnefillError

_FIRST_S = 0
_LAST_S = 4_102_444_800  # 2100-01-01
_DAY_S = 86_400
_HOURS = r"(?P<sign>[+-])\s*(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d))?\s*h?"
_FIXED = re.compile(rf"(?:UTC|GMT)?\s*{_HOURS}", re.IGNORECASE)
_SHIFTED = re.compile(rf"(?P<name>[A-Za-z].*?)\s*{_HOURS}", re.IGNORECASE)
#: The one city that everybody names without its continent.
_SPOKEN = {"new york": "America/New_York", "new_york": "America/New_York"}


class ZoneError(OnefillError):
    """The text given for a time zone names none."""

    def __init__(self, text: str) -> None:
        super().__init__(
            "TICKS_ZONE",
            f"{text!r} is not a time zone: give an IANA name (Europe/Athens), UTC, an offset "
            "(+03:00, UTC+2), or a name and hours (America/New_York+7, the usual broker clock)",
        )


@dataclass(frozen=True, slots=True, eq=False)
class BrokerZone:
    """A clock by its offsets from UTC between 1970 and 2100."""

    name: str
    #: UTC instants (ms, rising) at which the offset changes.
    changes_ms: NDArray[np.int64]
    #: Offset (local - UTC, ms) before the first change, and after each.
    offsets_ms: NDArray[np.int64]

    def clock(self) -> "ServerClock":
        """A converter for the lines of one file."""
        return ServerClock(self)


@lru_cache
def parse_zone(text: str) -> BrokerZone:
    """The zone that `text` names.

    `UTC`; an offset `+03:00`, `UTC+2`; an IANA name `Europe/Athens`; an IANA name and hours
    `America/New_York+7` (also `New York + 7 h`). An exact IANA name comes first, so `Etc/GMT+3` is
    what IANA means by it: three hours *west* of Greenwich. Raises ZoneError.
    """
    words = text.strip()
    if words.upper() == "Z":
        words = "UTC"
    if fixed := _FIXED.fullmatch(words):
        return _fixed(text, _shift(text, fixed))
    if (zone := _iana(words)) is not None:
        return _scanned(words, zone, timedelta(0))
    shifted = _SHIFTED.fullmatch(words)
    if shifted is None or (zone := _iana(shifted["name"])) is None:
        raise ZoneError(text)
    return _scanned(words, zone, _shift(text, shifted))


def _shift(text: str, match: re.Match[str]) -> timedelta:
    shift = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    if shift > timedelta(hours=14):
        raise ZoneError(text)
    return -shift if match["sign"] == "-" else shift


def _iana(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(_SPOKEN.get(name.lower(), name))
    # A folder of the database (`America`) is an OSError, a path out of it a ValueError.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _fixed(name: str, offset: timedelta) -> BrokerZone:
    return BrokerZone(name.strip(), np.zeros(0, np.int64), np.array([_ms(offset)], np.int64))


def _scanned(name: str, zone: ZoneInfo, shift: timedelta) -> BrokerZone:
    """Look at every day; where the offset differs, halve the day down to the second."""
    changes: list[int] = []
    offsets = [_offset(zone, _FIRST_S)]
    for day in range(_FIRST_S, _LAST_S, _DAY_S):
        offset = _offset(zone, day)
        if offset == offsets[-1]:
            continue
        before, after = day - _DAY_S, day
        while after - before > 1:
            middle = (before + after) // 2
            if _offset(zone, middle) == offset:
                after = middle
            else:
                before = middle
        changes.append(after * 1000)
        offsets.append(offset)
    return BrokerZone(
        name,
        np.array(changes, np.int64),
        np.array([_ms(offset + shift) for offset in offsets], np.int64),
    )


def _offset(zone: ZoneInfo, at_s: int) -> timedelta:
    offset = datetime.fromtimestamp(at_s, zone).utcoffset()
    assert offset is not None
    return offset


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


class ServerClock:
    """Converts the lines of one file, in file order, from the broker's clock to UTC.

    When the clock goes back, an hour occurs twice and the text does not say which one is meant: it
    is the first until the time goes back within that hour, the second from there on. An hour that
    the clock skips does not exist: a tick in it shows that the zone is not the broker's.
    """

    def __init__(self, zone: BrokerZone) -> None:
        before, after = zone.offsets_ms[:-1], zone.offsets_ms[1:]
        edges = np.empty(2 * len(zone.changes_ms), np.int64)
        edges[0::2] = zone.changes_ms + np.minimum(before, after)
        edges[1::2] = zone.changes_ms + np.maximum(before, after)
        #: Local times: an even span between two edges has one offset, an odd one is disputed.
        self._edges = edges
        self._offsets = zone.offsets_ms
        self._hour = -1  # the disputed span last seen,
        self._latest_ms = 0  # its last local time
        self._second = False  # and whether that was in its second occurrence

    def utc_ms(self, local_ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """UTC of local times (ms), and whether each local time exists at all."""
        exists = np.ones(len(local_ms), np.bool_)
        if not len(local_ms):
            return local_ms, exists
        ends = np.array([local_ms.min(), local_ms.max()], np.int64)
        low, high = (int(span) for span in np.searchsorted(self._edges, ends, side="right"))
        if low == high and low % 2 == 0:
            return local_ms - self._offsets[low >> 1], exists
        span = np.searchsorted(self._edges, local_ms, side="right")
        utc = local_ms - self._offsets[span >> 1]
        for hour in np.unique(span[span % 2 == 1]).tolist():
            rows = np.flatnonzero(span == hour)
            later = self._offsets[(hour + 1) >> 1]
            if later > self._offsets[hour >> 1]:
                exists[rows] = False
            else:
                second = rows[self._in_second(hour, local_ms[rows])]
                utc[second] = local_ms[second] - later
        return utc, exists

    def _in_second(self, hour: int, local_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        known = hour == self._hour
        previous = np.concatenate([[self._latest_ms if known else local_ms[0]], local_ms[:-1]])
        second = np.logical_or.accumulate(local_ms < previous)
        if known and self._second:
            second[:] = True
        self._hour, self._latest_ms, self._second = hour, int(local_ms[-1]), bool(second[-1])
        return second


class ServerTime:
    """One broker's clock for single times: UTC milliseconds to server milliseconds, and back.

    Server milliseconds are MT5's way of telling time: the wall clock written as if it were UTC.
    """

    def __init__(self, zone: BrokerZone) -> None:
        self.zone = zone
        self._changes = zone.changes_ms.tolist()
        self._offsets = zone.offsets_ms.tolist()
        self._shown_from = [
            change + max(before, after)
            for change, before, after in zip(
                self._changes, self._offsets[:-1], self._offsets[1:], strict=True
            )
        ]
        #: From when to when the next midnight that was found last is the next one (UTC).
        self._day = (0, 0)

    def offset_ms(self, utc_ms: int) -> int:
        """How far the server's clock is ahead of UTC."""
        if not self._changes:
            offset: int = self._offsets[0]
            return offset
        at: int = self._offsets[bisect_right(self._changes, utc_ms)]
        return at

    def server_ms(self, utc_ms: int) -> int:
        """The server's clock at a UTC time; 0 (no time) stays 0."""
        return utc_ms + self.offset_ms(utc_ms) if utc_ms else 0

    def utc_ms(self, server_ms: int) -> int:
        """UTC of a server time; 0 (no time) stays 0. Of an hour that occurs twice the first is
        meant; an hour that the clock skips is read with the offset before it."""
        if not server_ms:
            return 0
        at: int = self._offsets[bisect_right(self._shown_from, server_ms)]
        return server_ms - at

    def server_column(self, utc_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """The server's clock at each of many UTC times."""
        places = np.searchsorted(self.zone.changes_ms, utc_ms, side="right")
        return utc_ms + self.zone.offsets_ms[places]

    def day_of(self, utc_ms: int) -> int:
        """The server's day, counted from 1970-01-01."""
        return self.server_ms(utc_ms) // (_DAY_S * 1_000)

    def day_begins_ms(self, day: int) -> int:
        """UTC of the midnight at which a server day begins."""
        return self.utc_ms(day * _DAY_S * 1_000)

    def next_day_ms(self, utc_ms: int) -> int:
        """UTC of the first midnight of the server after a time."""
        from_ms, until_ms = self._day
        if from_ms <= utc_ms < until_ms:
            return until_ms
        day = self.day_of(utc_ms) + 1
        begins_ms = self.day_begins_ms(day)
        # Where the clock goes back over midnight a day seems to begin twice.
        found = begins_ms if begins_ms > utc_ms else self.day_begins_ms(day + 1)
        self._day = (utc_ms, found)
        return found
