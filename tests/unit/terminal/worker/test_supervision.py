"""A supervised worker: what is told of a call, and how a dead worker is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from onefill.model.errors import OnefillError
from onefill.runtime.clock import VirtualClock, monotonic_ns
from onefill.terminal import port
from onefill.terminal.port import Ready, Reply, Request
from onefill.terminal.worker import terminal as supervised
from onefill.terminal.worker.process import Frames
from onefill.terminal.worker.terminal import Connection, Patience, WorkerTerminal
from onefill.terminal.worker.wire import (
    ASK_MOST,
    LENGTH,
    VERSION,
    Ask,
    Welcome,
    decode_ask,
    encode_told,
    framed,
)

SOON = Patience(first_s=0.0, most_s=0.0, deaths=3, window_s=60.0, open_s=3600.0)
LOOK = Request("symbols", {})
READY = Ready(
    connected=True,
    trade_allowed=True,
    synchronised=True,
    login=1,
    server="S",
    server_ms=1,
    last_ticket=1,
)


async def until(holds: Callable[[], bool]) -> None:
    """Let others run until something holds."""
    for _ in range(100_000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


class Wire(asyncio.Transport):
    """Keeps what the engine wrote."""

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__()
        self.lost = lost
        self.asks: list[Ask] = []

    def write(self, data: Any) -> None:
        self.asks.append(decode_ask(bytes(data)[LENGTH.size :]))

    def abort(self) -> None:
        asyncio.get_running_loop().call_soon(self.lost)


class Worker:
    """A worker without a process."""

    def __init__(self, ahead_ns: int = 0) -> None:
        self.frames = Frames()
        self.wire = Wire(lambda: self.frames.connection_lost(None))
        self.frames.connection_made(self.wire)
        self.welcome = Welcome(VERSION, 1, 1, "S", "simulated", monotonic_ns() + ahead_ns)
        self.killed = self.finished = False

    def kill(self) -> None:
        self.killed = True
        self.frames.abort()

    async def finish(self, patience_s: float) -> None:
        self.finished = True

    async def asked(self, count: int) -> Ask:
        """The call of that number, once it has come."""
        await until(lambda: len(self.wire.asks) >= count)
        return self.wire.asks[count - 1]

    def tell(self, ask: Ask, value: Any = ()) -> None:
        self.receive(encode_told(ask.number, Reply(value)))

    def receive(self, body: bytes) -> None:
        self.frames.data_received(LENGTH.pack(len(body)) + body)

    def die(self) -> None:
        self.frames.connection_lost(None)


class Bench:
    """A terminal over workers that are there at once, and what an operator heard."""

    def __init__(self, patience: Patience = SOON, ahead_ns: int = 0) -> None:
        self.clock = VirtualClock(1_000_000)
        self.workers: list[Worker] = []
        self.heard: list[str] = []
        self.failures: list[Exception] = []
        self.hold: asyncio.Event | None = None
        self.ahead_ns = ahead_ns
        self.terminal = WorkerTerminal(
            self.begin, self.clock, patience, lambda code, sentence: self.heard.append(code)
        )

    async def begin(self) -> Connection:
        if self.hold is not None:
            await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.workers.append(Worker(self.ahead_ns))
        return self.workers[-1]

    def soon(self, request: Request = LOOK) -> asyncio.Task[Reply]:
        return asyncio.create_task(self.terminal.call(request))


async def started(**more: Any) -> Bench:
    bench = Bench(**more)
    await bench.terminal.start()
    return bench


async def test_calls_go_out_one_at_a_time_in_their_order() -> None:
    bench = await started()
    first, second = bench.soon(), bench.soon(Request("symbols", {"group": "*"}))
    (worker,) = bench.workers
    ask = await worker.asked(1)
    await asyncio.sleep(0)
    assert len(worker.wire.asks) == 1
    worker.tell(ask, ("EURUSD",))
    assert (await first).value == ("EURUSD",)
    worker.tell(await worker.asked(2))
    assert (await second).value == ()


async def test_looks_that_wait_and_ask_the_same_share_an_answer_newer_than_each_of_them() -> None:
    bench = await started()
    worker = bench.workers[0]
    look, other = Request("ready", {}, key="a"), Request("ready", {}, epoch=2)
    first = bench.soon(look)
    ask = await worker.asked(1)
    given_up, second, apart = (
        bench.soon(look),
        bench.soon(look._replace(key="b")),
        bench.soon(other),
    )
    await asyncio.sleep(0)
    given_up.cancel()
    worker.tell(ask, READY)
    await first
    ask = await worker.asked(2)
    late = bench.soon(look)  # what is under way may be older than this one
    await asyncio.sleep(0)
    worker.tell(ask, READY)
    await second
    assert not apart.done()
    for number in (3, 4):
        worker.tell(await worker.asked(number), READY)
    await asyncio.gather(apart, late)

    assert [ask.epoch for ask in worker.wire.asks] == [0, 0, 2, 0]


async def test_looks_and_other_calls_take_turns_whoever_came_first() -> None:
    bench = await started()
    worker = bench.workers[0]
    asked = [bench.soon(Request("symbols", {"group": str(number)})) for number in range(3)]
    asked += [bench.soon(Request("ready", {}, epoch=number)) for number in range(3)]
    await asyncio.sleep(0)
    for number in range(1, 7):
        ask = await worker.asked(number)
        worker.tell(ask, READY if ask.name == "ready" else ())
    await asyncio.gather(*asked)

    assert [ask.name for ask in worker.wire.asks] == [
        "symbols", "ready", "symbols", "ready", "symbols", "ready",
    ]  # fmt: skip


async def test_a_call_whose_deadline_passed_while_it_waited_its_turn_is_not_sent() -> None:
    bench = await started()
    first = bench.soon()
    late = bench.soon(Request("order_send", {}, deadline_ms=bench.clock.now_ms() + 5))
    (worker,) = bench.workers
    ask = await worker.asked(1)
    bench.clock.advance(bench.clock.now_ms() + 6)
    worker.tell(ask)
    await first
    assert (await late).error[0] == port.TOO_LATE
    assert len(worker.wire.asks) == 1
    assert not worker.killed
    assert bench.heard == []


async def test_a_call_is_sent_at_its_not_after_and_not_a_millisecond_later() -> None:
    bench = await started()
    now_ms = bench.clock.now_ms()
    in_time = bench.soon(Request("symbols", {}, not_after_ms=now_ms))
    (worker,) = bench.workers
    worker.tell(await worker.asked(1))
    assert (await in_time).value == ()
    late = await bench.terminal.call(Request("symbols", {}, not_after_ms=now_ms - 1))
    assert late.error[0] == port.TOO_LATE
    assert len(worker.wire.asks) == 1


async def test_a_not_after_is_told_on_the_workers_clock_and_never_too_late() -> None:
    ahead_ns = 3_600 * 10**9
    bench = await started(ahead_ns=ahead_ns)
    began_ns = monotonic_ns()
    call = bench.soon(Request("symbols", {}, not_after_ms=bench.clock.now_ms() + 1_000))
    (worker,) = bench.workers
    ask = await worker.asked(1)
    latest_ns = monotonic_ns() + ahead_ns + 10**9
    assert began_ns + ahead_ns < ask.not_after_ns <= latest_ns
    worker.tell(ask)
    await call


@pytest.mark.parametrize("not_after_in_ms", [None, 5_000], ids=["no not-after", "a later one"])
async def test_a_worker_that_stood_still_past_the_deadline_begins_nothing(
    not_after_in_ms: int | None,
) -> None:
    ahead_ns = 3_600 * 10**9
    bench = await started(ahead_ns=ahead_ns)
    now_ms, began_ns = bench.clock.now_ms(), monotonic_ns()
    not_after_ms = None if not_after_in_ms is None else now_ms + not_after_in_ms
    send = Request("order_send", {}, not_after_ms=not_after_ms, deadline_ms=now_ms + 1_000)
    call = bench.soon(send)
    (worker,) = bench.workers
    ask = await worker.asked(1)
    assert began_ns + ahead_ns < ask.not_after_ns <= monotonic_ns() + ahead_ns + 10**9
    worker.receive(encode_told(ask.number, Reply(None, (port.TOO_LATE, ""))))
    assert (await call).error[0] == port.TOO_LATE


async def test_a_worker_that_dies_in_a_call_leaves_it_unknown_and_is_replaced() -> None:
    bench = await started()
    call = bench.soon(Request("order_send", {}))
    await bench.workers[0].asked(1)
    bench.workers[0].die()
    assert (await call).error[0] == port.WORKER_DIED
    assert (await bench.terminal.call(LOOK)).error[0] == port.NO_WORKER
    await until(lambda: bench.heard == ["WORKER_DIED", "WORKER_BACK"])
    again = bench.soon()
    bench.workers[1].tell(await bench.workers[1].asked(1))
    assert (await again).value == ()


async def test_a_worker_that_hangs_is_ended_and_its_call_timed_out() -> None:
    bench = await started()
    call = bench.soon(Request("order_send", {}, deadline_ms=bench.clock.now_ms()))
    assert (await call).error[0] == port.TIMED_OUT
    assert bench.workers[0].killed
    await until(lambda: bench.heard == ["WORKER_HUNG", "WORKER_BACK"])


async def test_an_answer_nobody_asked_for_or_of_another_shape_ends_the_worker() -> None:
    for body in (b"\xc1", msgspec.msgpack.encode((1, 1, "", "text")), encode_told(7, Reply(()))):
        bench = await started()
        call = bench.soon()
        (worker,) = bench.workers
        await worker.asked(1)
        worker.receive(body)
        assert (await call).error[0] == port.WORKER_DIED
        assert bench.heard[:2] == ["WIRE_BROKEN", "WORKER_DIED"]
        await bench.terminal.close()


async def test_a_call_that_was_given_up_on_keeps_its_turn_until_it_is_answered() -> None:
    bench = await started()
    given_up = bench.soon()
    (worker,) = bench.workers
    first = await worker.asked(1)
    given_up.cancel()
    second = bench.soon()
    for _ in range(5):
        await asyncio.sleep(0)
    assert given_up.cancelled()
    assert len(worker.wire.asks) == 1
    worker.tell(first, ("OLD",))
    worker.tell(await worker.asked(2), ("NEW",))
    assert (await second).value == ("NEW",)


async def test_a_call_that_was_given_up_on_keeps_its_turn_until_its_worker_is_dead() -> None:
    bench = await started()
    given_up = bench.soon()
    await bench.workers[0].asked(1)
    given_up.cancel()
    second = bench.soon()
    for _ in range(5):
        await asyncio.sleep(0)
    bench.workers[0].die()
    assert (await second).error[0] == port.NO_WORKER
    assert len(bench.workers[0].wire.asks) == 1


async def test_a_call_that_was_given_up_on_and_hangs_ends_the_worker_at_its_deadline() -> None:
    bench = await started()
    given_up = bench.soon(Request("order_send", {}, deadline_ms=bench.clock.now_ms() + 20))
    await bench.workers[0].asked(1)
    given_up.cancel()
    assert (await bench.soon()).error[0] == port.NO_WORKER
    assert bench.workers[0].killed
    assert len(bench.workers[0].wire.asks) == 1
    await until(lambda: bench.heard == ["WORKER_HUNG", "WORKER_BACK"])


async def test_a_call_that_was_given_up_on_before_its_turn_is_never_made() -> None:
    bench = await started()
    first, given_up, third = bench.soon(), bench.soon(Request("order_send", {})), bench.soon()
    (worker,) = bench.workers
    ask = await worker.asked(1)
    given_up.cancel()
    await asyncio.sleep(0)
    worker.tell(ask)
    worker.tell(await worker.asked(2))
    await asyncio.gather(first, third)
    assert [one.name for one in worker.wire.asks] == ["symbols", "symbols"]


async def test_an_earlier_deadline_is_kept_while_the_look_at_a_later_one_is_still_to_come() -> None:
    bench = await started()
    now_ms = bench.clock.now_ms()
    answered = bench.soon(Request("symbols", {}, deadline_ms=now_ms + 3_600_000))
    bench.workers[0].tell(await bench.workers[0].asked(1))
    await answered
    hung = await bench.terminal.call(Request("order_send", {}, deadline_ms=now_ms + 5))
    assert hung.error[0] == port.TIMED_OUT
    assert bench.workers[0].killed


async def test_a_later_deadline_is_not_taken_for_past_when_an_earlier_ones_look_comes() -> None:
    bench = await started()
    now_ms = bench.clock.now_ms()
    answered = bench.soon(Request("symbols", {}, deadline_ms=now_ms + 5))
    (worker,) = bench.workers
    worker.tell(await worker.asked(1))
    await answered
    later = bench.soon(Request("symbols", {}, deadline_ms=now_ms + 3_600_000))
    ask = await worker.asked(2)
    await asyncio.sleep(0.02)
    assert not worker.killed
    worker.tell(ask)
    assert (await later).value == ()
    await bench.terminal.close()


async def test_one_call_more_than_may_wait_is_answered_at_once_that_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervised, "WAITING_MOST", 2)
    bench = await started()
    under_way, *waiting = [bench.soon() for _ in range(3)]
    (worker,) = bench.workers
    ask = await worker.asked(1)
    assert (await bench.terminal.call(LOOK)).error[0] == port.NO_WORKER
    worker.tell(ask)
    for number in (2, 3):
        worker.tell(await worker.asked(number))
    assert [(await one).value for one in (under_way, *waiting)] == [(), (), ()]


async def test_closing_leaves_what_is_under_way_unknown_and_what_waits_unsent() -> None:
    bench = await started()
    under_way, waiting = bench.soon(Request("order_send", {})), bench.soon()
    await bench.workers[0].asked(1)
    await bench.terminal.close()
    assert (await under_way).error[0] == port.WORKER_DIED
    assert (await waiting).error[0] == port.NO_WORKER
    assert bench.heard == []


async def test_a_worker_that_broke_the_protocol_is_heard_no_further() -> None:
    bench = await started()
    call = bench.soon()
    (worker,) = bench.workers
    ask = await worker.asked(1)
    broken, whole = b"\xc1", encode_told(ask.number, Reply(("EURUSD",)))
    worker.frames.data_received(framed(broken) + framed(whole))
    assert (await call).error[0] == port.WORKER_DIED


async def test_a_call_longer_than_a_frame_may_be_is_not_sent() -> None:
    bench = await started()
    room = ASK_MOST - 100
    call = bench.soon(Request("symbols", {"group": "x" * room}))
    (worker,) = bench.workers
    worker.tell(await worker.asked(1))
    await call
    reply = await bench.terminal.call(Request("symbols", {"group": "x" * ASK_MOST}))
    assert reply.value is None
    assert "nothing was sent" in reply.error[1]
    assert len(worker.wire.asks) == 1


async def test_workers_that_cannot_be_started_open_the_circuit_and_it_says_so() -> None:
    bench = await started()
    bench.failures = [OnefillError("WORKER_NOT_STARTED", "no"), OSError("disk full")]
    bench.workers[0].die()
    await until(lambda: "WORKER_CIRCUIT_OPEN" in bench.heard)
    assert bench.heard == [
        "WORKER_DIED",
        "WORKER_NOT_STARTED",
        "WORKER_NOT_STARTED",
        "WORKER_CIRCUIT_OPEN",
    ]
    assert (await bench.terminal.call(LOOK)).error[0] == port.NO_WORKER
    await bench.terminal.close()


async def test_one_failure_fewer_than_the_circuit_takes_is_tried_again() -> None:
    bench = await started()
    bench.failures = [OSError("disk full")]
    bench.workers[0].die()
    await until(lambda: "WORKER_BACK" in bench.heard)
    assert "WORKER_CIRCUIT_OPEN" not in bench.heard


async def test_closing_during_a_restart_leaves_no_worker() -> None:
    bench = await started()
    bench.hold = asyncio.Event()
    bench.workers[0].die()
    for _ in range(5):
        await asyncio.sleep(0)
    await bench.terminal.close()
    bench.hold.set()
    await asyncio.sleep(0)
    assert len(bench.workers) == 1
    assert (await bench.terminal.call(LOOK)).error[0] == port.NO_WORKER
    assert "WORKER_BACK" not in bench.heard


async def test_closing_during_the_first_start_ends_the_worker_that_comes() -> None:
    bench = Bench()
    bench.hold = asyncio.Event()
    starting = asyncio.create_task(bench.terminal.start())
    await asyncio.sleep(0)
    await bench.terminal.close()
    bench.hold.set()
    await starting
    assert bench.workers[0].finished
    assert bench.terminal.welcome is None
