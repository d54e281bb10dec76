"""What a client tells is taken once, believed with its evidence, and never lost."""

from typing import Any

import pytest

from onefill.contracts.messages import Status, WireError
from onefill.gateway.api.told import order_told
from onefill.gateway.desk.steps import steps
from onefill.journal.verify import verify
from onefill.model.account import state_hash
from onefill.model.errors import OnefillError
from onefill.model.events import Reported
from onefill.model.intent import Action
from onefill.model.states import State, may_follow
from tests.unit.gateway.desk.world import (
    ACCOUNT,
    CALLER,
    ID,
    NAME,
    OPERATOR,
    World,
    held,
    limits,
    pending,
)


async def sent(world: World, key: str = "k1", **fields: Any) -> None:
    if not world.post.here:
        await world.arrive()
    await world.decide(key, **fields)


async def test_a_result_is_durable_when_it_is_acknowledged_and_a_repeat_says_so(
    world: World,
) -> None:
    await sent(world)
    first = await world.hear("k1", State.FILLED, sequence=1)
    assert (first.id, first.sequence, first.duplicate) == ("k1", 1, False)
    records = world.journal.durable_seq
    for sequence in (1, 1, 0):
        assert (await world.hear("k1", State.FILLED, sequence=sequence)).duplicate
    await world.restart()
    assert (await world.hear("k1", State.FILLED, sequence=1)).duplicate
    assert world.journal.durable_seq == records


async def test_a_repeat_under_a_new_number_counts_as_heard_and_changes_nothing(
    world: World,
) -> None:
    await sent(world)
    await sent(world, "k2")
    await world.hear("k1", State.FILLED, sequence=1)
    assert (await world.hear("k1", State.FILLED, sequence=2)).duplicate
    await world.hear("k2", State.FILLED, sequence=3)
    assert world.alerts() == []


async def test_a_gap_in_the_numbers_is_alerted_and_what_was_missing_is_taken(
    world: World,
) -> None:
    for n in range(1, 4):
        await sent(world, f"k{n}")
    await world.hear("k1", State.FILLED, sequence=1)
    await world.hear("k3", State.FILLED, sequence=3)
    assert world.alerts() == ["RESULT_GAP"]
    assert not (await world.hear("k2", State.FILLED, sequence=2)).duplicate
    assert await world.state("k2") is State.FILLED


async def test_a_pending_order_goes_from_working_over_parts_to_filled(world: World) -> None:
    await sent(world, **pending())
    told = [
        (State.WORKING, 0.0),
        (State.PARTIALLY_FILLED, 0.03),
        (State.PARTIALLY_FILLED, 0.06),
        (State.FILLED, 0.1),
    ]
    for state, volume in told:
        assert not (await world.hear("k1", state, volume=volume)).duplicate
    order = await world.desk.order(ID, "k1")
    assert order is not None
    assert (order.state, order.filled_e8) == (State.FILLED, 10**7)


async def test_older_news_of_an_order_change_nothing(world: World) -> None:
    await sent(world, **pending())
    await world.hear("k1", State.PARTIALLY_FILLED, volume=0.06, sequence=3)
    assert (await world.hear("k1", State.WORKING, sequence=1)).duplicate
    assert (await world.hear("k1", State.PARTIALLY_FILLED, volume=0.03, sequence=2)).duplicate
    await world.hear("k1", State.FILLED, sequence=4)
    assert (await world.hear("k1", State.WORKING, sequence=0)).duplicate
    assert await world.state("k1") is State.FILLED
    assert "LATE_RESULT" not in world.alerts()


@pytest.mark.parametrize(
    ("state", "stands"),
    [
        (State.DENIED, State.DENIED),
        (State.REJECTED, State.REJECTED),
        (State.NOT_EXECUTED, State.NOT_EXECUTED),
        (State.CANCELLED, State.CANCELLED),
        (State.EXPIRED, State.EXPIRED),
    ],
)
async def test_every_failure_finds_its_way_through_the_table(
    world: World, state: State, stands: State
) -> None:
    await sent(world)
    await world.hear("k1", state)
    order = await world.desk.order(ID, "k1")
    assert order is not None
    assert (order.state, order.code, order.message) == (
        stands,
        "MARKET_CLOSED",
        "the market is closed",
    )


@pytest.mark.parametrize("state", [State.DENIED, State.NOT_EXECUTED, State.EXPIRED])
async def test_what_a_client_told_is_one_record_and_says_where_the_order_went(
    world: World, state: State
) -> None:
    await sent(world)
    await world.hear("k1", state)
    told = [one.event for one in world.journal.records() if isinstance(one.event, Reported)]
    assert [one.to for one in told] == [state]


async def test_what_was_asked_for_and_how_far_from_it_the_fill_is_are_kept(world: World) -> None:
    for key in ("k1", "k2", "k3"):
        await sent(world, key, **(pending() if key == "k1" else {}))
    await world.hear("k1", State.WORKING, requested_price=1.05)
    await world.hear("k1", State.FILLED, requested_price=1.05, price=1.0502, slippage_pips=2.0)
    await world.hear("k2", State.FILLED, requested_price=1.1, slippage_pips=0.0)
    await world.hear("k3", State.FILLED)  # a client that does not tell
    await world.restart()
    told = []
    for key in ("k1", "k2", "k3"):
        order = await world.desk.order(ID, key)
        assert order is not None
        told.append((order.requested_price(), order.slippage_pips()))
    assert told == [(1.05, 2.0), (1.1, 0.0), (None, None)]


def test_every_way_is_made_of_steps_of_the_table() -> None:
    for before in State:
        for after in State:
            way = steps(before, after)
            if way is None:
                continue
            assert way[-1] is after
            assert all(map(may_follow, (before, *way), way))
    assert steps(State.SENDING, State.DENIED) == (State.ACCEPTED, State.DENIED)
    assert steps(State.SENDING, State.NOT_EXECUTED) == (State.UNKNOWN, State.NOT_EXECUTED)
    assert steps(State.WORKING, State.DENIED) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"order_ticket": 0},
        {"price": 0.0},
        {"volume": 5.0},
        {"status": Status.FAILED},
        {"status": Status.FAILED, "error": ""},
    ],
)
async def test_a_result_that_contradicts_itself_makes_the_outcome_unknown(
    world: World, fields: dict[str, Any]
) -> None:
    await sent(world)
    await world.hear("k1", State.FILLED, **fields)
    assert await world.state("k1") is State.UNKNOWN
    assert world.alerts() == ["RESULT_CONTRADICTS"]
    await world.hear("k1", State.FILLED)
    assert await world.state("k1") is State.FILLED


async def test_an_order_in_doubt_that_is_told_denied_was_not_executed(world: World) -> None:
    await sent(world)
    await world.desk.warned(ACCOUNT, WireError("OUTCOME_UNKNOWN", "not proven yet", "k1"))
    assert await world.state("k1") is State.UNKNOWN
    await world.hear("k1", State.DENIED)
    assert await world.state("k1") is State.NOT_EXECUTED
    assert (await world.hear("k1", State.DENIED)).duplicate
    assert world.alerts() == ["OUTCOME_UNKNOWN"]


@pytest.mark.parametrize("over", [State.REJECTED, State.CANCELLED, State.NOT_EXECUTED])
async def test_late_evidence_takes_an_order_up_again_with_a_critical_alert(
    world: World, over: State
) -> None:
    await sent(world)
    await world.hear("k1", over)
    assert not (await world.hear("k1", State.FILLED)).duplicate
    order = await world.desk.order(ID, "k1")
    assert order is not None
    assert (order.state, order.late, order.filled_e8) == (State.FILLED, True, 10**7)
    assert world.alerts() == ["LATE_RESULT"]
    assert (await world.hear("k1", State.FILLED)).duplicate
    live = state_hash(world.journal.state(ID))
    await world.restart()
    assert state_hash(world.journal.state(ID)) == live


async def test_a_fill_of_an_order_that_was_denied_is_alerted_as_impossible(world: World) -> None:
    await sent(world)
    await world.hear("k1", State.DENIED)
    await world.hear("k1", State.FILLED)
    assert await world.state("k1") is State.DENIED
    assert world.alerts() == ["RESULT_CONTRADICTS"]


async def test_what_filled_of_a_cancelled_order_is_kept_and_more_is_late(world: World) -> None:
    await sent(world, **pending())
    await world.hear(
        "k1", State.CANCELLED, status=Status.PARTIAL, price=1.1, volume=0.03, order_ticket=11
    )
    await world.hear(
        "k1", State.CANCELLED, status=Status.PARTIAL, price=1.1, volume=0.05, order_ticket=11
    )
    order = await world.desk.order(ID, "k1")
    assert order is not None
    assert (order.state, order.filled_e8) == (State.CANCELLED, 5 * 10**6)
    assert world.alerts() == ["LATE_RESULT"]


async def test_positions_of_a_close_all_are_recorded_and_do_not_end_it(world: World) -> None:
    await sent(world, action=Action.CLOSE_ALL, symbol="")
    for n in (1, 2):
        ack = await world.hear("k1", State.FILLED, position_ticket=n, sequence=n)
        assert not ack.duplicate
    assert (await world.hear("k1", State.FILLED, position_ticket=1, sequence=1)).duplicate
    assert await world.state("k1") is State.SENDING
    await world.hear("k1", State.DONE, sequence=3, order_ticket=0)
    assert await world.state("k1") is State.DONE
    told = [one.event for one in world.journal.records() if isinstance(one.event, Reported)]
    assert [(one.part, one.position_ticket) for one in told] == [
        (True, 1),
        (True, 2),
        (False, 0),
    ]


async def test_parts_of_a_close_all_that_come_out_of_order_are_all_kept(world: World) -> None:
    await sent(world, action=Action.CLOSE_ALL, symbol="")
    for n in (1, 3, 2):
        ack = await world.hear("k1", State.FILLED, position_ticket=n, sequence=n)
        assert not ack.duplicate


async def test_parts_that_the_gateway_before_this_one_recorded_are_not_recorded_again(
    world: World,
) -> None:
    await sent(world, action=Action.CLOSE_ALL, symbol="")
    for n in (1, 3):
        await world.hear("k1", State.FILLED, position_ticket=n, sequence=n)
    await world.restart()
    await world.arrive()
    told = [
        (await world.hear("k1", State.FILLED, position_ticket=n, sequence=n)) for n in (1, 2, 3)
    ]
    assert [ack.duplicate for ack in told] == [True, False, True]


@pytest.mark.parametrize(
    ("status", "state", "stands"),
    [
        (Status.PARTIAL, State.DONE, State.DONE),
        (Status.FAILED, State.DONE, State.DONE),
        (Status.PARTIAL, None, State.DONE),
        (Status.FAILED, None, State.REJECTED),
    ],
)
async def test_a_close_all_that_left_something_open_says_so_and_is_no_success(
    world: World, status: Status, state: State | None, stands: State
) -> None:
    """Also from a client that knows no states."""
    world.directory.limit = limits("[firm]\nmax_positions = 1\n")
    await world.arrive(positions=(held(11), held(12)))
    await sent(world, action=Action.CLOSE_ALL, symbol="")
    await world.hear("k1", State.REJECTED, position_ticket=12, sequence=1)
    said = "0 of 1 closed; k1/12 is rejected"
    await world.hear(
        "k1", state, status=status, error=f"NOT_ALL_CLOSED: {said}", order_ticket=0, sequence=2
    )
    order = await world.desk.order(ID, "k1")
    assert order is not None
    told = order_told(NAME, order)
    assert told.status is stands
    assert told.reason is not None
    assert (told.reason.code, told.reason.message) == ("NOT_ALL_CLOSED", said)
    part, whole = (one.event for one in world.journal.records() if isinstance(one.event, Reported))
    assert (part.part, part.position_ticket, part.code) == (True, 12, "MARKET_CLOSED")
    assert (whole.part, whole.to) == (False, stands)
    denied = await world.decide("k2")
    assert denied.code == "TOO_MANY_POSITIONS", "what is open counts"


async def test_a_result_of_no_command_of_ours_is_refused(world: World) -> None:
    await world.arrive()
    with pytest.raises(OnefillError) as refused:
        await world.hear("k1", State.FILLED)
    assert refused.value.code == "COMMAND_UNKNOWN"


async def test_a_result_of_an_order_that_waits_is_believed_and_alerted(world: World) -> None:
    await world.arrive()
    await world.leave()
    await world.decide("k1")
    await world.hear("k1", State.FILLED)
    assert await world.state("k1") is State.FILLED
    assert world.alerts() == ["RESULT_UNASKED"]
    await world.arrive()
    assert world.post.handed == []


async def test_quarantine_is_visible_until_evidence_or_a_person_ends_it(world: World) -> None:
    await sent(world)
    await sent(world, "k2")
    for key in ("k1", "k2"):
        await world.desk.warned(ACCOUNT, WireError("QUARANTINED", "somebody must look", key))
    assert await world.state("k1") is State.QUARANTINED
    await world.hear("k1", State.FILLED)
    assert await world.state("k1") is State.FILLED
    with pytest.raises(OnefillError) as refused:
        await world.desk.settle(CALLER, NAME, "k2", State.REJECTED, "seen")
    assert refused.value.code == "FORBIDDEN"
    order = await world.desk.settle(OPERATOR, NAME, "k2", State.REJECTED, "seen")
    assert (order.state, order.by) == (State.REJECTED, "olga")
    for key, to, code in (
        ("k2", State.FILLED, "NOT_IN_DOUBT"),
        ("k3", State.FILLED, "ORDER_UNKNOWN"),
    ):
        with pytest.raises(OnefillError) as refused:
            await world.desk.settle(OPERATOR, NAME, key, to, "")
        assert refused.value.code == code


async def test_a_code_is_told_once_and_apart_from_its_sentence(world: World) -> None:
    await sent(world, "k1")
    await sent(world, "k2")
    error = "cancelled: CANCELLED: cancelled as 'k1:cancel' asked"
    await world.hear("k1", State.CANCELLED, error=error)
    doubt = "QUARANTINED: several orders fit"
    await world.desk.warned(ACCOUNT, WireError("QUARANTINED", doubt, "k2"))
    told = []
    for key in ("k1", "k2"):
        order = await world.desk.order(ID, key)
        assert order is not None
        told.append((order.code, order.message))
    assert told == [
        ("CANCELLED", "cancelled as 'k1:cancel' asked"),
        ("QUARANTINED", "several orders fit"),
    ]


async def test_trouble_that_is_about_no_order_is_alerted(world: World) -> None:
    await world.arrive()
    await world.desk.warned(ACCOUNT, WireError("TERMINAL_DOWN", "the terminal is gone"))
    assert world.alerts() == ["TERMINAL_DOWN"]


async def test_the_journal_of_all_this_verifies(world: World) -> None:
    await sent(world)
    await world.hear("k1", State.REJECTED)
    await world.hear("k1", State.FILLED)
    await sent(world, "k2", action=Action.CLOSE_ALL, symbol="")
    await world.hear("k2", State.FILLED, position_ticket=4)
    await world.hear("k2", State.DONE, order_ticket=0)
    assert verify(world.path).intact
