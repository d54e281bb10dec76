"""Positions that were open before an account's journal began."""

from __future__ import annotations

from pathlib import Path

import pytest

from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.journal.journal import Journal
from onefill.model.events import Alerted, Began, PositionDealt
from onefill.model.intent import Action, OrderIntent
from onefill.model.resolved import BrokerRequest
from onefill.model.states import State
from onefill.runtime.clock import VirtualClock
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.integration.driven import ACCOUNT, START_MS, desk_for, terminal_for

BEGAN_MS = START_MS + 1_000


def by_hand(terminal: SimulatedTerminal, volume: float, kind: int = 0, position: int = 0) -> None:
    request = BrokerRequest(
        action=1, symbol="EURUSD", volume=volume, type=kind, type_filling=1, position=position
    )
    assert terminal.broker.execute(request).retcode == 10_009


def lives(folder: Path, terminal: SimulatedTerminal, *intents: OrderIntent) -> None:
    """One engine's life, from `BEGAN_MS` on."""
    clock = VirtualClock(BEGAN_MS)
    with Journal.open(folder) as journal:
        if not journal.accounts():
            journal.append(ACCOUNT, Began(made_from={}), BEGAN_MS)
        driver = StepwiseDriver(desk_for(journal, terminal, clock), journal, terminal, clock)
        driver.boot()
        driver.run([(BEGAN_MS, intent) for intent in intents], BEGAN_MS + 5_000)


@pytest.fixture
def terminal() -> SimulatedTerminal:
    """0.3 lots bought by hand, 0.1 of them sold again, before there was any journal."""
    terminal = terminal_for()
    terminal.advance(START_MS)
    by_hand(terminal, 0.3)
    (ticket,) = terminal.broker.account.ledger.positions
    by_hand(terminal, 0.1, kind=1, position=ticket)
    return terminal


def test_they_are_in_the_books_as_nobodys_and_said_once(
    tmp_path: Path, terminal: SimulatedTerminal
) -> None:
    for _ in range(2):
        lives(tmp_path, terminal)

    with Journal.open(tmp_path) as journal:
        (held,) = journal.state(ACCOUNT).positions.values()
        assert (held.key, held.volume_e8) == ("", 20_000_000)
        assert journal.state(ACCOUNT).exposure["EURUSD"].buy_e8 == 20_000_000
        told = [record.event for record in journal.records()]
    assert sum(isinstance(event, PositionDealt) for event in told) == 1
    (alert,) = [event for event in told if isinstance(event, Alerted)]
    assert alert.code == "POSITIONS_FOUND"


def test_they_are_closed_by_their_tickets_and_not_with_all_of_ours(
    tmp_path: Path, terminal: SimulatedTerminal
) -> None:
    (ticket,) = terminal.broker.account.ledger.positions
    ours = OrderIntent(client_key="all", action=Action.CLOSE_ALL)
    lives(tmp_path, terminal, ours)
    assert terminal.broker.account.ledger.positions
    lives(
        tmp_path,
        terminal,
        OrderIntent(client_key="c", action=Action.CLOSE, target_ticket=ticket),
    )

    assert not terminal.broker.account.ledger.positions
    with Journal.open(tmp_path) as journal:
        order = journal.find(ACCOUNT, "c")
        assert order is not None
        assert (order.state, order.filled_e8) == (State.FILLED, 20_000_000)
        assert not journal.state(ACCOUNT).positions
