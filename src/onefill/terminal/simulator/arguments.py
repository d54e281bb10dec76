"""What the port's calls must be given: a call without it, or with something else, is answered as
MetaTrader answers invalid arguments, never with a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

from onefill.model.resolved import BrokerRequest
from onefill.terminal.port import Reply

_NUMBER = (int, float)
_REQUIRED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "look": {"symbol": str},
    "changes": {"cursor": int},
    "symbol_info": {"symbol": str},
    "symbol_info_tick": {"symbol": str},
    "order_calc_margin": {"action": int, "symbol": str, "volume": _NUMBER, "price": _NUMBER},
    "order_calc_profit": {
        "action": int, "symbol": str, "volume": _NUMBER, "price_open": _NUMBER,
        "price_close": _NUMBER,
    },
}  # fmt: skip
_TICKET: dict[str, type | tuple[type, ...]] = {"ticket": int}
_OPTIONAL = {"orders_get": {**_TICKET, "symbol": str}, "positions_get": {**_TICKET, "symbol": str}}
_WINDOW = {"from_ms": int, "to_ms": int}
_HISTORY = ("history_orders_get", "history_deals_get")


def wrong_arguments(call: str, arguments: Mapping[str, Any]) -> Reply | None:
    """The answer to a call whose arguments are wrong; None where they are right."""
    required = _REQUIRED.get(call)
    if required is not None:
        for name, kind in required.items():
            if not isinstance(arguments.get(name), kind):
                return _invalid(name)
        return None
    optional = _OPTIONAL.get(call)
    if optional is not None:
        for name, value in arguments.items():
            if not isinstance(value, optional.get(name, object)) and value is not None:
                return _invalid(name)
        return None
    return _wrong_window(arguments) if call in _HISTORY else None


def _wrong_window(arguments: Mapping[str, Any]) -> Reply | None:
    """A ticket, a position or a window of time."""
    for name in ("ticket", "position"):
        if name in arguments:
            return None if isinstance(arguments[name], int) else _invalid(name)
    for name, kind in _WINDOW.items():
        if not isinstance(arguments.get(name), kind):
            return _invalid(name)
    return None


def _invalid(name: str) -> Reply:
    return Reply(None, (-2, f'Invalid "{name}" argument'))


def trade_request(arguments: Mapping[str, Any], letters: int) -> BrokerRequest | Reply:
    """The trade request in a call's arguments, or the error where it is none. A comment of more
    than `letters` never leaves the machine."""
    asked: object = arguments.get("request", arguments or None)
    if not isinstance(asked, BrokerRequest):
        if not isinstance(asked, Mapping):
            return _invalid("request")
        unknown = sorted(set(map(str, asked)) - set(BrokerRequest.__struct_fields__))
        if unknown:
            return _invalid(unknown[0])
        try:
            asked = msgspec.convert(dict(asked), BrokerRequest)
        except msgspec.ValidationError as wrong:
            return Reply(None, (-2, f"Invalid arguments: {wrong}"))
    if not isfinite(asked.volume + asked.price + asked.stoplimit + asked.sl + asked.tp):
        return Reply(None, (-2, "Invalid arguments: a price or the volume is no finite number"))
    if len(asked.comment) > letters or not _is_text(asked.comment):
        return _invalid("comment")
    return asked


def _is_text(comment: str) -> bool:
    """Whether it can be written at all: half a surrogate pair cannot."""
    return comment.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in comment)
