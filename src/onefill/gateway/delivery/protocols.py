"""Uvicorn's protocols with the limits that they lack: a request must arrive in time and be of a
sane size, a client that does not read is not read from, and a connection can be cut off.

Uvicorn waits forever for a request's head, keeps any number of its headers, answers pings of a
peer that reads nothing into an ever growing buffer, and cannot drop what that peer never reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, TypedDict

from starlette.types import Scope
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.http11 import Request

from onefill.contracts.framing import MAX_FRAME, SUBPROTOCOL
from onefill.gateway.delivery.settings import DeliverySettings

_EXTENSION = "onefill.connection"
_MOST_PIECES = 1_024
_OF_STRANGERS = frozenset({"Invalid HTTP request received.", "Unsupported upgrade request."})
_ANSWER = (
    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
    "connection: close\r\n\r\n{body}"
)


class ServerOptions(TypedDict):
    """Arguments of `uvicorn.Config` that this package relies on."""

    http: type[asyncio.Protocol]
    ws: type[asyncio.Protocol]
    ws_max_size: int
    ws_per_message_deflate: bool
    ws_ping_interval: float
    ws_ping_timeout: float
    access_log: bool
    log_level: str


def server_options(settings: DeliverySettings) -> ServerOptions:
    """How uvicorn is to be run. Its log of requests is off: it writes addresses out in full."""
    arrivals = _Arrivals(settings)
    logging.getLogger("uvicorn.error").addFilter(_of_interest)

    class Protocol(_PunctualProtocol):
        arriving = arrivals

    return ServerOptions(
        http=Protocol,
        ws=_CutOffProtocol,
        ws_max_size=MAX_FRAME,
        ws_per_message_deflate=False,
        ws_ping_interval=settings.ping_s,
        ws_ping_timeout=settings.ping_s,
        access_log=False,
        log_level="warning",
    )


def _of_interest(said: logging.LogRecord) -> bool:
    """Whether a line is worth the disk: what strangers send could fill it."""
    return said.msg not in _OF_STRANGERS


def abort_of(scope: Scope) -> Callable[[], None]:
    """What drops a connection at once, unread bytes and all; nothing under another server."""
    found = (scope.get("extensions") or {}).get(_EXTENSION)
    return found["abort"] if found else lambda: None


class _Arrivals:
    """How many connections have not said yet what they want."""

    def __init__(self, settings: DeliverySettings) -> None:
        self.settings = settings
        self._all = 0
        self._of_address: Counter[str] = Counter()

    def enter(self, address: str) -> str:
        """Count one; empty, or why it may not stay, as an answer."""
        refusal = ""
        if self._all >= self.settings.half_open:
            refusal = _answer("503 Service Unavailable", "ARRIVALS_FULL", "try again in a moment")
        elif 0 < self.settings.half_open_of_address <= self._of_address[address]:
            refusal = _answer(
                "429 Too Many Requests",
                "ARRIVALS_OF_ADDRESS_FULL",
                "too many connections of your address have not sent their request yet",
            )
        self._all += 1
        self._of_address[address] += 1
        return refusal

    def leave(self, address: str) -> None:
        """It said what it wants, or is gone."""
        self._all -= 1
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]


def _answer(status: str, code: str, message: str) -> str:
    body = f'{{"error":{{"code":"{code}","message":"{message}"}}}}'
    return _ANSWER.format(status=status, length=len(body), body=body)


class _PunctualProtocol(HttpToolsProtocol):
    """A request, body and all, must be there within `handshake_s`; its head is bounded."""

    arriving: _Arrivals

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._late: asyncio.TimerHandle | None = None
        self._address = ""
        self._unused = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        remote = get_remote_addr(transport)
        self._address = remote[0] if remote else ""
        self._await_request()

    def _await_request(self) -> None:
        """From here until `_arrived`, the connection is half open."""
        if self._late is not None:
            return
        arriving = self.arriving
        self._late = self.loop.call_later(arriving.settings.handshake_s, self._too_late)
        if refusal := arriving.enter(self._address):
            self._refuse(refusal)

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
            self.arriving.leave(self._address)

    def _too_late(self) -> None:
        sentence = f"the request was not there within {self.arriving.settings.handshake_s:g} s"
        self._refuse(_answer("408 Request Timeout", "REQUEST_LATE", sentence))

    def _refuse(self, answer: str) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer.encode())
            self.transport.close()
            # One that reads nothing would keep it open.
            self.loop.call_later(1.0, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request. Those that are no body are counted, chunk by chunk: the parser keeps
        a head, and what comes behind the last chunk (trailers), however long they become."""
        self._unused += len(data)
        super().data_received(data)
        if self._unused > self.arriving.settings.head_bytes:
            most = self.arriving.settings.head_bytes
            self._refuse(
                _answer(
                    "431 Request Header Fields Too Large",
                    "HEAD_TOO_LARGE",
                    f"a request's head, and what follows its body, may have {most} bytes",
                )
            )

    def send_400_response(self, msg: str) -> None:
        """What came is no request."""
        self._refuse(_answer("400 Bad Request", "MALFORMED", "this is no HTTP/1.1 request"))

    def on_message_begin(self) -> None:
        """The parser's: a request begins."""
        self._await_request()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The parser's: its head is whole."""
        self._unused = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """The parser's: a piece of its body."""
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The parser's: all of it is there."""
        self._unused = 0
        self._arrived()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """The connection goes over to the other protocol."""
        self._arrived()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whether it said what it wants or not."""
        self._arrived()
        super().connection_lost(exc)


class _CutOffProtocol(WebSocketsSansIOProtocol):
    """Reads nothing from a peer that does not read, and lets the application cut it off."""

    def handle_connect(self, event: Request) -> None:
        """The upgrade was asked for."""
        super().handle_connect(event)
        if not self.close_sent:
            extensions = self.scope["extensions"]
            assert extensions is not None
            extensions[_EXTENSION] = {"abort": self.transport.abort}

    def handle_cont(self, event: Frame) -> None:
        """One more piece of a message: the bytes of all are limited, so must be their number."""
        if len(self.frames) >= _MOST_PIECES:
            self.conn.fail(1009, f"a message of more than {_MOST_PIECES} pieces")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """A message is whole. Text that is none is the peer's mistake; uvicorn would log a
        traceback for each."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.conn.fail(1007, "the text is not UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    async def send(self, message: ASGISendEvent) -> None:
        """From the application. What the handshake said (a token too) is not kept beyond it."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            del self.request, self.response
            if message.get("subprotocol") == SUBPROTOCOL:
                # Heartbeats tell whether it lives, and some clients cannot bear a ping.
                self.stop_keepalive()
        elif message["type"] == "websocket.http.response.body":
            # Refused is answered too: uvicorn would log an error for each.
            self.handshake_complete = True

    async def receive(self) -> ASGIReceiveEvent:
        """For the application; reading goes on only while writing does."""
        message = await super().receive()
        if not self.writable.is_set():
            self.transport.pause_reading()
        return message

    def pause_writing(self) -> None:
        """The peer does not read."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def keepalive_timeout(self) -> None:
        """No answer to a ping: nobody is there to read what still waits."""
        super().keepalive_timeout()
        self.transport.abort()
