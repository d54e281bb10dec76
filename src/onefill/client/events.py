"""Following a gateway: its events in order, each once, over however many connections."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import msgspec

from onefill.client.errors import CallFailed, TooMany, Unavailable
from onefill.client.wire import Stream, Wire
from onefill.contracts.rest import OrderEvent

SILENCE_S = 45.0
"""A gateway says that it lives every 15 s; after so long without a word the connection is dead."""
MAX_LINE = 16 * 1024 * 1024

_event = msgspec.json.Decoder(OrderEvent).decode


class Events(Iterator[OrderEvent]):
    """An iterator that never ends by itself: where the connection breaks it takes a new one and
    goes on after the last event. Raises `CallFailed` where the gateway refuses."""

    def __init__(
        self,
        wire: Wire,
        pause: Callable[[int], None],
        *,
        after: int | None,
        account: str | None,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._wire = wire
        self._pause = pause
        self._account = account
        self._silence_s = silence_s
        self._stream: Stream | None = None
        self._closed = False
        #: The last event's number, or how far the gateway said that there was nothing for us.
        self.last_id: int | None = after

    def __next__(self) -> OrderEvent:
        attempt = 0
        while not self._closed:
            try:
                if self._stream is None:
                    self._stream = self._open()
                found = self._read(self._stream)
                if found is not None:
                    return found
                attempt = 0
            except (OSError, http.client.HTTPException, ValueError, AttributeError):
                # The last two: the stream was closed by another thread in the middle of a line.
                pass
            except CallFailed as refused:
                if not isinstance(refused, Unavailable | TooMany):
                    raise
            self._drop()
            if not self._closed:
                self._pause(attempt)
                attempt += 1
        raise StopIteration

    def open(self) -> None:
        """Connect now: what happens from here on will come. Raises `CallFailed`."""
        if self._stream is None:
            self._stream = self._open()
            while self.last_id is None:  # the gateway says first where the stream begins
                line = self._stream.line(MAX_LINE)
                if not line:
                    raise self._wire.unreachable(ConnectionError("the stream ended at once"))
                if line.startswith(b"id: ") and line[4:].strip().isdigit():
                    self.last_id = int(line[4:])

    def close(self) -> None:
        """End it; whoever waits for the next event gets `StopIteration`."""
        self._closed = True
        self._drop()

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _open(self) -> Stream:
        query = {"account": self._account} if self._account is not None else {}
        path = "/v1/events" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "text/event-stream"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = str(self.last_id)
        return self._wire.open_stream(path, headers, self._silence_s)

    def _read(self, stream: Stream) -> OrderEvent | None:
        """The next event; None: the answer is over."""
        number, text = self.last_id, b""
        while raw := stream.line(MAX_LINE):
            if not raw.endswith(b"\n"):
                return None  # cut off in the middle
            line = raw.rstrip(b"\r\n")
            if line.startswith(b"id: ") and line[4:].isdigit():
                number = int(line[4:])
            elif line.startswith(b"data: "):
                text = line[6:]
            elif not line:
                if number is not None and (self.last_id is None or number > self.last_id):
                    self.last_id = number
                    if text:
                        return _event(text)
                text = b""
        return None

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
