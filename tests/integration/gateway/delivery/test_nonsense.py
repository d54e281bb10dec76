"""Security checks 9 and 10, of what is no request, or no message: it is answered and ends, costs
bounded memory, and leaves nothing in the log, which anybody could fill otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator

import pytest
from websockets.frames import Frame, Opcode

from tests.integration.gateway.delivery.served import PATIENCE_S, Gateway, gateway

POST = b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MORE = 20_000
"""Bytes that go on where something should end: more than a head may have."""


@pytest.fixture(scope="module")
def served() -> Iterator[Gateway]:
    with gateway() as made:
        yield made


async def _answers(served: Gateway, said: bytes, more: bytes = b"") -> bytes:
    """All that is answered until the gateway ends the connection; cut short where it is reset.
    `more` is sent once what is said was heard, which this server shows by its answer (404)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    answers = b""
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(ConnectionError):
            writer.write(said)
            if more:
                answers += await reader.readuntil(b" 404 ")
                writer.write(more)
            while some := await reader.read(4_096):
                answers += some
    writer.close()
    return answers


ENDLESS = {
    "a header": (POST + b"X: " + b"y" * MORE, b""),
    "an address": (b"GET /" + b"y" * MORE, b""),
    "a trailer": (CHUNKED + b"2\r\n{}\r\n0\r\nX: ", b"y" * MORE),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n" * (MORE // 6)),
    "a chunk's words": (CHUNKED + b"2;", b"y" * MORE),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_check_10_what_the_parser_keeps_is_bounded_wherever_it_comes(
    served: Gateway, what: str
) -> None:
    assert b"HEAD_TOO_LARGE" in await _answers(served, *ENDLESS[what])


async def test_a_body_in_small_chunks_is_no_head_however_long_it_is(served: Gateway) -> None:
    head = CHUNKED + b"1\r\ny\r\n" * 20_000 + b"0\r\n\r\n"
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(head)
        await writer.drain()
        answer = await reader.readline()
    writer.close()
    assert answer.split()[1] == b"404"  # this server has no such page, and says so


NO_REQUESTS = {
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "a signed length": POST + b"Content-Length: +2\r\n\r\n{}",
    "chunks that are none": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks and then not": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk beyond numbers": CHUNKED + b"ffffffffffffffff1\r\n{}",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b: c\r\n\r\n",
    "a blank before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a zero byte": b"GET / HTTP/1.1\r\nHost: x\0\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("what", NO_REQUESTS)
async def test_what_two_servers_may_read_differently_is_refused_with_a_code(
    served: Gateway, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await _answers(served, NO_REQUESTS[what])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"400"
    assert answer.count(b"content-length") == 1
    assert json.loads(body)["error"]["code"] == "MALFORMED"
    assert "Invalid HTTP" not in caplog.text


@pytest.mark.parametrize("pieces", [[b"\xff\xfe"], [b"ok \xe2", b"\x82"]], ids=["one", "cut"])
async def test_text_that_is_none_ends_the_connection_without_a_word_in_the_log(
    served: Gateway, pieces: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    client = await served.client()
    for number, piece in enumerate(pieces):
        kind = Opcode.CONT if number else Opcode.TEXT
        frame = Frame(kind, piece, fin=number == len(pieces) - 1)
        client.connection.transport.write(frame.serialize(mask=True))
    assert (await client.ended())[0] == 1007
    assert "Traceback" not in caplog.text
    assert not caplog.records
