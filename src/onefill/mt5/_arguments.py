"""What MetaTrader5 takes as arguments, and how it says what it does not take.

Its functions are written in C. Whole numbers are what Python can use as an index (`bool` and
numpy's too, never a float), prices are what has a float value, texts are `str`, moments are
seconds or what has a `timestamp()`. What is wrong is never raised: the call gives None (or False)
and `last_error` has -2 and a text. Only keywords for a function that takes none, and arguments for
one that takes nothing, raise TypeError, as Python itself does for functions in C.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dis import opmap
from math import isfinite
from operator import index
from typing import Any

INVALID = "Invalid arguments"
WRONG_NUMBER = "Invalid number of arguments"
NOT_UNNAMED = "Unnamed arguments not allowed"
_UNNAMED = tuple(f"Invalid {place} unnamed argument" for place in ("1st", "2nd", "3rd"))

Reader = Callable[[Any], Any]

_UNPACKING = opmap["CALL_FUNCTION_EX"]
_INT32, _UINT32, _UINT64 = 2**31, 2**32, 2**64


class Refused(Exception):
    """An argument is wrong; `text` is what `last_error` says."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def text(value: Any) -> str:
    """A `str` (of a subclass its letters) that can be written: half a surrogate pair cannot."""
    if not isinstance(value, str):
        raise TypeError
    letters = value if type(value) is str else str.__str__(value)
    if not letters.isascii():
        letters.encode()
    return letters


def real(value: Any) -> float:
    """A float, or what has a float value; not a text."""
    if type(value) is float:
        return value
    if isinstance(value, str | bytes | bytearray):
        raise TypeError
    return float(value)


def int32(value: Any) -> int:
    """A whole number that C's `int` holds."""
    number = index(value)
    if not -_INT32 <= number < _INT32:
        raise OverflowError
    return number


def uint32(value: Any) -> int:
    """A whole number that C's `unsigned int` holds."""
    number = index(value)
    if not 0 <= number < _UINT32:
        raise OverflowError
    return number


def uint64(value: Any) -> int:
    """A ticket, a magic number: 0 to 2**64 - 1."""
    number = index(value)
    if not 0 <= number < _UINT64:
        raise OverflowError
    return number


def moment(value: Any) -> float:
    """Seconds since 1970, or a datetime; a naive one is in the machine's zone."""
    timestamp = getattr(value, "timestamp", None)
    seconds = real(value) if timestamp is None else float(timestamp())
    if not isfinite(seconds):
        raise ValueError
    return seconds


def unnamed(arguments: tuple[Any, ...], *readers: Reader) -> tuple[Any, ...]:
    """The arguments of a function that takes so many and no keywords. Raises `Refused`."""
    if len(arguments) != len(readers):
        raise Refused(INVALID)
    try:
        return tuple([read(value) for read, value in zip(readers, arguments, strict=True)])
    except (TypeError, ValueError, OverflowError, OSError):
        raise Refused(INVALID) from None


def first(arguments: tuple[Any, ...], *readers: Reader) -> tuple[Any, ...]:
    """The unnamed arguments of a function that may have names for the others. Raises `Refused`."""
    if len(arguments) > len(readers):
        raise Refused(WRONG_NUMBER)
    found = []
    for place, value in enumerate(arguments):
        try:
            found.append(readers[place](value))
        except (TypeError, ValueError, OverflowError, OSError):
            raise Refused(_UNNAMED[place]) from None
    return tuple(found)


def named(arguments: Mapping[str, Any], name: str, read: Reader, missing: Any) -> Any:
    """A named argument, or what stands for it where it is not given. Raises `Refused`."""
    if name not in arguments:
        return missing
    try:
        return read(arguments[name])
    except (TypeError, ValueError, OverflowError, OSError):
        raise Refused(f'Invalid "{name}" argument') from None


def unpacks_a_mapping(depth: int) -> bool:
    """Whether the call that is `depth` frames up was written with `**mapping`.

    A C function is told of an empty mapping; a Python function is not, so its caller's code is
    looked at. MetaTrader5 refuses a request beside an empty `**{}`, which is what happens where a
    thread pool makes the call.
    """
    frame = sys._getframe(depth + 1)
    code, place = frame.f_code.co_code, frame.f_lasti
    return code[place] == _UNPACKING and bool(code[place + 1] & 1)
