"""Which order or position an intent means, and what it waits for."""

from __future__ import annotations

from typing import Any

import pytest

from onefill.execution.denial import Refused
from onefill.execution.effects import Steps, Until
from onefill.execution.outcome import deal_of
from onefill.execution.target import pending_meant, position_meant, settled_target
from onefill.model.intent import Action, OrderIntent, Side
from onefill.model.states import State
from tests.unit.execution.bench import Bench, deal_row


def close(**fields: Any) -> OrderIntent:
    return OrderIntent(**{"client_key": "c", "action": Action.CLOSE, **fields})


def result_of(steps: Steps) -> Any:
    """What the steps come to where nothing need be waited for."""
    with pytest.raises(StopIteration) as end:
        next(steps)
    return end.value.value


def waits(steps: Steps) -> Until:
    """What the steps wait for now."""
    effect = next(steps)
    assert isinstance(effect, Until)
    return effect


def filled(bench: Bench, key: str, order: int, **deal: Any) -> None:
    bench.sending(key)
    row = deal_row(200 + order, order, position_id=order, **deal)
    bench.moved(key, State.FILLED, order_ticket=order, position_ticket=order, deals=(deal_of(row),))


def test_the_target_s_position_is_meant() -> None:
    bench = Bench()
    filled(bench, "o", 101)

    position = result_of(position_meant(bench.desk, close(target="o")))

    assert position.ticket == 101


def test_a_target_that_nobody_ordered_is_refused() -> None:
    with pytest.raises(Refused, match="no order has the client_key 'never'") as no:
        next(position_meant(Bench().desk, close(target="never")))
    assert no.value.code == "TARGET_UNKNOWN"


@pytest.mark.parametrize("state", [State.CANCELLED, State.REJECTED])
def test_a_target_that_opened_nothing_is_refused_with_what_it_is(state: State) -> None:
    bench = Bench()
    bench.sending("o")
    bench.moved("o", state)

    with pytest.raises(Refused, match=f"it is {state}") as no:
        next(position_meant(bench.desk, close(target="o")))
    assert no.value.code == "TARGET_NOT_OPEN"


def test_a_target_still_on_its_way_is_waited_for() -> None:
    bench = Bench()
    order = bench.sending("o")
    steps = position_meant(bench.desk, close(target="o"))
    until = waits(steps)
    assert not until.condition(bench.state)

    row = deal_of(deal_row())
    bench.moved("o", State.FILLED, order_ticket=101, position_ticket=101, deals=(row,))

    assert until.condition(bench.state)
    assert result_of(steps).key == order.key


def test_waiting_ends_when_the_close_itself_expires() -> None:
    bench = Bench()
    bench.sending("o")

    until = waits(position_meant(bench.desk, close(target="o", expires_at_ms=5)))

    assert until.until_ms == 5


def test_a_cancel_does_not_wait_for_an_order_that_is_held_back() -> None:
    bench = Bench()
    bench.accepted("o")
    bench.desk.held.add("o")
    cancel = OrderIntent(client_key="c", action=Action.CANCEL, target="o")

    assert result_of(settled_target(bench.desk, cancel, "o")).state is State.ACCEPTED


def test_a_close_waits_for_an_earlier_one_of_the_same_position() -> None:
    bench = Bench()
    filled(bench, "o", 101)
    bench.accepted("first", intent={"action": Action.CLOSE, "target": "o"}, target="o")

    until = waits(position_meant(bench.desk, close(target="o")))

    assert not until.condition(bench.state)
    bench.moved("first", State.CANCELLED)
    assert until.condition(bench.state)


def test_without_a_target_the_only_position_that_fits_is_meant() -> None:
    bench = Bench()
    filled(bench, "a", 101)
    filled(bench, "b", 102, type=1)

    buy = result_of(position_meant(bench.desk, close(symbol="EURUSD", side=Side.BUY)))

    assert buy.ticket == 101
    with pytest.raises(Refused, match="2 positions in EURUSD fit") as several:
        next(position_meant(bench.desk, close(symbol="EURUSD")))
    assert several.value.code == "SEVERAL_POSITIONS"
    with pytest.raises(Refused, match="no position in GBPUSD") as none:
        next(position_meant(bench.desk, close(symbol="GBPUSD")))
    assert none.value.code == "NO_POSITION"


def test_a_child_of_a_close_all_means_its_ticket() -> None:
    bench = Bench()
    filled(bench, "o", 101)

    assert result_of(position_meant(bench.desk, close(target_ticket=101))).key == "o"
    with pytest.raises(Refused, match="older than this engine's journal") as closed:
        next(position_meant(bench.desk, close(target_ticket=102)))
    assert closed.value.code == "TARGET_CLOSED"


def test_only_a_working_order_can_be_cancelled_or_changed() -> None:
    bench = Bench()
    bench.sending("o")
    order = bench.moved("o", State.WORKING, order_ticket=101)

    assert pending_meant(order) is order
    gone = bench.moved("o", State.EXPIRED)
    with pytest.raises(Refused, match="is expired"):
        pending_meant(gone)
