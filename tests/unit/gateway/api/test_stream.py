"""GET /v1/events from inside: resume by an id, heartbeats that move it on, slow readers, keys that
are revoked, limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from onefill.gateway.api.settings import ApiSettings

from .world import KEYS, World, ask, order, world

QUICK = ApiSettings(heartbeat_s=0.05, slow_reader_s=0.05, kept_events=4, max_streams_per_tenant=2)


class Reader:
    """A reader of a stream; `taking` False: one who takes nothing."""

    def __init__(self) -> None:
        self.text = b""
        self.status = 0
        self.taking = asyncio.Event()
        self.taking.set()
        self.grown = asyncio.Event()
        self.left = asyncio.Event()

    def ids(self) -> list[int]:
        """Ids of events."""
        blocks = self.text.split(b"\n\n")
        return [int(block.split(b"\n")[0][4:]) for block in blocks if block.startswith(b"id: ")]

    def last_id(self) -> int:
        return int([line for line in self.text.split(b"\n") if line.startswith(b"id: ")][-1][4:])

    async def until(self, *ids: int) -> None:
        async with asyncio.timeout(60):
            while self.ids() != list(ids):
                self.grown.clear()
                await self.grown.wait()


@asynccontextmanager
async def reading(
    door: World, query: str = "", headers: Mapping[str, str] | None = None, key: str = "trader"
) -> AsyncIterator[tuple[Reader, asyncio.Task[None]]]:
    reader = Reader()
    sent = {"authorization": f"Bearer {key}"} | dict(headers or {})
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("10.0.0.1", 1),
        "server": ("test", 80),
        "state": {},
    }

    async def receive() -> Any:
        await reader.left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reader.status = message["status"]
            return
        await reader.taking.wait()
        reader.text += message.get("body", b"")
        reader.grown.set()

    task = asyncio.create_task(door.app(scope, receive, send))
    try:
        yield reader, task
    finally:
        reader.left.set()
        async with asyncio.timeout(60):
            await task


async def _decide(door: World, *keys: str, key: str = "trader", account: str = "111") -> None:
    for name in keys:
        told = await ask(
            door.app, "POST", "/v1/decisions", order(name, mt5_account=account), key=key
        )
        assert told.status == 200


async def test_events_come_as_they_happen(door: World) -> None:
    await _decide(door, "before")
    async with reading(door) as (reader, _):
        await reader.grown.wait()
        assert reader.last_id() == 3
        await _decide(door, "a")
        await reader.until(4, 5, 6)
    assert b"event: accepted\ndata: {" in reader.text


@pytest.mark.parametrize("after", range(13))
async def test_a_resume_begins_right_after_its_id_from_memory_or_from_the_file(
    tmp_path: Path, after: int
) -> None:
    async with world(tmp_path / "j", QUICK) as door:
        await _decide(door, "a", "b", "c", "d")
        async with reading(door, headers={"last-event-id": str(after)}) as (reader, _):
            await reader.until(*range(after + 1, 13))


async def test_a_heartbeat_moves_the_place_on_past_what_is_others(tmp_path: Path) -> None:
    async with world(tmp_path / "j", QUICK) as door, reading(door, "after=0") as (reader, _):
        await _decide(door, "theirs", key="stranger", account="222")
        async with asyncio.timeout(60):
            while reader.text.count(b": alive") < 3 or reader.last_id() != 3:
                reader.grown.clear()
                await reader.grown.wait()
        assert reader.ids() == []
        assert b"theirs" not in reader.text


async def test_a_slow_reader_is_let_go_and_resumes_without_a_gap(tmp_path: Path) -> None:
    async with world(tmp_path / "j", QUICK) as door:
        async with reading(door, "after=0") as (slow, task):
            await _decide(door, "a")
            await slow.until(1, 2, 3)
            slow.taking.clear()
            await _decide(door, "b", "c")
            async with asyncio.timeout(60):
                await task
            assert slow.ids() == [1, 2, 3]
        assert door.app.state.door.streams.total == 0
        async with reading(door, headers={"last-event-id": str(slow.last_id())}) as (again, _):
            await again.until(*range(4, 10))


async def test_a_stream_ends_soon_after_its_key_is_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KEYS, "soon", KEYS["reader"])
    async with world(tmp_path / "j", QUICK) as door, reading(door, key="soon") as (_, task):
        monkeypatch.delitem(KEYS, "soon")
        async with asyncio.timeout(60):
            await task


async def test_what_a_key_no_longer_sees_is_no_longer_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KEYS, "less", KEYS["operator"])
    async with (
        world(tmp_path / "j", QUICK) as door,
        reading(door, "after=0", key="less") as (reader, _),
    ):
        await _decide(door, "a")
        await reader.until(1, 2, 3)
        monkeypatch.setitem(KEYS, "less", KEYS["narrow"])
        beats = reader.text.count(b": alive")
        async with asyncio.timeout(60):
            while reader.text.count(b": alive") < beats + 2:
                reader.grown.clear()
                await reader.grown.wait()
        await _decide(door, "b", account="112")
        await _decide(door, "c", account="111")
        await reader.until(1, 2, 3, 7, 8, 9)


async def test_streams_of_a_tenant_have_a_limit_and_a_neighbour_his_own(tmp_path: Path) -> None:
    async with (
        world(tmp_path / "j", QUICK) as door,
        reading(door) as (one, _),
        reading(door) as (two, _),
    ):
        async with asyncio.timeout(60):
            while not (one.text and two.text):
                await asyncio.wait(
                    [asyncio.ensure_future(reader.grown.wait()) for reader in (one, two)]
                )
        told = await ask(door.app, "GET", "/v1/events")
        assert (told.status, told.code) == (429, "TOO_MANY_STREAMS")
        async with reading(door, key="stranger") as (other, _):
            async with asyncio.timeout(60):
                await other.grown.wait()


@pytest.mark.parametrize("id", ["x", "-1", "1.5", "9" * 30, "²"])
async def test_an_id_that_is_none_is_refused(door: World, id: str) -> None:
    told = await ask(door.app, "GET", "/v1/events", headers={"last-event-id": id})
    assert (told.status, told.json["error"]["field"]) == (422, "Last-Event-ID")


async def test_an_id_of_another_journal_is_a_conflict(door: World) -> None:
    told = await ask(door.app, "GET", "/v1/events", headers={"last-event-id": "77"})
    assert (told.status, told.code) == (409, "EVENT_UNKNOWN")
