"""What a gateway tells a client's agent to hold to: the document of a `ConfigUpdate`."""

from __future__ import annotations

import msgspec

from onefill.model.errors import OnefillError
from onefill.model.halt import Halt
from onefill.model.states import State


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word on an order in quarantine; for who has it in quarantine."""

    key: str
    to: State
    by: str
    reason: str
    #: The broker's order; 0: not told.
    ticket: int = 0


class ClientConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account's. Unknown fields are skipped: a newer gateway may say more."""

    #: How long after its last contact the agent may still begin to send, milliseconds.
    lease_ms: int
    halts: tuple[Halt, ...] = ()
    #: "normal", "reduce_only" or "halted" (control 2).
    trading: str = "normal"
    #: Decisions that the gateway's operators took since it last heard that they are known.
    settled: tuple[Settlement, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ClientConfig).decode


def encode_client_config(config: ClientConfig) -> bytes:
    """As JSON."""
    return _encode(config)


def decode_client_config(document: bytes) -> ClientConfig:
    """From JSON. Raises `OnefillError` (`CONFIG_UPDATE_INVALID`)."""
    try:
        return _decode(document)
    except msgspec.MsgspecError as wrong:
        raise OnefillError(
            "CONFIG_UPDATE_INVALID", f"the gateway's configuration cannot be read: {wrong}"
        ) from None
