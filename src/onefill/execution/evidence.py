"""Whether a look at the broker shows an order: by its token, else by what must be unique."""

from __future__ import annotations

from typing import NamedTuple

from onefill.execution.desk import Desk
from onefill.execution.outcome import Outcome, read_rows
from onefill.model.intent import OrderType, token_of
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest
from onefill.model.states import UNPROVEN, State
from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.port import DealRow, OrderRow, PositionRow, Ready

#: A terminal's clock may be told wrong for a while. That a row is newer than the send follows from
#: its ticket; its time only keeps out what is from another day.
_CLOCKS_DIFFER_MS = 600_000


class Evidence(NamedTuple):
    """One look at everything the broker shows of a symbol and a window of time."""

    ready: Ready
    open_orders: tuple[OrderRow, ...]
    positions: tuple[PositionRow, ...]
    orders: tuple[OrderRow, ...]
    deals: tuple[DealRow, ...]


class Absent(NamedTuple):
    """Nothing at the broker is, or may be, this order."""


class Several(NamedTuple):
    """More than one order at the broker may be this one, and nothing tells them apart."""

    tickets: tuple[int, ...]


class NotYet(NamedTuple):
    """There is a trace of it, but not enough to prove an outcome."""


Verdict = Outcome | Absent | Several | NotYet


def weigh(desk: Desk, order: OrderState, seen: Evidence) -> Verdict:
    """What the look proves of an UNKNOWN order."""
    request = order.request
    assert request is not None
    if request.action in (port.ACTION_DEAL, port.ACTION_PENDING):
        return _placed(desk, order, seen)
    if request.action == port.ACTION_REMOVE:
        return _removed(request, seen)
    return _changed(request, seen)


def _placed(desk: Desk, order: OrderState, seen: Evidence) -> Verdict:
    rows = {row.ticket: row for row in (*seen.open_orders, *seen.orders)}
    tickets = _tickets(desk, order, rows, seen.deals)
    if not tickets:
        return Absent()
    if len(tickets) > 1 or _is_disputed(desk, order, rows, tickets[0]):
        return Several(tickets)
    deals = [deal for deal in seen.deals if deal.order == tickets[0]]
    outcome = read_rows(order, rows.get(tickets[0]), deals, "looked up")
    return outcome if outcome is not None else NotYet()


def _tickets(
    desk: Desk, order: OrderState, rows: dict[int, OrderRow], deals: tuple[DealRow, ...]
) -> tuple[int, ...]:
    """The orders at the broker that may be this one: by the ticket that a reply told, else by the
    token, else by what must be unique. A ticket that was told once cannot be absent."""
    if order.order_ticket:
        return (order.order_ticket,)
    token = token_of(order.intent_id)
    found = {row.ticket for row in rows.values() if row.comment.startswith(token)}
    found |= {deal.order for deal in deals if deal.comment.startswith(token)}
    return tuple(sorted(found or {row.ticket for row in _alike(desk, order, rows)}))


def _alike(desk: Desk, order: OrderState, rows: dict[int, OrderRow]) -> list[OrderRow]:
    """Without the token (a broker rewrote the comment): what was asked for must fit, the ticket
    must be newer than the baseline, and nobody else's."""
    state = desk.state
    others = {
        token_of(other.intent_id) for other in state.orders.values() if other.key != order.key
    }
    return [
        row
        for row in rows.values()
        if _fits(order, row)
        and row.ticket not in state.adopted
        and row.comment[:16] not in others
        and row.comment[:16] not in state.watched
        and row.reason == port.REASON_EXPERT
    ]


def _fits(order: OrderState, row: OrderRow) -> bool:
    """Whether a row is what the order asked for, no older than its send."""
    request = order.request
    assert request is not None
    return (
        row.ticket > order.baseline_ticket
        and row.symbol == request.symbol
        and row.magic == request.magic
        and row.type in _kinds(order, request)
        and to_e8(row.volume_initial) == to_e8(request.volume)
        and row.setup_ms >= order.server_ms - _CLOCKS_DIFFER_MS
        and row.position_id in (_closes(order) or row.position_id, 0)
    )


def _closes(order: OrderState) -> int:
    """The position that an order closes, by its identifier; 0: none, or a netting account's."""
    resolved = order.order
    return 0 if resolved is None or resolved.netting else resolved.position_ticket


def _is_disputed(desk: Desk, order: OrderState, rows: dict[int, OrderRow], ticket: int) -> bool:
    """Whether a row without the token may as well be another order's that is not proven either."""
    row = rows.get(ticket)
    if order.order_ticket or row is None or row.comment.startswith(token_of(order.intent_id)):
        return False
    shown = {other.comment[:16] for other in rows.values()}
    return any(
        other.key != order.key
        and other.state in UNPROVEN
        and not other.order_ticket
        and token_of(other.intent_id) not in shown
        and _fits(other, row)
        for other in desk.state.orders.values()
    )


def _kinds(order: OrderState, request: BrokerRequest) -> tuple[int, ...]:
    """A stop limit at the broker turns into a limit once triggered."""
    if order.order is not None and order.order.order_type is OrderType.STOP_LIMIT:
        return (request.type, request.type - 4)
    return (request.type,)


def _removed(request: BrokerRequest, seen: Evidence) -> Verdict:
    """A cancel: done where the order ended cancelled, refused where it ended otherwise."""
    for row in seen.orders:
        if row.ticket == request.order:
            if row.state == port.STATE_CANCELED:
                return Outcome(to=State.DONE, evidence="looked up")
            return Outcome(
                to=State.REJECTED,
                code="TARGET_NOT_WORKING",
                message=f"order {request.order} had ended otherwise before it could be cancelled",
                evidence="looked up",
            )
    if any(row.ticket == request.order for row in seen.open_orders):
        return Absent()  # still working: the cancel has not been carried out so far
    return NotYet()


def _changed(request: BrokerRequest, seen: Evidence) -> Verdict:
    """A change: done where the levels are the ones asked for."""
    if request.action == port.ACTION_SLTP:
        position = next((p for p in seen.positions if _is_meant(request, p)), None)
        if position is None:
            return _target_gone(request.position)
        same = _near(position.sl, request.sl) and _near(position.tp, request.tp)
        return Outcome(to=State.DONE, evidence="looked up") if same else Absent()
    row = next((r for r in seen.open_orders if r.ticket == request.order), None)
    if row is None:
        return _target_gone(request.order)
    same = (
        _near(row.price_open, request.price)
        and _near(row.sl, request.sl)
        and _near(row.tp, request.tp)
        and row.expiration_ms == request.expiration_ms
    )
    return Outcome(to=State.DONE, evidence="looked up") if same else Absent()


def _is_meant(request: BrokerRequest, position: PositionRow) -> bool:
    """Whether a change of stops means this position: a netting account's is named by its symbol."""
    if request.position:
        return position.ticket == request.position
    return position.symbol == request.symbol


def _target_gone(ticket: int) -> Outcome:
    return Outcome(
        to=State.REJECTED,
        code="TARGET_CLOSED",
        message=f"{ticket} was no longer there to be changed",
        evidence="looked up",
    )


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(1.0, abs(one))
