"""A person's word on an order in doubt: recorded here, and told to the agent that doubts it too."""

from __future__ import annotations

import pytest

from onefill.contracts.client_config import Settlement, decode_client_config
from onefill.contracts.messages import Ack, WireError
from onefill.model.errors import OnefillError
from onefill.model.states import State
from tests.unit.gateway.desk.world import ID, OPERATOR, World

DOUBT = WireError("QUARANTINED", "nobody knows", "k")
SETTLED = Settlement(
    key="k", to=State.FILLED, by=OPERATOR.user, reason="seen in the terminal", ticket=77
)


async def doubted(world: World) -> None:
    await world.arrive()
    await world.decide("k")
    await world.desk.warned(world.directory.held[ID], DOUBT)


def told(world: World) -> list[tuple[Settlement, ...]]:
    return [decode_client_config(one.document).settled for one in world.post.configs]


async def settle(world: World, to: State = State.FILLED, ticket: int = 77) -> None:
    await world.desk.settle(
        OPERATOR, world.directory.held[ID].name, "k", to, SETTLED.reason, ticket
    )


async def test_the_agent_is_told_until_it_has_acknowledged(world: World) -> None:
    await doubted(world)
    await settle(world)
    assert told(world)[-1] == (SETTLED,)
    order = await world.desk.order(ID, "k")
    assert order is not None
    assert (order.state, order.order_ticket, order.by) == (State.FILLED, 77, OPERATOR.user)

    version = world.post.configs[-1].version
    await world.desk.acknowledged(world.directory.held[ID], Ack(f"config/{version}"))
    await world.desk.arrived(world.directory.held[ID], enveloped=True)
    assert told(world)[-1] == ()


async def test_an_agent_that_has_it_in_quarantine_again_is_told_again(world: World) -> None:
    await doubted(world)
    await settle(world)
    await world.restart()
    await world.arrive()
    await world.desk.warned(world.directory.held[ID], DOUBT)
    assert told(world)[-1] == (SETTLED,)


async def test_what_works_on_needs_its_ticket(world: World) -> None:
    await doubted(world)
    with pytest.raises(OnefillError) as wrong:
        await settle(world, State.WORKING, ticket=0)
    assert wrong.value.code == "TICKET_MISSING"
