"""Every deal belongs to an intent, or is flagged external: pure attribution of broker rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from onefill.execution.desk import Desk
from onefill.execution.netting import Shares
from onefill.execution.outcome import Outcome, deal_of, moves, new_deals, read_rows
from onefill.execution.stages.partial import settle_partial
from onefill.model.account import AccountState
from onefill.model.booking import is_forgotten
from onefill.model.deal import DealReason, Entry
from onefill.model.events import Alerted, Event, PositionDealt, Reopened
from onefill.model.intent import token_of
from onefill.model.order import OrderState
from onefill.model.states import LATE_FROM, UNPROVEN, State
from onefill.terminal import port
from onefill.terminal.port import DealRow, OrderRow

TOKEN_LENGTH = 16
_CLOSED_BY_BROKER = frozenset(
    {port.REASON_SL, port.REASON_TP, port.REASON_SO, port.REASON_ROLLOVER}
)
#: States in which an order is followed, rather than watched by its own pipeline.
FOLLOWED = frozenset({State.WORKING, State.PARTIALLY_FILLED, State.QUARANTINED})


@dataclass(slots=True)
class Finding:
    """What rows say: outcomes of live orders, other events, and rows that must wait."""

    outcomes: list[tuple[OrderState, Outcome]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    late_keys: list[str] = field(default_factory=list)
    kept_deals: list[DealRow] = field(default_factory=list)
    kept_orders: dict[int, OrderRow] = field(default_factory=dict)
    #: Of a netting account: the shares with what was found so far.
    shares: Shares | None = None


def attribute(desk: Desk, orders: dict[int, OrderRow], deals: list[DealRow]) -> Finding:
    """Give every row to the order it belongs to.

    By the order's ticket, else by the token in its comment, else by the position it closes. What
    fits none waits while an order of its symbol is unproven (it may be that order's), and is
    external after that.
    """
    state = desk.state
    finding = Finding(shares=Shares(state) if desk.netting else None)
    tokens = {
        token_of(order.intent_id): order
        for order in state.orders.values()
        if order.state in UNPROVEN or not order.order_ticket
    }
    by_order: dict[int, list[DealRow]] = {}
    for deal in deals:
        if deal.type <= 1 and _is_new(desk, tokens, deal):
            by_order.setdefault(deal.order, []).append(deal)
    opened: dict[int, str] = {}
    for ticket in dict.fromkeys([*by_order, *orders]):
        _one_order(desk, finding, tokens, opened, orders.get(ticket), by_order.get(ticket, []))
    return finding


def _is_new(desk: Desk, tokens: dict[str, OrderState], deal: DealRow) -> bool:
    """Whether a deal is still to be booked. What was there before us is not told of, unless it says
    that it is ours, whenever it says that it was: the broker's clock may be behind ours."""
    state, token = desk.state, deal.comment[:TOKEN_LENGTH]
    if deal.ticket in state.booked:
        return False
    if deal.order in state.tickets or token in tokens:
        return True
    if is_forgotten(state, deal.ticket, deal.time_ms):
        return False
    ours = token in state.watched or _is_of_a_position(desk, deal.position_id)
    return ours or deal.time_ms >= state.began_ms


def _is_of_a_position(desk: Desk, position: int) -> bool:
    """Whether a position is in our books. (That of a netting account is older than what we have of
    it.)"""
    state = desk.state
    return not desk.netting and (position in state.positions or position in state.tickets)


def _one_order(
    desk: Desk,
    finding: Finding,
    tokens: dict[str, OrderState],
    opened: dict[int, str],
    row: OrderRow | None,
    deals: list[DealRow],
) -> None:
    """The rows of one broker order."""
    state = desk.state
    ticket = row.ticket if row else deals[0].order
    token = (row.comment if row else deals[0].comment)[:TOKEN_LENGTH]
    order = state.orders.get(state.tickets.get(ticket, "")) or tokens.get(token)
    if order is not None and any(order is other for other, _ in finding.outcomes):
        order = None  # another of the broker's orders is it already; a second one is nobody's
    if order is not None and order.state in FOLLOWED:
        _live(finding, opened, order, row, deals)
    elif order is not None:
        _keep(finding, row, deals)  # its own pipeline reads them
    elif not deals:
        _row_alone(desk, finding, opened, row, token)
    elif not _late(desk, finding, opened, _late_key(state, ticket, token), row, deals):
        settled = state.watched.get(token)
        if finding.shares is not None:
            _net_deals(state, finding, finding.shares, row, deals, settled)
        else:
            _position_deals(state, finding, opened, row, deals, settled)


def _live(
    finding: Finding,
    opened: dict[int, str],
    order: OrderState,
    row: OrderRow | None,
    deals: list[DealRow],
) -> None:
    outcome = read_rows(order, row, deals, "history")
    fresh = new_deals(order, deals)
    if outcome is None and row is None and fresh:
        outcome = Outcome(
            to=State.PARTIALLY_FILLED,
            deals=fresh,
            order_ticket=fresh[0].order,
            position_ticket=fresh[0].position,
            evidence="history",
            ended=False,
        )
    if outcome is None:
        _keep(finding, row, deals)
        return
    _opened(finding, opened, outcome, order.key)
    finding.outcomes.append((order, outcome))


def _opened(finding: Finding, opened: dict[int, str], outcome: Outcome, key: str) -> None:
    for deal in outcome.deals:
        opened.setdefault(deal.position, key)
        if finding.shares is not None:
            finding.shares.book(deal, key)


def _keep(finding: Finding, row: OrderRow | None, deals: list[DealRow]) -> None:
    if row is not None:
        finding.kept_orders[row.ticket] = row
    finding.kept_deals.extend(deals)


def _row_alone(
    desk: Desk, finding: Finding, opened: dict[int, str], row: OrderRow | None, token: str
) -> None:
    """An order's row without new deals: late evidence where it was proven not executed."""
    assert row is not None
    key = desk.state.watched.get(token)
    if row.state in (port.STATE_PLACED, port.STATE_PARTIAL):
        _late(desk, finding, opened, key, row, [])


def _late_key(state: AccountState, ticket: int, token: str) -> str | None:
    """The final order that late evidence speaks of."""
    return state.adopted.get(ticket) or state.watched.get(token)


def _late(
    desk: Desk,
    finding: Finding,
    opened: dict[int, str],
    key: str | None,
    row: OrderRow | None,
    deals: list[DealRow],
) -> bool:
    """Step 9: a fill after the order was proven over; adopted into the books, with an alert.

    False where the rows are no such evidence.
    """
    order = desk.find(key) if key is not None else None
    if order is None or order.state not in LATE_FROM:
        return False
    outcome = read_rows(order, row, deals, "late") or Outcome(
        to=State.PARTIALLY_FILLED,
        deals=new_deals(order, deals),
        order_ticket=deals[0].order if deals else 0,
        position_ticket=deals[0].position_id if deals else 0,
        evidence="late",
    )
    alive = outcome.to in (State.WORKING, State.PARTIALLY_FILLED, State.FILLED)
    if not alive and not outcome.deals:
        return False
    _opened(finding, opened, outcome, order.key)
    was = order.state
    finding.events.append(Reopened(order=order, why=f"late evidence after {was}"))
    finding.events.extend(moves(order, settle_partial(order, outcome), late=True))
    finding.events.append(
        Alerted(
            code="LATE_FILL",
            message=f"order {order.key!r} was {was}, and the broker carried it out afterwards "
            f"(order {outcome.order_ticket}); it was taken into the books",
            level="critical",
            key=order.key,
        )
    )
    finding.late_keys.append(order.key)
    return True


def _position_deals(
    state: AccountState,
    finding: Finding,
    opened: dict[int, str],
    row: OrderRow | None,
    deals: list[DealRow],
    settled: str | None,
) -> None:
    """Deals that no live order asked for: stops of our positions, fills of an order that a person
    `settled` as filled before they were seen, or somebody else's."""
    first = deals[0]
    position = state.positions.get(first.position_id)
    key = position.key if position else opened.get(first.position_id, settled)
    ours = key is not None and (first.reason in _CLOSED_BY_BROKER or settled is not None)
    if ours and key is not None:
        opened.setdefault(first.position_id, key)
    if _is_opening(state, finding, key) or (not ours and _may_be_ours(state, first.symbol)):
        _keep(finding, row, deals)
        return
    finding.events.append(PositionDealt(deals=tuple(map(deal_of, deals)), key=key or ""))
    if not ours:
        finding.events.append(
            Alerted(
                code="EXTERNAL_DEAL",
                message=f"deal {first.ticket} in {first.symbol} was asked for by no order of ours",
                key=key or "",
            )
        )


def _net_deals(
    state: AccountState,
    finding: Finding,
    shares: Shares,
    row: OrderRow | None,
    deals: list[DealRow],
    settled: str | None,
) -> None:
    """The same on a netting account, whose deals are shared out among the orders they close."""
    first = deals[0]
    if _is_filling(state, finding, first.symbol):
        _keep(finding, row, deals)
        return
    for deal in map(deal_of, deals):
        if deal.reason is DealReason.ROLLOVER:
            parts = [("", deal)]  # the net position was opened again; no share has changed
        elif settled is not None:
            opening = msgspec.structs.replace(deal, position=deal.order, entry=Entry.IN)
            shares.book(opening, settled)
            parts = [(settled, opening)]
        else:
            parts = shares.share_out(deal)
        finding.events.extend(PositionDealt(deals=(part,), key=key) for key, part in parts)
    if settled is None and first.reason not in _CLOSED_BY_BROKER:
        finding.events.append(
            Alerted(
                code="EXTERNAL_DEAL",
                message=f"deal {first.ticket} in {first.symbol} was asked for by no order of ours",
            )
        )


def _is_filling(state: AccountState, finding: Finding, symbol: str) -> bool:
    """Whether deals of the symbol's own orders are still to be booked: shares are not known yet."""
    waiting = any(deal.symbol == symbol for deal in finding.kept_deals)
    return waiting or _may_be_ours(state, symbol)


def _is_opening(state: AccountState, finding: Finding, key: str | None) -> bool:
    """Whether deals that opened the position are still to be booked: a closing one comes after."""
    opener = state.orders.get(key) if key else None
    if opener is None:
        return False
    waiting = any(deal.order == opener.order_ticket for deal in finding.kept_deals)
    return waiting or opener.state in (State.SENDING, State.UNKNOWN)


def _may_be_ours(state: AccountState, symbol: str) -> bool:
    """Whether an order of this symbol is under way, whose deal this may turn out to be."""
    return any(
        order.state in (State.SENDING, State.UNKNOWN)
        and order.order is not None
        and order.order.symbol == symbol
        for order in state.orders.values()
    )
