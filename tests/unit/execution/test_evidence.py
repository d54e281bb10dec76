"""What one look at the broker proves of an order whose outcome is UNKNOWN."""

from __future__ import annotations

from typing import Any

import pytest

from onefill.execution.evidence import Absent, Evidence, NotYet, Several, Verdict, weigh
from onefill.execution.outcome import Outcome
from onefill.model.events import Accepted, Sending
from onefill.model.intent import Action, OrderIntent, content_hash, intent_id, token_of
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest, ResolvedOrder
from onefill.model.states import State
from onefill.terminal import port
from onefill.terminal.port import DealRow, OrderRow, PositionRow
from tests.unit.execution.bench import READY, T0, Bench, deal_row, order_row, position_row


def unknown(bench: Bench, key: str = "k", **more: Any) -> OrderState:
    bench.sending(key, **more)
    return bench.moved(key, State.UNKNOWN)


def look(
    bench: Bench,
    order: OrderState,
    *ended: OrderRow,
    deals: tuple[DealRow, ...] = (),
    working: tuple[OrderRow, ...] = (),
    positions: tuple[PositionRow, ...] = (),
) -> Verdict:
    return weigh(bench.desk, order, Evidence(READY, working, positions, ended, deals))


def test_nothing_at_the_broker_is_absence() -> None:
    bench = Bench()

    assert look(bench, unknown(bench)) == Absent()


def test_the_token_finds_it_whatever_else_there_is() -> None:
    bench = Bench()
    order = unknown(bench)
    ours = order_row(105, comment=f"{token_of(order.intent_id)} note")

    verdict = look(bench, order, order_row(104), ours, deals=(deal_row(order=105),))

    assert isinstance(verdict, Outcome)
    assert (verdict.to, verdict.order_ticket) == (State.FILLED, 105)


def test_two_orders_with_its_token_are_for_a_person_to_judge() -> None:
    bench = Bench()
    order = unknown(bench)
    tag = token_of(order.intent_id)

    verdict = look(bench, order, order_row(105, comment=tag), order_row(106, comment=tag))

    assert verdict == Several((105, 106))


def test_a_deal_whose_order_history_does_not_show_yet_is_found_by_its_token() -> None:
    bench = Bench()
    order = unknown(bench)

    verdict = look(bench, order, deals=(deal_row(comment=token_of(order.intent_id)),))

    assert isinstance(verdict, Outcome)
    assert verdict.to is State.FILLED


def test_a_row_that_is_filled_without_its_deals_proves_nothing_yet() -> None:
    bench = Bench()
    order = unknown(bench)

    verdict = look(bench, order, order_row(comment=token_of(order.intent_id)))

    assert verdict == NotYet()


def test_without_the_token_the_only_order_that_fits_is_it() -> None:
    bench = Bench()
    order = unknown(bench)

    verdict = look(bench, order, order_row(comment="by broker"), deals=(deal_row(),))

    assert isinstance(verdict, Outcome)
    assert verdict.to is State.FILLED


@pytest.mark.parametrize(
    "differs",
    [
        {"ticket": 100},  # not newer than the baseline
        {"symbol": "GBPUSD"},
        {"magic": 9},
        {"type": port.TYPE_SELL},
        {"volume_initial": 0.2},
        {"setup_ms": T0 - 2_000},
        {"reason": port.REASON_CLIENT},
    ],
    ids=lambda differs: next(iter(differs)),
)
def test_without_the_token_whatever_differs_is_not_it(differs: dict[str, Any]) -> None:
    bench = Bench()
    order = unknown(bench)

    verdict = look(bench, order, order_row(**{"ticket": 101, "comment": "", **differs}))

    assert verdict == Absent()


def test_without_the_token_two_that_fit_are_for_a_person_to_judge() -> None:
    bench = Bench()
    order = unknown(bench)

    assert look(bench, order, order_row(101), order_row(102)) == Several((101, 102))


def test_an_order_that_another_has_adopted_is_not_it() -> None:
    bench = Bench()
    bench.sending("other")
    bench.moved("other", State.WORKING, order_ticket=101)
    order = unknown(bench)

    assert look(bench, order, order_row(101)) == Absent()


def test_an_order_that_shows_another_s_token_is_not_it() -> None:
    bench = Bench()
    other = unknown(bench, "other")
    order = unknown(bench)

    seen = order_row(101, comment=token_of(other.intent_id))

    assert look(bench, order, seen) == Absent()


def test_an_order_that_shows_the_token_of_one_that_is_over_is_not_it() -> None:
    bench = Bench()
    gone = unknown(bench, "gone")
    bench.moved("gone", State.NOT_EXECUTED)
    order = unknown(bench)

    seen = order_row(101, comment=token_of(gone.intent_id))

    assert look(bench, order, seen) == Absent()


@pytest.mark.parametrize("rival", [State.SENDING, State.UNKNOWN, State.QUARANTINED])
def test_an_order_that_fits_another_unproven_one_as_well_is_neither_s(rival: State) -> None:
    bench = Bench()
    bench.sending("rival")
    if rival is not State.SENDING:
        bench.moved("rival", State.UNKNOWN)
    if rival is State.QUARANTINED:
        bench.moved("rival", State.QUARANTINED)
    order = unknown(bench)

    assert look(bench, order, order_row(101, comment="by broker")) == Several((101,))


def test_a_rival_whose_own_order_shows_its_token_disputes_nothing() -> None:
    bench = Bench()
    rival = unknown(bench, "rival")
    order = unknown(bench)
    theirs = order_row(102, comment=token_of(rival.intent_id))

    verdict = look(bench, order, order_row(101), theirs, deals=(deal_row(),))

    assert isinstance(verdict, Outcome)
    assert verdict.order_ticket == 101


def test_a_ticket_that_a_reply_told_is_looked_for_and_is_never_absent() -> None:
    bench = Bench()
    bench.sending("k")
    order = bench.moved("k", State.UNKNOWN, order_ticket=101)

    assert look(bench, order) == NotYet()
    verdict = look(bench, order, order_row(101, comment="cut"), deals=(deal_row(),))
    assert isinstance(verdict, Outcome)
    assert verdict.to is State.FILLED


def changing(bench: Bench, action: Action, request: BrokerRequest) -> OrderState:
    """A cancel or a change whose outcome is UNKNOWN."""
    intent = OrderIntent(client_key="c", action=action, target="t")
    resolved = ResolvedOrder(action=action, symbol="EURUSD", target="t")
    bench.apply(
        Accepted(
            key="c",
            intent_id=intent_id("t", "a", "c"),
            content=content_hash(intent),
            intent=intent,
            order=resolved,
        ),
        Sending(key="c", attempt=1, epoch=1, server_ms=T0, baseline_ticket=100, request=request),
    )
    return bench.moved("c", State.UNKNOWN)


REMOVE = BrokerRequest(action=port.ACTION_REMOVE, order=101)


def test_a_cancel_is_proven_by_the_state_of_what_it_was_to_cancel() -> None:
    bench = Bench()
    order = changing(bench, Action.CANCEL, REMOVE)
    working = order_row(101, state=port.STATE_PLACED)

    done = look(bench, order, order_row(101, state=port.STATE_CANCELED))
    missed = look(bench, order, order_row(101))

    assert isinstance(done, Outcome)
    assert done.to is State.DONE
    assert isinstance(missed, Outcome)
    assert (missed.to, missed.code) == (State.REJECTED, "TARGET_NOT_WORKING")
    assert look(bench, order, working=(working,)) == Absent()
    assert look(bench, order) == NotYet()


SLTP = BrokerRequest(action=port.ACTION_SLTP, symbol="EURUSD", position=101, sl=1.05, tp=1.2)


def test_a_change_of_stops_is_proven_by_the_position_s_levels() -> None:
    bench = Bench()
    order = changing(bench, Action.MODIFY, SLTP)

    done = look(bench, order, positions=(position_row(sl=1.05, tp=1.2),))
    gone = look(bench, order)

    assert isinstance(done, Outcome)
    assert done.to is State.DONE
    assert look(bench, order, positions=(position_row(sl=1.04, tp=1.2),)) == Absent()
    assert isinstance(gone, Outcome)
    assert (gone.to, gone.code) == (State.REJECTED, "TARGET_CLOSED")


MODIFY = BrokerRequest(
    action=port.ACTION_MODIFY, symbol="EURUSD", order=101, price=1.09, expiration_ms=T0 + 9_000
)


def test_a_change_of_a_pending_order_is_proven_by_all_of_its_levels() -> None:
    bench = Bench()
    order = changing(bench, Action.MODIFY, MODIFY)
    changed = order_row(101, state=port.STATE_PLACED, price_open=1.09, expiration_ms=T0 + 9_000)
    other = order_row(101, state=port.STATE_PLACED, price_open=1.09)

    done = look(bench, order, working=(changed,))

    assert isinstance(done, Outcome)
    assert done.to is State.DONE
    assert look(bench, order, working=(other,)) == Absent()
