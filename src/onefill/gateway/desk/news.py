"""Whether a result is news, and what it opens or closes as far as counts go."""

from __future__ import annotations

from onefill.contracts.messages import Result
from onefill.gateway.desk.book import Book, Fill
from onefill.gateway.desk.steps import progress
from onefill.model.intent import Action
from onefill.model.order import OrderState
from onefill.model.states import State


def stale(order: OrderState, to: State, volume_e8: int, result: Result) -> bool:
    """Whether a result says nothing that is not known: by what it says, and by its number only
    where two results say different things."""
    if to is order.state or (to is State.DENIED and order.state is State.NOT_EXECUTED):
        tickets = (0, order.order_ticket) if order.order_ticket else (0, result.order_ticket)
        return volume_e8 <= order.filled_e8 and result.order_ticket in tickets
    if volume_e8 > order.filled_e8:
        return False
    numbered = bool(result.sequence and order.told_sequence)
    if progress(to) > progress(order.state):
        return False
    if order.state in (State.UNKNOWN, State.QUARANTINED):
        return numbered and result.sequence <= order.told_sequence
    if numbered:
        return result.sequence <= order.told_sequence
    if order.is_final and to is State.WORKING:
        return not result.order_ticket or result.order_ticket == order.order_ticket
    return progress(to) < progress(order.state)


def book_fill(book: Book, order: OrderState, volume_e8: int, sequence: int) -> None:
    """Count what was opened until a profile shows it; what was closed, where no profile does."""
    intent = order.intent
    if intent.action is Action.OPEN and intent.side is not None:
        fill = Fill(intent.symbol, intent.side, volume_e8, intent.magic, sequence)
        book.filled(order.key, fill)
    elif intent.action is Action.CLOSE and intent.target and order.state is State.FILLED:
        book.closed(intent.target, volume_e8)
