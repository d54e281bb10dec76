"""The foreign peer's frames: compiled on first use from the .proto files beside this one."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from grpc_tools import protoc

_HERE = Path(__file__).parent
_FILES = ("first", "second", "envelope")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIRST_PAYLOAD = 10
#: Fields 999 (a varint) and 1000 (text), which no message of the contract has.
NEVER_HEARD_OF = b"\xb8\x3e\x07\xc2\x3e\x03abc"


def compiled() -> tuple[Any, Any, Any]:
    """The modules of the three files."""
    with tempfile.TemporaryDirectory(prefix="foreign-") as folder:
        files = [f"{name}.proto" for name in _FILES]
        if protoc.main(["protoc", f"-I{_HERE}", f"--python_out={folder}", *files]) != 0:
            raise RuntimeError("the contract's tables do not compile")
        sys.path.insert(0, folder)
        try:
            first, second, envelope = (importlib.import_module(f"{name}_pb2") for name in _FILES)
        finally:
            sys.path.remove(folder)
    return first, second, envelope


def _table() -> list[int]:
    entries = []
    for number in range(256):
        value = number
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        entries.append(value)
    return entries


_TABLE = _table()


def crc32c(payload: bytes) -> int:
    """CRC-32C (Castagnoli), a byte a step."""
    value = 0xFFFFFFFF
    for byte in payload:
        value = _TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # the check value of the algorithm's catalogue


def sealed(envelope: Any, field: str, message: Any, sequence: int) -> bytes:
    """A message in an envelope, its checksum over the payload's bytes."""
    frame = envelope.Envelope(sequence=sequence, checksum=crc32c(message.SerializeToString()))
    frame.header.source_service = "foreign"
    frame.header.message_version = "1"
    getattr(frame, field).CopyFrom(message)
    sent: bytes = frame.SerializeToString()
    return sent


def opened(envelope: Any, frame: bytes) -> tuple[str, Any]:
    """What an envelope holds: the field's name, and the message. The checksum is looked at."""
    read = envelope.Envelope.FromString(frame)
    field = read.WhichOneof("payload")
    if read.checksum != crc32c(payload_of(frame)):
        raise ValueError(f"the checksum of a {field} is wrong")
    return field, getattr(read, field)


def payload_of(frame: bytes) -> bytes:
    """The payload's bytes as they came: written again they might stand in another order."""
    at = 0
    while at < len(frame):
        tag, at = _varint(frame, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, at = _varint(frame, at)
        elif kind == _BYTES:
            size, at = _varint(frame, at)
            if number >= _FIRST_PAYLOAD:
                return frame[at : at + size]
            at += size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
    raise ValueError("the envelope is empty")


def _varint(frame: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = frame[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
