"""Orders files (JSON Lines): each line becomes an intent with its arrival, or is refused and told.

`at`, `expires_at` and `expiration` are Unix milliseconds or RFC 3339 with an offset. A line without
`at` arrives together with the line before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from onefill.contracts.order_line import Line, Wrong, intent_of, moment_of
from onefill.model.errors import OnefillError
from onefill.model.intent import OrderIntent
from onefill.replay.order_mistakes import explain, moment_in

MAX_LINE_BYTES = 65_536
_UTF8_MARK = b"\xef\xbb\xbf"
_FOREIGN = {
    b"\x1f\x8b": "it is compressed; unpack it first",
    b"\xff\xfe": "it is UTF-16; save it as UTF-8",
    b"\xfe\xff": "it is UTF-16; save it as UTF-8",
    b"{\0": "it is UTF-16; save it as UTF-8",
    b"\0{": "it is UTF-16; save it as UTF-8",
}


class OrdersError(OnefillError):
    """An orders file of which nothing can be read: `ORDERS_UNREADABLE`."""


class OrderLine(NamedTuple):
    """An order and when it arrives (Unix ms, UTC); None: with the first tick."""

    line_no: int
    at_ms: int | None
    intent: OrderIntent


class Arrival(NamedTuple):
    """An order and when it arrives (Unix ms, UTC)."""

    at_ms: int
    line_no: int
    intent: OrderIntent


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not taken: `field` is empty where the line as a whole is meant."""

    file: Path
    #: Counted from 1, as an editor does; blank lines count.
    line: int
    field: str
    #: What is wrong with it and what was expected.
    message: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}"
        return (
            f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"
        )


@dataclass(frozen=True, slots=True)
class LoadedOrders:
    """`lines` in order of arrival, by time and then by line; those with the first tick first."""

    lines: list[OrderLine] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)

    def arriving(self, first_tick_ms: int) -> list[Arrival]:
        """The orders in order of arrival, now that it is known when the first tick comes."""
        known = [
            Arrival(first_tick_ms if line.at_ms is None else line.at_ms, line.line_no, line.intent)
            for line in self.lines
        ]
        return sorted(known, key=lambda one: (one.at_ms, one.line_no))


def load_orders(path: Path) -> LoadedOrders:
    """Read a whole orders file. Raises `OrdersError` where nothing of it can be read."""
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise OrdersError(
            "ORDERS_UNREADABLE", f"orders file {path}: {failure.strerror or failure}"
        ) from None
    foreign = _FOREIGN.get(content[:2])
    if foreign:
        raise OrdersError("ORDERS_UNREADABLE", f"orders file {path}: {foreign}")
    return read_orders(content.removeprefix(_UTF8_MARK), path)


def read_orders(content: bytes, path: Path) -> LoadedOrders:
    """The orders that a file's content holds; `path` is its name in what is refused."""
    loaded = LoadedOrders()
    decode = msgspec.json.Decoder(Line).decode
    lines, refused = loaded.lines, loaded.refused
    at_ms: int | None = None
    for number, raw in enumerate(content.split(b"\n"), start=1):
        if not raw or raw.isspace():
            continue
        try:
            if len(raw) > MAX_LINE_BYTES:
                raise Wrong("", f"expected at most {MAX_LINE_BYTES} bytes, not {len(raw)}")
            line = decode(raw)
            moment = moment_of(line)
            if moment is not None:
                at_ms = moment
            lines.append(OrderLine(number, at_ms, intent_of(line)))
        except (Wrong, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as failure:
            wrong = failure if isinstance(failure, Wrong) else explain(raw, failure)
            refused.append(RefusedLine(path, number, wrong.field, wrong.message))
            if len(raw) <= MAX_LINE_BYTES and (moment := moment_in(raw)) is not None:
                at_ms = moment
    lines.sort(key=_arrival)
    return loaded


def _arrival(line: OrderLine) -> tuple[int, int]:
    return (-1 if line.at_ms is None else line.at_ms), line.line_no
