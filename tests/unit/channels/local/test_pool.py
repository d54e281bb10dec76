"""The pool lends one session to one caller at a time, and ends in any order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onefill.channels.local.database import ExecutionDatabase
from onefill.channels.local.engine import create_execution_engine
from onefill.channels.local.pool import MT5ConnectionPool
from onefill.model.errors import OnefillError
from onefill.terminal.port import Reply
from tests.unit.channels.local.desk import Desk, decision


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path, "main", "second") as made:
        yield made


def test_a_connection_is_lent_once_until_it_is_released(two: Desk) -> None:
    assert two.pool.connect()
    first, second = two.pool.get_connection(), two.pool.get_connection()
    assert [first[0], second[0]] == ["main", "second"]
    with pytest.raises(OnefillError, match=r"main \(in use\), second \(in use\)") as told:
        two.pool.get_connection(timeout=0)
    assert told.value.code == "POOL_EXHAUSTED"

    two.pool.release_connection(second)
    two.pool.release_connection(second)
    name, session = two.pool.get_connection(timeout=0)
    assert name == "second"
    with session.lock, session.lock:
        assert session.call("account_info").value.login == 1_000_002


def test_who_waits_gets_the_connection_that_is_released(desk: Desk) -> None:
    desk.pool.connect()
    lent = desk.pool.get_connection()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(desk.pool.get_connection, 30)
        desk.pool.release_connection(lent)
        assert waiting.result()[0] == "main"


def test_who_waits_hears_that_the_pool_was_closed(desk: Desk) -> None:
    desk.pool.connect()
    desk.pool.get_connection()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(desk.pool.get_connection, 30)
        desk.pool.close()
        with pytest.raises(OnefillError, match="closed"):
            waiting.result()


def test_a_pool_that_was_never_connected_lends_nothing(desk: Desk) -> None:
    with pytest.raises(OnefillError, match="connect"):
        desk.pool.get_connection(timeout=0)


def test_connecting_again_keeps_what_works_and_takes_up_what_does_not(two: Desk) -> None:
    two.session("second").down = "switched off"
    assert two.broker.connect() is False
    assert two.pool.troubles == {"second": "switched off"}
    main = two.pool.sessions["main"].terminal
    two.session("second").terminal.down = ""  # type: ignore[union-attr]
    assert two.pool.connect()
    assert two.pool.connect()
    assert two.pool.sessions["main"].terminal is main


def test_an_engine_needs_no_connect(desk: Desk) -> None:
    assert desk.engine.execute(decision()).status == "filled"
    assert desk.pool.get_connection(timeout=0)[0] == "main"


def test_an_order_takes_up_a_session_that_could_not_be_connected(desk: Desk) -> None:
    desk.session().down = "switched off"
    assert desk.engine.execute(decision()).status == "rejected"
    desk.terminal().down = ""

    assert desk.engine.execute(decision()).status == "filled"


def test_a_pool_closed_under_its_engine_ends_both(desk: Desk) -> None:
    desk.engine.execute(decision())
    desk.pool.close()
    desk.pool.close()
    desk.engine.close()
    done = desk.engine.execute(decision("late"))

    assert (done.status, done.rejection_reason) == ("rejected", "network_error")
    assert desk.broker.get_market_snapshot("EURUSD") is None
    assert desk.broker.connect() is False
    assert desk.broker.place_order("EURUSD", 1, 10_000)[0] is False
    with pytest.raises(OnefillError, match="closed"):
        desk.pool.get_connection()
    with pytest.raises(OnefillError, match="closed"):
        desk.pool.sessions["main"].call("ready")
    with pytest.raises(OnefillError, match="closed"):
        create_execution_engine(desk.broker, ExecutionDatabase(desk.home / "other"))
    ExecutionDatabase(desk.home / "journal").open().close()  # it was let go of


def test_an_engine_that_was_closed_takes_nothing_more(desk: Desk) -> None:
    desk.engine.close()

    assert "ENGINE_CLOSED" in (desk.engine.execute(decision()).rejection_details or "")
    assert "ENGINE_CLOSED" in (
        asyncio.run(desk.engine.execute_async(decision())).rejection_details or ""
    )
    with pytest.raises(OnefillError, match="closed"):
        desk.engine.execute_group([decision()])


def test_a_database_has_one_engine(desk: Desk, tmp_path: Path) -> None:
    for database in (desk.engine.database, ExecutionDatabase(tmp_path / "journal")):
        with pytest.raises(OnefillError) as told:
            create_execution_engine(desk.broker, database)
        assert told.value.code == "JOURNAL_IN_USE"
    assert desk.engine.execute(decision()).status == "filled"


def test_many_threads_may_execute_at_once(two: Desk) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(
                lambda n: two.engine.execute(
                    decision(f"k-{n // 2}", units=1_000 * (n // 2 + 1)),
                    session="second" if n // 2 % 2 else "main",
                ),
                range(32),
            )
        )

    assert {one.status for one in answers} == {"filled"}
    assert [one.execution_id for one in answers[::2]] == [one.execution_id for one in answers[1::2]]
    assert len(two.terminal("main").sent) == len(two.terminal("second").sent) == 8


async def test_it_works_inside_a_running_event_loop(desk: Desk) -> None:
    blocking = desk.engine.execute(decision("blocking"))
    both = await asyncio.gather(
        desk.engine.execute_async(decision("a", units=1_000)),
        desk.engine.execute_async(decision("b", units=2_000)),
    )
    group = await desk.engine.execute_group_async([decision("c", units=3_000)])

    assert [blocking.status, *(one.status for one in both), group.status] == ["filled"] * 4


async def test_giving_up_the_wait_does_not_give_up_the_order(desk: Desk) -> None:
    terminal = desk.terminal()
    terminal.rules["history_deals_get"] = lambda *_: Reply(())
    terminal.rules["history_orders_get"] = lambda *_: Reply(())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(desk.engine.execute_async(decision()), 0.05)
    terminal.rules.clear()

    assert (await desk.engine.execute_async(decision())).status == "filled"
    assert len(terminal.sent) == 1


def test_closing_tells_those_who_wait_how_their_order_stands(desk: Desk) -> None:
    terminal = desk.terminal()
    looking = threading.Event()

    def fails_to_show(*_: object) -> Reply:
        looking.set()
        return Reply(None, (-1, "fail"))

    terminal.rules["order_send"] = lambda *_: Reply(None, (-10_005, "IPC timeout"))
    terminal.rules["history_deals_get"] = fails_to_show
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(desk.engine.execute, decision())
        assert looking.wait(30)
        desk.engine.close(patience_s=0.1)
        done = waiting.result()
    assert (done.status, done.rejection_reason) == ("error", "order_timeout")

    terminal.rules.clear()
    desk.engine = desk.make_engine()
    done = desk.engine.execute(decision())
    assert (done.status, done.rejection_reason) == ("rejected", "network_error")
    assert len(terminal.sent) == 1


@pytest.mark.parametrize(
    ("sessions", "says"),
    [
        ({}, "one session at least"),
        ({"main": {"login": "abc", "server": "S"}}, "login"),
        ({"main": {"login": 1, "server": "S", "pasword": "x"}}, "pasword"),
        ({"main": {"login": 0, "server": "S"}}, "account number"),
        ({"a b": {"login": 1, "server": "S"}}, "letters"),
        ({"a": {"login": 1, "server": "S"}, "b": {"login": "1", "server": "S"}}, "both account 1"),
    ],
)
def test_sessions_that_cannot_be_are_named(
    tmp_path: Path, sessions: dict[str, dict[str, object]], says: str
) -> None:
    with pytest.raises(OnefillError, match=says) as told:
        MT5ConnectionPool(sessions, session_logs_dir=tmp_path / "logs")
    assert told.value.code == "SESSION_INVALID"


def test_logs_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OnefillError, match="session_logs_dir"):
        MT5ConnectionPool(
            {"main": {"login": 1, "server": "S"}}, session_logs_dir=tmp_path / "file" / "logs"
        )


def test_each_session_has_a_log_that_names_what_its_broker_lacks_and_no_password(
    tmp_path: Path,
) -> None:
    with Desk(tmp_path, "main", "second") as desk:
        desk.pool.symbols = ("EURUSD", "NOSUCH")
        desk.pool.connect()
        main, second = desk.log("main"), desk.log("second")

    assert "connected to account 1000001" in main
    assert "connected to account 1000002" in second
    assert "NOSUCH" in main
    assert "EURUSD" not in main
    pool = MT5ConnectionPool(
        {"main": {"login": 1, "server": "S", "password": "hunter2"}}, session_logs_dir=tmp_path
    )
    assert "hunter2" not in repr(pool.sessions) + str(pool.sessions["main"].config)
    pool.close()


def test_a_worker_that_dies_is_trouble_at_once_and_its_return_ends_it(desk: Desk) -> None:
    desk.terminal()
    session = desk.session()
    session._heard("WORKER_DIED", "it died")
    assert desk.pool.troubles == {"main": "it died"}

    async def back() -> None:
        session._heard("WORKER_BACK", "it is back")
        assert session._beating is not None
        await session._beating

    desk.pool.loop.ask(back())
    assert desk.pool.troubles == {}


def test_a_crash_of_work_that_nobody_waits_for_is_logged_and_heard_by_the_next_order(
    desk: Desk,
) -> None:
    terminal = desk.terminal()
    terminal.answer("order_send", Reply(None, (-10_005, "IPC timeout")))
    terminal.rules["history_deals_get"] = lambda *_: Reply(None, (-1, "fail"))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(desk.engine.execute, decision("lost"))
        while not terminal.sent:
            threading.Event().wait(0.01)
        desk.engine.close(patience_s=0.1)
        waiting.result()

    def crash(*_: object) -> Reply:
        raise ZeroDivisionError("a bug")

    terminal.rules["history_orders_get"] = crash
    desk.engine = desk.make_engine()

    def orders() -> None:
        for number in range(100):
            desk.engine.execute(decision(f"k-{number}", units=1))
            threading.Event().wait(0.02)

    with pytest.raises(ZeroDivisionError, match="a bug"):
        orders()
    assert "ENGINE_FAILED" in desk.log()
