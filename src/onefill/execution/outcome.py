"""What became of an order at the broker: read from its rows and deals, never guessed."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from onefill.execution.netting import share_of
from onefill.model.deal import Deal, DealReason, Entry
from onefill.model.events import Moved
from onefill.model.intent import Side
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.port import DealRow, OrderRow

_ENTRIES = {0: Entry.IN, 1: Entry.OUT, 2: Entry.INOUT, 3: Entry.OUT_BY}
_REASONS = {
    port.REASON_SL: DealReason.STOP_LOSS,
    port.REASON_TP: DealReason.TAKE_PROFIT,
    port.REASON_SO: DealReason.STOP_OUT,
    port.REASON_ROLLOVER: DealReason.ROLLOVER,
}
_ENDED = {
    port.STATE_CANCELED: State.CANCELLED,
    port.STATE_EXPIRED: State.EXPIRED,
    port.STATE_REJECTED: State.REJECTED,
}
_BY_BROKER = {
    State.CANCELLED: ("CANCELLED_AT_BROKER", "the order was cancelled at the broker"),
    State.EXPIRED: ("EXPIRED_AT_BROKER", "the order expired at the broker"),
    State.REJECTED: ("REJECTED_AT_BROKER", "the broker rejected the order when it was due"),
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A proven state, with its evidence."""

    to: State
    deals: tuple[Deal, ...] = ()
    order_ticket: int = 0
    position_ticket: int = 0
    code: str = ""
    message: str = ""
    retcode: int = 0
    evidence: str = "reply"
    #: The broker's order is over; what is missing will not come any more.
    ended: bool = True


def deal_of(row: DealRow) -> Deal:
    """A broker's deal as the journal keeps it."""
    return Deal(
        ticket=row.ticket,
        order=row.order,
        position=row.position_id,
        symbol=row.symbol,
        side=Side.BUY if row.type == 0 else Side.SELL,
        entry=_ENTRIES[row.entry],
        volume_e8=to_e8(row.volume),
        price=row.price,
        time_ms=row.time_ms,
        profit=row.profit,
        commission=row.commission,
        swap=row.swap,
        fee=row.fee,
        magic=row.magic,
        reason=_REASONS.get(row.reason, DealReason.ORDER),
        comment=row.comment,
    )


def new_deals(order: OrderState, rows: Iterable[DealRow]) -> tuple[Deal, ...]:
    """Those of the broker's deals that the order has not booked yet."""
    known = {deal.ticket for deal in order.deals}
    return tuple(share_of(order, deal_of(row)) for row in rows if row.ticket not in known)


def read_rows(
    order: OrderState, row: OrderRow | None, deals: Iterable[DealRow], evidence: str
) -> Outcome | None:
    """What an order's row and deals prove; None where they prove nothing yet.

    `row` may come from the open orders or from history; None where neither showed it. A history
    that has the order as filled but not yet all its deals proves nothing yet.
    """
    fresh = new_deals(order, deals)
    filled_e8 = order.filled_e8 + sum(deal.volume_e8 for deal in fresh)
    ticket = row.ticket if row else (fresh[0].order if fresh else order.order_ticket)
    position = next((d.position for d in fresh if d.position), order.position_ticket)
    whole = filled_e8 >= order.asked_e8
    if whole and fresh:
        return Outcome(
            to=State.FILLED,
            deals=fresh,
            order_ticket=ticket,
            position_ticket=position,
            evidence=evidence,
        )
    if row is None:
        return None
    ended = _ENDED.get(row.state)
    if ended is not None and to_e8(row.volume_initial - row.volume_current) > filled_e8:
        return None  # the row speaks of fills whose deals have not come yet
    if ended is not None:
        code, message = _BY_BROKER[ended]
        partly_rejected = ended is State.REJECTED and filled_e8
        return Outcome(
            to=State.CANCELLED if partly_rejected else ended,  # what filled stays
            deals=fresh,
            order_ticket=ticket,
            position_ticket=position,
            code=code,
            message=message,
            evidence=evidence,
        )
    if row.state in (port.STATE_PLACED, port.STATE_PARTIAL):
        return Outcome(
            to=State.PARTIALLY_FILLED if filled_e8 else State.WORKING,
            deals=fresh,
            order_ticket=ticket,
            position_ticket=position,
            evidence=evidence,
            ended=False,
        )
    return None


def moves(order: OrderState, outcome: Outcome, *, late: bool = False) -> tuple[Moved, ...]:
    """The records that take an order to its outcome, the deals first.

    A fill of a part and the end of the rest are two steps of the table.
    """
    steps = []
    partly = outcome.deals and outcome.to not in (State.FILLED, State.PARTIALLY_FILLED, State.DONE)
    if partly:
        steps.append(_move(order, outcome, State.PARTIALLY_FILLED, outcome.deals, late))
    if order.state is not outcome.to or outcome.deals:
        rest = () if partly else outcome.deals
        step = _move(order, outcome, outcome.to, rest, late)
        steps.append(msgspec.structs.replace(step, code=outcome.code, message=outcome.message))
    return tuple(steps)


def _move(
    order: OrderState, outcome: Outcome, to: State, deals: tuple[Deal, ...], late: bool
) -> Moved:
    return Moved(
        key=order.key,
        to=to,
        retcode=outcome.retcode,
        attempt=order.attempts,
        order_ticket=outcome.order_ticket,
        position_ticket=outcome.position_ticket,
        deals=deals,
        evidence=outcome.evidence,
        late=late,
    )
