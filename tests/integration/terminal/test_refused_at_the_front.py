"""A front that serves other machines: who is refused is told, by address and number, and never what
they showed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from onefill.runtime.clock import SystemClock
from onefill.terminal.worker import front as fronts
from onefill.terminal.worker.front import Front
from onefill.terminal.worker.tls import client_context, own_certificate, server_context
from onefill.terminal.worker.wire import VERSION, Hello, encode, framed
from tests.contract.ports import TOKEN, local

WRONG = "a-token-that-is-not-it"


@asynccontextmanager
async def front(home: Path, heard: list[str]) -> AsyncIterator[int]:
    clock = SystemClock()
    certificate, key = own_certificate(home / "tls", clock)
    behind = local(home)
    made = Front(behind, TOKEN, clock, lambda code, words: heard.append(f"{code}: {words}"))
    yield await made.listen("127.0.0.1", 0, server_context(certificate, key))
    await made.close()
    await behind.close()


async def say(port: int, words: bytes) -> bytes:
    """What a front answers to a first frame, up to its hanging up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context())
    writer.write(words)
    if not words:
        writer.close()
    told = await reader.read()
    writer.close()
    return told


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (framed(encode(Hello(VERSION, WRONG))), "showed another token"),
        (framed(encode(Hello(VERSION + 1, TOKEN))), f"speaks version {VERSION + 1}, not {VERSION}"),
        (framed(b"\\xc1" + WRONG.encode()), "does not speak this protocol"),
        (b"", "hung up without a token"),
    ],
)
async def test_who_is_refused_is_told_by_address_and_why(
    tmp_path: Path, words: bytes, why: str
) -> None:
    heard: list[str] = []
    async with front(tmp_path, heard) as port:
        assert await say(port, words) == b""
        for _ in range(6_000):
            if heard:
                break
            await asyncio.sleep(0.01)

    (line,) = heard
    expected = f"TOKEN_REFUSED: 127\\.0\\.0\\.1 port [0-9]+ {re.escape(why)}; refused so far: 1"
    assert re.fullmatch(expected, line), line
    assert WRONG not in line
    assert TOKEN not in line


async def test_who_says_nothing_is_hung_up_on_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fronts, "GREETING_S", 0.2)
    heard: list[str] = []
    async with front(tmp_path, heard) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context())
        assert await reader.read() == b""
        writer.close()

    assert "showed no token within 0.2 s" in heard[0]


async def test_many_that_are_refused_make_few_lines_and_a_true_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    wrong = framed(encode(Hello(VERSION, WRONG)))
    async with front(tmp_path, heard) as port:
        monkeypatch.setattr(fronts, "TOLD_EVERY_S", 3600.0)
        for _ in range(6):
            await say(port, wrong)
        assert len(heard) == 1

    heard.clear()
    async with front(tmp_path, heard) as port:
        monkeypatch.setattr(fronts, "TOLD_EVERY_S", 0.0)
        for _ in range(3):
            await say(port, wrong)

    assert [line.rpartition(" ")[2] for line in heard] == ["1", "2", "3"]
