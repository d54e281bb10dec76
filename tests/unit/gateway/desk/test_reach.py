"""A halt of a strategy covers changes of what that strategy holds, whoever asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action
from onefill.model.states import State
from tests.unit.gateway.desk.test_killing import halt, kill
from tests.unit.gateway.desk.world import TENANT, World, held, pending

SEVEN = Halt(id="h7", scope=Scope.STRATEGY, tenant=TENANT, strategy=7, by="olga")


async def changed(world: World, key: str, **fields: Any) -> str:
    """The code of a change's denial; empty where it left."""
    order = await world.decide(key, action=Action.MODIFY, stop_loss=1.0, **fields)
    return order.code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"target": "seven"}, "HALTED"),
        ({"target": "eight"}, ""),
        ({"target": "seven", "magic": 8}, "HALTED"),
        ({"target": "eight", "magic": 7}, "HALTED"),
        ({"target_order": 70}, "HALTED"),
        ({"target_order": 80}, ""),
        ({"target_ticket": 71}, "HALTED"),
        ({"target_ticket": 81}, ""),
        ({"magic": 7}, "HALTED"),
        ({"magic": 8}, ""),
        # Whose these are, is not known here.
        ({"target": "nobody's"}, "HALTED"),
        ({"target_order": 90}, "HALTED"),
        ({"target_ticket": 91}, "HALTED"),
        ({}, "HALTED"),
    ],
    ids=str,
)
async def test_a_change_is_denied_by_its_own_magic_number_or_its_targets(
    world: World, fields: dict[str, Any], code: str
) -> None:
    positions = (held(71, magic=7), held(81, magic=8))
    await world.arrive(positions=positions)
    for key, magic in (("seven", 7), ("eight", 8)):
        await world.decide(key, magic=magic, **pending())
        await world.hear(key, State.WORKING, order_ticket=magic * 10)
    world.directory.add_halt(SEVEN)

    assert await changed(world, "m", **fields) == code


async def test_without_a_halt_a_change_of_anything_leaves(world: World) -> None:
    await world.arrive()
    assert await changed(world, "m", target_ticket=91) == ""


async def test_another_accounts_halt_denies_no_change(world: World) -> None:
    await world.arrive()
    world.directory.add_halt(halt(scope=Scope.STRATEGY, tenant=TENANT, account="x", strategy=7))
    assert await changed(world, "m", target_ticket=91) == ""


async def test_a_change_that_waits_is_denied_by_a_kill_of_its_targets_strategy(
    world: World,
) -> None:
    await world.arrive()
    for key, magic in (("seven", 7), ("eight", 8)):
        await world.decide(key, magic=magic)
        await world.hear(key, State.FILLED)
    await world.leave()
    for key in ("seven", "eight"):
        assert await changed(world, f"change {key}", target=key) == ""
    report = await kill(world, SEVEN, pass_ms=60_000)

    assert [account.denied for account in report.accounts] == [1]
    assert await world.state("change seven") is State.DENIED
    assert await world.state("change eight") is not State.DENIED


async def test_a_change_on_its_way_to_the_client_is_denied_by_such_a_kill(world: World) -> None:
    await world.arrive()
    await world.decide("seven", magic=7)
    await world.hear("seven", State.FILLED)
    world.post.answer = "QUEUE_FULL"
    await changed(world, "m", target="seven")
    world.directory.add_halt(SEVEN)
    world.post.answer = ""
    await world.pass_ms(1_000)

    assert await world.state("m") is State.DENIED
    assert "m" not in world.post.sent()
