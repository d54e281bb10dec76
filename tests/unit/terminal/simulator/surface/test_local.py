"""A terminal in this process: the market is at the pace's time whenever a function is called."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from onefill.terminal.port import Pending, Reply
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.surface.local import LocalBackend
from onefill.terminal.simulator.surface.pace import MS_NS, EndOfData, VirtualPace

START_MS = 1_700_000_000_000


class Market:
    """A terminal that stops on its way wherever something happened, and owes one late reply."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.stops: list[int] = []
        self.due_ms: int | None = None
        self.replies: list[tuple[int, Reply]] = []
        self.closed = False

    def advance(self, to_ms: int) -> int:
        dues = [ms for ms in (*self.stops, self.due_ms) if ms is not None and ms > self.now_ms]
        self.now_ms = min([to_ms, *dues])
        if self.now_ms == self.due_ms:
            self.replies.append((7, Reply("late")))
            self.due_ms = None
        return self.now_ms

    def next_due_ms(self) -> int | None:
        return self.due_ms

    def collect(self) -> list[tuple[int, Reply]]:
        replies, self.replies = self.replies, []
        return replies

    def close(self) -> None:
        self.closed = True


class Functions:
    def __init__(self, market: Market) -> None:
        self.market = market

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer | Pending:
        if name == "order_send":
            self.market.due_ms = self.market.now_ms + 80
            return Pending(7)
        return Answer((name, arguments, self.market.now_ms))

    def finished(self, reply: Reply) -> Answer:
        return Answer(reply.value)


def backend(market: Market, end_ms: int | None = None) -> LocalBackend:
    end_ns = None if end_ms is None else end_ms * MS_NS
    return LocalBackend(market, Functions(market), VirtualPace(START_MS * MS_NS, end_ns))


def test_a_call_costs_a_millisecond_and_is_answered_at_that_time() -> None:
    asked = backend(Market())
    assert asked.call("version", (1, 2)) == Answer(("version", (1, 2), START_MS + 1))
    asked.sleep_ms(1_000)
    assert asked.call("version", ()).value[2] == asked.now_ms() == START_MS + 1_002
    assert asked.calls == {"version": 2}


def test_the_market_goes_through_everything_that_happens_on_the_way() -> None:
    market = Market()
    market.stops = [START_MS + 10, START_MS + 500]
    asked = backend(market)
    asked.sleep_ms(1_000)
    assert asked.call("version", ()).value[2] == START_MS + 1_001


def test_a_late_reply_is_waited_for_in_the_market_s_time() -> None:
    asked = backend(Market())
    assert asked.call("order_send", ()) == Answer("late")
    assert asked.now_ms() == START_MS + 81


def test_no_reply_comes_after_the_end() -> None:
    asked = backend(Market(), START_MS + 50)
    with pytest.raises(EndOfData):
        asked.call("order_send", ())
    assert asked.now_ms() == START_MS + 50


def test_threads_take_turns() -> None:
    market = Market()
    asked = backend(market)
    times: list[int] = []

    def ask() -> None:
        for _ in range(50):
            times.append(asked.call("version", ()).value[2])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(times) == list(range(START_MS + 1, START_MS + 201))
