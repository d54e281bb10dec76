"""Commands over a real socket: taken once, answered once, whatever is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onefill.contracts.enveloped import Enveloped
from onefill.contracts.messages import Dialect, Result, Status
from onefill.model.intent import Action, Side
from onefill.model.resolved import BrokerRequest
from onefill.model.states import State
from onefill.risk.limits import limits_text
from onefill.terminal.port import ACTION_DEAL, FILLING_IOC, TYPE_BUY, Reply, SendResult
from tests.integration.agent.gateway import FaultyGateway, command, opening, sequences
from tests.integration.agent.stage import FIRST, SECOND, Agent


async def test_a_command_is_acknowledged_filled_and_told(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("k-1"))
        (result,) = await gateway.until(lambda: gateway.results_of("k-1"))

        assert [ack.duplicate for ack in gateway.acked("k-1")] == [False]
        assert (result.status, result.state) == (Status.SUCCESS, State.FILLED)
        assert (result.volume, result.sequence) == (0.1, 1)
        assert result.order_ticket
        assert result.position_ticket
        assert len(agent.terminal().sent) == 1


async def test_a_command_that_comes_again_is_answered_again_and_sent_once(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        again = opening("k-1")
        await gateway.say(FIRST, again, again, again)
        await gateway.until(lambda: len(gateway.acked("k-1")) == 3)
        await gateway.until(lambda: gateway.results_of("k-1"))
        told = len(gateway.results_of("k-1"))
        await gateway.say(FIRST, again)
        await gateway.until(lambda: len(gateway.results_of("k-1")) > told)

        assert [ack.duplicate for ack in gateway.acked("k-1")] == [False, True, True, True]
        assert {result.state for result in gateway.results_of("k-1")} == {State.FILLED}
        assert sequences(gateway.results) == [1]
        assert len(agent.terminal().sent) == 1


async def test_a_key_with_other_content_is_an_error_and_leaves_the_order_alone(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("k-1"), opening("k-1", volume=0.2))
        await gateway.until(lambda: gateway.results_of("k-1"))
        await gateway.say(FIRST, opening("k-1", volume=0.3))
        await gateway.until(lambda: len(gateway.errors) == 2)

        assert {(error.code, error.id) for error in gateway.errors} == {("KEY_REUSED", "k-1")}
        assert [result.status for result in gateway.results_of("k-1")] == [Status.SUCCESS]
        assert len(agent.terminal().sent) == 1


async def test_what_comes_in_one_burst_is_carried_out_in_its_order(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(
            FIRST,
            opening("open"),
            command("levels", action=Action.MODIFY, target="open", stop_loss=1.09),
            command("close", action=Action.CLOSE, target="open"),
        )
        await gateway.until(lambda: gateway.results_of("close"))

        assert [result.command_id for result in gateway.results] == ["open", "levels", "close"]
        assert [result.status for result in gateway.results] == [Status.SUCCESS] * 3
        assert sequences(gateway.results) == [1, 2, 3]
        assert [one.key for one in agent.terminal().sent] == ["open", "levels", "close"]


async def test_commands_out_of_order_are_refused_with_a_sentence_or_carried_out(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway):
        close = command("close", action=Action.CLOSE, target="open")
        await gateway.say(FIRST, close, opening("open"))
        (refused,) = await gateway.until(lambda: gateway.results_of("close"))
        (filled,) = await gateway.until(lambda: gateway.results_of("open"))
        await gateway.say(FIRST, close)
        await gateway.until(lambda: len(gateway.results_of("close")) == 2)

        assert refused.status is Status.FAILED
        assert "no order has the client_key 'open'" in refused.error
        assert filled.status is Status.SUCCESS
        assert gateway.results_of("close")[1].error == refused.error  # the stored one


async def test_a_close_or_change_that_fits_several_positions_fails_and_by_ticket_it_does_not(
    tmp_path: Path,
) -> None:
    like: dict[str, Any] = {"symbol": "EURUSD", "side": Side.BUY, "magic": 7}
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("a", magic=7), opening("b", magic=7))
        await gateway.until(lambda: len(gateway.results) == 2)
        ticket = gateway.results_of("a")[0].position_ticket
        await gateway.say(
            FIRST,
            command("close several", action=Action.CLOSE, **like),
            command("change several", action=Action.MODIFY, stop_loss=1.05, **like),
            command("none", action=Action.CLOSE, **(like | {"magic": 8})),
            command("change", action=Action.MODIFY, target_ticket=ticket, stop_loss=1.05),
            command("close", action=Action.CLOSE, target_ticket=ticket),
        )
        await gateway.until(lambda: gateway.results_of("close"))
        await gateway.say(
            FIRST,
            command("change the other", action=Action.MODIFY, stop_loss=1.06, **like),
            command("close the other", action=Action.CLOSE, **like),
        )
        await gateway.until(lambda: gateway.results_of("close the other"))
        told = {result.command_id: result for result in gateway.results}

        assert "SEVERAL_POSITIONS: 2 positions in EURUSD fit" in told["close several"].error
        assert "SEVERAL_TARGETS: 2 fit" in told["change several"].error
        assert "NO_POSITION" in told["none"].error
        failed = {key for key, result in told.items() if result.status is Status.FAILED}
        assert failed == {"close several", "change several", "none"}
        assert len(agent.terminal().sent) == 6


async def test_an_expired_command_is_never_sent(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("late", expires_at_ms=1_700_000_000_000))
        (result,) = await gateway.until(lambda: gateway.results_of("late"))

        assert result.status is Status.FAILED
        assert "expired" in result.error
        assert not agent.terminal().sent


async def test_close_all_answers_once_per_position_and_once_for_the_whole(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway):
        await gateway.say(
            FIRST, opening("a"), opening("b"), command("all", action=Action.CLOSE_ALL)
        )
        await gateway.until(lambda: len(gateway.results_of("all")) == 3)
        opened = {gateway.results_of(key)[0].position_ticket for key in "ab"}
        first, second, whole = gateway.results_of("all")

        assert {first.position_ticket, second.position_ticket} == opened
        assert [first.state, second.state] == [State.FILLED, State.FILLED]
        assert (whole.state, whole.status) == (State.DONE, Status.SUCCESS)
        assert sequences(gateway.results) == [1, 2, 3, 4, 5]


async def test_a_close_all_of_which_one_fails_is_told_as_partial_and_says_which(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(FIRST, opening("a"), opening("b"))
        await gateway.until(lambda: len(gateway.results) == 2)
        closed = SendResult(retcode=10_018, comment="Market closed")
        agent.terminal().answer("order_send", Reply(closed))
        await gateway.say(FIRST, command("all", action=Action.CLOSE_ALL))
        await gateway.until(lambda: len(gateway.results_of("all")) == 3)
        first, second, whole = gateway.results_of("all")

        assert {first.state, second.state} == {State.FILLED, State.REJECTED}
        assert (whole.status, whole.state) == (Status.PARTIAL, State.DONE)
        assert whole.error.startswith("NOT_ALL_CLOSED: 1 of 2 closed; all/")
        assert whole.order_ticket

        agent.terminal().answer("order_send", Reply(closed))
        await gateway.say(FIRST, command("rest", action=Action.CLOSE_ALL))
        await gateway.until(lambda: len(gateway.results_of("rest")) == 2)
        assert gateway.results_of("rest")[1].status is Status.FAILED


def _by_hand(agent: Agent) -> None:
    request = BrokerRequest(
        action=ACTION_DEAL, symbol="EURUSD", volume=0.2, type=TYPE_BUY, type_filling=FILLING_IOC
    )
    assert agent.terminal().simulated.broker.execute(request).retcode == 10_009


@pytest.mark.parametrize("everything", [False, True], ids=["as it comes", "all and pending"])
async def test_close_all_means_manual_and_pending_ones_only_where_so_configured(
    tmp_path: Path, everything: bool
) -> None:
    settings = '[agent]\nclose_all = "all"\nclose_all_pending = true\n' if everything else ""
    async with (
        FaultyGateway() as gateway,
        Agent(tmp_path, gateway, terminals=settings) as agent,
    ):
        limit = opening("limit", order_type="limit", price=1.05)
        await gateway.say(FIRST, opening("ours"), limit)
        await gateway.until(lambda: len(gateway.results) == 2)
        _by_hand(agent)
        await gateway.until(lambda: len(gateway.profiles[-1].positions or ()) == 2)
        await gateway.say(FIRST, command("all", action=Action.CLOSE_ALL))
        parts = 2 if everything else 1
        await gateway.until(lambda: len(gateway.results_of("all")) == parts + 1)
        whole = gateway.results_of("all")[-1]
        left = 0 if everything else 1
        await gateway.until(lambda: len(gateway.profiles[-1].positions or ()) == left)
        await gateway.until(lambda: len(gateway.results_of("limit")) == 2 - left)

        assert (whole.status, whole.state) == (Status.SUCCESS, State.DONE)
        assert whole.error.startswith("OTHERS_LEFT") is not everything
        assert gateway.results_of("limit")[-1].state is (
            State.CANCELLED if everything else State.WORKING
        )


async def test_a_pending_order_answers_when_it_works_and_when_it_ends(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway):
        limit = opening("limit", order_type="limit", price=1.05)
        await gateway.say(FIRST, limit)
        await gateway.until(lambda: gateway.results_of("limit"))
        await gateway.say(FIRST, command("cancel", action=Action.CANCEL, target="limit"))
        await gateway.until(lambda: len(gateway.results_of("limit")) == 2)
        working, cancelled = gateway.results_of("limit")

        assert (working.status, working.price) == (Status.SUCCESS, 0.0)
        assert working.order_ticket
        assert (cancelled.status, cancelled.state) == (Status.FAILED, State.CANCELLED)


async def test_what_cannot_be_carried_out_is_failed_with_a_sentence(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.say(
            FIRST,
            command("other", action=Action.CLOSE_ALL, account="77"),
            command("agent:mine", action=Action.CLOSE_ALL),
            opening("unknown", symbol="NOSUCH"),
        )
        await gateway.until(lambda: gateway.results_of("unknown"))
        errors = {result.command_id: result.error for result in gateway.results}

        assert {result.status for result in gateway.results} == {Status.FAILED}
        assert "this client holds account 1000001, not '77'" in errors["other"]
        assert "must not begin with 'agent:'" in errors["agent:mine"]
        assert "NOSUCH" in errors["unknown"]
        assert sequences(gateway.results) == [1]  # what was never recorded has no number
        assert not agent.terminal().sent


async def test_frames_that_cannot_be_read_are_answered_and_harm_nothing(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway):
        await gateway.connected(FIRST)
        good = Enveloped().pack(opening("damaged"))
        damaged = bytearray(good)
        damaged[-1] ^= 0xFF
        for frame in (b"", b"\xff" * 100, b"\x08\x01", bytes(damaged), good[:-3]):
            await gateway.raw(FIRST, frame)
        await gateway.until(lambda: len(gateway.errors) == 5)
        await gateway.say(FIRST, opening("k-1"))
        await gateway.until(lambda: gateway.results_of("k-1"))

        assert gateway.connections == 1
        assert {"FRAME_INVALID", "CHECKSUM_WRONG"} == {error.code for error in gateway.errors}


async def test_envelopes_of_a_newer_gateway_are_skipped(tmp_path: Path) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.connected(FIRST)
        for _ in range(150):
            await gateway.raw(FIRST, bytes.fromhex("9a06 03 616263"))  # field 99, as text
        await gateway.say(FIRST, opening("k-1"))
        await gateway.until(lambda: gateway.results_of("k-1"))

        assert gateway.connections == 1
        assert not gateway.errors
        assert not agent.said("frame_refused")


async def test_text_frames_and_too_large_ones_end_the_connection_and_it_comes_again(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway):
        await gateway.connected(FIRST)
        await gateway.raw(FIRST, "hello")
        await gateway.until(lambda: gateway.connections == 2 and gateway.is_live(FIRST))
        await gateway.raw(FIRST, bytes(70_000))
        await gateway.until(lambda: gateway.connections == 3 and gateway.is_live(FIRST))
        await gateway.say(FIRST, opening("k-1"))
        await gateway.until(lambda: gateway.results_of("k-1"))


async def test_a_gateway_that_sends_nothing_but_rubbish_is_left_and_tried_again(
    tmp_path: Path,
) -> None:
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway) as agent:
        await gateway.connected(FIRST)
        for _ in range(101):
            await gateway.raw(FIRST, b"\xff")
        await gateway.until(lambda: gateway.connections == 2)
        await gateway.until(lambda: agent.said("away"))

        assert "100 frames" in agent.said("away")[0]["why"]


async def test_a_hostile_gateway_cannot_exceed_the_operators_limits(tmp_path: Path) -> None:
    limits = limits_text() + "\n[firm]\nmax_order_volume = 0.2\nmax_positions = 2\n"
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway, limits=limits) as agent:
        await gateway.say(FIRST, opening("big", volume=5.0))
        await gateway.say(FIRST, *(opening(f"k-{number}") for number in range(40)))
        await gateway.until(lambda: len(sequences(gateway.results)) == 41)
        states = [result.state for result in gateway.results]

        assert gateway.results_of("big")[0].state is State.DENIED
        assert "max_order_volume" in gateway.results_of("big")[0].error
        assert states.count(State.FILLED) == 2
        assert states.count(State.DENIED) == 39
        assert len(agent.terminal().sent) == 2


async def test_what_the_holder_will_risk_in_a_trade_is_held_beside_the_operators_limits(
    tmp_path: Path,
) -> None:
    holder = "[profile]\nmax_risk_per_trade = 0.5\n"
    async with FaultyGateway() as gateway, Agent(tmp_path, gateway, terminals=holder):
        await gateway.say(
            FIRST,
            opening("no stop"),
            opening("far stop", stop_loss=0.5),
            opening("near stop", volume=0.01, stop_loss=1.08),
        )
        await gateway.until(lambda: len(gateway.results) == 3)
        told = {result.command_id: result for result in gateway.results}

        assert told["no stop"].state is told["far stop"].state is State.DENIED
        assert "risk_per_trade_percent" in told["far stop"].error
        assert told["near stop"].state is State.FILLED


async def test_two_accounts_are_served_at_once_and_each_has_its_own_numbers(tmp_path: Path) -> None:
    async with (
        FaultyGateway() as gateway,
        Agent(tmp_path, gateway, logins=(FIRST, SECOND)) as agent,
    ):
        await gateway.say(FIRST, opening("k-1"), opening("k-2", account=FIRST))
        await gateway.say(SECOND, opening("k-1", account=SECOND))
        await gateway.until(lambda: len(gateway.results) == 3)

        assert sequences(gateway.of(Result, FIRST)) == [1, 2]
        assert sequences(gateway.of(Result, SECOND)) == [1]
        assert [len(agent.terminal(login).sent) for login in (FIRST, SECOND)] == [2, 1]


async def test_the_plain_first_dialect_is_spoken_where_it_is_asked_for(tmp_path: Path) -> None:
    gateway = FaultyGateway(bare=Dialect.EXECUTION)
    async with gateway, Agent(tmp_path, gateway, bare=True) as agent:
        await gateway.say(FIRST, opening("open"))
        await gateway.until(lambda: gateway.results_of("open"))
        await gateway.say(
            FIRST, command("close", action=Action.CLOSE, symbol="EURUSD", side=Side.BUY)
        )
        (closed,) = await gateway.until(lambda: gateway.results_of("close"))

        assert closed.status is Status.SUCCESS
        assert len(agent.terminal().sent) == 2


async def test_the_plain_second_dialect_is_spoken_where_it_is_asked_for(tmp_path: Path) -> None:
    gateway = FaultyGateway(bare=Dialect.TRADING)
    async with gateway, Agent(tmp_path, gateway, bare=True, dialect=Dialect.TRADING) as agent:
        await gateway.until(lambda: gateway.profiles)
        await gateway.say(FIRST, opening("open"))
        await gateway.until(lambda: gateway.results_of("open"))
        await gateway.say(FIRST, command("all", action=Action.CLOSE_ALL))
        await gateway.until(lambda: len(gateway.results_of("all")) == 2)

        assert gateway.profiles[0].account == FIRST
        assert len(agent.terminal().sent) == 2
