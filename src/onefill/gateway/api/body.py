"""A request's body: read within its limits, and decoded without guessing (no key twice, no NaN, no
field that nobody knows)."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, TypeVar

import msgspec
from starlette.types import Receive, Scope

from onefill.gateway.api.refusal import Refusal, invalid, malformed

T = TypeVar("T")
_AT = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED = re.compile(r"field `([^`]{1,60})`")


class Gone(Exception):
    """The caller hung up before all of the request had come."""


def header(scope: Scope, name: bytes) -> str:
    """A request's header; empty where it has none."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


async def read_body(scope: Scope, receive: Receive, most: int, patience_s: float) -> bytes:
    """The whole body. Raises `Refusal` (413, 408) and `Gone`."""
    told = header(scope, b"content-length")
    if told.isdecimal() and int(told[:20]) > most:
        raise too_large(most)
    parts: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(patience_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Gone
                part = message.get("body", b"")
                length += len(part)
                if length > most:
                    raise too_large(most)
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise Refusal(
            408, "TOO_SLOW", f"the request's body did not come within {patience_s:g} s"
        ) from None


def too_large(most: int) -> Refusal:
    """A body over the limit."""
    return Refusal(413, "TOO_LARGE", f"a request's body may have {most} bytes, not more")


def check_json(scope: Scope) -> None:
    """Raises `Refusal` (415) where the body is announced as anything but JSON in UTF-8."""
    kind, _, rest = header(scope, b"content-type").partition(";")
    charset = rest.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Refusal(
            415, "NOT_JSON", "send JSON in UTF-8, with the header Content-Type: application/json"
        )
    if header(scope, b"content-encoding") not in ("", "identity"):
        raise Refusal(415, "NOT_JSON", "send the body as it is, without a Content-Encoding")


def decode(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """A body as the value it says. Raises `Refusal` (400, 422)."""
    try:
        value = decoder.decode(raw)
    except msgspec.ValidationError as wrong:
        raise _invalid(str(wrong)) from None
    except RecursionError:
        raise malformed("the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise malformed(f"the body is no JSON: {wrong}") from None
    check_names(raw)
    return value


def check_names(raw: bytes) -> None:
    """Raises `Refusal` where an object has a name twice: which of the two is meant, nobody
    knows."""
    try:
        json.loads(raw, object_pairs_hook=_unique)
    except Refusal:
        raise
    except (ValueError, RecursionError):
        raise malformed("the body holds a number or a text that cannot be taken") from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) != len(dict(pairs)):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise invalid(shown(name), "is given twice")
            seen.add(name)


def shown(name: str) -> str:
    """A name from outside, cut and without control characters."""
    return "".join(c if c.isprintable() else "?" for c in name[:60])


def _invalid(sentence: str) -> Refusal:
    """`msgspec`'s words, with the field that they name."""
    at = _AT.search(sentence)
    said = sentence[: at.start()] if at else sentence
    if at and at[1]:
        return invalid(shown(at[1]), said)
    named = _NAMED.search(said)
    return invalid(shown(named[1]) if named else "", said)
