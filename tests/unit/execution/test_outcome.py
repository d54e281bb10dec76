"""What a broker's rows prove of an order, and which records take it there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.execution.outcome import Outcome, deal_of, moves, read_rows
from onefill.model.deal import DealReason, Entry
from onefill.model.intent import Side
from onefill.model.states import State, may_follow
from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from tests.unit.execution.bench import Bench, deal_row, order_row


def test_a_fill_is_proven_by_deals_for_the_whole_volume_alone() -> None:
    order = Bench().sending("k", lots=0.3)
    deals = [deal_row(201, volume=0.1), deal_row(202, volume=0.2)]

    outcome = read_rows(order, None, deals, "deals")

    assert outcome is not None
    assert outcome.to is State.FILLED
    assert [deal.ticket for deal in outcome.deals] == [201, 202]
    assert (outcome.order_ticket, outcome.position_ticket) == (101, 101)


def test_a_row_that_says_filled_proves_nothing_until_all_deals_have_come() -> None:
    order = Bench().sending("k", lots=0.3)
    row = order_row(volume_initial=0.3, state=port.STATE_FILLED)

    assert read_rows(order, row, [], "history") is None
    assert read_rows(order, row, [deal_row(volume=0.1)], "history") is None


def test_nothing_at_all_proves_nothing() -> None:
    assert read_rows(Bench().sending("k"), None, [], "history") is None


def test_an_end_whose_row_speaks_of_more_fills_than_there_are_deals_proves_nothing_yet() -> None:
    order = Bench().sending("k", lots=0.3)
    row = order_row(volume_initial=0.3, volume_current=0.1, state=port.STATE_CANCELED)

    assert read_rows(order, row, [deal_row(volume=0.1)], "history") is None
    whole = read_rows(order, row, [deal_row(volume=0.2)], "history")
    assert whole is not None
    assert whole.to is State.CANCELLED


@pytest.mark.parametrize(
    ("row_state", "state", "code"),
    [
        (port.STATE_CANCELED, State.CANCELLED, "CANCELLED_AT_BROKER"),
        (port.STATE_EXPIRED, State.EXPIRED, "EXPIRED_AT_BROKER"),
        (port.STATE_REJECTED, State.REJECTED, "REJECTED_AT_BROKER"),
    ],
)
def test_an_ended_order_without_fills_ends_as_the_broker_says(
    row_state: int, state: State, code: str
) -> None:
    row = order_row(state=row_state, volume_current=0.1)

    outcome = read_rows(Bench().sending("k"), row, [], "history")

    assert outcome is not None
    assert (outcome.to, outcome.code, outcome.ended) == (state, code, True)


@pytest.mark.parametrize("row_state", [port.STATE_PLACED, port.STATE_PARTIAL])
def test_an_order_that_still_works_is_partly_filled_where_deals_say_so(row_state: int) -> None:
    order = Bench().sending("k", lots=0.3)
    row = order_row(state=row_state, volume_initial=0.3, volume_current=0.3)

    working = read_rows(order, row, [], "history")
    partly = read_rows(order, row, [deal_row(volume=0.1)], "history")

    assert working is not None
    assert partly is not None
    assert (working.to, partly.to) == (State.WORKING, State.PARTIALLY_FILLED)
    assert not working.ended
    assert not partly.ended


def test_a_deal_booked_before_is_not_counted_again() -> None:
    bench = Bench()
    order = bench.sending("k", lots=0.3)
    first = deal_row(201, volume=0.1)
    bench.moved("k", State.PARTIALLY_FILLED, deals=(deal_of(first),), order_ticket=101)

    outcome = read_rows(order, None, [first, deal_row(202, volume=0.2)], "history")

    assert outcome is not None
    assert outcome.to is State.FILLED
    assert [deal.ticket for deal in outcome.deals] == [202]


def test_an_order_filled_in_part_and_cancelled_takes_two_steps_of_the_table() -> None:
    order = Bench().sending("k", lots=0.3)
    row = order_row(state=port.STATE_CANCELED, volume_initial=0.3, volume_current=0.2)
    outcome = read_rows(order, row, [deal_row(volume=0.1)], "history")
    assert outcome is not None

    first, second = moves(order, outcome)

    assert (first.to, [d.ticket for d in first.deals]) == (State.PARTIALLY_FILLED, [201])
    assert (second.to, second.deals) == (State.CANCELLED, ())


def test_what_an_order_is_already_needs_no_record() -> None:
    bench = Bench()
    order = bench.sending("k")
    bench.moved("k", State.WORKING, order_ticket=101)

    assert moves(order, Outcome(to=State.WORKING, order_ticket=101)) == ()


def test_a_stop_loss_deal_keeps_its_reason_side_and_money() -> None:
    row = deal_row(
        type=1, entry=port.ENTRY_OUT, reason=port.REASON_SL, profit=-12.5, commission=-0.7
    )

    deal = deal_of(row)

    assert (deal.side, deal.entry, deal.reason) == (Side.SELL, Entry.OUT, DealReason.STOP_LOSS)
    assert (deal.profit, deal.commission) == (-12.5, -0.7)


_ROW_STATES = st.sampled_from(
    [
        None,
        port.STATE_PLACED,
        port.STATE_PARTIAL,
        port.STATE_FILLED,
        port.STATE_CANCELED,
        port.STATE_EXPIRED,
        port.STATE_REJECTED,
    ]
)


@given(
    asked=st.integers(1, 50),
    parts=st.lists(st.integers(1, 20), max_size=4),
    row_state=_ROW_STATES,
)
def test_whatever_the_rows_show_filled_means_the_whole_volume_and_steps_are_of_the_table(
    asked: int, parts: list[int], row_state: int | None
) -> None:
    while sum(parts) > asked:
        parts.pop()
    bench = Bench()
    order = bench.sending("k", lots=asked / 100)
    deals = [deal_row(201 + n, volume=part / 100) for n, part in enumerate(parts)]
    left = (asked - sum(parts)) / 100
    row = None
    if row_state is not None:
        row = order_row(state=row_state, volume_initial=asked / 100, volume_current=left)

    outcome = read_rows(order, row, deals, "history")

    if outcome is None:
        assert sum(parts) < asked
        return
    assert (outcome.to is State.FILLED) == (sum(parts) == asked)
    state = order.state
    for step in moves(order, outcome):
        assert may_follow(state, step.to)
        state = step.to
        bench.apply(step)
    after = bench.find("k")
    assert after is not None
    assert after.filled_e8 == to_e8(sum(parts) / 100)
    assert to_lots(after.filled_e8) <= asked / 100
