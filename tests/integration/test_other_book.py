"""An engine that boots over its journal at a broker whose book is not the one the journal tells of,
and at brokers that only look like it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onefill.execution.drivers.live import LiveDriver
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.execution.other_book import FRESH_MS, UNANSWERED_MOST
from onefill.journal.decision import decision
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.intent import OrderIntent, OrderType
from onefill.model.states import State
from onefill.runtime.clock import VirtualClock
from onefill.terminal.port import Pending, Reply, Request
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.integration.driven import ACCOUNT, START_MS, desk_for, live_driver, opening, terminal_for

HISTORY = ("history_deals_get", "history_orders_get")


class Told:
    """A terminal whose answers a test may change; it counts what it was asked."""

    def __init__(self, terminal: SimulatedTerminal) -> None:
        self._terminal = terminal
        self.asked: list[Request] = []
        self.answers: dict[str, Callable[[Request, Reply], Reply]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)

    def call(self, request: Request, now_ms: int) -> Reply | Pending:
        self.asked.append(request)
        reply = self._terminal.call(request, now_ms)
        change = self.answers.get(request.name)
        return change(request, reply) if change is not None and isinstance(reply, Reply) else reply

    def times(self, name: str) -> int:
        return sum(request.name == name for request in self.asked)


class Machine:
    """A journal, and an engine that is started again at one broker or another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = VirtualClock(START_MS)

    def live(self, terminal: Told, *intents: OrderIntent) -> None:
        with Journal.open(self.folder) as journal:
            desk = desk_for(journal, terminal, self.clock)  # type: ignore[arg-type]
            driver = StepwiseDriver(desk, journal, terminal, self.clock)
            driver.boot()
            driver.run([(self.clock.now_ms(), intent) for intent in intents])

    def state_of(self, key: str) -> State | None:
        with Journal.open(self.folder) as journal:
            order = journal.find(ACCOUNT, key)
            return order.state if order is not None else None


def test_a_book_that_was_reset_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.live(Told(terminal_for()), opening("k1"), opening("k2"))
    reset = Told(terminal_for())

    with pytest.raises(OnefillError, match="no trace of its order") as refused:
        machine.live(reset, opening("k3"))

    assert refused.value.code == "BROKER_BOOK_DIFFERS"
    assert "'k2'" in refused.value.message
    assert "--data" in refused.value.message
    assert not reset.times("order_send")
    assert not reset.times("changes"), "evidence of the other book was looked at"
    assert machine.state_of("k3") is None


def test_a_book_that_was_put_back_is_taken_up(tmp_path: Path) -> None:
    machine, book = Machine(tmp_path), Told(terminal_for())
    machine.live(book, opening("k1"))
    with pytest.raises(OnefillError, match="no trace"):
        machine.live(Told(terminal_for()))

    machine.live(book, opening("k2"))

    assert machine.state_of("k2") is State.FILLED


def test_the_account_that_the_journal_tells_of_is_asked_nothing_more(tmp_path: Path) -> None:
    machine, book = Machine(tmp_path), Told(terminal_for())
    machine.live(book, opening("k1"))
    book.asked.clear()

    machine.live(book)

    assert not any(request.arguments.get("ticket") for request in book.asked)


def hidden_for(machine: Machine, until_ms: int) -> Callable[[Request, Reply], Reply]:
    """History that a terminal has not fetched yet."""

    def hide(request: Request, reply: Reply) -> Reply:
        if machine.clock.now_ms() >= until_ms:
            return reply
        if request.name == "ready":
            return Reply(msgspec.structs.replace(reply.value, last_ticket=0))
        return Reply(())

    return hide


def test_history_that_comes_late_after_a_login_is_waited_for(tmp_path: Path) -> None:
    machine, book = Machine(tmp_path), Told(terminal_for())
    machine.live(book, opening("k1"))
    hide = hidden_for(machine, machine.clock.now_ms() + 90)
    book.answers = dict.fromkeys(("ready", *HISTORY), hide)

    machine.live(book, opening("k2"))

    assert machine.state_of("k2") is State.FILLED


def always_hidden(machine: Machine) -> dict[str, Callable[[Request, Reply], Reply]]:
    hide = hidden_for(machine, machine.clock.now_ms() + 10**12)
    return dict.fromkeys(("ready", *HISTORY), hide)


def test_an_order_that_only_the_question_for_its_ticket_finds_is_trace_enough(
    tmp_path: Path,
) -> None:
    machine, book = Machine(tmp_path), Told(terminal_for())
    machine.live(book, opening("k1"))
    book.answers = {"ready": always_hidden(machine)["ready"]}

    machine.live(book, opening("k2"))

    assert machine.state_of("k2") is State.FILLED


@pytest.mark.parametrize("silent", HISTORY)
def test_an_account_whose_history_cannot_be_asked_is_not_refused(
    tmp_path: Path, silent: str
) -> None:
    machine, book = Machine(tmp_path), Told(terminal_for())
    machine.live(book, opening("k1"))
    book.answers = always_hidden(machine)
    book.answers[silent] = lambda request, reply: Reply(None, (-10_005, "IPC timeout"))
    book.asked.clear()

    machine.live(book)

    assert book.times(silent) == UNANSWERED_MOST + 1


def test_fills_of_long_ago_prove_nothing_brokers_put_old_history_away(tmp_path: Path) -> None:
    machine, book = Machine(tmp_path), Told(terminal_for())
    machine.live(book, opening("k1"))
    machine.clock.advance(machine.clock.now_ms() + FRESH_MS + 60_000)
    book.answers = always_hidden(machine)
    book.asked.clear()

    machine.live(book)

    assert not any(request.arguments.get("ticket") for request in book.asked)


def test_an_order_without_a_deal_proves_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    pending = opening("k1", order_type=OrderType.LIMIT, price=1.0)
    machine.live(Told(terminal_for()), pending)
    assert machine.state_of("k1") is State.WORKING

    machine.live(Told(terminal_for()))  # it is looked up, and for a person in the end

    assert machine.state_of("k1") is not State.WORKING


def test_a_ticket_that_a_person_gave_proves_nothing(tmp_path: Path) -> None:
    machine, book = Machine(tmp_path), Told(terminal_for("lost_reply=1,rewritten_comment=1"))
    machine.live(book, opening("k1"), opening("k2"))
    with Journal.open(tmp_path) as journal:
        order = journal.find(ACCOUNT, "k1")
        assert order is not None
        assert order.state is State.QUARANTINED
        mistyped = decision(
            ACCOUNT, order, State.FILLED, by="ann", reason="seen there", ticket=10**9
        )
        journal.append(ACCOUNT, mistyped, machine.clock.now_ms())
        journal.flush()

    machine.live(book)


async def test_an_engine_in_real_time_says_so_from_its_start(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        first = live_driver(journal, terminal_for())
        await first.boot()
        await first.execute(opening("k1"))
        await first.close()

        again: LiveDriver = live_driver(journal, terminal_for())
        with pytest.raises(OnefillError, match="no trace") as refused:
            await again.boot()
        await again.close()

    assert refused.value.code == "BROKER_BOOK_DIFFERS"
