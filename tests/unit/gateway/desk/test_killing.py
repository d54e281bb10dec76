"""The kill switch: nothing leaves after it, and its answer says who could not be reached."""

import asyncio
from typing import Any

import pytest

from onefill.contracts.client_config import decode_client_config
from onefill.gateway.desk.flattening import AGAIN_MS, REFUSALS
from onefill.gateway.desk.kill_report import Confirmation, KillReport
from onefill.gateway.identity.model import Account
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action
from onefill.model.states import State
from tests.unit.gateway.desk.world import ACCOUNT, ID, NAME, START_MS, World, held, pending


def halt(id: str = "h1", scope: Scope = Scope.FIRM, **fields: Any) -> Halt:
    return Halt(id=id, scope=scope, by="olga", reason="test", at_ms=START_MS, **fields)


async def kill(world: World, one: Halt, *, pass_ms: int = 0) -> KillReport:
    """Kill; the agent confirms unless time is to pass instead."""
    killing = asyncio.create_task(world.desk.kill(one))
    await world.settle()
    if pass_ms:
        assert not killing.done()
        await world.pass_ms(pass_ms)
    elif not killing.done():
        await world.confirm()
    return await asyncio.wait_for(killing, 30)


async def test_a_kill_is_confirmed_once_the_agent_holds_to_it(world: World) -> None:
    await world.arrive()
    version = world.post.configs[-1].version
    killing = asyncio.create_task(world.desk.kill(halt()))
    await world.settle()
    assert not killing.done()
    update = world.post.configs[-1]
    assert update.version > version
    assert [one.id for one in decode_client_config(update.document).halts] == ["h1"]
    await world.confirm()
    (account,) = (await killing).accounts
    assert (account.account, account.confirmation) == (ID, Confirmation.CONFIRMED)
    order = await world.decide("k1")
    assert (order.state, order.code) == (State.DENIED, "HALTED")
    assert (await world.decide("m", action=Action.MODIFY, target="p")).code == "HALTED"
    assert (await world.decide("c", action=Action.CLOSE, target="p")).state is State.SENDING


async def test_a_kill_denies_what_waits_and_cancels_what_works(world: World) -> None:
    await world.arrive()
    for key in ("working", "sending"):
        await world.decide(key, **pending())
    await world.hear("working", State.WORKING, order_ticket=5)
    await world.leave()
    await world.decide("waits")
    await world.decide("close", action=Action.CLOSE, target="p")
    world.post.here.add(ID)
    killing = asyncio.create_task(world.desk.kill(halt()))
    await world.settle()
    assert await world.state("waits") is State.DENIED
    assert await world.state("close") is State.ACCEPTED
    await world.arrive()
    await world.confirm()
    (account,) = (await killing).accounts
    assert (account.denied, account.cancels) == (1, 1)
    assert world.post.sent()[2:] == ["sending", "close", "kill-h1-cancel-1"]
    await world.hear("sending", State.WORKING, order_ticket=6)
    assert world.post.handed[-1].intent.target == "sending"


async def test_what_was_dispatched_and_not_yet_handed_over_is_denied_by_a_kill(
    world: World,
) -> None:
    await world.arrive()
    world.log.turns = 5
    deciding = asyncio.create_task(world.decide("k1"))
    await asyncio.sleep(0)
    killing = asyncio.create_task(world.desk.kill(halt()))
    await world.settle()
    await world.confirm()
    await killing
    await deciding
    order = await world.desk.order(ID, "k1")
    assert order is not None
    assert (order.state, order.code) == (State.DENIED, "KILLED")
    assert world.post.handed == []


async def test_an_agent_without_contact_for_its_lease_needs_no_confirmation(
    world: World,
) -> None:
    await world.arrive()
    world.desk.contact(ACCOUNT, START_MS + 4_000)
    await world.leave()
    killing = asyncio.create_task(world.desk.kill(halt()))
    await world.pass_ms(21_000)
    assert not killing.done()
    await world.pass_ms(1)
    (account,) = (await killing).accounts
    assert account.confirmation is Confirmation.LEASE_RAN_OUT


async def test_a_clock_that_is_set_forward_ends_no_lease(world: World) -> None:
    await world.arrive()
    killing = asyncio.create_task(world.desk.kill(halt()))
    await world.settle()
    await world.jump_ms(3_600_000)
    assert not killing.done()
    await world.confirm()
    (account,) = (await asyncio.wait_for(killing, 30)).accounts
    assert account.confirmation is Confirmation.CONFIRMED


@pytest.mark.parametrize("gone", [False, True])
async def test_a_bare_client_cannot_vouch_for_a_kill(world: World, gone: bool) -> None:
    await world.arrive(enveloped=False)
    await world.decide("k1")
    if gone:
        await world.leave()
    report = await kill(world, halt())
    assert report.unreachable == (ID,)
    await world.arrive(enveloped=False)
    assert world.post.sent() == ["k1"]
    assert await world.state("k1") is State.UNKNOWN


async def test_a_client_that_was_never_there_is_unreachable_once_a_lease_has_passed(
    world: World,
) -> None:
    report = await kill(world, halt(scope=Scope.TENANT, tenant="acme"), pass_ms=17_001)
    assert report.unreachable == (ID,)


async def test_an_agent_that_does_not_confirm_is_named_and_not_waited_for_for_ever(
    world: World,
) -> None:
    await world.arrive()
    killing = asyncio.create_task(world.desk.kill(halt()))
    for n in range(1, 8):
        world.desk.contact(ACCOUNT, START_MS + n * 7_000)
        await world.pass_ms(7_000)
    report = await asyncio.wait_for(killing, 30)
    assert report.unreachable == (ID,)
    assert "does not confirm" in report.accounts[0].why


@pytest.mark.parametrize(
    ("one", "covered"),
    [
        (halt(scope=Scope.TENANT, tenant="acme"), True),
        (halt(scope=Scope.TENANT, tenant="other"), False),
        (halt(scope=Scope.ACCOUNT, tenant="acme", account=NAME), True),
        (halt(scope=Scope.ACCOUNT, tenant="acme", account="70002"), False),
        (halt(scope=Scope.STRATEGY, tenant="acme", strategy=7), True),
        (halt(scope=Scope.STRATEGY, tenant="acme", strategy=8), False),
    ],
)
async def test_a_halt_reaches_as_far_as_its_scope(world: World, one: Halt, covered: bool) -> None:
    await world.arrive()
    other = Account(tenant="acme", name="70002", user="ann")
    world.directory.held[other.id] = other
    killing = asyncio.create_task(world.desk.kill(one))
    await world.settle()
    order = await world.decide("k1", magic=7)
    assert (order.state is State.DENIED) == covered
    await world.confirm()
    await world.pass_ms(17_001)
    await world.pass_ms(17_001)
    await asyncio.wait_for(killing, 30)


async def test_a_halt_survives_a_restart_and_a_person_ends_it(world: World) -> None:
    await world.arrive()
    await world.leave()
    await world.decide("k1")
    await kill(world, halt(), pass_ms=17_001)
    await world.restart()
    await world.arrive()
    assert (await world.decide("k2")).code == "HALTED"
    await world.desk.resume("h1", "olga", "over")
    assert decode_client_config(world.post.configs[-1].document).halts == ()
    assert (await world.decide("k3")).state is State.SENDING
    with pytest.raises(OnefillError) as refused:
        await world.desk.resume("h1", "olga", "over")
    assert refused.value.code == "HALT_UNKNOWN"
    assert world.alerts().count("KILLED") == 2  # the kill, and the order that it denied
    assert "RESUMED" in world.alerts()


async def test_a_halt_that_was_made_durable_right_before_a_crash_is_put_through_after_it(
    world: World,
) -> None:
    await world.arrive()
    await world.decide("works", **pending())
    await world.hear("works", State.WORKING)
    await world.leave()
    await world.decide("k1")
    world.directory.add_halt(halt())
    await world.restart()
    assert await world.state("k1") is State.DENIED
    await world.arrive()
    assert world.post.sent() == ["works", "kill-h1-cancel-1"]


async def test_flattening_goes_on_until_the_profile_shows_nothing(world: World) -> None:
    one = halt(flatten=True)
    await world.arrive(positions=(held(1), held(2)))
    await kill(world, one)
    assert world.post.sent() == ["kill-h1-1"]
    assert world.post.handed[0].intent.action is Action.CLOSE_ALL
    await world.hear("kill-h1-1", State.DONE, order_ticket=0)
    await world.pass_ms(5_000)
    assert world.post.sent() == ["kill-h1-1", "kill-h1-2"]
    await world.restart()
    await world.arrive(positions=(held(2),))
    assert world.post.sent()[2:] == ["kill-h1-2"]
    await world.hear("kill-h1-2", State.DENIED)
    await world.profile(positions=(held(2),))
    assert world.post.sent()[3:] == ["kill-h1-3"]
    (progress,) = world.desk.flattening(one)
    assert (progress.positions, progress.flat, progress.commands) == (1, False, 3)
    await world.hear("kill-h1-3", State.DONE, order_ticket=0)
    await world.pass_ms(1)
    await world.profile(positions=())
    (progress,) = world.desk.flattening(one)
    assert progress.flat
    assert world.alerts().count("FLAT") == 1


async def test_a_strategy_is_flattened_position_by_position(world: World) -> None:
    one = halt(scope=Scope.STRATEGY, strategy=7, flatten=True)
    await world.arrive(positions=(held(1, magic=7), held(2, magic=8), held(3, magic=7)))
    await kill(world, one)
    meant = [command.intent.target_ticket for command in world.post.handed]
    assert meant == [1, 3]
    for key in world.post.sent():
        await world.hear(key, State.FILLED)
    await world.pass_ms(1)
    await world.profile(positions=(held(2, magic=8),))
    assert world.desk.flattening(one)[0].flat


@pytest.mark.parametrize(("strategy", "magic"), [(None, 0), (7, 7), (0, None)])
async def test_positions_too_many_to_be_listed_are_closed_all_at_once_and_never_called_flat(
    world: World, strategy: int | None, magic: int | None
) -> None:
    """Strategy 0 cannot be named in a close_all: it would mean every strategy."""
    scope = Scope.ACCOUNT if strategy is None else Scope.STRATEGY
    one = halt(scope=scope, strategy=strategy, flatten=True)
    await world.arrive(positions=None, positions_untold=700)
    await kill(world, one)
    told = [(command.intent.action, command.intent.magic) for command in world.post.handed]
    assert told == ([] if magic is None else [(Action.CLOSE_ALL, magic)])
    for key in world.post.sent():
        await world.hear(key, State.DONE, order_ticket=0)
    await world.pass_ms(1)
    await world.profile(positions=None, positions_untold=600)
    assert [(at.positions, at.flat) for at in world.desk.flattening(one)] == [(None, False)]


async def test_what_a_close_all_left_alone_is_closed_by_its_ticket(world: World) -> None:
    one = halt(flatten=True)
    await world.arrive(positions=(held(1), held(2)))
    await kill(world, one)
    left = "OTHERS_LEFT: 1 positions that no order of ours opened were left alone"
    await world.hear("kill-h1-1", State.DONE, order_ticket=0, error=left)
    await world.profile(positions=(held(2),))
    await world.pass_ms(5_000)
    assert world.post.sent() == ["kill-h1-1", "kill-h1-2"]
    close = world.post.handed[1].intent
    assert (close.action, close.target_ticket) == (Action.CLOSE, 2)
    await world.hear("kill-h1-2", State.FILLED)
    await world.pass_ms(1)
    await world.profile(positions=())
    assert world.desk.flattening(one)[0].flat


async def test_what_the_client_does_not_know_of_is_closed_by_its_ticket_and_told(
    world: World,
) -> None:
    """Opened before the client began: its close_all ends as if nothing was left."""
    one = halt(flatten=True)
    shown = (held(1, command_id="ours"), held(2), held(3))
    await world.arrive(positions=shown)
    await kill(world, one)
    await world.hear("kill-h1-1", State.DONE, order_ticket=0)
    await world.pass_ms(1)
    await world.profile(positions=shown)
    await world.pass_ms(5_000)
    told = [(sent.intent.action, sent.intent.target_ticket) for sent in world.post.handed[1:]]
    assert told == [(Action.CLOSE, 2), (Action.CLOSE, 3), (Action.CLOSE_ALL, None)]
    await world.hear("kill-h1-2", State.FILLED)
    await world.hear("kill-h1-3", State.REJECTED, error="MARKET_CLOSED: come again on Monday")
    await world.hear("kill-h1-4", State.DONE, order_ticket=0)
    await world.pass_ms(1)
    await world.profile(positions=(held(3),))
    (at,) = world.desk.flattening(one)
    assert (at.positions, at.foreign, at.flat) == (1, 1, False)
    assert at.why.startswith("MARKET_CLOSED: come again")
    await world.pass_ms(5_000)
    assert [sent.intent.target_ticket for sent in world.post.handed[4:]] == [3]
    await world.hear("kill-h1-5", State.FILLED)
    await world.pass_ms(1)
    await world.profile(positions=())
    (at,) = world.desk.flattening(one)
    assert (at.positions, at.foreign, at.flat, at.why) == (0, 0, True, "")


async def not_known(world: World, number: int) -> None:
    """The client says so of position 2, and goes on to show it."""
    await world.hear(
        f"kill-h1-{number}", State.DENIED, error="TARGET_CLOSED: no open position 2 is known"
    )
    await world.pass_ms(1)
    await world.profile(positions=(held(2),))


async def test_a_position_that_the_client_does_not_know_is_left_to_a_person_who_is_told(
    world: World,
) -> None:
    one = halt(flatten=True)
    await world.arrive(positions=(held(2),))
    await kill(world, one)
    await world.hear("kill-h1-1", State.DONE, order_ticket=0)
    await world.pass_ms(1)
    await world.profile(positions=(held(2),))
    for number in range(2, 2 + REFUSALS):
        assert world.alerts().count("NOT_FLAT") == 0, "it may come to know it"
        await world.pass_ms(5_000)
        await not_known(world, number)
    (at,) = world.desk.flattening(one)
    assert (at.positions, at.foreign, at.commands, at.flat) == (1, 1, 1 + REFUSALS, False)
    assert "a person must close them at the broker" in at.why
    assert world.alerts().count("NOT_FLAT") == 1
    await world.pass_ms(AGAIN_MS)
    await not_known(world, 2 + REFUSALS)
    assert len(world.post.sent()) == 2 + REFUSALS, "once more, and again after as long"
    assert world.alerts().count("NOT_FLAT") == 1
    await world.profile(positions=())
    (at,) = world.desk.flattening(one)
    assert (at.flat, at.why) == (True, "")


async def test_a_position_that_the_client_comes_to_know_is_closed(world: World) -> None:
    one = halt(flatten=True)
    await world.arrive(positions=(held(2),))
    await kill(world, one)
    await world.hear("kill-h1-1", State.DONE, order_ticket=0)
    await world.pass_ms(1)
    await world.profile(positions=(held(2),))
    for number in range(2, 2 + REFUSALS):
        await world.pass_ms(5_000)
        await not_known(world, number)
    await world.profile(positions=(held(2, command_id="late"),))
    await world.pass_ms(5_000)
    (last,) = world.post.handed[1 + REFUSALS :]
    assert last.intent.action is Action.CLOSE_ALL
    (at,) = world.desk.flattening(one)
    assert at.why == ""


async def test_a_flattening_that_is_given_up_says_that_a_person_must_look(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onefill.gateway.desk.flattening.MOST_COMMANDS", 2)
    one = halt(flatten=True)
    await world.arrive(positions=(held(1, command_id="ours"), held(2)))
    await kill(world, one)
    for number in (1, 2):
        await world.hear(f"kill-h1-{number}", State.REJECTED, error="NO_CONNECTION: none")
        await world.pass_ms(5_000)
    await world.pass_ms(5_000)
    (at,) = world.desk.flattening(one)
    assert "a person must close them" in at.why
    await world.profile(positions=())
    assert world.alerts().count("NOT_FLAT") == 1
    assert world.desk.flattening(one)[0].flat


async def test_where_the_contract_has_no_close_all_each_position_is_closed(world: World) -> None:
    await world.arrive(positions=(held(1), held(2)))
    world.post.answer = "NOT_EXPRESSIBLE"
    killing = asyncio.create_task(world.desk.kill(halt(flatten=True)))
    await world.settle()
    world.post.answer = ""
    await world.confirm()
    await killing
    await world.pass_ms(5_000)
    assert [one.intent.target_ticket for one in world.post.handed] == [1, 2]
