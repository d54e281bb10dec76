"""One line of a tick file, read with care: the definition of what a good line is.

The columnwise reading (tick_columns) takes the lines that look like all others, thousands at once;
what it does not take comes here. Where both apply they agree, which a property test holds them to.
"""

import re
from datetime import date

#: Times are held from 1970 up to here (2100-01-01, Unix ms), so that a column of seconds, micro- or
#: nanoseconds is noticed rather than replayed in the wrong century.
END_MS = 4_102_444_800_000
#: The highest price that a tick series holds.
MAX_POINTS = 2**31 - 1
#: A blank price: unchanged from the line above.
BLANK = 0

_MAX_FIELD_BYTES = 32
_DAY_MS = 86_400_000
_WHOLE = re.compile(rb"[0-9]{1,20}")
_PRICE = re.compile(rb"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,2}))?")
_NOT_FINITE = re.compile(rb"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DATE = re.compile(rb"([0-9]{4})\.([0-9]{2})\.([0-9]{2})")
_TIME = re.compile(rb"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?")

#: Time (ms), bid and ask (points; BLANK where the field is).
Quote = tuple[int, int, int]


class BrokenTick(Exception):
    """A line that is no tick; the text says why, in plain words."""


def csv_quote(line: bytes, digits: int) -> Quote:
    """Read `time_msc,bid,ask`; the time is Unix ms. Raises BrokenTick."""
    fields = line.split(b",")
    if len(fields) != 3:
        raise BrokenTick(f"fields: {len(fields)}, expected 3 (time_msc,bid,ask)")
    stamp, bid, ask = (field.strip() for field in fields)
    if not _WHOLE.fullmatch(stamp):
        raise BrokenTick(f"the time {_shown(stamp)} is not a whole number of milliseconds")
    time_ms = int(stamp)
    if time_ms >= END_MS:
        raise BrokenTick(f"the time {_shown(stamp)} is past 2099; expected Unix milliseconds")
    for name, field in (("bid", bid), ("ask", ask)):
        if not field:
            raise BrokenTick(f"the {name} is blank")
    return time_ms, price_points("bid", bid, digits), price_points("ask", ask, digits)


def mt5_quote(line: bytes, digits: int, columns: int) -> Quote:
    """Read a line of MetaTrader 5's tick export; the time is the broker's clock, as ms since 1970.

    What stands in the columns after ASK is not looked at. Raises BrokenTick.
    """
    fields = line.split(b"\t")
    if len(fields) != columns:
        raise BrokenTick(f"fields: {len(fields)}, expected {columns}, between tabs")
    day, clock, bid, ask = (field.strip() for field in fields[:4])
    time_ms = day_ms(day) + _clock_ms(clock)
    return (
        time_ms,
        price_points("bid", bid, digits) if bid else BLANK,
        price_points("ask", ask, digits) if ask else BLANK,
    )


def day_ms(day: bytes) -> int:
    """Milliseconds from 1970 to the beginning of `2014.05.06`. Raises BrokenTick."""
    match = _DATE.fullmatch(day)
    try:
        if match is None:
            raise ValueError
        begin = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise BrokenTick(f"the date {_shown(day)} is none; expected YYYY.MM.DD") from None
    if not 1970 <= begin.year < 2100:
        raise BrokenTick(f"the date {_shown(day)} is not between 1970 and 2099")
    return (begin.toordinal() - date(1970, 1, 1).toordinal()) * _DAY_MS


def _clock_ms(clock: bytes) -> int:
    match = _TIME.fullmatch(clock)
    if match is None or match[1] > b"23" or match[2] > b"59" or match[3] > b"59":
        raise BrokenTick(f"the time {_shown(clock)} is none; expected HH:MM:SS.mmm")
    seconds = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
    return seconds * 1000 + int(match[4] or 0)


def price_points(name: str, field: bytes, digits: int) -> int:
    """A price in whole points of a symbol with `digits` decimals; `name` is for the message.

    Decimals past the symbol's are accepted where they are what binary floating point leaves behind
    (1.3874200000000001): off by at most 1e-8 of the price, and by a twentieth of a point. Raises
    BrokenTick.
    """
    if _NOT_FINITE.fullmatch(field):
        raise BrokenTick(f"the {name} {_shown(field)} is not finite")
    match = _PRICE.fullmatch(field) if len(field) <= _MAX_FIELD_BYTES else None
    if match is None:
        raise BrokenTick(f"the {name} {_shown(field)} is not a number")
    fraction = match[3] or b""
    mantissa = int(match[2] + fraction)
    if mantissa == 0 or match[1] == b"-":
        raise BrokenTick(f"the {name} {_shown(field)} is not above 0")
    shift = digits - len(fraction) + int(match[4] or 0)
    points = mantissa * 10**shift if shift >= 0 else _rounded(mantissa, 10**-shift)
    if points is None:
        raise BrokenTick(f"the {name} {_shown(field)} has more than {digits} decimals")
    if points > MAX_POINTS:
        raise BrokenTick(f"the {name} {_shown(field)} is over {MAX_POINTS} points")
    return points


def _rounded(mantissa: int, unit: int) -> int | None:
    points, over = divmod(mantissa, unit)
    if over * 2 > unit:
        points, over = points + 1, unit - over
    noise = over * 10**8 <= mantissa and over * 20 <= unit
    return points if noise else None


def _shown(field: bytes) -> str:
    text = field[:24].decode("utf-8", "replace")
    return repr(text + ("..." if len(field) > 24 else ""))
