"""What every value of the wire must be, whoever sent it. Each check gives the value back as the
messages have it, or raises `Wrong`."""

from __future__ import annotations

from math import isfinite

from onefill.contracts.order_line import (
    MAX_MAGIC,
    MAX_PRICE,
    MAX_SYMBOL,
    MAX_TARGET,
    MAX_VOLUME,
)
from onefill.contracts.refusals import Wrong

MAX_NAME = 128
"""Characters of a user's, an account's, a broker's or a server's name."""
MAX_PROSE = 1_000
"""Characters of a text that is kept to be read: a reason, an error."""
MAX_MONEY = 1e15
MAX_PIPS = 1e15
_SECONDS_BELOW = 10**11
_MOST_MS = 253_402_300_799_999  # the last millisecond of the year 9999


def text(field: str, value: str, most: int = MAX_NAME) -> str:
    """Printable, bounded; may be empty."""
    if len(value) > most:
        raise Wrong(field, f"expected at most {most} characters, not {len(value)}")
    if not value.isprintable():
        raise Wrong(field, f"expected printable characters, not {value[:40]!r}")
    return value


def named(field: str, value: str, most: int = MAX_NAME) -> str:
    """As `text`, and not empty."""
    if not value:
        raise Wrong(field, "is required")
    return text(field, value, most)


def symbol(value: str) -> str:
    """A symbol, or empty."""
    return text("symbol", value, MAX_SYMBOL)


def key(field: str, value: str) -> str:
    """A command's id, also that of a child of a close_all; empty where none is named."""
    return text(field, value, MAX_TARGET)


def prose(value: str) -> str:
    """Text for people: cut at `MAX_PROSE`, and what cannot be printed becomes a space. It is
    never a reason to refuse a frame."""
    value = value[:MAX_PROSE]
    if value.isprintable():
        return value
    return "".join(character if character.isprintable() else " " for character in value)


def ticket(field: str, value: str) -> int:
    """A ticket as decimal digits; 0 where there is none."""
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) <= 19):
        raise Wrong(field, f"expected decimal digits, not {value[:40]!r}")
    return whole(field, int(value))


def whole(field: str, value: int, most: int = MAX_MAGIC) -> int:
    """A whole number from 0."""
    if not 0 <= value <= most:
        raise Wrong(field, f"expected a whole number from 0 to {most}, not {value}")
    return value


def level(field: str, value: float) -> float:
    """A price, or 0 for none."""
    if not 0 <= value <= MAX_PRICE:  # false for NaN too
        raise Wrong(field, f"expected a price, or 0 for none, not {value!r}")
    return value


def pips(field: str, value: float) -> float:
    """A distance of prices in pips, of either sign."""
    if not isfinite(value) or abs(value) > MAX_PIPS:
        raise Wrong(field, f"expected a number of pips, not {value!r}")
    return value


def size(field: str, value: float, most: float = MAX_VOLUME) -> float:
    """Lots, or another amount from 0."""
    if not 0 <= value <= most:
        raise Wrong(field, f"expected a number from 0 to {most:g}, not {value!r}")
    return value


def money(field: str, value: float) -> float:
    """An amount of money, of either sign."""
    if not isfinite(value) or abs(value) > MAX_MONEY:
        raise Wrong(field, f"expected an amount of money, not {value!r}")
    return value


def moment(field: str, value: int) -> int:
    """A time as Unix milliseconds; one below 10^11 is in seconds. 0 where none is told."""
    told = value * 1_000 if value < _SECONDS_BELOW else value
    if not 0 <= told <= _MOST_MS:
        raise Wrong(field, f"expected Unix milliseconds, from 1970 to 9999, not {value}")
    return told
