"""Halts and the lease: nothing that raises risk begins where the gateway forbade it, or is away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from onefill.contracts.messages import ConfigUpdate, Status
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action
from onefill.model.states import State
from onefill.terminal.port import Reply, Request
from tests.integration.agent.gateway import FaultyGateway, command, opening
from tests.integration.agent.stage import FIRST, Agent
from tests.unit.channels.local.desk import Doctored

FIRM = Halt(id="h1", scope=Scope.FIRM, reason="a drill", by="ann")


async def test_before_the_first_configuration_an_opening_waits_and_a_close_passes(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("before"))
        await gateway.until(lambda: gateway.results_of("before"))
        gateway.greets = False
        await agent.stop()
        await agent.start()
        await gateway.until(lambda: gateway.connections == 2 and gateway.is_live(FIRST))
        await gateway.say(FIRST, opening("waits"))
        await gateway.say(FIRST, command("close", action=Action.CLOSE, target="before"))
        (closed,) = await gateway.until(lambda: gateway.results_of("close"))
        await asyncio.sleep(0.3)
        sent_before = [one.key for one in agent.terminal().sent]
        await gateway.configure(FIRST)
        (opened,) = await gateway.until(lambda: gateway.results_of("waits"))

        assert closed.status is Status.SUCCESS
        assert sent_before == ["close"]
        assert opened.status is Status.SUCCESS


async def test_past_the_lease_an_opening_expires_unsent_and_a_close_passes(tmp_path: Path) -> None:
    async with FaultyGateway(lease_ms=300) as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("open"))
        await gateway.until(lambda: gateway.results_of("open"))
        gateway.answers_beats = False
        await asyncio.sleep(0.5)
        now_ms = time.time_ns() // 1_000_000
        await gateway.say(FIRST, opening("late", expires_at_ms=now_ms + 3_000))
        await gateway.say(FIRST, command("close", action=Action.CLOSE, target="open"))
        (closed,) = await gateway.until(lambda: gateway.results_of("close"))
        (late,) = await gateway.until(lambda: gateway.results_of("late"))

        assert closed.status is Status.SUCCESS
        assert (late.status, late.state) == (Status.FAILED, State.EXPIRED)
        assert [one.key for one in agent.terminal().sent] == ["open", "close"]


async def test_a_halt_is_acknowledged_only_once_no_send_is_on_its_way(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.until(lambda: gateway.acked("config/1"))
        sending, answered = asyncio.Event(), asyncio.Event()
        hold_sends(agent.terminal(), sending, answered)
        await gateway.say(FIRST, opening("on its way"))
        await sending.wait()
        gateway.halts = (FIRM,)
        version = await gateway.configure(FIRST)
        await gateway.say(FIRST, opening("after"))
        (denied,) = await gateway.until(lambda: gateway.results_of("after"))
        unacknowledged = not gateway.acked(f"config/{version}")
        answered.set()
        await gateway.until(lambda: gateway.acked(f"config/{version}"))
        (result,) = await gateway.until(lambda: gateway.results_of("on its way"))

        assert unacknowledged
        assert (denied.status, denied.state) == (Status.FAILED, State.DENIED)
        assert "KILLED" in denied.error
        assert "the firm is halted by ann (a drill)" in denied.error
        assert result.status is Status.SUCCESS
        assert len(agent.terminal().sent) == 1


def hold_sends(terminal: Doctored, sending: asyncio.Event, answered: asyncio.Event) -> None:
    """The terminal carries sends out, and answers them when it is told to."""
    really_call = terminal.call

    async def call(request: Request) -> Reply:
        reply = await really_call(request)
        if request.name == "order_send":
            sending.set()
            await answered.wait()
        return reply

    terminal.call = call  # type: ignore[method-assign]


async def test_a_halt_of_a_strategy_lets_the_others_trade_and_is_lifted_again(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway):
        gateway.halts = (Halt(id="h", scope=Scope.STRATEGY, strategy=7),)
        await gateway.configure(FIRST)
        await gateway.say(FIRST, opening("seven", magic=7), opening("eight", magic=8))
        await gateway.until(lambda: len(gateway.results) == 2)
        gateway.halts = ()
        await gateway.configure(FIRST)
        await gateway.say(FIRST, opening("again", magic=7))
        await gateway.until(lambda: gateway.results_of("again"))
        states = {result.command_id: result.state for result in gateway.results}

        assert states == {
            "seven": State.DENIED, "eight": State.FILLED, "again": State.FILLED
        }  # fmt: skip


async def test_a_configuration_that_cannot_be_read_stops_everything_until_one_can(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway):
        await gateway.until(lambda: gateway.acked("config/1"))
        await gateway.say(FIRST, ConfigUpdate(1_000, b'{"lease_ms": 5000, "trading": "wild"}'))
        (error,) = await gateway.until(lambda: gateway.errors)
        await gateway.say(FIRST, opening("k-1"))
        (refused,) = await gateway.until(lambda: gateway.results_of("k-1"))
        version = await gateway.configure(FIRST)
        await gateway.until(lambda: gateway.acked(f"config/{version}"))
        await gateway.say(FIRST, opening("k-2"))
        (taken,) = await gateway.until(lambda: gateway.results_of("k-2"))

        assert (error.code, error.id) == ("CONFIG_UPDATE_INVALID", "config/1000")
        assert "TRADING_HALTED" in refused.error
        assert not gateway.acked("config/1000")
        assert taken.status is Status.SUCCESS


async def test_a_new_connection_renews_the_lease_only_once_it_has_said_what_holds(
    tmp_path: Path,
) -> None:
    async with FaultyGateway(lease_ms=400) as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.until(lambda: gateway.acked("config/1"))
        gateway.greets = False
        gateway.halts = (FIRM,)
        gateway.cut(FIRST)
        await gateway.until(lambda: gateway.connections == 2 and gateway.is_live(FIRST))
        await asyncio.sleep(0.6)  # heartbeats are answered, and say nothing of the halt
        await gateway.say(FIRST, opening("k-1"))
        await asyncio.sleep(0.5)
        await gateway.configure(FIRST)
        (result,) = await gateway.until(lambda: gateway.results_of("k-1"))

        assert "KILLED" in result.error
        assert not agent.terminal().sent


async def test_working_orders_are_cancelled_where_the_operator_wants_it_and_no_gateway_is_told(
    tmp_path: Path,
) -> None:
    policy = "[agent]\ncancel_after_disconnect_s = 0.5\n"
    gateway = FaultyGateway(lease_ms=300)
    async with Agent(tmp_path, await gateway.start(), terminals=policy) as agent:
        limit = opening("limit", order_type="limit", price=1.05)
        await gateway.say(FIRST, limit, opening("open"))
        await gateway.until(lambda: len(gateway.results) == 2)
        await gateway.stop()
        await gateway.until(lambda: agent.said("cancelling"))
        await gateway.start()
        await gateway.until(lambda: len(gateway.results_of("limit")) == 2)
        cancelled = gateway.results_of("limit")[1]
        await gateway.say(FIRST, opening("after"))
        await gateway.until(lambda: gateway.results_of("after"))
        await gateway.until(lambda: len(gateway.profiles[-1].positions or ()) == 2)

        assert (cancelled.status, cancelled.state) == (Status.FAILED, State.CANCELLED)
        assert {result.command_id for result in gateway.results} == {"limit", "open", "after"}
        assert [result.sequence for result in gateway.results] == [1, 2, 3, 4]
    await gateway.stop()
