"""Orders for a client that is away wait in order, expire in time, and are judged before they go."""

import asyncio

import pytest

from onefill.gateway.identity.model import Standing
from onefill.model.intent import Action
from onefill.model.states import State
from tests.unit.gateway.desk.world import CALLER, ID, NAME, START_MS, World, held, pending


async def with_known_profile(world: World) -> None:
    await world.arrive()
    await world.leave()


async def test_what_waits_goes_out_in_order_when_the_client_comes(world: World) -> None:
    await with_known_profile(world)
    keys = [f"k{n}" for n in range(250)]
    for key in keys:
        assert (await world.decide(key)).state is State.ACCEPTED
    assert world.desk.waiting(ID) == 250
    await world.arrive()
    await world.settle()
    late = await world.decide("late")
    await world.settle()
    assert late.state in (State.ACCEPTED, State.SENDING)
    assert world.post.sent() == [*keys, "late"]
    assert world.desk.waiting(ID) == 0


async def test_a_close_does_not_overtake_what_waits_before_it(world: World) -> None:
    await with_known_profile(world)
    await world.decide("open")
    await world.decide("close", action=Action.CLOSE, target="open")
    world.post.here.add(ID)
    await world.desk.arrived(world.directory.held[ID], enveloped=True)
    await world.settle()
    assert world.post.sent() == ["open", "close"]


async def test_an_order_that_was_never_sent_expires_when_its_time_comes(world: World) -> None:
    await with_known_profile(world)
    await world.decide("market")
    await world.decide("pending", **pending())
    await world.decide("short", expires_at_ms=START_MS + 5_000)
    await world.pass_ms(5_000)
    assert await world.state("short") is State.ACCEPTED
    await world.pass_ms(1)
    assert await world.state("short") is State.EXPIRED
    await world.pass_ms(60_000)
    assert await world.state("market") is State.EXPIRED
    assert await world.state("pending") is State.ACCEPTED
    await world.arrive()
    assert world.post.sent() == ["pending"]


async def test_expiry_goes_on_after_a_restart(world: World) -> None:
    await with_known_profile(world)
    await world.decide("k1")
    await world.restart()
    assert world.desk.waiting(ID) == 1
    await world.pass_ms(60_001)
    assert await world.state("k1") is State.EXPIRED
    assert world.desk.waiting(ID) == 0


async def test_what_was_handed_over_and_not_answered_is_handed_again_and_never_guessed(
    world: World,
) -> None:
    await world.arrive()
    await world.decide("k1")
    await world.decide("k2")
    await world.hear("k1", State.FILLED)
    await world.leave()
    await world.pass_ms(100_000)
    assert await world.state("k2") is State.SENDING
    await world.arrive()
    assert world.post.sent() == ["k1", "k2", "k2"]
    assert world.post.handed[1] == world.post.handed[2]


async def test_a_restart_hands_over_again_what_it_cannot_know_of_before_what_waits(
    world: World,
) -> None:
    await world.arrive()
    await world.decide("k1")
    await world.restart()
    await world.decide("close", action=Action.CLOSE_ALL, symbol="")
    await world.arrive()
    assert world.post.sent() == ["k1", "k1", "close"]


async def test_a_bare_client_is_not_handed_again_what_expired(world: World) -> None:
    await world.arrive(enveloped=False)
    await world.decide("k1")
    await world.decide("k2", **pending())
    await world.leave()
    await world.pass_ms(60_001)
    await world.arrive(enveloped=False)
    assert world.post.sent() == ["k1", "k2", "k2"]
    assert await world.state("k1") is State.UNKNOWN
    assert world.alerts() == ["COMMAND_UNANSWERED"]


async def test_a_client_whose_queue_is_full_gets_the_rest_later_in_order(world: World) -> None:
    await world.arrive()
    world.post.answer = "QUEUE_FULL"
    for n in range(150):
        await world.decide(f"k{n}")
    await world.settle()
    assert world.post.handed == []
    world.post.answer = ""
    await world.pass_ms(250)
    await world.settle()
    assert world.post.sent() == [f"k{n}" for n in range(150)]


async def test_what_is_taken_back_from_a_full_queue_keeps_its_place(world: World) -> None:
    world.settings = type(world.settings)(dispatch_batch=3)
    await world.restart()
    await world.arrive()
    world.post.answer = "QUEUE_FULL"
    keys = [f"k{n}" for n in range(7)]
    await asyncio.gather(*(world.decide(key) for key in keys))
    await world.leave()
    world.post.answer = ""
    await world.arrive()
    await world.settle()
    assert world.post.sent() == keys


async def test_a_queue_that_says_its_client_is_gone_loses_nothing(world: World) -> None:
    await world.arrive()
    world.post.answer = "AWAY"
    for n in range(5):
        await world.decide(f"k{n}")
    world.post.answer = ""
    await world.pass_ms(250)
    assert world.post.sent() == [f"k{n}" for n in range(5)]


async def test_what_never_left_a_full_queue_expires_or_waits_again(world: World) -> None:
    await world.arrive()
    world.post.answer = "QUEUE_FULL"
    await world.decide("k1", expires_at_ms=START_MS + 100)
    await world.decide("k2")
    await world.leave()
    assert await world.state("k1") is State.ACCEPTED
    await world.pass_ms(101)
    assert await world.state("k1") is State.EXPIRED
    world.post.answer = ""
    await world.arrive()
    assert world.post.sent() == ["k2"]


async def test_what_the_clients_contract_has_no_words_for_is_denied(world: World) -> None:
    await world.arrive()
    world.post.answer = "NOT_EXPRESSIBLE"
    await world.decide("k1", action=Action.CLOSE_ALL, symbol="")
    await world.settle()
    order = await world.desk.order(ID, "k1")
    assert order is not None
    assert (order.state, order.code) == (State.DENIED, "NOT_EXPRESSIBLE")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda w: w.directory.change_user(auto_trading=False), "USER_AUTO_TRADING_OFF"),
        (lambda w: w.directory.change_user(active=False), "USER_NOT_ACTIVE"),
        (lambda w: w.directory.change(standing=Standing.DISABLED), "ACCOUNT_NOT_ACTIVE"),
        (lambda w: w.directory.brokers.clear(), "BROKER_NOT_APPROVED"),
        (lambda w: w.directory.held.pop(ID) and None, "ACCOUNT_UNKNOWN"),
    ],
)
async def test_what_waits_is_judged_again_right_before_it_leaves(
    world: World, change: object, code: str
) -> None:
    await with_known_profile(world)
    account = world.directory.held[ID]
    await world.decide("k1")
    await world.decide("close", action=Action.CLOSE, target="k1")
    assert callable(change)
    change(world)
    world.post.here.add(ID)
    await world.desk.arrived(account, enveloped=True)
    await world.settle()
    order = await world.desk.order(ID, "k1")
    assert order is not None
    assert (order.state, order.code) == (State.DENIED, code)
    assert world.post.sent() == ["close"]


async def test_an_old_profile_accepts_and_a_fresh_one_lets_go(world: World) -> None:
    await with_known_profile(world)
    await world.pass_ms(3_599_000)
    assert (await world.decide("k1")).state is State.ACCEPTED
    await world.pass_ms(2_000)
    assert (await world.decide("k2")).code == "PROFILE_STALE"
    world.post.here.add(ID)
    await world.desk.arrived(world.directory.held[ID], enveloped=True)
    await world.settle()
    assert world.post.handed == []
    await world.profile(positions=tuple(held(n) for n in range(3)))
    assert world.post.sent() == ["k1"]


async def test_a_client_that_tells_no_profile_gets_nothing_that_raises_risk(world: World) -> None:
    await with_known_profile(world)
    await world.pass_ms(3_000_000)
    await world.decide("k1")
    world.post.here.add(ID)
    await world.desk.arrived(world.directory.held[ID], enveloped=True)
    await world.pass_ms(10_000)
    order = await world.desk.order(ID, "k1")
    assert order is not None
    assert (order.state, order.code) == (State.DENIED, "PROFILE_STALE")


async def test_no_more_orders_wait_than_there_is_room_for(world: World) -> None:
    world.settings = type(world.settings)(max_waiting=2)
    await world.restart()
    await with_known_profile(world)
    for key in ("k1", "k2"):
        assert (await world.decide(key)).state is State.ACCEPTED
    assert (await world.decide("k3")).code == "TOO_MANY_WAITING"
    await world.desk.cancel(CALLER, NAME, "k1")
    assert (await world.decide("k4")).state is State.ACCEPTED


async def test_a_newer_client_is_handed_what_the_older_did_not_answer(world: World) -> None:
    await world.arrive()
    await world.decide("k1")
    await world.arrive()
    await world.decide("k2")
    assert world.post.sent() == ["k1", "k1", "k2"]
