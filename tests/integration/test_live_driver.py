"""The asyncio driver and the one behind a plain call, on the simulated terminal in real time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onefill.execution.drivers.background import BackgroundDriver
from onefill.execution.drivers.live import LiveDriver
from onefill.execution.stages.submit import Fenced
from onefill.execution.told import Acknowledged, Alarm, KeyReused, Settled
from onefill.journal.errors import JournalFailed
from onefill.journal.journal import Journal
from onefill.journal.verify import verify
from onefill.model.account import AccountState, state_hash
from onefill.model.fold import apply
from onefill.model.intent import Action, OrderIntent, OrderType
from onefill.model.states import State
from onefill.terminal import port
from onefill.terminal.port import Reply, Request
from tests.integration.driven import (
    ACCOUNT,
    CONFIG,
    Since,
    live_driver,
    opening,
    quotes,
    terminal_for,
)


async def test_orders_in_flight_together_share_commits_and_are_each_filled_once(
    tmp_path: Path,
) -> None:
    flushes: list[str] = []
    terminal = terminal_for()
    with Journal.open(tmp_path / "j", hook=flushes.append) as journal:
        driver = live_driver(journal, terminal)
        await driver.boot()
        flushes.clear()
        orders = await asyncio.gather(*(driver.execute(opening(f"k{n}")) for n in range(40)))
        await driver.close()

        assert {order.state for order in orders if order is not None} == {State.FILLED}
        assert len(terminal.broker.account.ledger.positions) == 40
        assert flushes.count("flush:committed") < 40
        fresh = AccountState(account=ACCOUNT)
        for record in journal.records():
            apply(fresh, record.event, record.seq, record.at_ms)
        assert state_hash(fresh) == state_hash(journal.state(ACCOUNT))
    assert verify(tmp_path / "j").intact


async def test_a_key_that_comes_twice_at_once_makes_one_order_and_one_answer(
    tmp_path: Path,
) -> None:
    heard: list[Any] = []
    terminal = terminal_for()
    with Journal.open(tmp_path / "j") as journal:
        driver = live_driver(journal, terminal, heard.append)
        await driver.boot()
        one, other = await asyncio.gather(
            driver.execute(opening("k")), driver.execute(opening("k"))
        )
        again = await driver.execute(opening("k"))
        await driver.close()

    assert again is not None
    assert again.state is State.FILLED
    assert one is not None
    assert other is not None
    assert one.key == other.key == again.key
    assert len(terminal.broker.account.ledger.positions) == 1
    assert isinstance(heard[-1], Settled)


async def test_a_key_that_comes_with_other_content_is_refused(tmp_path: Path) -> None:
    heard: list[Any] = []
    with Journal.open(tmp_path / "j") as journal:
        driver = live_driver(journal, terminal_for(), heard.append)
        await driver.boot()
        await driver.execute(opening("k"))
        refused = await driver.execute(opening("k", volume=0.2))
        await driver.close()

    assert refused is None
    assert heard[-1] == KeyReused("k")


class SetForward(Since):
    """A clock that the test sets forward."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


async def test_a_pending_order_is_followed_until_the_market_comes_to_it(tmp_path: Path) -> None:
    filled = asyncio.Event()

    def tell(what: Any) -> None:
        if isinstance(what, Settled) and what.order and what.order.state is State.FILLED:
            filled.set()

    with Journal.open(tmp_path / "j") as journal:
        market, clock = quotes((600_000, 108_400), (600_100, 108_300)), SetForward()
        driver = live_driver(journal, terminal_for(market=market), tell, clock=clock)
        await driver.boot()
        order = await driver.execute(opening("k", order_type=OrderType.LIMIT, price=1.0842))
        assert order is not None
        assert order.state is State.WORKING
        clock.ahead_ms = 600_000
        await filled.wait()
        await driver.close()
        found = journal.find(ACCOUNT, "k")

    assert found is not None
    assert found.fill_price() == 1.0841  # the triggering tick's, better than its price


async def test_a_held_order_is_cancelled_unsent_while_an_outcome_is_unknown(
    tmp_path: Path,
) -> None:
    slow = msgspec.structs.replace(CONFIG, lateness_bound_ms=5_000)
    unknown, accepted = asyncio.Event(), asyncio.Event()

    def tell(what: Any) -> None:
        if isinstance(what, Alarm):
            unknown.set()
        if isinstance(what, Acknowledged) and what.order.key == "held":
            accepted.set()

    with Journal.open(tmp_path / "j") as journal:
        late = "late_execution=1,late_max_ms=2500"
        driver = live_driver(journal, terminal_for(late), tell, slow)
        await driver.boot()
        first = asyncio.create_task(driver.execute(opening("lost")))
        await unknown.wait()
        held = asyncio.create_task(driver.execute(opening("held")))
        await accepted.wait()
        cancel = OrderIntent(client_key="cancel", action=Action.CANCEL, target="held")
        done = await driver.execute(cancel)
        await asyncio.gather(first, held)
        await driver.close()
        found = journal.find(ACCOUNT, "held")

    assert done is not None
    assert done.state is State.DONE
    assert found is not None
    assert (found.state, found.attempts) == (State.CANCELLED, 0)


async def test_an_engine_that_died_while_sending_is_followed_by_one_that_proves_the_outcome(
    tmp_path: Path,
) -> None:
    executed = asyncio.Event()

    def hook(point: str) -> None:
        if point == "broker:executed":
            executed.set()

    terminal, clock = terminal_for("lost_reply=1", hook=hook), Since()
    journal = Journal.open(tmp_path / "j")
    patient = msgspec.structs.replace(CONFIG, call_deadline_ms=60_000)
    driver = live_driver(journal, terminal, config=patient, clock=clock)
    await driver.boot()
    # Of these some get no answer at all within the deadline: their engine dies waiting.
    sent = [asyncio.create_task(driver.execute(opening(f"k{n}"))) for n in range(6)]
    await executed.wait()
    journal.abandon()
    for task in sent:
        task.cancel()
    await asyncio.gather(*sent, return_exceptions=True)

    with Journal.open(tmp_path / "j") as again:
        reborn = live_driver(again, terminal, clock=clock)
        await reborn.boot()
        await reborn.close()
        sending = [o for o in again.state(ACCOUNT).orders.values() if o.state is State.SENDING]
        filled = again.state(ACCOUNT).counts.get(State.FILLED, 0)

    assert not sending
    assert filled == len(terminal.broker.account.ledger.positions)


async def test_an_engine_that_was_taken_over_from_stops_instead_of_sending(tmp_path: Path) -> None:
    terminal = terminal_for()
    with Journal.open(tmp_path / "j") as journal:
        driver = live_driver(journal, terminal)
        await driver.boot()
        await driver.execute(opening("before"))
        terminal.fence(driver.desk.epoch + 1)
        with pytest.raises(Fenced):
            await driver.execute(opening("after"))
        await driver.close()

    assert len(terminal.broker.account.ledger.positions) == 1


async def test_an_engine_that_is_shut_out_while_it_looks_an_order_up_says_so_to_all_that_wait(
    tmp_path: Path,
) -> None:
    heard: list[Any] = []
    with Journal.open(tmp_path / "j") as journal:
        driver = live_driver(journal, terminal_for(), heard.append)
        await driver.boot()
        live = driver._terminal
        taken_over = asyncio.Event()

        class Shut:
            """A worker in the end: calls of an older engine are answered so, looks too."""

            async def call(self, request: Request) -> Reply:
                if taken_over.is_set():
                    return Reply(None, (port.STALE_EPOCH, "a newer engine"))
                if request.name == "order_send":
                    taken_over.set()
                    return Reply(None, (port.TIMED_OUT, "no answer"))
                return await live.call(request)

        driver._terminal = Shut()
        first = asyncio.create_task(driver.execute(opening("k")))
        await taken_over.wait()
        again = driver.execute(opening("k"), to_the_end=True)
        async with asyncio.timeout(60):
            told = await asyncio.gather(first, again, return_exceptions=True)
            with pytest.raises(Fenced):
                await driver.execute(opening("later"))
            await driver.close()
        left = journal.state(ACCOUNT).orders["k"].state

    assert [type(one) for one in told] == [Fenced, Fenced]
    assert left is State.UNKNOWN  # the next engine over this journal looks it up
    assert "ENGINE_FAILED" in [one.alert.code for one in heard if isinstance(one, Alarm)]


async def test_a_journal_that_cannot_be_written_stops_the_driver_before_anything_is_told(
    tmp_path: Path,
) -> None:
    heard: list[Any] = []

    def full(point: str) -> None:
        if point == "flush:begin" and heard:
            raise OSError("no space left on the device")

    journal = Journal.open(tmp_path / "j", hook=full)
    driver = live_driver(journal, terminal_for(), heard.append)
    await driver.boot()
    with pytest.raises((JournalFailed, OSError)):
        await driver.execute(opening("k"))
    journal.abandon()

    assert [type(word) for word in heard] == [Acknowledged]


def background(
    journal: Journal, faults: str = "", tell: Callable[[Any], None] = lambda _: None
) -> BackgroundDriver:
    async def made() -> LiveDriver:
        return live_driver(journal, terminal_for(faults), tell)

    return BackgroundDriver(made)


def test_a_plain_call_answers_with_the_fill_from_any_thread(tmp_path: Path) -> None:
    with (
        Journal.open(tmp_path / "j") as journal,
        background(journal) as driver,
        ThreadPoolExecutor(8) as threads,
    ):
        orders = list(threads.map(lambda n: driver.execute(opening(f"k{n}")), range(24)))

    assert [order and order.state for order in orders] == [State.FILLED] * 24


async def test_a_plain_call_works_inside_a_running_event_loop(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal, background(journal) as driver:
        order = driver.execute(opening("k"))

    assert order is not None
    assert order.state is State.FILLED


def test_a_driver_that_cannot_be_made_leaves_no_thread_behind() -> None:
    async def never() -> LiveDriver:
        raise OSError("there is no terminal")

    with pytest.raises(OSError, match="no terminal"):
        BackgroundDriver(never)

    assert "onefill-engine" not in {thread.name for thread in threading.enumerate()}
