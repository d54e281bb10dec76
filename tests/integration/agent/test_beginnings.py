"""What an agent finds out when it begins: a broker's book that is another one, a gateway's clock
that is elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

from onefill.contracts.messages import WireError
from onefill.model.states import State
from tests.integration.agent.gateway import FaultyGateway, opening
from tests.integration.agent.stage import FIRST, SECOND, Agent


async def test_an_account_whose_book_was_reset_is_not_traded_and_the_others_are(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway, logins=(FIRST, SECOND))
        async with agent:
            await gateway.deliver(FIRST, opening("k-1"))
        (tmp_path / f"{FIRST}.book").unlink()
        async with agent:
            await gateway.until(lambda: agent.said("account_failed"))
            await gateway.deliver(SECOND, opening("k-2"))
            connected = gateway.is_live(FIRST)
            sent = agent.terminal(FIRST).sent

        assert not connected
        assert not sent
        (failed,) = agent.said("account_failed")
        assert (str(failed["account"]), failed["code"]) == (FIRST, "BROKER_BOOK_DIFFERS")
        assert "'k-1'" in failed["why"]


async def test_a_gateway_whose_clock_is_ahead_is_told_of_and_its_commands_expire_by_it(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway:
        gateway.ahead_ms = 60_000
        async with Agent(tmp_path, gateway) as agent:
            (differs,) = await gateway.until(lambda: agent.said("clock_differs"))
            now_ms = time.time_ns() // 1_000_000
            await gateway.deliver(FIRST, opening("late", expires_at_ms=now_ms + 50_000))
            await gateway.deliver(FIRST, opening("in-time", expires_at_ms=now_ms + 120_000))
            gateway.ahead_ms = 0
            await gateway.until(lambda: agent.said("clock_agrees"))
            agreed = agent.said("clock_differs")

        assert 59 < differs["ahead_s"] < 61
        assert gateway.results_of("late")[0].state is State.DENIED
        assert gateway.results_of("in-time")[0].state is State.FILLED
        assert agreed == [differs]  # said once
        assert [e.code for e in gateway.of(WireError)] == ["CLOCK_DIFFERS"]


async def test_a_gateway_whose_clock_is_behind_is_told_of(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        gateway.ahead_ms = -30_000
        async with Agent(tmp_path, gateway) as agent:
            (differs,) = await gateway.until(lambda: agent.said("clock_differs"))

        assert "behind" in differs["why"]


async def test_a_gateway_that_tells_no_clock_is_served_as_ever(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway:
        gateway.tells_clock = False
        async with Agent(tmp_path, gateway) as agent:
            await gateway.deliver(FIRST, opening("k-1"))

        assert gateway.results_of("k-1")[0].state is State.FILLED
        assert not agent.said("clock_differs")


async def test_a_clock_that_one_gateway_told_does_not_end_what_another_sends(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as primary, FaultyGateway() as backup:
        primary.ahead_ms = 365 * 86_400_000
        backup.tells_clock = False
        async with Agent(tmp_path, primary, backup) as agent:
            await primary.until(lambda: agent.said("clock_differs"))
            await primary.stop()
            await backup.until(lambda: backup.beats)
            await backup.deliver(FIRST, opening("k-1"))

        assert backup.results_of("k-1")[0].state is State.FILLED
