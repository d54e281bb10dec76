"""Following an account: what happened at the broker becomes events of the orders it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field

from onefill.execution.attribute import FOLLOWED, TOKEN_LENGTH, Finding, attribute
from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Steps, Tell
from onefill.execution.outcome import moves
from onefill.execution.stages.monitor import look_up_ticket
from onefill.execution.stages.partial import settle_partial
from onefill.execution.stages.slippage import measure_slippage
from onefill.execution.told import Alarm, Settled
from onefill.model.events import Alerted, Event
from onefill.model.order import OrderState
from onefill.terminal import port
from onefill.terminal.port import Changes, DealRow, OrderRow, Reply


@dataclass(slots=True)
class Following:
    """How far an account was followed, and what could not be attributed yet."""

    cursor: int = 0
    deals: list[DealRow] = field(default_factory=list)
    orders: dict[int, OrderRow] = field(default_factory=dict)


def follow(desk: Desk, following: Following) -> Steps:
    """Take in what is new at the broker; False where it could not be asked. Attributed deals are
    committed and told in one go; what may belong to an order still under way is kept for the next
    look."""
    reply: Reply = yield desk.call("changes", cursor=following.cursor)
    changes: Changes | None = reply.value
    if changes is None:
        return False
    following.cursor = changes.cursor
    for row in changes.orders:
        following.orders[row.ticket] = row
    following.deals.extend(changes.deals)
    yield from _watched(desk, following)
    yield from _settled_by_a_person(desk, following)
    finding = attribute(desk, following.orders, following.deals)
    following.deals = finding.kept_deals
    following.orders = finding.kept_orders
    yield from _record(desk, finding)
    return True


def _watched(desk: Desk, following: Following) -> Steps:
    """Orders that work at the broker though they were proven over: late before any fill."""
    if not desk.state.watched:
        return
    reply: Reply = yield desk.call("orders_get")
    rows: tuple[OrderRow, ...] = reply.value or ()
    for row in rows:
        if row.comment[:TOKEN_LENGTH] in desk.state.watched:
            following.orders[row.ticket] = row


def _settled_by_a_person(desk: Desk, following: Following) -> Steps:
    """Orders that a person gave a ticket, now ended: some of their deals may have been booked as
    nobody's before, so that all of them are asked for, before what came after them is booked."""
    for row in following.orders.values():
        order = desk.state.orders.get(desk.state.tickets.get(row.ticket, ""))
        working = row.state in (port.STATE_PLACED, port.STATE_PARTIAL)
        if order is not None and order.by and order.state in FOLLOWED and not working:
            yield from follow_once(desk, order)


def _record(desk: Desk, finding: Finding) -> Steps:
    events: list[Event] = []
    for order, outcome in finding.outcomes:
        events.extend(moves(order, settle_partial(order, outcome)))
        events.extend(measure_slippage(desk, order, outcome))
    events.extend(finding.events)
    if not events:
        return
    yield Commit(tuple(events), "followed")
    for order, _ in finding.outcomes:
        yield Tell(Settled(order), "followed")
    for key in finding.late_keys:
        yield Tell(Settled(desk.find(key)), "late")
    for event in events:
        if isinstance(event, Alerted):
            yield Tell(Alarm(event), "alert")


def follow_once(desk: Desk, order: OrderState) -> Steps:
    """One working order looked up by its ticket; what it shows is committed and told. False where
    the broker shows nothing of it."""
    seen = yield from look_up_ticket(desk, order, order.order_ticket)
    if seen is None or order.is_final:
        return order.is_final
    events: tuple[Event, ...] = moves(order, settle_partial(order, seen))
    if events:
        yield Commit((*events, *measure_slippage(desk, order, seen)), "followed")
        yield Tell(Settled(order), "followed")
    return True
