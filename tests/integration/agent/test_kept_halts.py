"""Halts of a gateway that the agent is no longer with: they hold until that gateway lifts them, or
the agent's operator does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from onefill.agent.small_files import file_of
from onefill.contracts.messages import Dialect, Result, Status
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.events import Alerted
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action
from onefill.model.states import State
from onefill.terminal.port import Reply, Request
from tests.integration.agent.gateway import FaultyGateway, command, opening
from tests.integration.agent.stage import FIRST, Agent
from tests.integration.agent.test_halts import hold_sends
from tests.unit.channels.local.desk import SERVER, Doctored

FIRM = Halt(id="h1", scope=Scope.FIRM, reason="a drill", by="ann")


async def told(gateway: FaultyGateway, key: str) -> Result:
    """What became of an opening order that a gateway commands."""
    await gateway.deliver(FIRST, opening(key))
    return gateway.results_of(key)[0]


async def halt(gateway: FaultyGateway, *halts: Halt, trading: str = "normal") -> None:
    """Confirmed by the agent."""
    gateway.halts, gateway.trading = halts, trading
    version = await gateway.configure(FIRST)
    await gateway.until(lambda: gateway.acked(f"config/{version}"))


async def test_a_kill_holds_after_a_fail_over_until_the_primary_lifts_it(tmp_path: Path) -> None:
    primary, backup = FaultyGateway(), FaultyGateway()
    async with primary, backup, Agent(tmp_path, primary, backup) as agent:
        await told(primary, "before")
        await halt(primary, FIRM)
        await primary.stop()
        await backup.until(lambda: backup.of(Result) or backup.acked("config/1"))
        refused = await told(backup, "refused")
        await backup.deliver(FIRST, command("close", action=Action.CLOSE, target="before"))
        primary.halts = ()
        await primary.start()
        await primary.until(lambda: primary.is_live(FIRST))
        opened = await told(primary, "opened")

        assert refused.state is State.DENIED
        assert "KILLED" in refused.error
        assert f"the firm is halted by ann (a drill) at gateway {primary.url}" in refused.error
        assert backup.results_of("close")[0].status is Status.SUCCESS
        assert opened.status is Status.SUCCESS
        assert [one.key for one in agent.terminal().sent] == ["before", "close", "opened"]


async def test_a_kill_holds_after_a_restart_with_the_primary_dead_before_any_gateway_spoke(
    tmp_path: Path,
) -> None:
    primary, backup = FaultyGateway(), FaultyGateway()
    async with primary, backup:
        agent = Agent(tmp_path, primary, backup)
        async with agent:
            await primary.connected(FIRST)
            await halt(primary, FIRM)
        await primary.stop()
        backup.greets = False
        async with agent:
            silent = await told(backup, "silent")
            await backup.configure(FIRST)
            greeted = await told(backup, "greeted")
            (line,) = agent.said("halts_kept")

            assert "KILLED" in silent.error
            assert "KILLED" in greeted.error
            assert (line["gateway"], line["halts"]) == (primary.url, "h1")
            assert "--lift-halts-of" not in line["why"]
            assert not agent.terminal().sent


async def test_the_tightest_trading_state_of_all_gateways_holds(tmp_path: Path) -> None:
    primary, backup = FaultyGateway(), FaultyGateway()
    async with primary, backup, Agent(tmp_path, primary, backup) as agent:
        await told(primary, "before")
        await halt(primary, trading="reduce_only")
        await primary.stop()
        refused = await told(backup, "refused")
        change = command("change", action=Action.MODIFY, target="before", stop_loss=1.05)
        await backup.deliver(FIRST, change)
        await halt(backup, trading="halted")
        again = await told(backup, "again")

        assert "REDUCE_ONLY" in refused.error
        assert f"gateway {primary.url} lets this account only reduce" in refused.error
        assert backup.results_of("change")[0].status is Status.SUCCESS
        assert f"gateway {backup.url} halted trading on this account" in again.error
        assert [one.key for one in agent.terminal().sent] == ["before", "change"]


async def test_a_gateway_that_is_gone_is_named_and_its_halts_hold_until_the_operator_lifts_them(
    tmp_path: Path,
) -> None:
    gone, other = FaultyGateway(), FaultyGateway()
    async with gone, other:
        async with Agent(tmp_path, gone):
            await gone.connected(FIRST)
            await halt(gone, FIRM, trading="reduce_only")
        async with Agent(tmp_path, other) as agent:
            refused = await told(other, "refused")
            (kept,) = agent.said("halts_kept")
        gateways = Agent(tmp_path, gone).settings.gateways
        async with Agent(tmp_path, other, lift_halts_of=gateways) as agent:
            opened = await told(other, "opened")
            (lifted,) = agent.said("halts_lifted")
            said = agent.said("halts_kept")
        async with Agent(tmp_path, other, lift_halts_of=gateways) as agent:
            await told(other, "again")
            nothing = agent.said("nothing_to_lift")

        assert "KILLED" in refused.error
        assert f"--lift-halts-of {gone.url}" in kept["why"]
        assert opened.status is Status.SUCCESS
        assert (lifted["gateway"], lifted["halts"]) == (gone.url, "h1")
        assert not said
        assert [line["gateway"] for line in nothing] == [gone.url]
    with Journal.open(tmp_path / "agent" / "journal") as journal:
        events = [record.event for record in journal.records()]
    (recorded,) = [one for one in events if isinstance(one, Alerted) and one.code == "HALTS_LIFTED"]
    assert f"gateway {gone.url} held back (trading reduce_only, halts: h1)" in recorded.message


async def test_the_operator_does_not_lift_what_a_gateway_halts_that_the_agent_is_with(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, FaultyGateway() as backup:
        agent = Agent(tmp_path, gateway, backup)
        lifts = agent.settings.gateways[1:]
        agent = Agent(tmp_path, gateway, backup, lift_halts_of=lifts)
        await agent.start()
        with pytest.raises(OnefillError, match="resume there") as refused:
            await agent.over()

        assert refused.value.code == "GATEWAY_IN_USE"
        assert gateway.connections == 0


async def test_a_bare_connection_lifts_nothing_and_the_operator_may(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway)
        async with agent:
            await gateway.connected(FIRST)
            await halt(gateway, FIRM)
        gateway.bare = Dialect.EXECUTION
        await gateway.stop()
        await gateway.start()
        async with Agent(tmp_path, gateway, bare=True) as agent:
            refused = await told(gateway, "refused")
            (kept,) = agent.said("halts_kept")
        lifts = agent.settings.gateways
        async with Agent(tmp_path, gateway, bare=True, lift_halts_of=lifts):
            opened = await told(gateway, "opened")

        assert refused.status is Status.FAILED
        assert f"--lift-halts-of {gateway.url}" in kept["why"]
        assert opened.status is Status.SUCCESS


async def test_an_agent_that_ends_between_hearing_of_a_kill_and_saying_so_holds_to_it(
    tmp_path: Path,
) -> None:
    primary, backup = FaultyGateway(), FaultyGateway()
    async with primary, backup:
        agent = Agent(tmp_path, primary, backup, stop_patience_s=60.0)
        await agent.start()
        await primary.connected(FIRST)
        sending, never = asyncio.Event(), asyncio.Event()
        hold_sends(agent.terminal(), sending, never)
        await primary.say(FIRST, opening("on its way"))
        await sending.wait()
        primary.halts = (FIRM,)
        version = await primary.configure(FIRST)
        await primary.until(lambda: any(line.get("halts") for line in agent.said("config")))
        await agent.stop(twice=True)
        assert not primary.acked(f"config/{version}")
        await primary.stop()
        async with agent:
            refused = await told(backup, "refused")

        assert "KILLED" in refused.error
        assert not agent.terminal().sent


async def test_a_kill_is_acknowledged_only_once_sends_that_began_for_another_gateway_are_over(
    tmp_path: Path,
) -> None:
    primary, backup = FaultyGateway(), FaultyGateway()
    async with primary, backup, Agent(tmp_path, primary, backup) as agent:
        await primary.until(lambda: primary.acked("config/1"))
        answers = answered_by_key(agent.terminal(), "first", "second")
        await primary.say(FIRST, opening("first"))
        await primary.until(lambda: len(agent.terminal().sent) == 1)
        assert await primary.configure(FIRST) == 2
        await primary.until(lambda: len(agent.said("config")) == 2)
        await primary.stop()
        await backup.connected(FIRST)
        await backup.until(lambda: len(agent.said("config")) == 3)
        await backup.say(FIRST, opening("second", volume=0.2))
        await backup.until(lambda: len(agent.terminal().sent) == 2)
        backup.halts = (FIRM,)
        assert await backup.configure(FIRST) == 2  # as the primary's that is waited for
        await backup.until(lambda: len(agent.said("config")) == 4)
        answers["first"].set()
        await backup.until(lambda: backup.results_of("first"))
        await asyncio.sleep(0.1)
        early = backup.acked("config/2")
        answers["second"].set()
        await backup.until(lambda: backup.acked("config/2"))

        assert not early


def answered_by_key(terminal: Doctored, *keys: str) -> dict[str, asyncio.Event]:
    """The terminal carries sends out, and answers each when it is told to."""
    answers = {key: asyncio.Event() for key in keys}
    really_call = terminal.call

    async def call(request: Request) -> Reply:
        reply = await really_call(request)
        if request.name == "order_send":
            await answers[request.key].wait()
        return reply

    terminal.call = call  # type: ignore[method-assign]
    return answers


async def test_a_halt_that_cannot_be_written_down_is_not_acknowledged_and_stops_everything(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.until(lambda: gateway.acked("config/1"))
        kept = file_of(tmp_path / "agent" / "halts", f"{FIRST}@{SERVER}")
        beside = kept.with_suffix(".new")  # where it is written before it takes its place
        beside.mkdir()
        gateway.halts = (Halt(id="h", scope=Scope.STRATEGY, strategy=7),)
        version = await gateway.configure(FIRST)
        (error,) = await gateway.until(lambda: gateway.errors)
        refused = await told(gateway, "refused")
        beside.rmdir()
        await halt(gateway, *gateway.halts)
        opened = await told(gateway, "opened")

        assert (error.code, error.id) == ("HALTS_NOT_KEPT", f"config/{version}")
        assert not gateway.acked(f"config/{version}")
        assert "TRADING_HALTED" in refused.error
        assert opened.status is Status.SUCCESS
        assert len(agent.terminal().sent) == 1


async def test_halts_that_cannot_be_read_are_told_before_anything_begins(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway)
        async with agent:
            await gateway.connected(FIRST)
            await halt(gateway, FIRM)
        (file,) = (tmp_path / "agent" / "halts").iterdir()
        file.write_text("{")
        await agent.start()
        with pytest.raises(OnefillError) as refused:
            await agent.over()

        assert refused.value.code == "HALTS_UNREADABLE"
        assert gateway.connections == 1
