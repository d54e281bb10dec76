"""Controls 6, 7, 12 to 14 in the engine itself: whatever door an order comes through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onefill.execution.desk import Desk
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.execution.told import Alarm
from onefill.journal.decision import resume_strategy
from onefill.journal.journal import Journal
from onefill.journal.verify import verify
from onefill.model.events import Alerted, Breached, EquityMarked, StrategyStopped
from onefill.model.intent import Action, OrderIntent, Side
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.limits import limits_text, parse_limits
from onefill.runtime.clock import VirtualClock
from onefill.terminal.simulator.ticks import TickSeries
from tests.integration.driven import ACCOUNT, START_MS, desk_for, opening, quotes, terminal_for

DAY_MS = 86_400_000


class Engine:
    """One engine's life over a terminal in virtual time, and what it told of."""

    def __init__(self, journal: Journal, desk: Desk, driver: StepwiseDriver) -> None:
        self.journal = journal
        self.desk = desk
        self.driver = driver
        self.alarms: list[Alerted] = []

    def hear(self, what: Any) -> None:
        if isinstance(what, Alarm):
            self.alarms.append(what.alert)

    def take(self, *intents: OrderIntent) -> list[OrderState]:
        """Carry out orders that arrive together, to the end of what they begin."""
        now_ms = self.desk.now_ms
        self.driver.run([(now_ms, intent) for intent in intents])
        found = [self.desk.find(intent.client_key) for intent in intents]
        return [order for order in found if order is not None]

    def codes(self, *intents: OrderIntent) -> list[str]:
        """Their denials; a filled one's is empty."""
        return [order.code for order in self.take(*intents)]

    def until(self, at_ms: int) -> None:
        """Let the market run."""
        self.driver.run([], START_MS + at_ms)

    def events(self, kind: type) -> list[Any]:
        return [one.event for one in self.journal.records() if isinstance(one.event, kind)]


class House:
    """A market and a journal's directory that engines come to and go from."""

    def __init__(self, folder: Path, market: TickSeries | None = None) -> None:
        self.folder = folder
        self.terminal = terminal_for(market=market)
        self.clock = VirtualClock(START_MS)

    @contextmanager
    def engine(self, crash: bool = False, seen: Any = None, **limits: object) -> Iterator[Engine]:
        """An engine under the shipped limits but for these."""
        with Journal.open(self.folder) as journal:
            desk = desk_for(journal, self.terminal, self.clock)
            desk.equity_marks = seen
            desk.limits = parse_limits(limits_text(), "limits.toml").tightened(limits, "this test")  # type: ignore[arg-type]
            told: list[Any] = []
            driver = StepwiseDriver(desk, journal, self.terminal, self.clock, told.append)
            engine = Engine(journal, desk, driver)
            driver._tell = engine.hear  # noqa: SLF001
            driver.boot()
            yield engine
            if crash:
                journal.abandon()
        assert verify(self.folder).intact


def test_placeholder() -> None:
    assert dataclass
