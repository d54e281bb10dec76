"""Trade requests as `order_send` and `order_check` take them: a dict, a tuple of 17, or keywords.

Keys that MT5 does not know are ignored; those that are missing are 0, 0.0 or "".
"""

from __future__ import annotations

from typing import Any

from onefill.mt5._arguments import (
    NOT_UNNAMED,
    WRONG_NUMBER,
    Reader,
    Refused,
    real,
    text,
    uint32,
    uint64,
    unpacks_a_mapping,
)
from onefill.mt5._structs import TradeRequest

_READERS: dict[str, Reader] = {
    "action": uint32,
    "magic": uint64,
    "order": uint64,
    "symbol": text,
    "volume": real,
    "price": real,
    "stoplimit": real,
    "sl": real,
    "tp": real,
    "deviation": uint64,
    "type": uint32,
    "type_filling": uint32,
    "type_time": uint32,
    "expiration": uint64,
    "comment": text,
    "position": uint64,
    "position_by": uint64,
}
_KINDS: dict[Reader, type] = {text: str, real: float}
_BLANK = [_KINDS.get(read, int)() for read in _READERS.values()]
#: Where a field stands, the kind that most values have, and how others are read.
_FIELDS = {
    name: (place, _KINDS.get(read, int), read)
    for place, (name, read) in enumerate(_READERS.items())
}
_SMALL = 2**31


def request_of(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> TradeRequest:
    """The request that a call names; its direct caller is the function that was called. Raises
    `Refused`."""
    if not arguments:
        if not keywords:
            raise Refused(WRONG_NUMBER)
        return _from_keys(keywords)
    if keywords or unpacks_a_mapping(2):
        raise Refused(NOT_UNNAMED)
    if len(arguments) > 1:
        raise Refused(WRONG_NUMBER)
    asked = arguments[0]
    if isinstance(asked, dict):
        return _from_keys(asked)
    if not isinstance(asked, tuple):
        raise Refused("Invalid object type")
    if len(asked) != len(_READERS):
        raise Refused("Invalid tuple size")
    return _from_keys(dict(zip(_READERS, asked, strict=True)))


def _from_keys(asked: dict[Any, Any]) -> TradeRequest:
    fields = _BLANK.copy()
    for name, value in asked.items():
        known = _FIELDS.get(name)
        if known is None:
            continue
        place, kind, read = known
        if type(value) is int:
            usual = kind is int and 0 <= value < _SMALL
        else:
            usual = kind is float and type(value) is float
        if usual:
            fields[place] = value
            continue
        try:
            fields[place] = read(value)
        except (TypeError, ValueError, OverflowError):
            raise Refused(f'Invalid "{name}" argument') from None
    return tuple.__new__(TradeRequest, fields)
