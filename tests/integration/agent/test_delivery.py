"""Results on their way: kept while nobody hears them, in order, the same numbers for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

from onefill.contracts.messages import Ack, Result, Status, WireError
from onefill.model.resolved import BrokerRequest
from onefill.model.states import State
from onefill.terminal import port
from onefill.terminal.port import Reply
from tests.integration.agent.gateway import FaultyGateway, opening, sequences
from tests.integration.agent.stage import FIRST, Agent


def contents(results: list[Result]) -> dict[int, Result]:
    """What each number says; the same wherever it came more than once."""
    told: dict[int, Result] = {}
    for result in results:
        assert told.setdefault(result.sequence, result) == result
    return told


async def test_a_connection_cut_in_the_middle_of_a_frame_loses_nothing(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("k-1"))
        await gateway.until(lambda: gateway.results_of("k-1"))
        half = b"\x82\x7e\x01\x00half a frame"
        gateway.cut(FIRST, half)
        await gateway.until(lambda: gateway.connections == 2 and gateway.is_live(FIRST))
        await gateway.say(FIRST, opening("k-2"))
        await gateway.until(lambda: gateway.results_of("k-2"))

        assert sequences(gateway.results) == [1, 2]
        assert len(agent.terminal().sent) == 2
        assert len(agent.said("away")) == 1


async def test_what_is_not_acknowledged_goes_out_again_in_order_with_the_same_numbers(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway):
        gateway.acknowledges = False
        await gateway.say(FIRST, *(opening(f"k-{number}") for number in range(5)))
        await gateway.until(lambda: len(gateway.results) == 5)
        await gateway.say(FIRST, Ack("k-0", 1), Ack("k-2", 3), Ack("never", 99))
        version = await gateway.configure(FIRST)  # answered once what came before it was heard
        await gateway.until(lambda: gateway.acked(f"config/{version}"))
        gateway.cut(FIRST)
        await gateway.until(lambda: len(gateway.results) == 8)
        gateway.acknowledges = True

        assert [result.sequence for result in gateway.results] == [1, 2, 3, 4, 5, 2, 4, 5]
        contents(gateway.results)


async def test_results_wait_for_a_gateway_that_is_away_also_over_a_restart(tmp_path: Path) -> None:
    gateway = FaultyGateway()
    async with gateway:
        agent = Agent(tmp_path, gateway)
        async with agent:
            gateway.acknowledges = False
            await gateway.say(FIRST, *(opening(f"k-{number}") for number in range(4)))
            await gateway.until(lambda: len(gateway.results) == 4)
            before = contents(gateway.results)
            await gateway.say(FIRST, Ack("k-0", 1))
            await gateway.until(lambda: len(gateway.results) == 4)
        gateway.heard.clear()
        gateway.acknowledges = True
        async with agent:
            await gateway.until(lambda: len(gateway.results) >= 3)
            await gateway.say(FIRST, opening("k-4"))
            await gateway.until(lambda: gateway.results_of("k-4"))
            after = contents(gateway.results)

        assert sequences(gateway.results)[-4:] == [2, 3, 4, 5]
        assert {number: after[number] for number in (2, 3, 4)} == {
            number: before[number] for number in (2, 3, 4)
        }


async def test_an_outcome_that_is_unknown_is_an_error_once_on_each_connection(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.connected(FIRST)
        terminal = agent.terminal()
        lost = Reply(None, (port.TIMED_OUT, "no answer before the call's deadline"))
        terminal.answer("order_send", lost)
        nothing = Reply(None, (-10_001, "IPC send failed"))
        for call in ("orders_get", "positions_get", "history_orders_get", "history_deals_get"):
            terminal.rules[call] = lambda request, really: nothing
        await gateway.say(FIRST, opening("k-1"))
        await gateway.until(lambda: gateway.errors)
        gateway.cut(FIRST)
        await gateway.until(lambda: len(gateway.errors) == 2)
        await asyncio.sleep(0.3)
        first, second = gateway.errors
        terminal.rules.clear()
        (result,) = await gateway.until(lambda: gateway.results_of("k-1"))

        assert (first.code, first.id) == ("OUTCOME_UNKNOWN", "k-1")
        assert first == second
        assert (result.status, result.state) == (Status.FAILED, State.NOT_EXECUTED)
        assert result.sequence == 1


async def test_a_result_that_the_gateway_does_not_know_holds_up_no_other(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        gateway.acknowledges = False
        await gateway.say(FIRST, opening("k-1"), opening("k-2"))
        await gateway.until(lambda: len(gateway.results) == 2)
        await gateway.say(FIRST, WireError("COMMAND_UNKNOWN", "no such command", "k-1"))
        await gateway.until(lambda: agent.said("gateway_error"))
        gateway.cut(FIRST)
        await gateway.until(lambda: len(gateway.results) == 3)

        assert [result.sequence for result in gateway.results] == [1, 2, 2]


async def test_a_stop_loss_and_a_manual_close_go_out_as_a_new_profile(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("k-1"), opening("k-2"))
        await gateway.until(lambda: any(len(p.positions or ()) == 2 for p in gateway.profiles))
        held = {position.command_id: position for position in gateway.profiles[-1].positions or ()}
        position = held["k-1"]
        by_hand = BrokerRequest(
            action=port.ACTION_DEAL,
            symbol="EURUSD",
            volume=0.1,
            type=port.TYPE_SELL,
            position=position.ticket,
        )
        assert agent.terminal().simulated.broker.execute(by_hand).retcode == 10_009
        await gateway.until(lambda: len(gateway.profiles[-1].positions or ()) == 1)

        assert set(held) == {"k-1", "k-2"}
        assert gateway.profiles[-1].as_of_sequence == 2
        assert len(gateway.results) == 2  # nobody commanded it


async def test_a_profile_says_what_the_operator_says_and_keeps_the_peak(tmp_path: Path) -> None:
    terminals = (
        '[profile]\nbroker = "Approved Ltd"\nmax_drawdown = 0.1\npreferred_lot_size = 0.5\n'
        'allowed_symbols = ["EURUSD"]\n'
    )
    async with FaultyGateway() as gateway:
        agent = Agent(tmp_path, gateway, terminals=terminals)
        async with agent:
            await gateway.until(lambda: gateway.profiles)
            await gateway.say(FIRST, opening("k-1"))
            await gateway.until(lambda: any(p.positions for p in gateway.profiles))
        gateway.heard.clear()
        async with agent:
            (profile, *_) = await gateway.until(lambda: gateway.profiles)

        assert (profile.user_id, profile.broker) == ("ann", "Approved Ltd")
        assert profile.risk.max_drawdown == 0.1
        assert profile.risk.allowed_symbols == ("EURUSD",)
        assert profile.preferences.preferred_lot_size == 0.5
        assert (profile.peak_equity, profile.day_start_equity) == (10_000.0, 10_000.0)
        assert profile.equity < 10_000.0
        assert profile.as_of_sequence == 1
        assert profile.limits_fingerprint


async def test_trading_that_the_terminal_forbids_is_told_at_once(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.until(lambda: gateway.profiles)
        agent.terminal().change("ready", trade_allowed=False)
        await gateway.until(lambda: not gateway.profiles[-1].trade_allowed)

        assert gateway.profiles[-1].why_not


async def test_a_gateway_that_does_not_answer_heartbeats_is_left(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        gateway.answers_beats = False
        await gateway.until(lambda: gateway.connections == 2)

        assert "answered no heartbeat" in agent.said("away")[0]["why"]
