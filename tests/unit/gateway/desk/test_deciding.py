"""A decision is judged, recorded, and handed to its client once that is durable."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from onefill.contracts.messages import Command, Preferences
from onefill.gateway.desk.directing import Directing
from onefill.gateway.identity.model import Caller, Right
from onefill.gateway.ports import Decision
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.journal.verify import verify
from onefill.model.errors import OnefillError
from onefill.model.events import Accepted, Dispatched
from onefill.model.intent import Action
from onefill.model.states import State
from onefill.runtime.clock import VirtualClock
from tests.unit.gateway.desk.world import (
    ACCOUNT,
    CALLER,
    ID,
    NAME,
    START_MS,
    MemoryDirectory,
    MemoryPost,
    World,
    opening,
    pending,
    told,
)


async def test_a_decision_for_a_client_that_is_there_leaves_with_its_first_commit(
    world: World,
) -> None:
    await world.arrive()
    durable: list[int] = []
    world.post.watch = lambda *_: durable.append(world.journal.durable_seq)
    flushes = world.journal.durable_seq
    order = await world.decide("k1")
    assert order.state is State.SENDING
    records = [one for one in world.journal.records() if one.seq > flushes]
    assert [type(one.event) for one in records] == [Accepted, Dispatched]
    assert durable == [records[-1].seq]
    assert world.post.sent() == ["k1"]


async def test_the_command_names_account_and_user_and_when_it_expires(world: World) -> None:
    await world.arrive()
    await world.decide("k1")
    command = world.post.handed[0]
    assert (command.account, command.user_id, command.made_ms) == (NAME, "ann", START_MS)
    assert command.intent.expires_at_ms == START_MS + 60_000


async def test_the_same_decision_again_gets_the_stored_order_and_other_content_is_refused(
    world: World,
) -> None:
    await world.arrive()
    first = await world.decide("k1")
    await world.pass_ms(5_000)
    again = await world.decide("k1")
    assert again.number == first.number
    assert world.post.sent() == ["k1"]
    for changed in ({"volume": 0.2}, {"auto_execute": False}):
        with pytest.raises(OnefillError) as refused:
            await world.decide("k1", **changed)
        assert refused.value.code == "KEY_REUSED"


async def test_a_hundred_at_once_with_one_key_make_one_order(world: World) -> None:
    await world.arrive()
    orders = await asyncio.gather(*(world.decide("k1") for _ in range(100)))
    assert len({order.number for order in orders}) == 1
    assert world.post.sent() == ["k1"]


@pytest.mark.parametrize("key", ["k1/123", "kill-1-1", "a:cancel", ""])
async def test_keys_of_the_gateways_own_forms_are_refused(world: World, key: str) -> None:
    with pytest.raises(OnefillError) as refused:
        await world.decide(key)
    assert refused.value.code == "KEY_RESERVED"


async def test_a_decision_that_is_advice_is_recorded_and_goes_no_further(world: World) -> None:
    await world.arrive()
    order = await world.decide("k1", auto_execute=False)
    assert (order.state, order.code) == (State.DENIED, "ADVICE_ONLY")
    assert world.post.handed == []
    assert world.alerts() == []


async def test_an_account_that_is_not_the_callers_is_not_there_and_is_alerted(
    world: World,
) -> None:
    strangers = (
        Caller(tenant="acme", user="bob", rights=frozenset({Right.TRADE})),
        Caller(tenant="other", user="ann", rights=frozenset(Right)),
    )
    messages = set()
    for caller in strangers:
        with pytest.raises(OnefillError) as refused:
            await world.decide("k1", caller)
        assert refused.value.code == "ACCOUNT_UNKNOWN"
        messages.add(refused.value.message)
    assert len(messages) == 1
    assert world.alerts() == ["ACCOUNT_UNKNOWN", "ACCOUNT_UNKNOWN"]
    reader = Caller(tenant="acme", user="ann", rights=frozenset({Right.READ}))
    with pytest.raises(OnefillError) as refused:
        await world.decide("k1", reader)
    assert refused.value.code == "FORBIDDEN"


async def test_a_blocked_decision_is_recorded_and_alerted_and_stays_blocked(world: World) -> None:
    await world.arrive()
    world.directory.change_user(auto_trading=False)
    order = await world.decide("k1")
    assert (order.state, order.code) == (State.DENIED, "USER_AUTO_TRADING_OFF")
    assert world.alerts() == ["USER_AUTO_TRADING_OFF"]
    world.directory.change_user(auto_trading=True)
    assert (await world.decide("k1")).code == "USER_AUTO_TRADING_OFF"
    await world.restart()
    assert (await world.decide("k1")).code == "USER_AUTO_TRADING_OFF"


async def test_the_holders_preferred_size_is_taken_where_none_is_named(world: World) -> None:
    await world.arrive(preferences=Preferences(preferred_lot_size=0.03))
    await world.decide("k1", volume=None)
    assert world.post.handed[0].intent.volume == 0.03
    assert (await world.decide("k1", volume=None)).state is State.SENDING
    await world.profile()
    assert (await world.decide("k2", volume=None)).code == "SIZE_MISSING"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"symbol": ""}, "INTENT_INCOMPLETE"),
        ({"side": None}, "INTENT_INCOMPLETE"),
        (pending(price=None), "INTENT_INCOMPLETE"),
        ({"volume": float("nan")}, "SIZE_MISSING"),
        ({"volume": float("inf")}, "SIZE_MISSING"),
        ({"volume": -0.1}, "SIZE_MISSING"),
        ({"expires_at_ms": START_MS - 1}, "EXPIRED"),
        ({"user_id": "bob"}, "ACCOUNT_NOT_THE_USERS"),
    ],
)
async def test_what_cannot_be_judged_is_denied(
    world: World, fields: dict[str, Any], code: str
) -> None:
    await world.arrive()
    order = await world.decide("k1", **fields)
    assert (order.state, order.code) == (State.DENIED, code)
    assert world.post.handed == []


async def test_a_waiting_order_is_cancelled_at_once_and_never_leaves(world: World) -> None:
    await world.arrive()
    await world.leave()
    await world.decide("k1")
    await world.decide("k2")
    assert (await world.desk.cancel(CALLER, NAME, "k1")).state is State.CANCELLED
    cancel = await world.decide("c", action=Action.CANCEL, symbol="", target="k2")
    assert cancel.state is State.DONE
    assert await world.state("k2") is State.CANCELLED
    await world.arrive()
    assert world.post.handed == []


async def test_an_order_that_left_is_cancelled_by_a_command_of_its_own(world: World) -> None:
    await world.arrive()
    await world.decide("k1", **pending())
    await world.hear("k1", State.WORKING, order_ticket=77)
    command = await world.desk.cancel(CALLER, NAME, "k1")
    assert (command.key, command.intent.action) == ("k1:cancel", Action.CANCEL)
    assert (await world.desk.cancel(CALLER, NAME, "k1")).key == "k1:cancel"
    await world.settle()
    assert world.post.sent() == ["k1", "k1:cancel"]
    assert world.post.handed[1].intent.target_order == 77
    await world.hear("k1:cancel", State.DENIED)
    assert (await world.desk.cancel(CALLER, NAME, "k1")).key == "k1:cancel-2"
    with pytest.raises(OnefillError) as refused:
        await world.desk.cancel(CALLER, NAME, "nothing")
    assert refused.value.code == "ORDER_UNKNOWN"


async def test_a_caller_that_gives_up_ends_nothing(world: World) -> None:
    await world.arrive()
    asking = asyncio.create_task(world.decide("k1"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await world.settle()
    assert world.post.sent() == ["k1"]


async def test_an_outcome_is_awaited_until_the_client_tells_it(world: World) -> None:
    await world.arrive()
    await world.decide("k1")
    waiting = asyncio.create_task(world.desk.outcome(ID, "k1", 30))
    await world.settle()
    assert not waiting.done()
    await world.hear("k1", State.FILLED)
    order = await waiting
    assert (order.state, order.filled_e8, order.told_price) == (State.FILLED, 10**7, 1.1)
    await world.decide("k2")
    assert (await world.desk.outcome(ID, "k2", 0.01)).state is State.SENDING
    with pytest.raises(OnefillError) as refused:
        await world.desk.outcome(ID, "k3", 1)
    assert refused.value.code == "ORDER_UNKNOWN"


async def test_with_the_journals_writer_thread_orders_leave_in_the_order_they_came(
    tmp_path: Path,
) -> None:
    with Journal.open(tmp_path) as journal:
        async with GroupWriter(journal) as writer:
            post, directory = MemoryPost(), MemoryDirectory()
            desk = Directing(journal, writer, directory, VirtualClock(START_MS))
            await desk.open(post)
            post.here.add(ID)
            await desk.arrived(ACCOUNT, enveloped=True)
            await desk.profiled(ACCOUNT, told())
            durable: list[int] = []

            def look(_: str, command: Command) -> None:
                key = command.intent.client_key
                durable.append(len(list(journal.records(account=ID, order=key))))

            async def decide(n: int) -> None:
                for _ in range(n):  # some come while a commit is under way
                    await asyncio.sleep(0)
                await desk.decide(CALLER, Decision(intent=opening(f"k{n}"), account=NAME))

            post.watch = look
            keys = [f"k{n}" for n in range(100)]
            await asyncio.gather(*(decide(n) for n in range(100)))
            for key in keys:
                await desk.outcome(ID, key, 0)
            assert post.sent() == keys
            assert durable == [2] * len(keys)
            await desk.close()
    assert verify(tmp_path).intact
