"""Frames: messages to bytes and back, bare (one dialect) or in envelopes (anything)."""

from __future__ import annotations

from typing import Protocol

from onefill.contracts.bare import Bare, End
from onefill.contracts.enveloped import Enveloped
from onefill.contracts.execution_result import Statuses, parse_statuses
from onefill.contracts.messages import Message
from onefill.contracts.reading import MAX_FRAME
from onefill.contracts.refusals import FrameRefused, NotExpressible

__all__ = [
    "MAX_FRAME",
    "SUBPROTOCOL",
    "Bare",
    "End",
    "Enveloped",
    "FrameRefused",
    "Framing",
    "NotExpressible",
    "Statuses",
    "parse_statuses",
]

SUBPROTOCOL = "onefill.v1"


class Framing(Protocol):
    """How one connection writes its messages."""

    #: Whether everything can be said (acks, errors, heartbeats, configuration).
    enveloped: bool

    def pack(self, message: Message) -> bytes | None:
        """A frame; None where this framing cannot say the message at all (an Ack in a bare
        dialect), `NotExpressible` where it is a command that the dialect has no words for.
        `FrameRefused` (`FRAME_TOO_LARGE`) where no peer would read it."""
        ...

    def unpack(self, frame: bytes) -> Message | None:
        """What a frame says; None where that is nothing that is known here (an envelope with a
        newer peer's payload), which is skipped. Raises `FrameRefused`."""
        ...
