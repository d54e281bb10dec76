"""Every deal belongs to an order, or is flagged external, or waits: rows against an account."""

from __future__ import annotations

from onefill.execution.attribute import TOKEN_LENGTH, Finding, attribute
from onefill.execution.outcome import deal_of, moves
from onefill.model.events import Alerted, Moved, PositionDealt, Reopened
from onefill.model.intent import token_of
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.terminal import port
from onefill.terminal.port import DealRow, OrderRow
from tests.unit.execution.bench import Bench, deal_row, order_row


def found(bench: Bench, deals: list[DealRow], *rows: OrderRow) -> Finding:
    return attribute(bench.desk, {row.ticket: row for row in rows}, deals)


def codes(finding: Finding) -> list[str]:
    return [event.code for event in finding.events if isinstance(event, Alerted)]


def working(bench: Bench, key: str = "k", ticket: int = 101) -> OrderState:
    bench.sending(key)
    return bench.moved(key, State.WORKING, order_ticket=ticket)


def over(bench: Bench, to: State, key: str = "k") -> OrderState:
    bench.sending(key)
    bench.moved(key, State.UNKNOWN)
    return bench.moved(key, to, evidence="snapshots")


def test_a_working_order_s_fill_is_its_own_by_the_ticket() -> None:
    bench = Bench()
    order = working(bench)

    finding = found(bench, [deal_row()], order_row(comment="by broker"))

    [(owner, outcome)] = finding.outcomes
    assert (owner.key, outcome.to) == (order.key, State.FILLED)
    assert not finding.events


def test_a_deal_booked_before_is_not_looked_at_again() -> None:
    bench = Bench()
    bench.sending("k")
    bench.moved("k", State.FILLED, order_ticket=101, deals=(deal_of(deal_row()),))

    finding = found(bench, [deal_row()], order_row())

    assert finding == Finding()


def test_a_deal_older_than_all_that_is_remembered_was_booked_unless_it_is_a_live_orders() -> None:
    bench = Bench()
    working(bench)
    old = deal_row()
    tag = "f" * TOKEN_LENGTH
    bench.desk.state.watched[tag] = "over"
    bench.desk.state.forgotten_ticket, bench.desk.state.forgotten_ms = old.ticket, old.time_ms
    stranger = {"order": 151, "position_id": 151}

    assert found(bench, [deal_row(**stranger)]) == Finding()
    assert found(bench, [deal_row(comment=tag, **stranger)]) == Finding()
    assert found(bench, [deal_row(ticket=old.ticket + 1, **stranger)]).events
    assert found(bench, [deal_row(time_ms=old.time_ms + 1, **stranger)]).events
    assert found(bench, [old], order_row(comment="by broker")).outcomes


def test_a_fill_is_its_orders_though_the_brokers_clock_says_it_was_before_we_began() -> None:
    bench = Bench()
    order = working(bench)
    bench.desk.state.began_ms = deal_row().time_ms + 5_000

    finding = found(bench, [deal_row(comment="")], order_row())
    stranger = found(bench, [deal_row(ticket=301, order=151, position_id=151)])

    assert [(owner.key, outcome.to) for owner, outcome in finding.outcomes] == [
        (order.key, State.FILLED)
    ]
    assert stranger == Finding()


def test_rows_of_an_order_still_being_sent_wait_for_its_own_pipeline() -> None:
    bench = Bench()
    order = bench.sending("k")
    tag = token_of(order.intent_id)

    finding = found(bench, [deal_row(comment=tag)], order_row(comment=tag))

    assert [deal.ticket for deal in finding.kept_deals] == [201]
    assert list(finding.kept_orders) == [101]
    assert not finding.outcomes


def test_a_quarantined_order_is_settled_by_evidence_that_bears_its_token() -> None:
    bench = Bench()
    order = bench.sending("k")
    bench.moved("k", State.UNKNOWN)
    bench.moved("k", State.QUARANTINED)
    tag = f"{token_of(order.intent_id)} and more"

    finding = found(bench, [deal_row(comment=tag)], order_row(comment=tag))

    assert [(o.key, outcome.to) for o, outcome in finding.outcomes] == [("k", State.FILLED)]


def test_a_deal_that_fits_nothing_waits_while_an_order_of_its_symbol_is_unproven() -> None:
    bench = Bench()
    bench.sending("k")
    bench.moved("k", State.UNKNOWN)

    here = found(bench, [deal_row(comment="by broker")], order_row(comment="by broker"))
    elsewhere = found(bench, [deal_row(symbol="GBPUSD")], order_row(symbol="GBPUSD"))

    assert [deal.ticket for deal in here.kept_deals] == [201]
    assert not here.events
    assert codes(elsewhere) == ["EXTERNAL_DEAL"]


def test_a_stranger_s_deal_is_external_and_told() -> None:
    finding = found(Bench(), [deal_row()], order_row())

    dealt, alert = finding.events
    assert isinstance(dealt, PositionDealt)
    assert dealt.key == ""
    assert isinstance(alert, Alerted)
    assert alert.code == "EXTERNAL_DEAL"


def stop_loss(ticket: int = 202, order: int = 102) -> DealRow:
    return deal_row(ticket, order, type=1, entry=port.ENTRY_OUT, reason=port.REASON_SL)


def test_a_stop_loss_belongs_to_the_order_that_opened_its_position() -> None:
    bench = Bench()
    bench.sending("k")
    bench.moved("k", State.FILLED, order_ticket=101, deals=(deal_of(deal_row()),))

    finding = found(bench, [stop_loss()])

    [dealt] = finding.events
    assert isinstance(dealt, PositionDealt)
    assert dealt.key == "k"
    bench.apply(dealt)
    assert not bench.state.positions


def test_a_fill_and_its_stop_loss_may_come_in_one_look() -> None:
    bench = Bench()
    working(bench)

    finding = found(bench, [deal_row(), stop_loss()], order_row())

    assert [outcome.to for _, outcome in finding.outcomes] == [State.FILLED]
    assert [getattr(event, "key", None) for event in finding.events] == ["k"]


def test_a_stop_loss_waits_until_what_opened_its_position_is_proven() -> None:
    bench = Bench()
    bench.sending("k", lots=0.2)
    first = deal_row(volume=0.1)
    bench.moved("k", State.PARTIALLY_FILLED, order_ticket=101, deals=(deal_of(first),))
    bench.moved("k", State.UNKNOWN)

    finding = found(bench, [stop_loss()])

    assert [deal.ticket for deal in finding.kept_deals] == [202]
    assert not finding.events


def test_a_close_by_hand_names_the_order_that_opened_and_is_told() -> None:
    bench = Bench()
    bench.sending("k")
    bench.moved("k", State.FILLED, order_ticket=101, deals=(deal_of(deal_row()),))
    by_hand = deal_row(202, 102, type=1, entry=port.ENTRY_OUT, reason=port.REASON_CLIENT)

    finding = found(bench, [by_hand])

    assert codes(finding) == ["EXTERNAL_DEAL"]
    assert isinstance(finding.events[0], PositionDealt)
    assert finding.events[0].key == "k"


def test_a_fill_after_not_executed_reopens_the_order_with_a_critical_alert() -> None:
    bench = Bench()
    order = over(bench, State.NOT_EXECUTED)
    tag = token_of(order.intent_id)

    finding = found(bench, [deal_row(comment=tag)], order_row(comment=tag))

    reopened, moved, alert = finding.events
    assert isinstance(reopened, Reopened)
    assert isinstance(moved, Moved)
    assert (moved.to, moved.late) == (State.FILLED, True)
    assert isinstance(alert, Alerted)
    assert (alert.code, alert.level) == ("LATE_FILL", "critical")
    bench.apply(*finding.events)
    assert [position.key for position in bench.state.positions.values()] == ["k"]


def test_an_order_found_working_after_not_executed_is_reopened_and_followed_from_then_on() -> None:
    bench = Bench()
    order = over(bench, State.NOT_EXECUTED)
    tag = token_of(order.intent_id)
    placed = order_row(comment=tag, state=port.STATE_PLACED, volume_current=0.1)

    bench.apply(*found(bench, [], placed).events)
    finding = found(bench, [deal_row(comment="cut")], order_row(comment="cut"))

    assert [(o.key, outcome.to) for o, outcome in finding.outcomes] == [("k", State.FILLED)]


def test_a_reopened_order_that_had_a_ticket_is_followed_by_it() -> None:
    bench = Bench()
    working(bench)
    bench.moved("k", State.CANCELLED)
    placed = order_row(state=port.STATE_CANCELED, volume_current=0.08)

    first = found(bench, [deal_row(volume=0.02)], placed)
    bench.apply(*[e for e in first.events if not (isinstance(e, Moved) and e.to in ("cancelled",))])
    second = found(bench, [deal_row(202, volume=0.08)], order_row())

    assert [(o.key, outcome.to) for o, outcome in second.outcomes] == [("k", State.FILLED)]


def test_an_order_cancelled_unseen_after_not_executed_is_no_late_fill() -> None:
    bench = Bench()
    order = over(bench, State.NOT_EXECUTED)
    tag = token_of(order.intent_id)

    finding = found(
        bench, [], order_row(comment=tag, state=port.STATE_CANCELED, volume_current=0.1)
    )

    assert finding == Finding()


def test_fills_of_an_order_that_a_person_settled_as_filled_are_ours_when_they_show() -> None:
    bench = Bench()
    bench.sending("k")
    bench.moved("k", State.UNKNOWN)
    bench.moved("k", State.QUARANTINED)
    order = bench.moved("k", State.FILLED, by="somebody", evidence="operator")
    tag = token_of(order.intent_id)

    finding = found(bench, [deal_row(comment=tag), stop_loss()], order_row(comment=tag))
    bench.apply(*finding.events)

    assert codes(finding) == []
    assert not bench.state.positions


def test_more_deals_than_a_filled_order_asked_for_are_external() -> None:
    bench = Bench()
    bench.sending("k")
    bench.moved("k", State.FILLED, order_ticket=101, deals=(deal_of(deal_row()),))

    finding = found(bench, [deal_row(202)], order_row())

    assert codes(finding) == ["EXTERNAL_DEAL"]


def test_of_two_orders_at_the_broker_with_one_token_the_second_is_external() -> None:
    bench = Bench()
    order = bench.sending("k")
    bench.moved("k", State.UNKNOWN)
    bench.moved("k", State.QUARANTINED)
    tag = token_of(order.intent_id)
    deals = [deal_row(comment=tag), deal_row(202, 102, position_id=102, comment=tag)]

    finding = found(bench, deals, order_row(comment=tag), order_row(102, comment=tag))

    assert [outcome.order_ticket for _, outcome in finding.outcomes] == [101]
    assert codes(finding) == ["EXTERNAL_DEAL"]


def test_what_attribution_finds_can_be_recorded_one_after_the_other() -> None:
    bench = Bench()
    working(bench, "a", 101)
    working(bench, "b", 102)
    deals = [deal_row(201, 101, volume=0.04), deal_row(202, 102, position_id=102)]
    part = order_row(101, state=port.STATE_PARTIAL, volume_current=0.06)

    for order, outcome in found(bench, deals, part, order_row(102)).outcomes:
        bench.apply(*moves(order, outcome))

    ended = [bench.find(key) for key in "ab"]
    assert [order and order.state for order in ended] == [State.PARTIALLY_FILLED, State.FILLED]
