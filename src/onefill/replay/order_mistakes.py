"""What is wrong with a line of an orders file that could not be decoded, in a person's words.

Slow and thorough: only wrong lines come here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from onefill.contracts.moments import EXPECTED, to_ms
from onefill.contracts.order_line import Wrong
from onefill.model.intent import Action, OrderType, Side

Expected = dict[str, tuple[Callable[[Any], bool], str]]
"""A field to what it takes: a look at a value, and in words."""


def explain(raw: bytes, failure: Exception, also: Expected | None = None) -> Wrong:
    """The first mistake of a line; `failure` is what decoding said, for want of better words.
    `also`: fields that a door takes beside an order's."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as wrong:
        return Wrong("", f"expected UTF-8 text; byte {wrong.start + 1} is none")
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except RecursionError:
        return Wrong("", "expected a flat JSON object; this one is nested too deeply")
    except json.JSONDecodeError as wrong:
        return Wrong("", f"expected a JSON object: {wrong.msg} at column {wrong.colno}")
    except ValueError:
        return Wrong("", "expected a JSON object; it holds a number with far too many digits")
    if not isinstance(pairs, _Pairs):
        return Wrong("", f"expected a JSON object, not {_shown(pairs)}")
    expected = _EXPECTED if also is None else {**_EXPECTED, **also}
    return _first_mistake(pairs, expected) or Wrong("", f"expected an order: {failure}")


def moment_in(raw: bytes) -> int | None:
    """When a wrong line would have arrived, where that much can be read of it."""
    try:
        at: Any = dict(json.loads(raw, object_pairs_hook=_Pairs)).get("at")
        return to_ms(at) if _is_moment(at) else None
    except (ValueError, TypeError, RecursionError):
        return None


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it is written, so that a name that comes twice is seen."""


def _first_mistake(pairs: _Pairs, expectations: Expected) -> Wrong | None:
    seen: set[str] = set()
    for name, value in pairs:
        if name not in expectations:
            near = get_close_matches(name, expectations, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(expectations)}"
            return Wrong(_short(name), f"no such field; {hint}")
        if name in seen:
            return Wrong(name, "is given twice")
        seen.add(name)
        fits, expected = expectations[name]
        if value is None:
            if name == "client_key":
                return Wrong(name, f"expected {expected}, not null")
        elif not fits(value):
            return Wrong(name, f"expected {expected}, not {_shown(value)}")
    return None if "client_key" in seen else Wrong("client_key", "is required")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_moment(value: Any) -> bool:
    return _is_text(value) or _is_number(value)


def _one_of(
    words: type[Action] | type[Side] | type[OrderType],
) -> tuple[Callable[[Any], bool], str]:
    known = [word.value for word in words]
    return (lambda value: value in known), f"one of {', '.join(known)}"


_NUMBER = (_is_number, "a number")
_WHOLE = (_is_whole, "a whole number")
_MOMENT = (_is_moment, EXPECTED)
_EXPECTED: Expected = {
    "client_key": (_is_text, "text"),
    "at": _MOMENT,
    "action": _one_of(Action),
    "symbol": (_is_text, "text"),
    "side": _one_of(Side),
    "volume": _NUMBER,
    "units": _NUMBER,
    "order_type": _one_of(OrderType),
    "price": _NUMBER,
    "stop_limit_price": _NUMBER,
    "stop_loss": _NUMBER,
    "take_profit": _NUMBER,
    "deviation": _WHOLE,
    "magic": _WHOLE,
    "comment": (_is_text, "text"),
    "expires_at": _MOMENT,
    "expiration": _MOMENT,
    "target": (_is_text, "text"),
}


def _shown(value: Any) -> str:
    if isinstance(value, _Pairs):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, float):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), repr(value))
    try:
        return _short(json.dumps(value, ensure_ascii=False))
    except ValueError:
        return "a number with far too many digits"


def _short(text: str) -> str:
    plain = "".join(c if c.isprintable() else "?" for c in text[:60])
    return plain if len(text) <= 60 else f"{plain[:57]}..."
