"""Halts and a lost gateway in front of the nine stages: nothing that raises risk begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onefill.execution.drivers.live import LiveDriver
from onefill.execution.gate import Halted
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.events import Event, Sending
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action, OrderIntent, OrderType
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest
from onefill.model.states import State
from onefill.risk.caps import Trading
from onefill.terminal.port import Reply, Request, SendResult
from onefill.terminal.simulator.live import LiveSimulator
from tests.integration.driven import (
    ACCOUNT,
    CONFIG,
    Since,
    desk_for,
    live_driver,
    opening,
    terminal_for,
)

FIRM = Halt(id="h1", scope=Scope.FIRM, reason="a drill", by="ann")


class SetGate:
    """A gate that the test opens and closes."""

    def __init__(self) -> None:
        self.halt: Halt | None = None
        self.trading = Trading.NORMAL
        self.trading_set_by = "gateway wss://one"
        self.lost = ""
        self.closes_in: int | None = None

    def halted(self, magic: int) -> Halted | None:
        held = self.halt
        covers = held is not None and held.covers("t", ACCOUNT, magic)
        return Halted(held, "wss://one") if held is not None and covers else None

    def out_of_contact(self) -> str:
        return self.lost

    def closes_in_ms(self) -> int | None:
        return self.closes_in


async def executed(driver: LiveDriver, intent: OrderIntent) -> OrderState:
    order = await driver.execute(intent)
    assert order is not None
    return order


def gated(journal: Journal) -> tuple[LiveDriver, SetGate]:
    driver = live_driver(journal, terminal_for())
    gate = driver.desk.gate = SetGate()
    return driver, gate


def sends(journal: Journal) -> int:
    return sum(isinstance(record.event, Sending) for record in journal.records())


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to be")


async def test_a_halt_denies_openings_and_lets_closes_pass(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        driver, gate = gated(journal)
        await driver.boot()
        await executed(driver, opening("before"))
        gate.halt = FIRM
        refused = await executed(driver, opening("after"))
        closed = await executed(
            driver, OrderIntent(client_key="close", action=Action.CLOSE, target="before")
        )
        await driver.close()

    assert refused.state is State.DENIED
    assert refused.code == "KILLED"
    assert "the firm is halted by ann (a drill) at gateway wss://one" in refused.message
    assert closed.state is State.FILLED


async def test_a_change_is_denied_by_a_halt_waits_for_contact_and_is_waited_for(
    tmp_path: Path,
) -> None:
    def change(key: str) -> OrderIntent:
        return OrderIntent(client_key=key, action=Action.MODIFY, target="before", stop_loss=1.08)

    with Journal.open(tmp_path / "j") as journal:
        terminal, gate, clock = terminal_for(), SetGate(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        slow = SlowByKey(simulator, "before", "slow", "waits")
        slow.answers["before"].set()
        desk = desk_for(journal, terminal, clock)
        desk.gate = gate
        driver = LiveDriver(desk, writer, slow, lambda what: None)
        await driver.boot()
        await executed(driver, opening("before"))
        under_way = asyncio.create_task(driver.execute(change("slow")))
        await until(lambda: "slow" in slow.sending)
        gate.halt = FIRM
        quiet = asyncio.create_task(driver.quiet())
        after = asyncio.create_task(driver.execute(change("after")))  # in its turn
        await asyncio.sleep(0.02)
        assert not quiet.done()
        slow.answers["slow"].set()
        await asyncio.wait_for(quiet, 20)
        await under_way
        refused = await after
        gate.halt, gate.lost = None, "no word from the gateway"
        slow.answers["waits"].set()
        waiting = asyncio.create_task(driver.execute(change("waits")))
        await until(lambda: "waits" in desk.held)
        assert "waits" not in slow.sending
        gate.lost = ""
        done = await waiting
        await driver.close()
        await writer.close()
        simulator.close()

    assert refused is not None
    assert (refused.state, refused.code) == (State.DENIED, "KILLED")
    assert done is not None
    assert done.state is State.DONE


async def test_a_halt_of_a_strategy_leaves_the_others_alone(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        driver, gate = gated(journal)
        await driver.boot()
        gate.halt = Halt(id="h", scope=Scope.STRATEGY, strategy=7)
        halted = await executed(driver, opening("a", magic=7))
        other = await executed(driver, opening("b", magic=8))
        await driver.close()

    assert (halted.code, other.state) == ("KILLED", State.FILLED)


async def test_a_halt_of_a_strategy_covers_changes_of_what_it_holds_whoever_asks(
    tmp_path: Path,
) -> None:
    def change(key: str, **fields: Any) -> OrderIntent:
        return OrderIntent(client_key=key, action=Action.MODIFY, stop_loss=1.07, **fields)

    with Journal.open(tmp_path / "j") as journal:
        driver, gate = gated(journal)
        await driver.boot()
        seven = await executed(driver, opening("seven", magic=7))
        await executed(driver, opening("eight", magic=8))
        limit = opening("limit", magic=7, order_type=OrderType.LIMIT, price=1.075)
        pending = await executed(driver, limit)
        gate.halt = Halt(id="h", scope=Scope.STRATEGY, strategy=7)
        changes = [
            change("by key", target="seven"),
            change("by ticket", target_ticket=seven.position_ticket),
            change("pending", target_order=pending.order_ticket),
            change("as another", target="seven", magic=8),
            change("own", target="eight", magic=7),
            change("other", target="eight"),
        ]
        changed = {one.client_key: await executed(driver, one) for one in changes}
        await driver.close()

    assert {key: order.code for key, order in changed.items() if order.code} == dict.fromkeys(
        ["by key", "by ticket", "pending", "as another", "own"], "KILLED"
    )
    assert changed["other"].state is State.DONE


async def test_a_halt_of_a_strategy_covers_changes_of_a_position_that_nobody_here_opened(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        terminal = terminal_for()
        driver = live_driver(journal, terminal)
        gate = driver.desk.gate = SetGate()
        await driver.boot()
        by_hand = BrokerRequest(action=1, symbol="EURUSD", volume=0.1, type_filling=1, magic=7)
        assert terminal.broker.execute(by_hand).retcode == 10_009
        await until(lambda: bool(driver.desk.state.positions))
        gate.halt = Halt(id="h", scope=Scope.STRATEGY, strategy=7)
        (ticket,) = driver.desk.state.positions
        change = OrderIntent(
            client_key="m", action=Action.MODIFY, target_ticket=ticket, stop_loss=1.07
        )
        refused = await executed(driver, change)
        await driver.close()

    assert refused.code == "KILLED"


async def test_a_change_that_waits_is_denied_by_a_halt_of_its_targets_strategy(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        driver, gate = gated(journal)
        await driver.boot()
        await executed(driver, opening("seven", magic=7))
        gate.lost = "no word from the gateway"
        change = OrderIntent(client_key="m", action=Action.MODIFY, target="seven", stop_loss=1.07)
        going = asyncio.create_task(driver.execute(change))
        await until(lambda: "m" in driver.desk.held)
        gate.halt, gate.lost = Halt(id="h", scope=Scope.STRATEGY, strategy=7), ""
        order = await going
        await driver.close()
        assert sends(journal) == 1

    assert order is not None
    assert order.code == "KILLED"


async def test_reduce_only_denies_openings_and_halted_denies_changes_too(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        driver, gate = gated(journal)
        await driver.boot()
        await executed(driver, opening("a"))
        change = OrderIntent(client_key="m", action=Action.MODIFY, target="a", stop_loss=1.08)
        gate.trading = Trading.REDUCE_ONLY
        opened = await executed(driver, opening("b"))
        changed = await executed(driver, change)
        gate.trading = Trading.HALTED
        again = await executed(
            driver, OrderIntent(client_key="m2", action=Action.MODIFY, target="a", stop_loss=1.07)
        )
        await driver.close()

    assert opened.code == "REDUCE_ONLY"
    assert "gateway wss://one lets this account only reduce" in opened.message
    assert changed.state is State.DONE
    assert again.code == "TRADING_HALTED"


async def test_out_of_contact_an_opening_waits_and_goes_once_there_is_contact(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        driver, gate = gated(journal)
        await driver.boot()
        gate.lost = "no word from the gateway for 5 s"
        going = asyncio.create_task(driver.execute(opening("k")))
        await until(lambda: "k" in driver.desk.held)
        assert sends(journal) == 0
        gate.lost = ""
        order = await going
        await driver.close()

    assert order is not None
    assert order.state is State.FILLED


async def test_an_order_that_waits_for_contact_is_denied_by_a_halt_unsent(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        driver, gate = gated(journal)
        await driver.boot()
        gate.lost = "no word from the gateway"
        going = asyncio.create_task(driver.execute(opening("k")))
        await until(lambda: "k" in driver.desk.held)
        gate.halt, gate.lost = FIRM, ""
        order = await going
        await driver.close()
        assert sends(journal) == 0

    assert order is not None
    assert order.code == "KILLED"


class SetBack(Since):
    """A machine's clock that somebody sets back."""

    back_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() - self.back_ms


@pytest.mark.parametrize("back_ms", [0, 60_000])
async def test_an_order_that_waits_past_its_expiry_is_not_sent_though_the_clock_was_set_back(
    tmp_path: Path, back_ms: int
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        clock = SetBack()
        driver = live_driver(journal, terminal_for(), clock=clock)
        gate = driver.desk.gate = SetGate()
        driver.desk.steady_ms = steady_ms = super(SetBack, clock).now_ms
        await driver.boot()
        gate.lost = "no word from the gateway"
        expires_at_ms = clock.now_ms() + 1_500
        going = asyncio.create_task(driver.execute(opening("k", expires_at_ms=expires_at_ms)))
        await until(lambda: "k" in driver.desk.held)
        clock.back_ms = back_ms
        await until(lambda: steady_ms() > expires_at_ms)
        gate.lost = ""
        order = await going
        assert driver.desk.expiries == {}
        await driver.close()
        assert sends(journal) == 0

    assert order is not None
    assert order.state is State.EXPIRED


class ClosesWhileSending:
    """A log that closes the gate in the moment between the SENDING record and the call."""

    def __init__(self, log: GroupWriter, gate: SetGate) -> None:
        self._log, self._gate = log, gate

    def append(self, account: str, event: Event, at_ms: int) -> int:
        if isinstance(event, Sending):
            self._gate.halt = FIRM
        return self._log.append(account, event, at_ms)

    async def durable(self, seq: int) -> None:
        await self._log.durable(seq)


class SlowToAnswer:
    """A terminal whose sends are answered when the test says so."""

    def __init__(self, terminal: LiveSimulator) -> None:
        self._terminal = terminal
        self.arrived, self.answer = asyncio.Event(), asyncio.Event()

    async def call(self, request: Request) -> Reply:
        if request.name == "order_send":
            self.arrived.set()
            await self.answer.wait()
        return await self._terminal.call(request)


async def test_a_gate_that_closes_while_sending_is_written_stops_the_send(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        terminal, gate, clock = terminal_for(), SetGate(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        desk = desk_for(journal, terminal, clock)
        desk.gate = gate
        driver = LiveDriver(desk, ClosesWhileSending(writer, gate), simulator, lambda what: None)
        await driver.boot()
        order = await executed(driver, opening("k"))
        await driver.close()
        await writer.close()
        simulator.close()
        assert sends(journal) == 1

    assert order.code == "KILLED"
    assert not terminal.broker.account.ledger.positions


class Requoting:
    """A terminal that answers the first sends in its own way, and carries none out. It shows no
    history until the test says so."""

    def __init__(self, terminal: LiveSimulator, *answers: Reply) -> None:
        self._terminal = terminal
        self._answers = list(answers)
        self.shows_history = asyncio.Event()

    async def call(self, request: Request) -> Reply:
        if request.name == "order_send" and self._answers:
            return self._answers.pop(0)
        if request.name.startswith("history_"):
            await self.shows_history.wait()
        return await self._terminal.call(request)


async def test_a_retry_that_backs_off_and_one_that_waits_for_an_unknown_are_denied_by_a_halt(
    tmp_path: Path,
) -> None:
    requote = Reply(SendResult(retcode=10_004, comment="Requote"))
    nothing = Reply(None, (-10_005, "IPC timeout"))
    with Journal.open(tmp_path / "j") as journal:
        terminal, gate, clock = terminal_for(), SetGate(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        desk = desk_for(journal, terminal, clock, msgspec.structs.replace(CONFIG, backoff_ms=2_000))
        desk.gate = gate
        requoting = Requoting(simulator, requote, nothing)
        driver = LiveDriver(desk, writer, requoting, lambda what: None)
        await driver.boot()
        backs_off = asyncio.create_task(driver.execute(opening("backs off")))
        await until(lambda: "backs off" in desk.held)
        unknown = asyncio.create_task(driver.execute(opening("unknown")))
        await until(lambda: bool(desk.state.unknown))
        waits = asyncio.create_task(driver.execute(opening("waits")))
        await until(lambda: "waits" in desk.held)
        gate.halt = FIRM
        await driver.quiet()
        sent_at_acknowledgement = sends(journal)
        requoting.shows_history.set()
        orders = [await backs_off, await waits]
        await unknown
        await driver.close()
        await writer.close()
        simulator.close()
        assert sends(journal) == sent_at_acknowledgement == 2

    assert [order.code for order in orders if order is not None] == ["KILLED", "KILLED"]
    assert not terminal.broker.account.ledger.positions


async def test_a_send_that_waits_for_its_turn_past_the_lease_does_not_begin(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path / "j") as journal:
        terminal, gate, clock = terminal_for(), SetGate(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        slow = SlowToAnswer(simulator)
        desk = desk_for(journal, terminal, clock)
        desk.gate, gate.closes_in = gate, 100
        driver = LiveDriver(desk, writer, slow, lambda what: None)
        await driver.boot()
        going = asyncio.create_task(driver.execute(opening("k")))
        await slow.arrived.wait()
        await asyncio.sleep(0.2)
        gate.lost = "no word from the gateway"
        slow.answer.set()
        await until(lambda: "k" in desk.held)
        positions_while_lost = len(terminal.broker.account.ledger.positions)
        gate.lost, gate.closes_in = "", 10_000
        order = await going
        await driver.close()
        await writer.close()
        assert sends(journal) == 2
        assert len(terminal.broker.account.ledger.positions) == 1
        simulator.close()

    assert positions_while_lost == 0
    assert order is not None
    assert order.state is State.FILLED


async def test_quiet_comes_back_when_no_opening_is_on_its_way(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        terminal, gate, clock = terminal_for(), SetGate(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        slow = SlowToAnswer(simulator)
        desk = desk_for(journal, terminal, clock)
        desk.gate = gate
        driver = LiveDriver(desk, writer, slow, lambda what: None)
        await driver.boot()
        going = asyncio.create_task(driver.execute(opening("k")))
        await slow.arrived.wait()
        gate.halt = FIRM
        quiet = asyncio.create_task(driver.quiet())
        await asyncio.sleep(0.02)
        assert not quiet.done()
        slow.answer.set()
        await quiet
        order = await going
        await driver.close()
        await writer.close()
        simulator.close()

    assert order is not None
    assert order.state is State.FILLED


class SlowByKey(SlowToAnswer):
    """A terminal that answers each order's send when the test says so."""

    def __init__(self, terminal: LiveSimulator, *keys: str) -> None:
        super().__init__(terminal)
        self.answers = {key: asyncio.Event() for key in keys}
        self.sending: set[str] = set()

    async def call(self, request: Request) -> Reply:
        if request.name == "order_send":
            self.sending.add(request.key)
            await self.answers[request.key].wait()
        return await self._terminal.call(request)


async def test_quiet_does_not_wait_for_what_began_since(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        terminal, clock = terminal_for(), Since()
        writer, simulator = GroupWriter(journal), LiveSimulator(terminal, clock)
        slow = SlowByKey(simulator, "before", "since")
        driver = LiveDriver(desk_for(journal, terminal, clock), writer, slow, lambda what: None)
        await driver.boot()
        before = asyncio.create_task(driver.execute(opening("before")))
        await until(lambda: "before" in slow.sending)
        quiet = asyncio.create_task(driver.quiet())
        since = asyncio.create_task(driver.execute(opening("since", volume=0.2)))
        await until(lambda: "since" in slow.sending)
        assert not quiet.done()
        slow.answers["before"].set()
        await asyncio.wait_for(quiet, 20)
        assert not since.done()
        slow.answers["since"].set()
        await asyncio.gather(before, since)
        await driver.close()
        await writer.close()
        simulator.close()


async def test_a_pending_price_decides_between_limit_and_stop(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        driver, _ = gated(journal)
        await driver.boot()
        below = await executed(driver, opening("below", order_type=OrderType.PENDING, price=1.07))
        above = await executed(driver, opening("above", order_type=OrderType.PENDING, price=1.09))
        await driver.close()

    assert below.order is not None
    assert above.order is not None
    assert (below.order.order_type, above.order.order_type) == (OrderType.LIMIT, OrderType.STOP)
    assert below.state is above.state is State.WORKING


async def test_a_change_or_cancel_finds_its_target_by_ticket_or_alone(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        driver, _ = gated(journal)
        await driver.boot()
        first = await executed(driver, opening("a", order_type=OrderType.LIMIT, price=1.07))
        alone = await executed(
            driver, OrderIntent(client_key="m", action=Action.MODIFY, symbol="EURUSD", price=1.06)
        )
        await executed(driver, opening("b", order_type=OrderType.LIMIT, price=1.05))
        many = await executed(
            driver, OrderIntent(client_key="c1", action=Action.CANCEL, symbol="EURUSD")
        )
        named = await executed(
            driver,
            OrderIntent(client_key="c2", action=Action.CANCEL, target_order=first.order_ticket),
        )
        nobody = await executed(
            driver, OrderIntent(client_key="c3", action=Action.CANCEL, target_order=1)
        )
        await driver.close()
        cancelled = journal.find(ACCOUNT, "a")

    assert alone.state is State.DONE
    assert many.code == "SEVERAL_TARGETS"
    assert named.state is State.DONE
    assert nobody.code == "TARGET_UNKNOWN"
    assert cancelled is not None
    assert cancelled.state is State.CANCELLED
