"""The way out to one client, without a network: order, room, slowness, what is dropped."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from onefill.gateway.delivery.allowance import Allowance
from onefill.gateway.delivery.closing import CloseCode, reason_of
from onefill.gateway.delivery.counters import Counters
from onefill.gateway.delivery.outgoing import Outgoing
from onefill.gateway.delivery.settings import DeliverySettings


class Wire:
    """What was sent; it takes frames while `open` is set."""

    def __init__(self, **settings: Any) -> None:
        self.sent: list[bytes | int] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.aborted = 0
        self.counters = Counters()
        self.out = Outgoing(self.send, self.abort, DeliverySettings(**settings), self.counters)

    async def send(self, message: Message) -> None:
        await self.open.wait()
        if self.broken:
            raise OSError("gone")
        self.sent.append(message["code"] if "code" in message else message["bytes"])

    def abort(self) -> None:
        self.aborted += 1
        self.broken = True
        self.open.set()


async def test_frames_leave_in_order_and_the_close_frame_last() -> None:
    wire = Wire()
    assert [wire.out.put(b"%d" % number) for number in range(3)] == [True] * 3
    wire.out.close(CloseCode.RESTARTING, "bye")
    assert not wire.out.put(b"late")
    assert not wire.out.answer(b"late")
    await wire.out.written()
    assert wire.sent == [b"0", b"1", b"2", 1012]
    assert wire.counters.frames_out == 3


@pytest.mark.parametrize("limit", [{"queue_frames": 3}, {"queue_bytes": 30}])
async def test_a_full_queue_takes_no_command_until_there_is_room(limit: dict[str, int]) -> None:
    wire = Wire(**limit)
    wire.open.clear()
    frame = b"x" * 10
    assert [wire.out.put(frame) for _ in range(4)] == [True, True, True, False]
    assert wire.out.answer(frame), "answers have room of their own"
    wire.open.set()
    await wire.out.written()
    assert wire.out.put(frame)
    await wire.out.written()
    assert not wire.out.ending


async def test_answers_without_room_end_the_connection() -> None:
    wire = Wire(queue_frames=2)
    wire.open.clear()
    assert [wire.out.answer(b"x") for _ in range(5)] == [True] * 4 + [False]
    assert wire.out.ending
    assert wire.counters.closed[CloseCode.SLOW] == 1
    wire.open.set()
    await wire.out.written()


async def test_a_full_queue_of_which_nothing_is_read_ends_the_connection() -> None:
    wire = Wire(queue_frames=2, slow_s=0.01, close_s=0.01)
    wire.open.clear()
    assert [wire.out.put(b"x") for _ in range(3)] == [True, True, False]
    await wire.out.written()
    assert wire.aborted == 1
    assert wire.counters.closed[CloseCode.SLOW] == 1


async def test_what_waits_for_an_account_can_be_dropped() -> None:
    wire = Wire(queue_bytes=5)
    wire.out.put(b"1", "a")
    wire.out.put(b"2", "b")
    wire.out.put(b"3", "a")
    wire.out.drop("a")
    assert wire.out.put(b"1234", "b")
    await wire.out.written()
    assert wire.sent == [b"2", b"1234"]


async def test_a_client_that_is_gone_costs_nothing_more() -> None:
    wire = Wire()
    wire.broken = True
    wire.out.put(b"1")
    await wire.out.written()
    wire.out.close(CloseCode.SILENT, "silent")
    await wire.out.written()
    assert wire.sent == []


def test_a_reason_fits_a_close_frame_and_stays_text() -> None:
    assert reason_of("short") == "short"
    long = reason_of("é" * 100)
    assert len(long.encode()) <= 123
    assert set(long) == {"é"}


def test_an_allowance_fills_steadily_up_to_its_most() -> None:
    allowance = Allowance(2.0, 3, 10.0)
    assert [allowance.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert allowance.take(10.5)
    assert not allowance.take(10.5)
    assert [allowance.take(100.0) for _ in range(4)] == [True, True, True, False]
