"""Every row of `contracts/states`, in its WebSocket column, and back."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.contracts.messages import Result, Status, WireError
from onefill.contracts.results import contradiction, is_part, result_of, state_of
from onefill.model.intent import Action, OrderType, child_key
from onefill.model.order import OrderState
from onefill.model.resolved import ResolvedOrder
from onefill.model.states import State
from onefill.model.volume import to_e8
from tests.builders import LOT, PRICE, TENTH, deal, intent

NOW_MS = 1_700_000_000_000
FILLED_MS = NOW_MS - 250


def order(
    state: State, *, filled_e8: int = 0, action: Action = Action.OPEN, **changes: Any
) -> OrderState:
    """An order as it stands; `filled_e8` in one deal of position 40 by order 42."""
    deals = [deal(7, 40, order=42, volume_e8=filled_e8)] if filled_e8 else []
    plain: dict[str, Any] = {
        "key": "c1",
        "intent_id": "0" * 32,
        "number": 1,
        "intent": intent("c1", action=action),
        "received_ms": NOW_MS - 500,
        "order": ResolvedOrder(action=action, symbol="EURUSD", volume_e8=TENTH),
        "deals": deals,
        "filled_e8": filled_e8,
        "filled_ms": FILLED_MS if deals else 0,
        "order_ticket": 42 if deals else 0,
        "position_ticket": 40 if deals else 0,
    }
    return OrderState(state=state, **(plain | changes))


def told(what: OrderState) -> Result:
    found = result_of(what, sequence=5, at_ms=NOW_MS)
    assert isinstance(found, Result)
    assert (found.command_id, found.sequence, found.state) == ("c1", 5, what.state)
    assert contradiction(found, what.intent) == ""
    assert state_of(found, what.intent) is what.state
    return found


def foreign(found: Result) -> Result:
    """The same, from a client that knows none of our extensions."""
    plain = {"volume": 0.0, "position_ticket": 0, "retcode": 0, "sequence": 0, "state": None}
    return msgspec.structs.replace(found, **plain)


@pytest.mark.parametrize("state", [State.RECEIVED, State.ACCEPTED, State.SENDING])
def test_of_an_order_under_way_nothing_is_said(state: State) -> None:
    assert result_of(order(state), sequence=5, at_ms=NOW_MS) is None


def test_a_denied_order_failed_for_a_reason() -> None:
    found = told(order(State.DENIED, order=None, code="PRICE_COLLAR", message="4.3 % away"))
    assert (found.status, found.error) == (Status.FAILED, "PRICE_COLLAR: 4.3 % away")
    assert (found.order_ticket, found.price, found.at_ms) == (0, 0.0, NOW_MS)


def test_a_working_order_is_a_success_without_a_price() -> None:
    pending = intent("c1", order_type=OrderType.LIMIT, price=1.1)
    found = told(order(State.WORKING, order_ticket=42, intent=pending))
    assert (found.status, found.order_ticket, found.price) == (Status.SUCCESS, 42, 0.0)
    assert state_of(foreign(found), pending) is State.WORKING


def test_a_partly_filled_order_is_partial_with_what_was_executed() -> None:
    found = told(order(State.PARTIALLY_FILLED, filled_e8=LOT // 20))
    assert (found.status, found.volume, found.price) == (Status.PARTIAL, 0.05, PRICE)
    assert state_of(foreign(found), intent("c1")) is State.PARTIALLY_FILLED


@pytest.mark.parametrize("action", [Action.OPEN, Action.CLOSE])
def test_a_filled_order_is_a_success_with_ticket_and_price(action: Action) -> None:
    found = told(order(State.FILLED, filled_e8=TENTH, action=action))
    assert (found.status, found.order_ticket, found.price) == (Status.SUCCESS, 42, PRICE)
    assert (found.position_ticket, found.volume, found.error) == (40, 0.1, "")
    assert found.at_ms == FILLED_MS
    assert state_of(foreign(found), intent("c1", action=action)) is State.FILLED


def test_a_fill_is_told_with_what_was_asked_for_and_how_far_from_it_it_is() -> None:
    asked = ResolvedOrder(
        action=Action.OPEN,
        symbol="EURUSD",
        volume_e8=TENTH,
        requested_price=PRICE - 0.0002,
        pip_points=10,
        digits=5,
    )
    found = told(order(State.FILLED, filled_e8=TENTH, order=asked))
    assert (found.requested_price, found.slippage_pips) == (PRICE - 0.0002, 2.0)
    working = told(order(State.WORKING, order=asked, order_ticket=42))
    assert (working.requested_price, working.slippage_pips) == (PRICE - 0.0002, None)


def test_a_filled_order_that_a_policy_failed_carries_its_evidence_and_what_was_done() -> None:
    found = told(
        order(State.FILLED, filled_e8=TENTH, code="SLIPPAGE_EXCEEDED", message="kept, 9 pips worse")
    )
    assert found.status is Status.SUCCESS
    assert (found.order_ticket, found.price, found.volume) == (42, PRICE, 0.1)
    assert found.error == "SLIPPAGE_EXCEEDED: kept, 9 pips worse"


def test_a_late_fill_is_a_success_of_its_own() -> None:
    found = told(order(State.FILLED, filled_e8=TENTH, late=True))
    assert (found.status, found.price) == (Status.SUCCESS, PRICE)


@pytest.mark.parametrize(
    ("resolved", "ticket"),
    [({"order_ticket": 42}, 42), ({"position_ticket": 40}, 40)],
)
def test_a_change_that_was_made_is_a_success_with_the_ticket_it_was_made_to(
    resolved: dict[str, int], ticket: int
) -> None:
    meant = ResolvedOrder(action=Action.MODIFY, symbol="EURUSD", **resolved)  # type: ignore[arg-type]
    found = told(order(State.DONE, action=Action.MODIFY, order=meant))
    assert (found.status, found.order_ticket, found.price) == (Status.SUCCESS, ticket, 0.0)
    assert state_of(foreign(found), intent("c1", action=Action.MODIFY)) is State.DONE


def test_a_cancel_that_was_made_is_a_success_with_the_orders_ticket() -> None:
    meant = ResolvedOrder(action=Action.CANCEL, order_ticket=42)
    found = told(order(State.DONE, action=Action.CANCEL, order=meant))
    assert (found.status, found.order_ticket) == (Status.SUCCESS, 42)
    assert state_of(foreign(found), intent("c1", action=Action.CANCEL)) is State.DONE


@pytest.mark.parametrize("filled_e8", [0, 3 * TENTH])
def test_a_close_all_is_done_as_a_whole_even_where_nothing_was_open(filled_e8: int) -> None:
    deals = {"order_ticket": 0, "position_ticket": 0}
    found = told(order(State.DONE, action=Action.CLOSE_ALL, filled_e8=filled_e8, **deals))
    assert (found.status, found.price) == (Status.SUCCESS, 0.0)
    assert not is_part(found, intent("c1", action=Action.CLOSE_ALL))
    assert state_of(foreign(found), intent("c1", action=Action.CLOSE_ALL)) is State.DONE


@pytest.mark.parametrize(("filled_e8", "status"), [(0, Status.FAILED), (TENTH, Status.PARTIAL)])
def test_a_close_all_that_left_something_open_is_no_success(filled_e8: int, status: Status) -> None:
    left = {"code": "NOT_ALL_CLOSED", "message": "1 of 2 closed", "position_ticket": 0}
    found = told(order(State.DONE, action=Action.CLOSE_ALL, filled_e8=filled_e8, **left))
    assert (found.status, found.price) == (status, 0.0)
    assert found.error == "NOT_ALL_CLOSED: 1 of 2 closed"
    whole = intent("c1", action=Action.CLOSE_ALL)
    assert contradiction(foreign(found), whole) == ""
    ends = State.DONE if filled_e8 else State.REJECTED
    assert state_of(foreign(found), whole) is ends


def child(state: State, **changes: Any) -> OrderState:
    key = child_key("c1", 40)
    part = intent(key, action=Action.CLOSE, parent="c1", target_ticket=40, symbol="", volume=None)
    return order(state, key=key, intent=part, **changes)


def test_each_position_of_a_close_all_answers_under_its_id() -> None:
    whole = intent("c1", action=Action.CLOSE_ALL, volume=None)
    closed = told(child(State.FILLED, filled_e8=TENTH, action=Action.CLOSE))
    assert (closed.command_id, closed.position_ticket, closed.price) == ("c1", 40, PRICE)
    denied = told(child(State.DENIED, order=None, code="TARGET_CLOSED", message="it is gone"))
    assert (denied.status, denied.position_ticket) == (Status.FAILED, 40)
    for found in (closed, denied):
        assert is_part(found, whole)
        assert contradiction(found, whole) == ""
        assert state_of(found, whole) is found.state


def test_a_position_of_a_close_all_with_an_unknown_outcome_is_named_in_words() -> None:
    found = result_of(child(State.UNKNOWN, code="TIMED_OUT", message="no answer"),
                      sequence=5, at_ms=NOW_MS)  # fmt: skip
    assert found == WireError("OUTCOME_UNKNOWN", "c1/40: TIMED_OUT: no answer", "c1")


def test_a_rejected_order_failed_with_the_brokers_code_and_text() -> None:
    found = told(
        order(State.REJECTED, code="TRADE_RETCODE_NO_MONEY", message="no money", retcode=10019)
    )
    assert (found.status, found.retcode) == (Status.FAILED, 10019)
    assert found.error == "TRADE_RETCODE_NO_MONEY: no money"
    assert state_of(foreign(found), intent("c1")) is State.REJECTED


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.CANCELLED, "cancelled"),
        (State.EXPIRED, "expired"),
        (State.NOT_EXECUTED, "proven not executed"),
    ],
)
def test_an_order_that_ended_unfilled_failed_in_the_contracts_words(
    state: State, words: str
) -> None:
    found = told(order(state))
    assert (found.status, found.error) == (Status.FAILED, words)
    why = told(order(state, code="NOT_CONNECTED", message="the terminal was away"))
    assert why.error == f"{words}: NOT_CONNECTED: the terminal was away"


@pytest.mark.parametrize("state", [State.DENIED, State.REJECTED])
def test_a_failure_is_never_without_a_word(state: State) -> None:
    assert told(order(state)).error


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED, State.REJECTED])
def test_where_the_rest_is_gone_what_filled_is_told_and_not_as_a_failure(state: State) -> None:
    found = told(
        order(state, filled_e8=LOT // 20, code="PARTLY_FILLED", message="the rest was cancelled")
    )
    assert found.status is Status.PARTIAL
    assert (found.order_ticket, found.position_ticket) == (42, 40)
    assert (found.volume, found.price) == (0.05, PRICE)
    assert "the rest was cancelled" in found.error


@pytest.mark.parametrize(
    ("state", "code"),
    [(State.UNKNOWN, "OUTCOME_UNKNOWN"), (State.QUARANTINED, "QUARANTINED")],
)
def test_an_unproven_order_is_an_error_and_never_a_result(state: State, code: str) -> None:
    found = result_of(order(state, filled_e8=LOT // 20), sequence=5, at_ms=NOW_MS)
    assert isinstance(found, WireError)
    assert (found.code, found.id) == (code, "c1")
    assert found.message


@pytest.mark.parametrize("state", [State.FILLED, State.PARTIALLY_FILLED])
def test_a_fill_that_only_a_person_vouches_for_is_no_result(state: State) -> None:
    found = result_of(order(state, by="ann", message="seen"), sequence=5, at_ms=NOW_MS)
    assert isinstance(found, WireError)
    assert (found.code, found.id) == ("QUARANTINED", "c1")


def result(status: Status, **changes: Any) -> Result:
    return Result(command_id="c1", status=status, **changes)


BUY, CHANGE = intent("c1"), intent("c1", action=Action.MODIFY)
EVERYTHING = intent("c1", action=Action.CLOSE_ALL)
PENDING = intent("c1", order_type=OrderType.STOP, price=1.2)
EVIDENCE = {"order_ticket": 42, "price": 1.1}


@pytest.mark.parametrize(
    ("found", "meant", "why"),
    [
        (result(Status.SUCCESS), BUY, "without an order_ticket"),
        (result(Status.SUCCESS, price=1.1), BUY, "without an order_ticket"),
        (result(Status.SUCCESS, order_ticket=42), BUY, "without an executed_price"),
        (result(Status.SUCCESS), PENDING, "without an order_ticket"),
        (result(Status.SUCCESS), CHANGE, "without an order_ticket"),
        (result(Status.SUCCESS, price=1.1), EVERYTHING, "without an order_ticket"),
        (result(Status.SUCCESS, order_ticket=42, state=State.FILLED), BUY, "executed_price"),
        (result(Status.SUCCESS, state=State.WORKING, **EVIDENCE), PENDING, "WORKING"),
        (result(Status.SUCCESS, state=State.DONE, **EVIDENCE), BUY, "DONE"),
        (result(Status.SUCCESS, state=State.FILLED, **EVIDENCE), CHANGE, "FILLED"),
        (result(Status.SUCCESS, state=State.REJECTED, **EVIDENCE), BUY, "at odds"),
        (result(Status.SUCCESS, volume=0.11, **EVIDENCE), BUY, "0.1 asked"),
        (result(Status.PARTIAL, price=1.1), BUY, "without an order_ticket"),
        (result(Status.PARTIAL, order_ticket=42), BUY, "without an executed_price"),
        (result(Status.PARTIAL, state=State.FILLED, **EVIDENCE), BUY, "at odds"),
        (result(Status.PARTIAL, **EVIDENCE), CHANGE, "PARTIALLY_FILLED"),
        (result(Status.FAILED), BUY, "without an error_message"),
        (result(Status.FAILED, error="no", state=State.FILLED), BUY, "at odds"),
        (result(Status.FAILED, error="no", state=State.UNKNOWN), BUY, "at odds"),
        (result(Status.FAILED, error="no", **EVIDENCE), BUY, "FAILED, with"),
        (result(Status.FAILED, error="no", volume=0.1), BUY, "FAILED, with"),
        (result(Status.FAILED, error="no", state=State.DONE), CHANGE, "at odds"),
        (result(Status.PARTIAL, state=State.DONE, **EVIDENCE), BUY, "at odds"),
    ],
)
def test_a_result_that_contradicts_itself_is_not_believed(
    found: Result, meant: Any, why: str
) -> None:
    assert why in contradiction(found, meant)


def test_a_cancel_of_an_order_that_the_broker_never_had_is_done_without_a_ticket() -> None:
    cancel = intent("c1", action=Action.CANCEL)
    assert contradiction(result(Status.SUCCESS, state=State.DONE), cancel) == ""
    assert "without an order_ticket" in contradiction(result(Status.SUCCESS), cancel)


@given(st.sampled_from([TENTH // 3, TENTH, 7 * LOT]), st.integers(0, 10**10))
def test_more_than_was_asked_for_is_never_believed_and_no_more_is(asked: int, done: int) -> None:
    meant = intent("c1", volume=asked / LOT)
    found = result(Status.SUCCESS, volume=done / LOT, **EVIDENCE)
    assert bool(contradiction(found, meant)) is (to_e8(done / LOT) > to_e8(asked / LOT))
