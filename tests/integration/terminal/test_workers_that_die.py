"""Terminals in processes that are killed, hang or are stopped: nothing twice, nothing lost."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from onefill.channels.local.confirmation import ExecutionConfirmation
from onefill.channels.local.session import PooledSession
from tests.integration.terminal.served import (
    CONTINUE,
    KILL,
    STOP,
    ServedBroker,
    decision,
    engine_on,
    pool_of,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by POSIX signals")

LATENCY_MS = 600


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Callable[..., ServedBroker]]:
    made: list[ServedBroker] = []

    def make(login: int, latency_ms: int = 0) -> ServedBroker:
        made.append(ServedBroker(tmp_path, login, latency_ms))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


def worker_of(session: PooledSession) -> int:
    assert session.terminal is not None
    assert session.terminal.welcome is not None
    return session.terminal.welcome.pid


@pytest.mark.parametrize("share", [0.5, 1.6], ids=["before the broker has it", "after it executed"])
def test_a_worker_killed_in_mid_send_loses_and_repeats_nothing_and_others_trade_on(
    tmp_path: Path, brokers: Callable[..., ServedBroker], share: float
) -> None:
    slow, quick = brokers(1000001, LATENCY_MS), brokers(1000002)
    with (
        pool_of(tmp_path, slow.session("slow"), quick.session("quick")) as pool,
        engine_on(pool, tmp_path / "journal") as engine,
        ThreadPoolExecutor(2) as threads,
    ):
        assert pool.troubles == {}
        first = engine.execute(decision("warm"), session="slow")
        assert first.status == "filled", first
        lost = threads.submit(engine.execute, decision("lost"), session="slow")
        _until_sending(engine, lost)
        time.sleep(LATENCY_MS / 1_000 * share)
        victim = worker_of(pool.sessions["slow"])
        os.kill(victim, KILL)
        beside = [engine.execute(decision(f"q{n}"), session="quick") for n in range(20)]
        outcome = lost.result(60)
        again = engine.execute(decision("lost"), session="slow")

    assert {one.status for one in beside} == {"filled"}
    assert outcome.status == "filled", outcome
    assert again.ticket == outcome.ticket
    assert worker_of_log(tmp_path, "slow", "WORKER_DIED")
    assert len(slow.positions()) == 2
    assert len(slow.deals()) == 2
    assert len(quick.positions()) == 20


def test_a_worker_that_hangs_past_its_deadline_is_ended_and_the_order_is_looked_up(
    tmp_path: Path, brokers: Callable[..., ServedBroker]
) -> None:
    broker = brokers(1000001, LATENCY_MS)
    with (
        pool_of(tmp_path, broker.session("main")) as pool,
        engine_on(pool, tmp_path / "journal") as engine,
        ThreadPoolExecutor(1) as threads,
    ):
        engine.execute(decision("warm"))
        before = worker_of(pool.sessions["main"])
        hung = threads.submit(engine.execute, decision("hung"))
        _until_sending(engine, hung)
        broker.process.send_signal(STOP)
        time.sleep(4)  # longer than the call's deadline
        broker.process.send_signal(CONTINUE)
        outcome = hung.result(60)
        after = worker_of(pool.sessions["main"])

    assert before != after
    assert worker_of_log(tmp_path, "main", "WORKER_HUNG")
    filled = [row for row in broker.positions() if row.ticket == outcome.ticket]
    assert (outcome.status, len(filled)) in (("filled", 1), ("rejected", 0)), outcome
    assert len(broker.positions()) == 1 + len(filled)


def test_three_sessions_in_trouble_at_once_lose_and_repeat_nothing(
    tmp_path: Path, brokers: Callable[..., ServedBroker]
) -> None:
    """One worker is killed, one is stopped past its deadline, one hangs on a broker that does not
    answer: all three in mid-send, at the same time."""
    names = ("killed", "stopped", "hung")
    served = {name: brokers(1000001 + n, LATENCY_MS) for n, name in enumerate(names)}
    sessions = [broker.session(name) for name, broker in served.items()]
    with (
        pool_of(tmp_path, *sessions) as pool,
        engine_on(pool, tmp_path / "journal") as engine,
        ThreadPoolExecutor(3) as threads,
    ):

        def all_at_once(word: str) -> list[Future[ExecutionConfirmation]]:
            return [
                threads.submit(engine.execute, decision(f"{word} {name}"), session=name)
                for name in names
            ]

        assert {one.result(60).status for one in all_at_once("warm")} == {"filled"}
        lost = all_at_once("lost")
        for order in lost:
            _until_sending(engine, order)
        time.sleep(LATENCY_MS / 1_000 * 0.3)
        os.kill(worker_of(pool.sessions["killed"]), KILL)
        os.kill(worker_of(pool.sessions["stopped"]), STOP)
        served["hung"].process.send_signal(STOP)
        time.sleep(4)  # longer than a call's deadline
        served["hung"].process.send_signal(CONTINUE)
        outcomes = {order.result(60).session: order.result() for order in lost}
        again = {one.result(60).session: one.result() for one in all_at_once("lost")}
        later = [one.result(60) for one in all_at_once("later")]

    assert {one.status for one in later} == {"filled"}
    for name, broker in served.items():
        outcome = outcomes[name]
        of_it = [row for row in broker.positions() if row.ticket == outcome.ticket]
        assert (outcome.status, len(of_it)) in (("filled", 1), ("rejected", 0)), outcome
        assert len(broker.positions()) == 2 + len(of_it)
        assert (again[name].status, again[name].ticket) == (outcome.status, outcome.ticket)
    assert worker_of_log(tmp_path, "killed", "WORKER_DIED")
    assert worker_of_log(tmp_path, "stopped", "WORKER_HUNG")
    assert worker_of_log(tmp_path, "hung", "WORKER_HUNG")


def test_a_second_engine_for_one_account_is_told_who_holds_it(
    tmp_path: Path, brokers: Callable[..., ServedBroker]
) -> None:
    session = brokers(1000001).session("main")
    with pool_of(tmp_path, session) as first:
        assert first.troubles == {}
        with pool_of(tmp_path, session) as second:
            trouble = second.troubles["main"]
            assert str(worker_of(first.sessions["main"])) in trouble
    with pool_of(tmp_path, session) as later:
        assert later.troubles == {}


def test_a_worker_that_keeps_dying_opens_the_circuit_and_says_so(
    tmp_path: Path, brokers: Callable[..., ServedBroker]
) -> None:
    broker = brokers(1000001)
    with pool_of(tmp_path, broker.session("main")) as pool:
        session = pool.sessions["main"]
        broker.stop()
        os.kill(worker_of(session), KILL)
        until = time.monotonic() + 60
        while not worker_of_log(tmp_path, "main", "WORKER_CIRCUIT_OPEN"):
            assert time.monotonic() < until
            time.sleep(0.2)
        reply = session.call("account_info")

    assert (reply.value, reply.error[1]) == (
        None,
        "no process holds the terminal; nothing was sent",
    )


def _until_sending(engine: Any, order: Future[ExecutionConfirmation]) -> None:
    """Wait until the last order is durable as being sent."""
    journal = engine.database._journal  # the one that the engine has open
    done = threading.Event()
    while not done.is_set() and not order.done():
        states = [state for name in journal.accounts() for state in [journal.state(name)]]
        if any(str(one.state) == "sending" for state in states for one in state.orders.values()):
            return
        time.sleep(0.005)


def worker_of_log(home: Path, name: str, code: str) -> bool:
    """Whether a session's log tells of it."""
    return code in (home / "logs" / f"{name}.log").read_text()
