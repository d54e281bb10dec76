"""HTTP to a gateway over connections that stay open: requests, and what their answers mean."""

from __future__ import annotations

import http.client
import selectors
import socket
import ssl
import threading
from collections import deque
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from onefill import __version__
from onefill.client.errors import CallFailed, Unavailable, closed, failed
from onefill.contracts.rest import Failed, Fault
from onefill.model.errors import OnefillError

MAX_IDLE = 16
"""Connections kept open for the next call."""
MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer."""

_failed = msgspec.json.Decoder(Failed).decode
_BROKEN = (OSError, http.client.HTTPException)


class Answer(NamedTuple):
    """A success."""

    status: int
    body: bytes


class Wire:
    """Calls of one gateway with one key; may be used by several threads at once."""

    def __init__(
        self, url: str, key: str, timeout_s: float, tls: ssl.SSLContext | None = None
    ) -> None:
        """`tls`: how the gateway proves who it is; by default as the system trusts, verified."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise OnefillError(
                "URL_INVALID", f"{url!r} is no address of a gateway: expected https://host:port"
            )
        if parts.username or parts.query or parts.fragment:
            raise OnefillError(
                "URL_INVALID", "an address of a gateway has no user, no ? and no #: give the key"
            )
        self._host, self._port = parts.hostname, port
        self._prefix = parts.path.rstrip("/")
        self._where = f"{parts.scheme}://{parts.netloc}"
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._headers = {
            "Accept": "application/json",
            "User-Agent": f"onefill/{__version__}",
        }
        if key:
            if not key.isascii() or not key.isprintable():
                raise OnefillError("KEY_INVALID", "the key has characters that no key has")
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout_s = timeout_s
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._lock = threading.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<gateway {self._where}>"

    def call(self, method: str, path: str, body: bytes | None, patience_s: float) -> Answer:
        """One request, `patience_s` beyond the timeout. Raises `CallFailed`: `Unavailable` where
        it is not known whether the gateway heard it."""
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            status, told, text = self._exchange(method, path, body, headers, patience_s)
        except _BROKEN as broken:
            raise self.unreachable(broken) from None
        if status < 300:
            return Answer(status, text)
        raise self.refusal(status, told, text)

    def open_stream(self, path: str, headers: dict[str, str], patience_s: float) -> Stream:
        """A connection of its own whose answer goes on. Raises `CallFailed`."""
        connection = self._new()
        try:
            connection.timeout = patience_s
            connection.request("GET", self._prefix + path, headers=self._headers | headers)
            sock = connection.sock  # which http.client forgets where the answer ends with it
            response = connection.getresponse()
            if response.status == 200:
                return Stream(connection, sock, response)
            refusal = self.refusal(response.status, response.headers, response.read(MAX_ANSWER))
        except _BROKEN as broken:
            connection.close()
            raise self.unreachable(broken) from None
        connection.close()
        raise refusal

    def unreachable(self, broken: Exception) -> Unavailable:
        """No answer came."""
        if isinstance(broken, ssl.SSLCertVerificationError):
            why = f"its certificate is not trusted ({broken.verify_message})"
        elif isinstance(broken, TimeoutError):
            why = "it did not answer in time"
        elif isinstance(broken, ConnectionRefusedError):
            why = "nobody listens there; is the gateway running?"
        elif isinstance(broken, ConnectionError):
            why = str(broken) or type(broken).__name__
        elif isinstance(broken, ssl.SSLError):
            why = f"no TLS could be agreed on ({broken.reason}); does it speak http, not https?"
        elif isinstance(broken, http.client.BadStatusLine):
            # Its text is what the other side said: anybody's, and perhaps a terminal's commands.
            why = "what came is no HTTP; is that the gateway's port, and is it http or https?"
        else:
            why = str(broken) or type(broken).__name__
        return Unavailable(Fault(code="GATEWAY_UNREACHABLE", message=f"{self._where}: {why}"))

    def refusal(self, status: int, headers: Any, text: bytes) -> CallFailed:
        """What an answer that is no success says."""
        after = headers.get("Retry-After") or ""
        try:
            fault = _failed(text).error
        except (msgspec.MsgspecError, UnicodeDecodeError):
            fault = Fault(
                code="NOT_A_GATEWAY", message=f"{self._where} answers {status} as no gateway does"
            )
        return failed(status, fault, float(after) if after.isdecimal() else 0.0)

    def close(self) -> None:
        """Close the connections that are idle; no call is made any more."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        patience_s: float,
    ) -> tuple[int, Any, bytes]:
        connection = self._take()
        try:
            if connection.sock is None:  # a machine that is gone is not waited for with patience
                connection.timeout = self._timeout_s
                connection.connect()
            connection.sock.settimeout(self._timeout_s + patience_s)
            connection.request(method, self._prefix + path, body, headers)
            response = connection.getresponse()
            text = response.read(MAX_ANSWER)
            if not response.isclosed():
                raise http.client.HTTPException(f"the answer has more than {MAX_ANSWER} bytes")
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        with self._lock:
            keep = len(self._idle) < MAX_IDLE and not self._closed
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()
        return response.status, response.headers, text

    def _take(self) -> http.client.HTTPConnection:
        """A connection that is open still, or a new one."""
        while True:
            with self._lock:
                if not self._idle:
                    return self._new()
                connection = self._idle.pop()
            if connection.sock is None or not _readable(connection.sock):
                return connection
            connection.close()  # the gateway closed it meanwhile

    def _new(self) -> http.client.HTTPConnection:
        if self._closed:
            raise closed()
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port)
        return http.client.HTTPSConnection(self._host, self._port, context=self._tls)


def _readable(sock: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


class Stream:
    """An answer that goes on, line by line."""

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        sock: socket.socket,
        response: http.client.HTTPResponse,
    ) -> None:
        self._connection = connection
        self._sock = sock
        self._response = response

    def line(self, most: int) -> bytes:
        """The next line, with its end; empty: the answer is over. Raises `OSError`,
        `HTTPException`."""
        return self._response.readline(most)

    def close(self) -> None:
        """End it, also from another thread that waits for a line."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._response.close()
        self._connection.close()
