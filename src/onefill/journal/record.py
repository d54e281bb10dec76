"""A record, its link in the account's hash chain, and which order it speaks of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from onefill.model.events import Accepted, Denied, Event, Reopened, decode_event
from onefill.model.order import OrderState

GENESIS = bytes(32)
"""What the first record of an account links to."""

_HEADER = Struct(">32sQqQI")
_sha256 = hashlib.sha256


class Row(NamedTuple):
    """A record as a store keeps it. `number` is the seq of its order's first record."""

    seq: int
    account: str
    at_ms: int
    number: int | None
    body: bytes
    hash: bytes


class Record(NamedTuple):
    """A record as a reader sees it. `seq` is global and gapless, `at_ms` Unix ms, UTC."""

    seq: int
    account: str
    at_ms: int
    event: Event
    hash: bytes


def read(row: Row) -> Record:
    """The record a row holds."""
    return Record(row.seq, row.account, row.at_ms, decode_event(row.body), row.hash)


def link(
    previous: bytes, seq: int, account: bytes, at_ms: int, number: int | None, body: bytes
) -> bytes:
    """The record's hash: over the previous hash of its account and every column of its own.

    `account` is the name in UTF-8. Fixed-width numbers, big-endian, then the name with its length,
    then the body, so that no two records have the same bytes.
    """
    header = _HEADER.pack(previous, seq, at_ms, number or 0, len(account))
    return _sha256(header + account + body).digest()


def order_number(
    live: OrderState | None, event: Event, key: str, seq: int, past: Callable[[str], int | None]
) -> int | None:
    """The number of the order that the record `seq` speaks of; `seq` itself: it is the first.

    `live` is the order of the event's key before the record, if it is live then; `past` tells the
    number of one that is over.
    """
    if live is not None:
        return live.number
    if not key:
        return None
    kind = type(event)
    if kind is Accepted or kind is Denied:
        return seq
    if isinstance(event, Reopened):
        return event.order.number
    return past(key)
