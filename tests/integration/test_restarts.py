"""What a new engine does first, and what waits for what, step by step in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.journal.journal import Journal
from onefill.model import booking
from onefill.model.events import Accepted, Alerted, Moved, PositionDealt, Sending
from onefill.model.intent import Action, OrderIntent, OrderType
from onefill.model.resolved import BrokerRequest
from onefill.model.states import State
from onefill.runtime.clock import VirtualClock
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.integration.driven import ACCOUNT, START_MS, desk_for, opening, quotes, terminal_for


class Died(Exception):
    """The engine's process is gone."""


class Machine:
    """A journal's directory, a terminal that stays, and engines that come and go."""

    def __init__(self, folder: Path, terminal: SimulatedTerminal) -> None:
        self.folder = folder
        self.terminal = terminal
        self.clock = VirtualClock(START_MS)

    def live(
        self,
        *intents: OrderIntent,
        hook: Callable[[str], None] | None = None,
        apart_ms: int = 0,
    ) -> None:
        """One engine's life: boot, take these decisions, go on until nothing is due."""
        journal = Journal.open(self.folder)
        try:
            desk = desk_for(journal, self.terminal, self.clock)
            driver = StepwiseDriver(desk, journal, self.terminal, self.clock, hook=hook)
            driver.boot()
            now_ms = self.clock.now_ms()
            driver.run([(now_ms + n * apart_ms, intent) for n, intent in enumerate(intents)])
        finally:
            journal.abandon()

    def history(self, *keys: str) -> list[tuple[str, str]]:
        """What the journal says of these orders, in order: (key, step)."""
        told = []
        with Journal.open(self.folder) as journal:
            for record in journal.records(account=ACCOUNT):
                event = record.event
                if getattr(event, "key", None) not in keys:
                    continue
                if isinstance(event, Moved):
                    told.append((event.key, str(event.to)))
                elif isinstance(event, Alerted):
                    told.append((event.key, event.code))
                elif isinstance(event, Accepted | Sending):
                    told.append((event.key, type(event).__name__.lower()))
        return told


def dies_at(point: str) -> Callable[[str], None]:
    def hook(reached: str) -> None:
        if reached == point:
            raise Died(point)

    return hook


def test_what_was_being_sent_becomes_unknown_with_an_alert_and_is_proven(tmp_path: Path) -> None:
    machine = Machine(tmp_path, terminal_for())
    with pytest.raises(Died):
        machine.live(opening("k"), hook=dies_at("call:order_send:after"))

    machine.live()

    assert machine.history("k") == [
        ("k", "accepted"),
        ("k", "sending"),
        ("k", "unknown"),
        ("k", "OUTCOME_UNKNOWN"),
        ("k", "filled"),
    ]
    assert len(machine.terminal.broker.account.ledger.positions) == 1


def test_what_was_never_sent_is_proven_absent_and_not_sent_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path, terminal_for())
    with pytest.raises(Died):
        machine.live(opening("k"), hook=dies_at("call:order_send:before"))

    machine.live()

    assert machine.history("k")[-1] == ("k", "not_executed")
    assert not machine.terminal.broker.account.ledger.positions


def test_what_was_accepted_goes_on(tmp_path: Path) -> None:
    machine = Machine(tmp_path, terminal_for())
    with pytest.raises(Died):
        machine.live(opening("k"), hook=dies_at("tell:acknowledge:before"))

    machine.live()

    assert [step for _, step in machine.history("k")] == ["accepted", "sending", "filled"]


def test_a_new_engine_takes_nothing_before_the_terminal_could_be_looked_into(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path, terminal_for())
    machine.terminal.advance(START_MS)
    machine.terminal.broker.go_offline(5_000)

    machine.live(opening("k"))

    assert machine.clock.now_ms() >= START_MS + 5_000
    assert machine.history("k")[-1] == ("k", "filled")


def test_a_working_order_that_is_nowhere_to_be_seen_after_a_restart_is_unknown_until_it_is(
    tmp_path: Path,
) -> None:
    market = quotes((10_000, 108_000))
    machine = Machine(tmp_path, terminal_for("stale_history=1,stale_max_ms=20000", market))
    machine.live(opening("k", order_type=OrderType.LIMIT, price=1.082))
    assert machine.history("k")[-1] == ("k", "working")
    machine.terminal.advance(START_MS + 10_000)  # it fills, and history does not show that yet
    machine.clock.advance(START_MS + 10_000)

    machine.live()

    assert machine.history("k")[-3:] == [
        ("k", "unknown"),
        ("k", "OUTCOME_UNKNOWN"),
        ("k", "filled"),
    ]


def test_an_order_that_waited_for_the_connection_still_waits_for_what_became_unknown_meanwhile(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path, terminal_for("hang=1"))
    acknowledged: list[str] = []

    def hook(point: str) -> None:
        if point == "tell:acknowledge:after":
            acknowledged.append(point)
            if len(acknowledged) == 2:
                machine.terminal.broker.go_offline(1_000)

    machine.live(opening("a"), opening("b"), hook=hook, apart_ms=100)

    told = machine.history("a", "b")
    assert told.index(("b", "accepted")) < told.index(("a", "unknown"))
    between = told[told.index(("a", "OUTCOME_UNKNOWN")) + 1 : told.index(("b", "sending"))]
    assert [key for key, _ in between] == ["a"]


def test_two_that_look_alike_are_told_apart_or_left_to_a_person(tmp_path: Path) -> None:
    """The broker takes the tokens away, loses the replies, and carries out one of the two."""
    machine = Machine(tmp_path, terminal_for("rewritten_comment=1,hang=1"))
    orders = [opening(f"k{n}") for n in range(6)]

    machine.live(*orders)

    carried_out = len(machine.terminal.broker.account.ledger.positions)
    assert 0 < carried_out < 6
    ended = dict(machine.history(*(f"k{n}" for n in range(6))))
    assert State.FILLED not in ended.values()
    assert set(ended.values()) == {State.QUARANTINED}


def test_after_more_deals_than_are_remembered_a_new_engine_books_none_of_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking, "REMEMBERED", 8)
    terminal = terminal_for()
    machine = Machine(tmp_path, terminal)
    machine.live(opening("stays"))
    for number in range(10):
        close = OrderIntent(client_key=f"c{number}", action=Action.CLOSE, target=f"k{number}")
        machine.live(opening(f"k{number}"), close, apart_ms=100)
    # What happens while no engine is there is news, however much was forgotten before.
    (stays,) = terminal.broker.account.ledger.positions
    by_hand = BrokerRequest(
        action=1, symbol="EURUSD", volume=0.04, type=1, type_filling=1, position=stays
    )
    assert terminal.broker.execute(by_hand).retcode == 10_009
    for _ in range(2):
        machine.live()

    with Journal.open(tmp_path) as journal:
        state = journal.state(ACCOUNT)
        dealt = [r.event for r in journal.records() if isinstance(r.event, PositionDealt)]
        assert {ticket: held.volume_e8 for ticket, held in state.positions.items()} == {
            stays: 6_000_000
        }
        assert state.exposure["EURUSD"].buy_e8 == 6_000_000
    assert [deal.volume_e8 for event in dealt for deal in event.deals] == [4_000_000]
