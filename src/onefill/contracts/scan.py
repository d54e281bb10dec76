"""A frame's outermost fields as they lie on the wire, read without knowing what message it is.

Protobuf's parser does not tell an absent field from a default, nor gives the bytes that a
checksum was made of. Source: the protobuf encoding specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, TEXT, GROUP, END_GROUP, FIXED32 = range(6)


class Field(NamedTuple):
    """One field. `begin` and `end` bound its value (of TEXT: without the length)."""

    number: int
    kind: int
    begin: int
    end: int


def fields(frame: bytes) -> Iterator[Field]:
    """The fields in their order; what lies within a group is skipped. Raises ValueError on
    reaching a field that does not end within the frame, or a tag that means nothing."""
    depth, at = 0, 0
    while at < len(frame):
        tag, begin = varint(frame, at)
        number, kind = tag >> 3, tag & 7
        if not number or kind > FIXED32:
            raise ValueError(f"byte {at} begins no field")
        length = 0
        if kind == VARINT:
            length = varint(frame, begin)[1] - begin
        elif kind == TEXT:
            length, begin = varint(frame, begin)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            depth += 1 if kind == GROUP else -1
        at = begin + length
        if at > len(frame) or depth < 0:
            raise ValueError(f"the field at byte {begin} does not end within the frame")
        if not depth and kind != END_GROUP:
            yield Field(number, kind, begin, at)
    if depth:
        raise ValueError("a group has no end")


def varint(frame: bytes, at: int) -> tuple[int, int]:
    """The number at a place (at most 64 bits), and where it ends. Raises ValueError."""
    if at < len(frame) and frame[at] < 0x80:
        return frame[at], at + 1  # nearly all of them
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(frame):
            raise ValueError("the frame ends within a number")
        byte = frame[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise ValueError(f"the number at byte {at - 10} has no end")


def first_text(frame: bytes) -> str:
    """Field 1 as text, which is where every command and result has its id; empty where it cannot be
    read, however broken what follows is."""
    try:
        for field in fields(frame):
            if field.number == 1 and field.kind == TEXT:
                return frame[field.begin : field.end].decode()
    except ValueError:
        pass
    return ""
