"""Who waits for what, and how time goes meanwhile."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from onefill.terminal.simulator.remote.floor import TIMEOUT_MS, Floor
from onefill.terminal.simulator.remote.pace import CALL_MS, ClockPace, Lockstep
from onefill.terminal.simulator.surface.backend import Answer
from tests.unit.terminal.simulator.remote.hall import REQUEST, START, Market


def lockstep(clients: int, *, latency_ms: int = 0, expected: int = 1) -> Floor:
    market = Market(latency_ms)
    floor = Floor(market, market, Lockstep(), expected=expected)
    for client in range(1, clients + 1):
        floor.join(client)
    return floor


def sleep(floor: Floor, client: int, duration_ms: float) -> None:
    assert floor.call(client, "sleep_ms", (duration_ms,)) is None


def reached(floor: Floor) -> int:
    return floor.now_ms - START


def test_a_call_costs_a_little_time() -> None:
    floor = lockstep(1)
    for count in range(1, 5):
        floor.call(1, "version", ())
        assert reached(floor) == count * CALL_MS


def test_time_stands_still_while_anybody_is_busy() -> None:
    floor = lockstep(2)
    sleep(floor, 1, 1_000)
    assert floor.turn() == []
    assert reached(floor) == CALL_MS


def test_time_goes_to_the_first_who_is_due_when_all_wait() -> None:
    floor = lockstep(3)
    sleep(floor, 1, 1_000)
    sleep(floor, 2, 500)
    sleep(floor, 3, 2_000)
    assert [client for client, _ in floor.turn()] == [2]
    assert reached(floor) == 502
    assert floor.turn() == []
    sleep(floor, 2, 10_000)
    assert [client for client, _ in floor.turn()] == [1]
    assert reached(floor) == 1_001


def test_those_who_are_due_together_are_answered_together_in_the_order_in_which_they_slept() -> (
    None
):
    floor = lockstep(2)
    sleep(floor, 2, 100)
    sleep(floor, 1, 99)
    assert floor.turn() == [(2, Answer(None)), (1, Answer(None))]


def test_a_part_of_a_millisecond_is_waited_for_whole() -> None:
    floor = lockstep(1)
    sleep(floor, 1, 0.25)
    assert floor.turn() == [(1, Answer(None))]
    assert reached(floor) == CALL_MS + 1


def test_calls_of_others_may_bring_time_to_a_sleeper() -> None:
    floor = lockstep(2)
    sleep(floor, 1, 2 * CALL_MS)
    floor.call(2, "version", ())
    assert floor.turn() == []
    floor.call(2, "version", ())
    assert [client for client, _ in floor.turn()] == [1]


def test_time_begins_when_those_who_are_expected_have_come() -> None:
    floor = lockstep(1, expected=2)
    sleep(floor, 1, 1_000)
    assert floor.turn() == []
    floor.join(2)
    sleep(floor, 2, 5_000)
    assert [client for client, _ in floor.turn()] == [1]


def test_one_who_leaves_holds_nobody_up_and_is_answered_nothing() -> None:
    floor = lockstep(3)
    sleep(floor, 1, 1_000)
    sleep(floor, 2, 10)
    floor.leave(3)
    floor.leave(2)
    assert [client for client, _ in floor.turn()] == [1]
    floor.leave(1)
    assert floor.turn() == []


def test_a_reply_under_way_comes_when_all_wait_and_only_to_who_asked() -> None:
    floor = lockstep(2, latency_ms=100)
    assert floor.call(1, "order_send", REQUEST) is None
    sleep(floor, 2, 5_000)
    assert floor.turn() == [(1, Answer("reply 1"))]
    assert reached(floor) == CALL_MS + 100


def test_the_reply_to_one_who_has_left_is_nobodys() -> None:
    floor = lockstep(2, latency_ms=100)
    assert floor.call(1, "order_send", REQUEST) is None
    floor.leave(1)
    floor.join(3)
    assert floor.call(3, "order_send", REQUEST) is None
    sleep(floor, 2, 5_000)
    assert floor.turn() == [(3, Answer("reply 2"))]


def test_a_reply_that_does_not_come_is_given_up_and_never_taken_for_the_next() -> None:
    floor = lockstep(1, latency_ms=TIMEOUT_MS + 50)
    assert floor.call(1, "order_send", REQUEST) is None
    assert floor.turn() == [(1, Answer(None, (-10005, "IPC timeout")))]
    sleep(floor, 1, 1_000)
    assert floor.turn() == [(1, Answer(None))]


def test_by_the_clock_time_goes_whoever_is_busy() -> None:
    now_s = 50.0
    market = Market(latency_ms=100)
    floor = Floor(market, market, ClockPace("10x", 10.0, START, lambda: now_s))
    floor.join(1)
    floor.join(2)
    assert floor.call(1, "order_send", REQUEST) is None
    assert floor.due_ms() == START + 100
    now_s += 0.009
    assert floor.turn() == []
    assert reached(floor) == 90
    now_s += 0.002
    assert floor.turn() == [(1, Answer("reply 1"))]
    sleep(floor, 2, 50)
    assert floor.call(1, "now_ms", ()) == Answer(START + 110)
    now_s += 0.005
    assert floor.turn() == [(2, Answer(None))]


class Clients(RuleBasedStateMachine):
    """Clients that come, call, trade, sleep and go, as they like, against plain sums."""

    clients = st.integers(1, 5)

    @initialize(latency_ms=st.integers(0, 300))
    def begin(self, latency_ms: int) -> None:
        self.market = Market(latency_ms)
        self.floor = Floor(self.market, self.market, Lockstep())
        #: Of those who are there: until when they wait; None: they are busy.
        self.until: dict[int, int | None] = {}
        self.next = 1

    @rule()
    def join(self) -> None:
        self.floor.join(self.next)
        self.until[self.next] = None
        self.next += 1

    def busy(self) -> list[int]:
        return [client for client, until in self.until.items() if until is None]

    @precondition(lambda self: self.busy())
    @rule(pick=st.integers(0, 20), name=st.sampled_from(["version", "now_ms", "order_send"]))
    def call(self, pick: int, name: str) -> None:
        client = self.busy()[pick % len(self.busy())]
        arguments: tuple[Any, ...] = REQUEST if name == "order_send" else ()
        answer = self.floor.call(client, name, arguments)
        assert (answer is None) == (name == "order_send" and self.market.latency_ms > 0)
        if answer is None:
            self.until[client] = self.floor.now_ms + self.market.latency_ms
        self.turn()

    @precondition(lambda self: self.busy())
    @rule(pick=st.integers(0, 20), duration_ms=st.integers(0, 500))
    def sleep(self, pick: int, duration_ms: int) -> None:
        client = self.busy()[pick % len(self.busy())]
        assert self.floor.call(client, "sleep_ms", (float(duration_ms),)) is None
        self.until[client] = self.floor.now_ms + duration_ms
        self.turn()

    @precondition(lambda self: self.until)
    @rule(pick=st.integers(0, 20))
    def leave(self, pick: int) -> None:
        client = list(self.until)[pick % len(self.until)]
        self.floor.leave(client)
        del self.until[client]
        self.turn()

    def turn(self) -> None:
        """What a turn answers, and the time that it comes to, by looking at everybody."""
        waits = [until for until in self.until.values() if until is not None]
        before_ms = self.floor.now_ms
        past = [until for until in waits if until <= before_ms]
        expected_ms = before_ms
        if not past and waits and not self.busy():
            expected_ms = min(waits)
        for client, _ in self.floor.turn():
            until = self.until[client]
            assert until is not None
            assert until <= self.floor.now_ms
            self.until[client] = None
        # A reply to one who has left stops nobody for good: the next turn goes on.
        while self.until and not self.busy() and not past:
            for client, _ in self.floor.turn():
                self.until[client] = None
        assert self.floor.now_ms == expected_ms

    @invariant()
    def nobody_who_is_due_waits(self) -> None:
        for until in getattr(self, "until", {}).values():
            assert until is None or until > self.floor.now_ms


TestClients = Clients.TestCase
