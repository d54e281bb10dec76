"""What the drivers' tests share: a market that holds still, a terminal, a desk, a real clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from onefill.execution.config import ExecutionConfig
from onefill.execution.desk import Desk
from onefill.execution.drivers.live import LiveDriver
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.intent import Action, OrderIntent, Side
from onefill.risk.limits import load_limits
from onefill.runtime.clock import Clock
from onefill.terminal.simulator.faults import parse_faults
from onefill.terminal.simulator.live import LiveSimulator
from onefill.terminal.simulator.profile import load_profile
from onefill.terminal.simulator.terminal import SimulatedTerminal
from onefill.terminal.simulator.ticks import TickSeries

START_MS = 1_772_409_600_000
ACCOUNT = "a"
#: So quick that a lost order is proven within a second of real time.
CONFIG = ExecutionConfig(
    backoff_ms=20,
    poll_interval_ms=20,
    call_deadline_ms=150,
    lateness_bound_ms=100,
    snapshot_interval_ms=20,
    connection_retry_ms=20,
)


class Since:
    """A clock that begins at the market's start and goes on as the machine's does."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now_ms(self) -> int:
        return START_MS + int((time.monotonic() - self._began) * 1_000)


def quotes(*later: tuple[int, int]) -> TickSeries:
    """EURUSD at 1.08500 / 1.08510, and from so many ms on at another bid (points)."""
    ticks = [(-1_000, 108_500), *later]
    bids = [bid for _, bid in ticks]
    return TickSeries(
        "EURUSD",
        np.array([START_MS + at_ms for at_ms, _ in ticks], np.int64),
        np.array(bids, np.int32),
        np.array([bid + 10 for bid in bids], np.int32),
        len(ticks),
    )


def terminal_for(
    faults: str = "",
    market: TickSeries | None = None,
    hook: Callable[[str], None] | None = None,
) -> SimulatedTerminal:
    return SimulatedTerminal(
        load_profile(None),
        {"EURUSD": market or quotes()},
        balance=1_000_000.0,
        faults=parse_faults(faults, 5) if faults else None,
        hook=hook,
    )


def desk_for(
    journal: Journal,
    terminal: SimulatedTerminal,
    clock: Clock,
    config: ExecutionConfig = CONFIG,
) -> Desk:
    """A desk under a new epoch; the terminal listens to no older one."""
    epoch = journal.take_epoch(ACCOUNT)
    terminal.fence(epoch)
    return Desk(
        tenant="t",
        account=ACCOUNT,
        login=terminal.login,
        server=terminal.server,
        state=journal.state(ACCOUNT),
        find=lambda key: journal.find(ACCOUNT, key),
        limits=load_limits(None),
        clock=clock,
        epoch=epoch,
        config=config,
    )


class OwnDriver(LiveDriver):
    """A live driver that ends its writer and its terminal with itself."""

    async def close(self, patience_s: float | None = None) -> None:
        await super().close(patience_s)
        await self.writer.close()
        self.simulator.close()

    writer: GroupWriter
    simulator: LiveSimulator


def live_driver(
    journal: Journal,
    terminal: SimulatedTerminal,
    tell: Callable[[Any], None] = lambda what: None,
    config: ExecutionConfig = CONFIG,
    clock: Clock | None = None,
) -> OwnDriver:
    """A driver on the running loop, not booted yet."""
    clock = clock or Since()
    writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
    driver = OwnDriver(desk_for(journal, terminal, clock, config), writer, simulator, tell)
    driver.writer, driver.simulator = writer, simulator
    return driver


def opening(key: str, **more: Any) -> OrderIntent:
    """A market buy of 0.1 lots, or what the arguments make of it."""
    fields = {"symbol": "EURUSD", "side": Side.BUY, "volume": 0.1, **more}
    return OrderIntent(client_key=key, action=Action.OPEN, **fields)
