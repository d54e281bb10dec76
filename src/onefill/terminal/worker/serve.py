"""The worker's loop: one call at a time, fenced, and never after its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from onefill.runtime.clock import monotonic_ns
from onefill.terminal import port
from onefill.terminal.port import Reply, Request
from onefill.terminal.worker.channel import Channel
from onefill.terminal.worker.fence import Fence
from onefill.terminal.worker.wire import (
    TOLD_MOST,
    Ask,
    WireBroken,
    arguments_of,
    decode_ask,
    encode_told,
)

#: MT5's own code of a failure that has no other.
_FAIL = -1
_STALE = Reply(None, (port.STALE_EPOCH, "a newer engine has taken over; nothing was sent"))
_TOO_LATE = Reply(None, (port.TOO_LATE, "the order's time had passed; nothing was sent"))

Gate = Callable[[], Reply | None]
"""Looked at immediately before `order_send`: an answer where it must not be called any more."""


class Hosted(Protocol):
    """The terminal in this process."""

    def call(self, request: Request, gate: Gate) -> Reply:
        """Answer a call of the port, with `last_error` read right after it; `gate` is asked
        immediately before anything is sent."""
        ...


def serve(channel: Channel, terminal: Hosted, fence: Fence) -> None:
    """Answer calls until the engine goes away. Raises `WireBroken`."""
    while (body := channel.read()) is not None:
        try:
            ask = decode_ask(body)
            arguments = arguments_of(ask)
        except msgspec.DecodeError as wrong:
            raise WireBroken(f"a call that cannot be read ({wrong})") from None
        try:
            channel.write(_told(ask, _answered(terminal, fence, ask, arguments)))
        except OSError:
            return


def _told(ask: Ask, reply: Reply) -> bytes:
    body = encode_told(ask.number, reply)
    if len(body) <= TOLD_MOST:
        return body
    sentence = f"the answer has {len(body)} bytes, {TOLD_MOST} are the most: ask for less"
    return encode_told(ask.number, Reply(None, (_FAIL, sentence)))


def _answered(terminal: Hosted, fence: Fence, ask: Ask, arguments: dict[str, object]) -> Reply:
    if ask.epoch and not fence.admits(ask.epoch):
        return _STALE

    def gate() -> Reply | None:
        if ask.epoch < fence.epoch:
            return _STALE
        if ask.not_after_ns and monotonic_ns() > ask.not_after_ns:
            return _TOO_LATE
        return None

    request = Request(ask.name, arguments, ask.epoch, None, None, ask.key, ask.attempt)
    return terminal.call(request, gate)
