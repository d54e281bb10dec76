"""When something is: Unix time as a number, or RFC 3339 text, as whole milliseconds UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MOST_MS = 253_402_300_799_999  # the last millisecond of the year 9999
EXPECTED = "Unix milliseconds, or RFC 3339 with an offset (2014-05-08T12:00:00Z)"


def to_ms(moment: int | float | str) -> int:
    """Whole milliseconds, fractions cut off. Raises ValueError with what is wrong with it."""
    if isinstance(moment, str):
        return _of_text(moment)
    if not 0 <= moment <= _MOST_MS:  # false for NaN too
        raise ValueError(f"expected {EXPECTED}, from 1970 to 9999, not {moment!r}")
    return int(moment)


def _of_text(text: str) -> int:
    if not _RFC3339.fullmatch(text):
        if _ZONELESS.fullmatch(text):
            raise ValueError(f"{text!r} names no offset from UTC: end it with Z, or +02:00")
        raise ValueError(f"expected {EXPECTED}, not {_short(text)}")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as wrong:
        raise ValueError(f"{text!r} is no time: {wrong}") from None
    elapsed = (moment - _EPOCH) // _MILLISECOND
    if elapsed < 0:
        raise ValueError(f"{text!r} is before 1970")
    return elapsed


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
