"""What goes over a broker's connection: frames, and the messages in them.

A frame is its length (4 bytes, big-endian) and so many bytes of msgpack. A message is an array
that begins with its kind:

| kind | from | then |
|---|---|---|
| `hello` | server | `onefill-broker`, the version of this table, a nonce |
| `proof` | client | the version, HMAC-SHA256 of the server's nonce under the token, a nonce |
| `welcome` | server | HMAC-SHA256 of the client's nonce, the pace, market ms per ms (0: lockstep) |
| `call` | client | a number, a function of `surface/backend.py`, its arguments |
| `answer` | server | the call's number, the value, `last_error`'s code and text |
| `refused` | server | the call's number (0: the connection ends), a code, a sentence |

The token itself is never sent. `now_ms` and `sleep_ms` are functions beside the backend's. A numpy
array of one dimension travels as extension 1: its dtype's description, its length, its bytes.
"""

from __future__ import annotations

import hmac
import re
import struct
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

NAME, VERSION = "onefill-broker", 1
NONCE_BYTES = 32

_LENGTH = struct.Struct(">I")
LENGTH_BYTES = _LENGTH.size
_ARRAY = 1
#: Integers and floats in little-endian; nothing that could hold an object.
_PLAIN = re.compile(r"<[iuf][248]|\|[iu]1")


class Malformed(Exception):
    """A frame whose content is no message. The text says what is wrong with it."""


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The server's first word."""

    name: str
    version: int
    nonce: bytes


class Proof(msgspec.Struct, frozen=True, array_like=True, tag="proof"):
    """That the client has the token."""

    version: int
    proof: bytes
    nonce: bytes


class Welcome(msgspec.Struct, frozen=True, array_like=True, tag="welcome"):
    """That the server has it too. `speed`: market ms per ms of the machine's; 0 in lockstep."""

    proof: bytes
    pace: str
    speed: float


class Call(msgspec.Struct, frozen=True, array_like=True, tag="call"):
    """A function of the backend."""

    number: int
    name: str
    arguments: list[Any]


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    """What became of it."""

    number: int
    value: Any
    code: int
    text: str


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """Why not. `number` 0: and the connection ends."""

    number: int
    code: str
    sentence: str


FromServer = Hello | Welcome | Answered | Refused
FromClient = Proof | Call


def proof(token: str, side: str, nonce: bytes) -> bytes:
    """What only one who has the token can say; `side` is `client` or `server`."""
    return hmac.digest(token.encode(), f"{NAME} {side} ".encode() + nonce, "sha256")


def is_proof(told: bytes, token: str, side: str, nonce: bytes) -> bool:
    """Whether it is that, compared in constant time."""
    return hmac.compare_digest(told, proof(token, side, nonce))


def frame(message: FromServer | FromClient) -> bytes:
    """A message, ready to be sent. Raises what msgspec does for what cannot travel: `TypeError`,
    `OverflowError` (a whole number of over 64 bits), `UnicodeEncodeError`."""
    content = _encoder.encode(message)
    return _LENGTH.pack(len(content)) + content


def length_of(head: bytes) -> int:
    """The bytes that follow a frame's first four."""
    length: int = _LENGTH.unpack(head)[0]
    return length


def read_client(content: bytes) -> FromClient:
    """What a client says. Raises `Malformed`."""
    try:
        message: FromClient = _from_client.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Malformed(str(wrong)) from None
    return message


def read_server(content: bytes) -> FromServer:
    """What the server says; an answer's arrays are tuples again. Raises `Malformed`."""
    try:
        message: FromServer = _from_server.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Malformed(str(wrong)) from None
    if isinstance(message, Answered) and isinstance(message.value, list):
        return Answered(message.number, _tuples(message.value), message.code, message.text)
    return message


def _tuples(values: list[Any]) -> tuple[Any, ...]:
    return tuple([_tuples(one) if type(one) is list else one for one in values])


def _outgoing(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray) or value.ndim != 1:
        raise TypeError(f"{type(value).__name__} does not travel")
    kinds: list[list[str]] | str = value.dtype.str
    if value.dtype.names is not None:
        kinds = [[name, value.dtype[name].str] for name in value.dtype.names]
    content = _encoder.encode([kinds, len(value), np.ascontiguousarray(value).tobytes()])
    return msgspec.msgpack.Ext(_ARRAY, content)


class _Array(msgspec.Struct, frozen=True, array_like=True):
    kinds: list[tuple[str, str]] | str
    length: int
    content: bytes


def _incoming(code: int, content: memoryview) -> NDArray[Any]:
    if code != _ARRAY:
        raise msgspec.ValidationError(f"extension {code} is not known")
    told = _array.decode(content)
    kinds = told.kinds if isinstance(told.kinds, list) else [("", told.kinds)]
    for _, kind in kinds:
        if not _PLAIN.fullmatch(kind):
            raise msgspec.ValidationError(f"an array of {kind!r} does not travel")
    try:
        dtype = np.dtype(cast(Any, told.kinds))
    except (TypeError, ValueError) as wrong:
        raise msgspec.ValidationError(f"no dtype: {wrong}") from None
    if told.length * dtype.itemsize != len(told.content) or told.length < 0:
        raise msgspec.ValidationError("an array's length is not that of its bytes")
    return np.frombuffer(told.content, dtype).copy()


_encoder = msgspec.msgpack.Encoder(enc_hook=_outgoing)
_array = msgspec.msgpack.Decoder(_Array)
_from_client = msgspec.msgpack.Decoder(FromClient)
_from_server = msgspec.msgpack.Decoder(FromServer, ext_hook=_incoming)
