"""Reading what anybody may have sent: whatever is wrong with it becomes `FrameRefused`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import DecodeError

from onefill.contracts.messages import MarketData
from onefill.contracts.order_line import MAX_TARGET
from onefill.contracts.refusals import FrameRefused, Wrong
from onefill.contracts.scan import first_text
from onefill.contracts.wire.trading.market_data_pb2 import MarketDataStream

MAX_FRAME = 64 * 1024
"""Bytes of the largest frame of orders that is read; larger ones end the connection (1009)."""

T = TypeVar("T")


def within(frame: bytes, most: int) -> bytes:
    """The frame, if it is no larger than what is read. Raises `FrameRefused`."""
    if len(frame) > most:
        raise FrameRefused("FRAME_TOO_LARGE", f"{len(frame)} bytes; a frame has at most {most}")
    return frame


def read(
    payload: bytes, code: str, decode: Callable[[bytes], T], *, names_command: bool = True
) -> T:
    """What a payload says. `code` is for values that are wrong; what is no protobuf message is
    FRAME_INVALID. Raises `FrameRefused`."""
    try:
        return decode(payload)
    except Wrong as wrong:
        refused = FrameRefused(code, str(wrong))
    except DecodeError:
        refused = FrameRefused("FRAME_INVALID", "it is no protobuf message of the kind due here")
    except ValueError as wrong:
        refused = FrameRefused("FRAME_INVALID", str(wrong))
    if names_command:
        refused.id = _named(payload)
    raise refused


def check_market_data(payload: bytes) -> MarketData:
    """The bytes as they came, once they are a `MarketDataStream`."""
    MarketDataStream.FromString(payload)
    return MarketData(payload)


def _named(payload: bytes) -> str:
    text = first_text(payload)
    return text if text.isprintable() and len(text) <= MAX_TARGET else ""
