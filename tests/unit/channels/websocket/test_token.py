"""The token file, and the exchange of an API key over a real socket."""

from __future__ import annotations

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from onefill.channels.websocket.address import Gateway, parse_gateway
from onefill.channels.websocket.token import (
    TokenRefused,
    access_token,
    read_token_file,
    subject_of,
)
from onefill.model.errors import OnefillError

KEY = "of_a-key-that-nobody-guesses"


class Exchange(http.server.BaseHTTPRequestHandler):
    """`POST /v1/tokens`, as the server's switches say."""

    status, body, asked = 200, b"", []  # type: ignore[var-annotated]

    def do_POST(self) -> None:
        Exchange.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(Exchange.status)
        if Exchange.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", str(len(Exchange.body)))
        self.end_headers()
        self.wfile.write(Exchange.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    Exchange.status, Exchange.asked = 200, []
    Exchange.body = json.dumps({"access_token": "a.b.c", "expires_at_ms": 1}).encode()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield parse_gateway(f"ws://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()
    thread.join()


def token_file(home: Path, text: str) -> Path:
    file = home / "token"
    file.touch(mode=0o600)
    file.write_text(text)
    return file


async def test_a_jwt_is_shown_as_it_is_and_nobody_is_asked(
    tmp_path: Path, gateway: Gateway
) -> None:
    assert await access_token(token_file(tmp_path, "Bearer x.y.z\n"), gateway) == "x.y.z"
    assert Exchange.asked == []


async def test_an_api_key_is_exchanged_for_a_token(tmp_path: Path, gateway: Gateway) -> None:
    assert await access_token(token_file(tmp_path, KEY), gateway) == "a.b.c"
    assert Exchange.asked == [("/v1/tokens", f"Bearer {KEY}")]


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, b""), (302, b""), (500, b"oops"), (200, b"not json"), (200, b"[]"),
     (200, b'{"access_token": 7}'), (200, b'{"access_token": "two words"}')],
)  # fmt: skip
async def test_a_refused_or_foolish_exchange_is_a_sentence_without_the_key(
    tmp_path: Path, gateway: Gateway, status: int, body: bytes
) -> None:
    Exchange.status, Exchange.body = status, body
    with pytest.raises(TokenRefused) as refused:
        await access_token(token_file(tmp_path, KEY), gateway)
    assert KEY not in refused.value.message
    assert len(Exchange.asked) == 1  # no redirect is followed with the key


async def test_a_refused_exchange_is_told_in_the_gateways_own_words(
    tmp_path: Path, gateway: Gateway
) -> None:
    Exchange.status = 401
    error = {"code": "KEY_REVOKED", "message": "the key was revoked"}
    Exchange.body = json.dumps({"error": error}).encode()
    with pytest.raises(TokenRefused, match="HTTP 401, KEY_REVOKED: the key was revoked"):
        await access_token(token_file(tmp_path, KEY), gateway)


async def test_a_gateway_that_is_away_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(TokenRefused, match="does not answer"):
        await access_token(token_file(tmp_path, KEY), parse_gateway("ws://127.0.0.1:1"))


@pytest.mark.parametrize("text", ["", "two words", "ümlaut", "x" * 20_000])
def test_a_token_file_that_holds_something_else_is_refused_unshown(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(OnefillError, match="one word") as refused:
        read_token_file(token_file(tmp_path, text))
    assert not text or text not in refused.value.message


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_token_file_that_others_can_get_at_is_refused_unread(tmp_path: Path, mode: int) -> None:
    file = token_file(tmp_path, KEY)
    file.chmod(mode)
    with pytest.raises(OnefillError, match="chmod 600") as refused:
        read_token_file(file)
    assert refused.value.code == "TOKEN_EXPOSED"
    assert KEY not in refused.value.message


def test_a_token_file_that_is_missing_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(OnefillError, match="No such file"):
        read_token_file(tmp_path / "none")


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.!!!.c", "a.e30.c", "a.W10.c"])
def test_whom_an_odd_token_names_is_nobody(token: str) -> None:
    assert subject_of(token) == ""


def test_whom_a_token_names_is_read_from_it() -> None:
    assert subject_of("x.eyJzdWIiOiAiYW5uIn0.z") == "ann"
