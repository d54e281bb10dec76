"""Bare frames: one protobuf message each, which the path and the direction tell apart."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from enum import StrEnum

from onefill.contracts import (
    account_profile,
    execution_command,
    execution_result,
    scan,
    trading_command,
)
from onefill.contracts.command_rules import MARKET_LIFE_MS
from onefill.contracts.execution_result import CONTRACT, Statuses
from onefill.contracts.messages import Command, Dialect, MarketData, Message, Profile, Result
from onefill.contracts.reading import MAX_FRAME, check_market_data, read, within
from onefill.contracts.refusals import FrameRefused

TRADING_CLIENT, MT5 = "/ws/trading-client", "/ws/mt5"
EXECUTION, MARKET_DATA = "/ws/execution", "/ws/market-data"


class End(StrEnum):
    """Which end of a connection this is."""

    SERVER = "server"
    CLIENT = "client"


_NOTHING: tuple[type, ...] = ()
#: What each end says on each path (`contracts/protobuf`, endpoints).
_SAYS: dict[str, dict[End, tuple[type, ...]]] = {
    TRADING_CLIENT: {End.CLIENT: (Profile, Result), End.SERVER: (Command,)},
    EXECUTION: {End.CLIENT: (Result,), End.SERVER: (Command,)},
    MT5: {End.CLIENT: (MarketData,), End.SERVER: _NOTHING},
    MARKET_DATA: {End.CLIENT: _NOTHING, End.SERVER: (MarketData,)},
}
_OWN_PATH = {Dialect.EXECUTION: EXECUTION, Dialect.TRADING: TRADING_CLIENT}
_DECODE: dict[Dialect, Callable[[bytes, int], Command]] = {
    Dialect.EXECUTION: execution_command.decode,
    Dialect.TRADING: trading_command.decode,
}
_ENCODE = {
    Dialect.EXECUTION: execution_command.encode,
    Dialect.TRADING: trading_command.encode,
}


class Bare:
    """One dialect's bare frames on one path (its own, where none is given), as one end of the
    connection sees them.

    `life_ms` is how long after it was made a market order without an expiry may be executed;
    `statuses` how the peer numbers `ExecutionStatus`.
    """

    enveloped = False

    def __init__(
        self,
        dialect: Dialect,
        path: str | None = None,
        *,
        end: End = End.SERVER,
        life_ms: int = MARKET_LIFE_MS,
        statuses: Statuses = CONTRACT,
        max_frame: int = MAX_FRAME,
    ) -> None:
        path = _OWN_PATH[dialect] if path is None else path
        if path not in _SAYS:
            raise ValueError(f"{path!r} is no path of the contract: {', '.join(_SAYS)}")
        self._decode, self._encode = _DECODE[dialect], _ENCODE[dialect]
        self._path = path
        self._life_ms, self._statuses, self._max_frame = life_ms, statuses, max_frame
        self._says = _SAYS[path][end]
        self._hears = _SAYS[path][End.CLIENT if end is End.SERVER else End.SERVER]

    def with_statuses(self, statuses: Statuses) -> Bare:
        """The same frames for a peer that numbers `ExecutionStatus` so."""
        other = copy(self)
        other._statuses = statuses
        return other

    def pack(self, message: Message) -> bytes | None:
        """See `framing.Framing`."""
        if not isinstance(message, self._says):
            return None
        if isinstance(message, Command):
            frame = self._encode(message, extended=False)
        elif isinstance(message, Result):
            frame = execution_result.encode(message, self._statuses)
        elif isinstance(message, Profile):
            frame = account_profile.encode(message)
        else:
            assert isinstance(message, MarketData)
            frame = message.payload
        return within(frame, self._max_frame)

    def unpack(self, frame: bytes) -> Message:
        """See `framing.Framing`."""
        within(frame, self._max_frame)
        hears = self._hears
        if hears == (Profile, Result):
            hears = (read(frame, "FRAME_INVALID", _profile_or_result),)
        if hears == (Command,):
            return read(frame, "COMMAND_INVALID", lambda it: self._decode(it, self._life_ms))
        if hears == (Result,):
            return read(
                frame, "RESULT_INVALID", lambda it: execution_result.decode(it, self._statuses)
            )
        if hears == (Profile,):
            return read(frame, "PROFILE_INVALID", account_profile.decode, names_command=False)
        if hears == (MarketData,):
            return read(frame, "FRAME_INVALID", check_market_data, names_command=False)
        raise FrameRefused("FRAME_INVALID", f"this side sends nothing on {self._path}")


def _profile_or_result(frame: bytes) -> type:
    """By what the frame has on the wire, for both are tables of the same small numbers."""
    profile = result = False
    for number, kind, _, _ in scan.fields(frame):
        if 7 <= number <= 12 or (number == 2 and kind == scan.TEXT):
            profile = True
        elif (
            20 <= number <= 24
            or (number in (2, 6) and kind == scan.VARINT)
            or (number == 4 and kind == scan.FIXED64)
        ):
            result = True
    if profile and result:
        raise ValueError("it has fields of an AccountProfile and of an ExecutionResult")
    if not profile and not result:
        raise ValueError("it is no AccountProfile (fields 7 to 12) and no ExecutionResult")
    return Profile if profile else Result
