"""Orders of an account reach the broker in the order in which they were accepted, however long each
has to wait for its looks; one that is held back keeps nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from onefill.execution.desk import Desk
from onefill.execution.drivers.live import LiveDriver
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.intent import Action, OrderIntent, OrderType
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.terminal.port import Reply, Request
from onefill.terminal.simulator.live import LiveSimulator
from tests.integration.driven import CONFIG, Since, desk_for, opening, terminal_for

LOOK_S = 0.05


class Slow:
    """A terminal that takes its time over some looks of the first order."""

    def __init__(self, terminal: LiveSimulator, slow: str, *, unready: int = 0) -> None:
        self._terminal, self._slow, self._unready = terminal, slow, unready
        self.sent: list[str] = []

    async def call(self, request: Request) -> Reply:
        if request.name == "order_send":
            self.sent.append(request.key)
        if request.key == "k0" and request.name == self._slow:
            await asyncio.sleep(LOOK_S)
        reply = await self._terminal.call(request)
        if request.key == "k0" and request.name == "ready" and self._unready:
            self._unready -= 1
            return Reply(msgspec.structs.replace(reply.value, connected=False))
        return reply


async def sent(directory: Path, slow: str, *, unready: int = 0) -> list[str]:
    """The orders' keys as the terminal heard of them."""
    with Journal.open(directory) as journal:
        terminal, clock = terminal_for(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        # A look is not shared here: each order makes its own.
        heard = Slow(simulator, slow, unready=unready)
        driver = LiveDriver(desk_for(journal, terminal, clock, CONFIG), writer, heard, _nothing)
        await driver.boot()
        orders = await asyncio.gather(*(driver.execute(opening(f"k{n}")) for n in range(4)))
        await driver.close()
        await writer.close()
        simulator.close()
    assert {order.state for order in orders if order is not None} == {State.FILLED}
    return heard.sent


async def until(holds: Callable[[], bool]) -> None:
    """Let others go on until something holds."""
    for _ in range(10_000):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came to be")


def _nothing(_: object) -> None:
    return None


@pytest.mark.parametrize("slow", ["look", "ready"])
async def test_a_slow_look_lets_no_later_order_go_first(tmp_path: Path, slow: str) -> None:
    assert await sent(tmp_path / "j", slow) == ["k0", "k1", "k2", "k3"]


async def test_an_order_that_must_wait_keeps_nobody(tmp_path: Path) -> None:
    assert await sent(tmp_path / "j", "none", unready=1) == ["k1", "k2", "k3", "k0"]


class Broken(Slow):
    """A terminal whose answer to the first order's `ready` is an error of the program."""

    async def call(self, request: Request) -> Reply:
        if request.key == "k0" and request.name == "ready":
            await asyncio.sleep(LOOK_S)
            raise OSError("nobody expected this")
        return await super().call(request)


async def test_an_order_that_ends_in_an_error_keeps_nobody(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        terminal, clock = terminal_for(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        desk = desk_for(journal, terminal, clock, CONFIG)
        driver = LiveDriver(desk, writer, Broken(simulator, "none"), _nothing)
        await driver.boot()
        wrong, right = await asyncio.gather(
            *(driver.execute(opening(f"k{n}")) for n in range(2)), return_exceptions=True
        )
        assert isinstance(wrong, OSError)
        assert isinstance(right, OrderState)
        assert right.state is State.FILLED
        with suppress(OSError):
            await driver.close()
        await writer.close()
        simulator.close()


class Resuming(Slow):
    """A terminal that is not fit for the first order once; the cancel of that order looks at it
    when it is on its way again."""

    desk: Desk

    async def call(self, request: Request) -> Reply:
        if request.key == "x" and request.name == "ready":
            await until(lambda: "k0" not in self.desk.held)
        return await super().call(request)


async def test_a_cancel_of_an_order_that_was_held_back_does_not_wait_for_its_send(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        terminal, clock = terminal_for(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        config = msgspec.structs.replace(CONFIG, connection_retry_ms=200)
        heard = Resuming(simulator, "ready", unready=1)
        heard.desk = desk_for(journal, terminal, clock, config)
        driver = LiveDriver(heard.desk, writer, heard, _nothing)
        await driver.boot()
        limit = opening("k0", order_type=OrderType.LIMIT, price=1.08)
        held = asyncio.create_task(driver.execute(limit))
        await until(lambda: "k0" in heard.desk.held)
        cancel = await driver.execute(
            OrderIntent(client_key="x", action=Action.CANCEL, target="k0")
        )
        order = await held
        await driver.close()
        await writer.close()
        simulator.close()
    assert order is not None
    assert cancel is not None
    assert (order.state, cancel.state) == (State.CANCELLED, State.DONE)
    assert heard.sent == []
