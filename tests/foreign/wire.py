"""The foreign peer's frames: compiled on first use from the .proto files beside this one."""

from __future__ import annotations

import importlib
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

from grpc_tools import protoc

_HERE = Path(__file__).parent
_FILES = ("first", "second", "envelope")


def compiled() -> tuple[Any, Any, Any]:
    """The modules of the three files, compiled into a folder of this process's own."""
    folder = tempfile.mkdtemp(prefix="foreign-")
    files = [f"{name}.proto" for name in _FILES]
    if protoc.main(["protoc", f"-I{_HERE}", f"--python_out={folder}", *files]) != 0:
        raise RuntimeError("the contract's tables do not compile")
    sys.path.insert(0, folder)
    first, second, envelope = (importlib.import_module(f"{name}_pb2") for name in _FILES)
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
    """CRC-32C (Castagnoli), a bit a shift."""
    value = 0xFFFFFFFF
    for byte in payload:
        value = _TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283  # the check value of the algorithm's catalogue
assert zlib.crc32(b"123456789") != 0xE3069283  # it is not zlib's


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
    message = getattr(read, field)
    payload = message if isinstance(message, bytes) else message.SerializeToString()
    if read.checksum != crc32c(payload):
        raise ValueError(f"the checksum of a {field} is wrong")
    return field, message
