"""Frames between an engine and a worker: four bytes of length, then msgpack.

Whoever connects says `Hello` (version, token), the one with the terminal `Welcome`; then the
engine asks and is told, one call at a time. Answers are typed by the call's name, so that both ends
speak of the port's own structs.
"""

from __future__ import annotations

import struct
from types import GenericAlias
from typing import Any

import msgspec

from onefill.model.errors import OnefillError
from onefill.model.market import MarketView
from onefill.model.resolved import BrokerRequest
from onefill.model.symbol import Symbol
from onefill.terminal.port import (
    AccountRow,
    Changes,
    DealRow,
    OrderRow,
    PositionRow,
    Ready,
    Reply,
    SendResult,
    Tick,
)

VERSION = 1
LENGTH = struct.Struct("<I")
#: Bytes of a request and of an answer, at most; a longer frame ends the connection.
ASK_MOST = 64 * 1024
TOLD_MOST = 64 * 1024 * 1024

#: What each call answers, where it answers anything.
ANSWERS: dict[str, Any] = {
    "symbol_info": Symbol,
    "symbol_info_tick": Tick,
    "look": MarketView,
    "ready": Ready,
    "changes": Changes,
    "account_info": AccountRow,
    "orders_get": tuple[OrderRow, ...],
    "positions_get": tuple[PositionRow, ...],
    "history_orders_get": tuple[OrderRow, ...],
    "history_deals_get": tuple[DealRow, ...],
    "order_send": SendResult,
    "order_calc_margin": float,
    "order_calc_profit": float,
    "symbols": tuple[str, ...],
    "troubles": tuple[str, ...],
    "check": dict[str, Any],
}


class WireBroken(OnefillError):
    """The other end does not keep to the protocol; the connection is of no more use."""

    def __init__(self, why: str) -> None:
        super().__init__("WIRE_BROKEN", f"the terminal's worker and the engine disagree: {why}")


class WrongVersion(OnefillError):
    """The other end is of an Onefill with another protocol."""

    def __init__(self, session: str, theirs: int) -> None:
        super().__init__(
            "WIRE_VERSION",
            f"the terminal of session {session!r} speaks version {theirs} of the protocol between "
            f"engine and worker, this engine version {VERSION}: install the same Onefill on both "
            "sides, and start the engine again; nothing was sent",
        )


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """The first frame of whoever connects."""

    version: int
    token: str

    def __repr__(self) -> str:
        return f"Hello({self.version})"


class Welcome(msgspec.Struct, frozen=True, array_like=True):
    """What terminal there is. `monotonic_ns` is its clock, by which it looks at not-afters."""

    version: int
    pid: int
    login: int
    server: str
    module: str
    monotonic_ns: int
    #: Why it cannot serve, as (code, sentence); empty where it can.
    trouble: tuple[str, str] = ("", "")
    #: The newest epoch that it has listened to; an engine must be of a newer one.
    epoch: int = 0


class _Versioned(msgspec.Struct, frozen=True, array_like=True):
    """What a greeting of any version begins with."""

    version: int


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """One call. `not_after_ns` is on the worker's clock; 0: none."""

    number: int
    name: str
    arguments: msgspec.Raw
    epoch: int = 0
    not_after_ns: int = 0
    key: str = ""
    attempt: int = 0
    #: How long the call may take; 0: as long as it likes. For a front, which ends what hangs.
    budget_ms: int = 0


class _Send(msgspec.Struct, frozen=True):
    """The arguments of `order_send`."""

    request: BrokerRequest


encode = msgspec.msgpack.Encoder().encode
decode_hello = msgspec.msgpack.Decoder(Hello).decode
_decode_welcome = msgspec.msgpack.Decoder(Welcome).decode
_decode_version = msgspec.msgpack.Decoder(_Versioned).decode
decode_ask = msgspec.msgpack.Decoder(Ask).decode
_decode_plain = msgspec.msgpack.Decoder(dict[str, Any]).decode
_decode_send = msgspec.msgpack.Decoder(_Send).decode
#: An answer is (number, code, text, value): `last_error` with it, read in the same breath.
_decoders = {
    name: msgspec.msgpack.Decoder(GenericAlias(tuple, (int, int, str, kind | None))).decode
    for name, kind in ANSWERS.items()
}


def framed(body: bytes) -> bytes:
    """A frame's bytes."""
    return LENGTH.pack(len(body)) + body


def welcome_of(body: bytes, session: str) -> Welcome:
    """What the terminal of the session of that name says of itself.

    Raises `WrongVersion`, `WireBroken`, and what keeps it from serving (`OnefillError`).
    """
    try:
        version = _decode_version(body).version
        if version != VERSION:  # what follows may be of any shape
            raise WrongVersion(session, version)
        welcome = _decode_welcome(body)
    except msgspec.DecodeError as wrong:
        raise WireBroken(f"its greeting cannot be read ({wrong})") from None
    if welcome.trouble[0]:
        raise OnefillError(*welcome.trouble)
    return welcome


def arguments_of(ask: Ask) -> dict[str, Any]:
    """A call's arguments; `msgspec.DecodeError` where they are none."""
    if ask.name == "order_send":
        return {"request": _decode_send(ask.arguments).request}
    return _decode_plain(ask.arguments)


def encode_told(number: int, reply: Reply) -> bytes:
    """An answer's body."""
    return encode((number, reply.error[0], reply.error[1], reply.value))


def decode_told(body: bytes, number: int, name: str) -> Reply:
    """The answer to the call of that number and name. Raises `WireBroken`."""
    try:
        answered, code, text, value = _decoders[name](body)
    except (msgspec.DecodeError, KeyError) as wrong:
        raise WireBroken(f"an answer that cannot be read ({wrong})") from None
    if answered != number:
        raise WireBroken(f"an answer to call {answered} where call {number} is under way")
    return Reply(value, (code, text))
