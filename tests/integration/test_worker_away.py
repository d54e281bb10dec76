"""An order that comes while the terminal's worker is being replaced."""

from __future__ import annotations

from pathlib import Path

import msgspec

from onefill.execution.config import ExecutionConfig
from onefill.execution.drivers.live import LiveDriver
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.terminal.port import NO_WORKER, Reply, Request
from onefill.terminal.simulator.live import LiveSimulator
from tests.integration.driven import CONFIG, Since, desk_for, opening, terminal_for


class Away:
    """A terminal without a worker for so many looks."""

    def __init__(self, terminal: LiveSimulator, looks: int) -> None:
        self._terminal, self._looks = terminal, looks

    async def call(self, request: Request) -> Reply:
        if request.name == "look" and self._looks:
            self._looks -= 1
            return Reply(None, (NO_WORKER, "no process holds the terminal"))
        return await self._terminal.call(request)


async def ordered(directory: Path, looks: int, config: ExecutionConfig = CONFIG) -> OrderState:
    with Journal.open(directory) as journal:
        terminal, clock = terminal_for(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        desk = desk_for(journal, terminal, clock, config)
        driver = LiveDriver(desk, writer, Away(simulator, looks), lambda what: None)
        await driver.boot()
        order = await driver.execute(opening("k"))
        await driver.close()
        await writer.close()
        simulator.close()
    assert order is not None
    return order


async def test_it_is_waited_for(tmp_path: Path) -> None:
    assert (await ordered(tmp_path / "j", looks=2)).state is State.FILLED


async def test_but_not_for_long(tmp_path: Path) -> None:
    hasty = msgspec.structs.replace(CONFIG, worker_patience_ms=300)
    order = await ordered(tmp_path / "j", looks=1_000, config=hasty)
    assert order.state is State.DENIED
    assert order.code == "NO_MARKET_DATA"
