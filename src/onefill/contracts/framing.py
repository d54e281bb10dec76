"""Frames: messages to bytes and back, bare (one dialect) or in envelopes (anything)."""

from __future__ import annotations

from typing import Protocol

from onefill.contracts.messages import Message

SUBPROTOCOL = "onefill.v1"
MAX_FRAME = 64 * 1024
"""Bytes of the largest frame of orders that is read; larger ones end the connection (1009)."""


class Framing(Protocol):
    """How one connection writes its messages."""

    #: Whether everything can be said (acks, errors, heartbeats, configuration).
    enveloped: bool

    def pack(self, message: Message) -> bytes | None:
        """A frame; None where this framing cannot say the message at all (an Ack in a bare
        dialect), `NotExpressible` where it is a command that the dialect has no words for."""
        ...

    def unpack(self, frame: bytes) -> Message:
        """What a frame says. Raises `FrameRefused`."""
        ...
