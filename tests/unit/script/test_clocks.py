"""Virtual time in everything that a program reads the time from, sleeps by or waits at."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from time import monotonic, sleep
from typing import Any

import pytest

from onefill.script.clocks import scaled_time, virtual_time
from onefill.terminal.simulator.surface.pace import SECOND_NS, ClockPace, EndOfData, VirtualPace

START = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
START_NS = int(START.timestamp()) * SECOND_NS
DAY_S = 86_400
PANDAS: Any = importlib.import_module("pandas")


def virtually(test: Callable[[VirtualPace], None]) -> Callable[[], None]:
    """The test's body in virtual time; what pytest measures around it stays real."""

    def body() -> None:
        pace = VirtualPace(START_NS, START_NS + 30 * DAY_S * SECOND_NS)
        with virtual_time(pace):
            test(pace)

    body.__name__ = test.__name__
    return body


def passed(pace: VirtualPace) -> float:
    """Seconds since the start, without what reading clocks took."""
    return round((pace.now_ns() - START_NS) / SECOND_NS, 1)


@virtually
def test_every_clock_tells_the_market_s_time(pace: VirtualPace) -> None:
    for told in (
        time.time(),
        time.time_ns() / 1e9,
        datetime.now().timestamp(),  # noqa: DTZ005
        datetime.now(UTC).timestamp(),
        time.mktime(time.localtime()),
        PANDAS.Timestamp.now(tz="UTC").timestamp(),
        logging.makeLogRecord({}).created,
    ):
        assert abs(told - START.timestamp()) < 2
    assert date.today() == datetime.now().date()  # noqa: DTZ005, DTZ011
    assert time.strftime("%Y") == "2031"
    assert time.gmtime().tm_year == 2031


@virtually
def test_a_day_s_sleep_takes_no_time(pace: VirtualPace) -> None:
    began = time.monotonic(), monotonic(), time.perf_counter(), time.time()
    sleep(DAY_S)
    ended = time.monotonic(), monotonic(), time.perf_counter(), time.time()
    for before, after in zip(began, ended, strict=True):
        assert after - before == pytest.approx(DAY_S, abs=0.01)
    assert passed(pace) == DAY_S


@virtually
def test_a_sleep_below_nothing_is_refused_as_ever(pace: VirtualPace) -> None:
    with pytest.raises(ValueError, match="non-negative"):
        time.sleep(-1)


@virtually
def test_a_loop_that_waits_for_a_moment_gets_there(pace: VirtualPace) -> None:
    end = time.time() + 5
    while time.time() < end:
        pass
    assert passed(pace) == 5


def test_afterwards_everything_is_as_it_was() -> None:
    before = (time.sleep, time.monotonic, threading.Condition.wait, threading.Thread.join)
    with virtual_time(VirtualPace(START_NS)):
        assert time.sleep is not before[0]
    assert (time.sleep, time.monotonic, threading.Condition.wait, threading.Thread.join) == before
    assert sleep is time.sleep
    assert datetime.now(UTC).year != 2031


@virtually
def test_threads_that_sleep_together_take_one_time_together(pace: VirtualPace) -> None:
    woke: list[tuple[str, float]] = []

    def nap(name: str, seconds: float, times: int) -> None:
        for _ in range(times):
            time.sleep(seconds)
            woke.append((name, passed(pace)))

    threads = [
        threading.Thread(target=nap, args=("slow", 10, 3)),
        threading.Thread(target=nap, args=("fast", 4, 5)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert woke == [
        ("fast", 4), ("fast", 8), ("slow", 10), ("fast", 12),
        ("fast", 16), ("slow", 20), ("fast", 20), ("slow", 30),
    ]  # fmt: skip


@virtually
def test_an_event_wakes_its_waiters_before_their_time_is_over(pace: VirtualPace) -> None:
    event = threading.Event()
    found: list[tuple[bool, float]] = []

    def wait() -> None:
        found.append((event.wait(60), passed(pace)))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(20)
    event.set()
    thread.join()
    assert found == [(True, 20)]
    event.clear()
    assert not event.wait(60)
    assert passed(pace) == 80


@virtually
def test_a_queue_s_time_limit_is_the_market_s(pace: VirtualPace) -> None:
    waiting: queue.Queue[int] = queue.Queue()
    with pytest.raises(queue.Empty):
        waiting.get(timeout=90)
    assert passed(pace) == 90


@virtually
def test_a_timer_fires_at_its_moment(pace: VirtualPace) -> None:
    fired: list[float] = []
    timer = threading.Timer(300, lambda: fired.append(passed(pace)))
    timer.start()
    time.sleep(1_000)
    timer.join()
    assert fired == [300]


@virtually
def test_a_join_with_a_time_limit_gives_up(pace: VirtualPace) -> None:
    thread = threading.Thread(target=lambda: time.sleep(500))
    thread.start()
    thread.join(timeout=100)
    assert thread.is_alive()
    assert passed(pace) == 100
    thread.join()
    assert passed(pace) == 500


@virtually
def test_a_pool_s_tasks_sleep_side_by_side(pace: VirtualPace) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: time.sleep(100), range(4)))
    assert passed(pace) == 100


@virtually
def test_asyncio_s_tasks_sleep_side_by_side(pace: VirtualPace) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(1_000), timeout=50)
        await asyncio.gather(*(asyncio.sleep(200) for _ in range(5)))
        await loop.run_in_executor(None, time.sleep, 100)
        return loop.time() - began

    assert asyncio.run(main()) == pytest.approx(350, abs=0.1)
    assert passed(pace) == 350


@virtually
def test_a_thread_that_waits_unseen_does_not_hold_up_time_for_ever(pace: VirtualPace) -> None:
    ours, theirs = socket.socketpair()
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(theirs.recv(1)), daemon=True)
    thread.start()
    for _ in range(50):
        time.sleep(60)
    assert passed(pace) == 3_000
    ours.send(b"x")
    thread.join()
    assert read == [b"x"]
    ours.close()
    theirs.close()


@virtually
def test_who_waits_for_a_lock_gets_it_when_its_holder_has_slept(pace: VirtualPace) -> None:
    for lock in (threading.Lock(), threading.RLock()):
        began = passed(pace)
        got: list[float] = []

        def hold(lock: Any = lock) -> None:
            with lock:
                time.sleep(60)

        def want(lock: Any = lock, began: float = began, got: list[float] = got) -> None:
            time.sleep(1)
            assert not lock.acquire(timeout=9)
            assert passed(pace) == began + 10
            with lock:
                got.append(passed(pace) - began)

        threads = [threading.Thread(target=hold), threading.Thread(target=want)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [60]


def test_at_the_end_every_thread_ends() -> None:
    pace = VirtualPace(START_NS, START_NS + 100 * SECOND_NS)
    ended: list[str] = []

    def loop(name: str, seconds: float) -> None:
        try:
            while True:
                time.sleep(seconds)
        except EndOfData:
            ended.append(name)

    with virtual_time(pace):
        threads = [threading.Thread(target=loop, args=(str(n), n)) for n in (7, 11, 500)]
        for thread in threads:
            thread.start()
        with pytest.raises(EndOfData):
            threading.Event().wait()
        for thread in threads:
            thread.join()
    assert sorted(ended) == ["11", "500", "7"]
    assert pace.now_ns() == pace.end_ns


def test_all_of_it_is_the_same_every_time() -> None:
    def once() -> list[tuple[int, float]]:
        pace = VirtualPace(START_NS, START_NS + DAY_S * SECOND_NS)
        seen: list[tuple[int, float]] = []

        def work(number: int) -> None:
            time.sleep(number * 0.05)  # no two of them ever wake at the same moment
            for step in range(20):
                time.sleep((number * 7 + step * 3) % 11 + 0.5)
                seen.append((number, time.time()))

        with virtual_time(pace):
            threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return seen

    one, other = once(), once()
    assert [number for number, _ in one] == [number for number, _ in other]
    # A thread of the test runner that looks at the clock meanwhile makes it a little later.
    assert [at for _, at in one] == pytest.approx([at for _, at in other], rel=0, abs=0.005)


def test_along_a_faster_clock_waits_take_their_share() -> None:
    pace = ClockPace(START_NS, factor=1_000.0)
    with scaled_time(pace):
        began = time.monotonic()
        time.sleep(20)
        assert not threading.Event().wait(20)
        thread = threading.Thread(target=lambda: time.sleep(20))
        thread.start()
        thread.join(60)
        asyncio.run(asyncio.sleep(20))
        assert not thread.is_alive()
        assert time.monotonic() - began >= 79
        assert datetime.now(UTC) >= START
