"""Enveloped frames (subprotocol `onefill.v1`): any message, either way, on any path, with a
checksum of its bytes."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import DecodeError

from onefill.contracts import (
    account_profile,
    checks,
    execution_command,
    execution_result,
    scan,
    trading_command,
)
from onefill.contracts.command_rules import MARKET_LIFE_MS
from onefill.contracts.crc32c import crc32c
from onefill.contracts.messages import (
    Ack,
    Command,
    ConfigUpdate,
    Dialect,
    Heartbeat,
    MarketData,
    Message,
    Profile,
    Result,
    WireError,
)
from onefill.contracts.order_line import MAX_TARGET
from onefill.contracts.reading import MAX_FRAME, check_market_data, read, within
from onefill.contracts.refusals import FrameRefused, NotExpressible
from onefill.contracts.wire.common.base_pb2 import BaseMessage, Timestamp
from onefill.contracts.wire.onefill import envelope_pb2 as pb
from onefill.model.intent import Action

_E = pb.Envelope
_COMMANDS = {_E.EXECUTION_COMMAND_FIELD_NUMBER, _E.TRADING_COMMAND_FIELD_NUMBER}
#: What a header's timestamp can be: less than the year 5138.
_SECONDS_MOST = 100_000_000_000
_ABOUT_COMMANDS = _COMMANDS | {_E.EXECUTION_RESULT_FIELD_NUMBER}


class Enveloped:
    """The envelopes of one connection: it counts what it packs. `dialect` is the path's: commands
    are in it, and in the other only where it has no words. `tenant` and `source` are told in every
    header; `life_ms` is as `Bare` has it."""

    enveloped = True

    def __init__(
        self,
        *,
        dialect: Dialect = Dialect.EXECUTION,
        tenant: str = "",
        source: str = "onefill",
        life_ms: int = MARKET_LIFE_MS,
        max_frame: int = MAX_FRAME,
    ) -> None:
        self._base = BaseMessage(tenant_id=tenant, source_service=source, message_version="1")
        self._header = pb.Envelope(header=self._base).SerializeToString()
        self._sequence = 0
        self._dialect = dialect
        self._life_ms, self._max_frame = life_ms, max_frame

    def pack(self, message: Message) -> bytes:
        """See `framing.Framing`; never None."""
        number, payload = _payload_of(message, self._dialect)
        clock_ms = message.clock_ms if isinstance(message, Heartbeat) else 0
        frame = within(
            b"".join((
                self._header_at(clock_ms) if clock_ms else self._header,
                b"\x10",
                _varint(self._sequence + 1),
                b"\x1d",
                crc32c(payload).to_bytes(4, "little"),
                _varint(number << 3 | scan.TEXT),
                _varint(len(payload)),
                payload,
            )),
            self._max_frame,
        )  # fmt: skip
        self._sequence += 1
        return frame

    def unpack(self, frame: bytes) -> Message | None:
        """See `framing.Framing`."""
        within(frame, self._max_frame)
        number, checksum, payload = read(frame, "FRAME_INVALID", _opened, names_command=False)
        if not number:
            return None
        if checksum != (found := crc32c(payload)):
            # It may be another's id that the damaged bytes name: none is told.
            raise FrameRefused(
                "CHECKSUM_WRONG", f"the payload's CRC-32C is {found:08x}, not {checksum:08x}"
            )
        message = self._read(number, payload)
        if isinstance(message, Heartbeat):
            return Heartbeat(message.sent_at_ms, _clock_of(frame))
        return message

    def _header_at(self, clock_ms: int) -> bytes:
        seconds, rest_ms = divmod(clock_ms, 1_000)
        header = BaseMessage(timestamp=Timestamp(seconds=seconds, nanos=rest_ms * 1_000_000))
        header.MergeFrom(self._base)
        return pb.Envelope(header=header).SerializeToString()

    def _read(self, number: int, payload: bytes) -> Message:
        if number == _E.EXECUTION_COMMAND_FIELD_NUMBER:
            return read(
                payload,
                "COMMAND_INVALID",
                lambda it: execution_command.decode(it, self._life_ms),
            )
        if number == _E.TRADING_COMMAND_FIELD_NUMBER:
            return read(
                payload, "COMMAND_INVALID", lambda it: trading_command.decode(it, self._life_ms)
            )
        code, decode = _DECODERS[number]
        names_command = number in _ABOUT_COMMANDS
        return read(payload, code, decode, names_command=names_command)


def _clock_of(frame: bytes) -> int:
    """What the header says of when it was written, Unix ms; 0: nothing that can be read."""
    try:
        stamp = pb.Envelope.FromString(frame).header.timestamp
    except DecodeError:
        return 0  # nothing else of it is read
    if not 0 < stamp.seconds < _SECONDS_MOST:
        return 0
    return stamp.seconds * 1_000 + min(max(stamp.nanos, 0), 999_999_999) // 1_000_000


def _command(message: Command, dialect: Dialect) -> tuple[int, bytes]:
    """In the path's dialect; in the other one what only that can say."""
    everything = message.intent.action is Action.CLOSE_ALL
    if dialect is Dialect.TRADING or everything:
        try:
            words = trading_command.encode(message, extended=True)
            return _E.TRADING_COMMAND_FIELD_NUMBER, words
        except NotExpressible:
            if everything:
                raise
    words = execution_command.encode(message, extended=True)
    return _E.EXECUTION_COMMAND_FIELD_NUMBER, words


def _payload_of(message: Message, dialect: Dialect) -> tuple[int, bytes]:
    """The envelope's field for a message, and its bytes."""
    match message:
        case Command():
            return _command(message, dialect)
        case Result():
            return _E.EXECUTION_RESULT_FIELD_NUMBER, execution_result.encode(message)
        case Profile():
            return _E.ACCOUNT_PROFILE_FIELD_NUMBER, account_profile.encode(message)
        case MarketData(payload):
            return _E.MARKET_DATA_FIELD_NUMBER, payload
        case Ack(command_id, sequence, duplicate):
            ack = pb.Ack(id=command_id, sequence=sequence, duplicate=duplicate)
            return _E.ACK_FIELD_NUMBER, ack.SerializeToString()
        case WireError(code, words_said, command_id):
            error = pb.Error(code=code, message=checks.prose(words_said), id=command_id)
            return _E.ERROR_FIELD_NUMBER, error.SerializeToString()
        case Heartbeat(sent_at_ms=sent_at_ms):
            beat = pb.Heartbeat(sent_at=sent_at_ms)
            return _E.HEARTBEAT_FIELD_NUMBER, beat.SerializeToString()
        case ConfigUpdate(version, document):
            update = pb.ConfigUpdate(version=version, document=document)
            return _E.CONFIG_UPDATE_FIELD_NUMBER, update.SerializeToString()


def _opened(frame: bytes) -> tuple[int, int, bytes]:
    """The payload's field (0: none that is known here), the checksum told of it (0 where none is,
    as protobuf has it), and the payload as it lies on the wire. Raises ValueError where the frame
    holds nothing at all, or more than one payload."""
    checksum, found, other = 0, None, False
    for number, kind, begin, end in scan.fields(frame):
        if number == _E.CHECKSUM_FIELD_NUMBER and kind == scan.FIXED32:
            checksum = int.from_bytes(frame[begin:end], "little")
        elif number in _KNOWN and kind == scan.TEXT:
            if found is not None:
                raise ValueError("an envelope holds one payload, not several")
            found = number, frame[begin:end]
        elif number > _E.CHECKSUM_FIELD_NUMBER:
            other = True
    if found is not None:
        return found[0], checksum, found[1]
    if not other:
        raise ValueError("the envelope holds no payload")
    return 0, checksum, b""


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _ack(payload: bytes) -> Ack:
    wire = pb.Ack.FromString(payload)
    return Ack(
        checks.text("id", wire.id, MAX_TARGET),
        checks.whole("sequence", wire.sequence),
        wire.duplicate,
    )


def _error(payload: bytes) -> WireError:
    wire = pb.Error.FromString(payload)
    return WireError(
        checks.named("code", wire.code),
        checks.prose(wire.message),
        checks.text("id", wire.id, MAX_TARGET),
    )


def _heartbeat(payload: bytes) -> Heartbeat:
    return Heartbeat(checks.whole("sent_at", pb.Heartbeat.FromString(payload).sent_at))


def _config_update(payload: bytes) -> ConfigUpdate:
    wire = pb.ConfigUpdate.FromString(payload)
    return ConfigUpdate(checks.whole("version", wire.version), wire.document)


_DECODERS: dict[int, tuple[str, Callable[[bytes], Message]]] = {
    _E.EXECUTION_RESULT_FIELD_NUMBER: ("RESULT_INVALID", execution_result.decode),
    _E.ACCOUNT_PROFILE_FIELD_NUMBER: ("PROFILE_INVALID", account_profile.decode),
    _E.MARKET_DATA_FIELD_NUMBER: ("FRAME_INVALID", check_market_data),
    _E.ACK_FIELD_NUMBER: ("FRAME_INVALID", _ack),
    _E.ERROR_FIELD_NUMBER: ("FRAME_INVALID", _error),
    _E.HEARTBEAT_FIELD_NUMBER: ("FRAME_INVALID", _heartbeat),
    _E.CONFIG_UPDATE_FIELD_NUMBER: ("FRAME_INVALID", _config_update),
}
_KNOWN = _COMMANDS | _DECODERS.keys()
