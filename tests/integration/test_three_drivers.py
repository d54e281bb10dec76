"""The same orders through all three drivers end in the same states; in real time, too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from onefill.execution.drivers.background import BackgroundDriver
from onefill.execution.drivers.live import LiveDriver
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.journal.journal import Journal
from onefill.model.intent import Action, OrderIntent, OrderType
from onefill.model.states import State
from onefill.runtime.clock import VirtualClock
from tests.integration.driven import (
    ACCOUNT,
    START_MS,
    desk_for,
    live_driver,
    opening,
    terminal_for,
)

FAULTS = "lost_reply=0.2,hang=0.15,requote=0.25,reject=0.1,partial=0.25,early_cancel=0.1"
Ends = dict[str, tuple[object, ...]]


def decisions() -> list[OrderIntent]:
    """Orders of every kind whose end does not depend on when they come."""
    limits = [
        opening(f"p{n}", order_type=OrderType.LIMIT, price=1.08 + n / 1_000) for n in range(4)
    ]
    return [
        *(opening(f"m{n}", volume=(n + 1) / 10) for n in range(8)),
        *limits,
        opening("big", volume=10_000.0),
        opening("odd", volume=0.123),
        opening("nowhere", symbol="NOSUCH"),
        OrderIntent(client_key="close m1", action=Action.CLOSE, target="m1"),
        OrderIntent(client_key="part m2", action=Action.CLOSE, target="m2", volume=0.1),
        OrderIntent(client_key="cancel p1", action=Action.CANCEL, target="p1"),
        OrderIntent(client_key="change p2", action=Action.MODIFY, target="p2", price=1.07),
        OrderIntent(client_key="stop m3", action=Action.MODIFY, target="m3", stop_loss=1.05),
        OrderIntent(client_key="nothing", action=Action.CLOSE, target="never was"),
        OrderIntent(client_key="all", action=Action.CLOSE_ALL),
    ]


def ends(journal: Journal) -> Ends:
    """What became of each order, without tickets and times."""
    found: Ends = {}
    for intent in decisions():
        order = journal.find(ACCOUNT, intent.client_key)
        assert order is not None
        filled = order.filled_e8, order.fill_price(), len(order.deals)
        found[order.key] = (order.state, order.code, order.attempts, *filled)
    return found


def stepwise(folder: Path, faults: str) -> Ends:
    clock, terminal = VirtualClock(START_MS), terminal_for(faults)
    with Journal.open(folder) as journal:
        driver = StepwiseDriver(desk_for(journal, terminal, clock), journal, terminal, clock)
        driver.boot()
        for intent in decisions():
            driver.run([(clock.now_ms(), intent)])
        return ends(journal)


def live(folder: Path, faults: str) -> Ends:
    async def run() -> Ends:
        with Journal.open(folder) as journal:
            driver = live_driver(journal, terminal_for(faults))
            await driver.boot()
            for intent in decisions():
                await driver.execute(intent)
            await driver.close()
            return ends(journal)

    return asyncio.run(run())


def background(folder: Path, faults: str) -> Ends:
    with Journal.open(folder) as journal:

        async def made() -> LiveDriver:
            return live_driver(journal, terminal_for(faults))

        with BackgroundDriver(made) as driver:
            for intent in decisions():
                driver.execute(intent)
        return ends(journal)


@pytest.mark.parametrize("faults", ["", FAULTS], ids=["a faultless broker", "a faulty broker"])
def test_the_same_orders_end_the_same_way_through_every_driver(faults: str, tmp_path: Path) -> None:
    expected = stepwise(tmp_path / "stepwise", faults)

    assert live(tmp_path / "live", faults) == expected
    assert background(tmp_path / "background", faults) == expected
    assert {end[0] for end in expected.values()} >= {State.FILLED, State.DENIED, State.DONE}
