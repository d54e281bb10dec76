"""Where WebSocket frames of a server begin and end (RFC 6455, section 5.2), and which command is
in one."""

from __future__ import annotations

from collections.abc import Iterator

from onefill.contracts.enveloped import Enveloped
from onefill.contracts.messages import Command
from onefill.contracts.refusals import FrameRefused

_HEAD_END = b"\r\n\r\n"
_BINARY = 2
_UNPACK = Enveloped()


class Frames:
    """What a server says on one connection: first the head of its answer, then frames."""

    def __init__(self) -> None:
        self.upgraded = False
        self._held = b""

    def split(self, chunk: bytes) -> Iterator[bytes]:
        """Whole frames, as they come to be whole; the head, and what is no WebSocket, as it is."""
        self._held += chunk
        if not self.upgraded:
            head, end, rest = self._held.partition(_HEAD_END)
            if not end:
                return
            self.upgraded = head.startswith(b"HTTP/1.1 101")
            self._held = rest if self.upgraded else b""
            yield head + end + (b"" if self.upgraded else rest)
        while (length := _length(self._held)) and len(self._held) >= length:
            frame, self._held = self._held[:length], self._held[length:]
            yield frame


def _length(held: bytes) -> int:
    """Of the first frame, with its head; 0 where that is not known yet."""
    if len(held) < 2:
        return 0
    told = held[1] & 0x7F  # a server's frames are not masked
    if told < 126:
        return 2 + told
    wide = 2 if told == 126 else 8
    if len(held) < 2 + wide:
        return 0
    return 2 + wide + int.from_bytes(held[2 : 2 + wide])


def is_message(frame: bytes) -> bool:
    """Whether it holds a message, and nothing of WebSocket's own."""
    return frame[0] & 0x0F == _BINARY


def command_in(frame: bytes) -> str:
    """The key of the command that a frame holds; empty: it holds none."""
    if not is_message(frame):
        return ""
    short = frame[1] & 0x7F
    payload = frame[2 + (0 if short < 126 else 2 if short == 126 else 8) :]
    try:
        message = _UNPACK.unpack(payload)
    except FrameRefused:
        return ""
    return message.intent.client_key if isinstance(message, Command) else ""
