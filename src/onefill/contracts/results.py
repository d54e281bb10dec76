"""How an order is told on the wire, and what a result that was told proves (`contracts/states`)."""

from __future__ import annotations

from onefill.contracts.messages import Result, Status, WireError
from onefill.model.intent import Action, OrderIntent, OrderType
from onefill.model.order import NOT_ALL_CLOSED, OrderState
from onefill.model.states import FINAL, State
from onefill.model.volume import to_e8, to_lots

#: Nobody is told yet.
_UNTOLD = frozenset({State.RECEIVED, State.ACCEPTED, State.SENDING})
#: What may have become of a command by the status that tells it. PARTIAL tells of an order whose
#: rest is gone too: a position lives, so it is never told as FAILED.
_TOLD_AS: dict[Status, frozenset[State]] = {
    Status.SUCCESS: frozenset({State.WORKING, State.FILLED, State.DONE}),
    Status.PARTIAL: frozenset(
        {State.PARTIALLY_FILLED, State.CANCELLED, State.EXPIRED, State.REJECTED}
    ),
    Status.FAILED: frozenset(
        {State.DENIED, State.REJECTED, State.CANCELLED, State.EXPIRED, State.NOT_EXECUTED}
    ),
}
_FILLS = frozenset({State.FILLED, State.PARTIALLY_FILLED})
#: How the sentence of a failure begins; a broker's or a control's refusal begins with its code.
_WORDS = {
    State.CANCELLED: "cancelled",
    State.EXPIRED: "expired",
    State.NOT_EXECUTED: "proven not executed",
}
#: Commands that succeed without a deal of their own.
_DEALLESS = frozenset({Action.MODIFY, Action.CANCEL, Action.CLOSE_ALL})


def result_of(order: OrderState, *, sequence: int, at_ms: int) -> Result | WireError | None:
    """What its sender is told of an order as it stands; None where that is nothing yet.

    A part of a close_all answers under the close_all's id, with its position's ticket. `at_ms` is
    told where no deal has a time of its own.
    """
    command_id = order.intent.parent or order.key
    state = order.state
    if state in _UNTOLD:
        return None
    if order.intent.parent and order.intent.action is Action.CANCEL and state in FINAL:
        return None  # a part without a position: the whole says what became of it
    if state in (State.UNKNOWN, State.QUARANTINED):
        code = "OUTCOME_UNKNOWN" if state is State.UNKNOWN else "QUARANTINED"
        about = f"{order.key}: " if order.intent.parent else ""
        return WireError(code, f"{about}{_reason(order) or _UNPROVEN}", command_id)
    deals = order.makes_deals and order.filled_e8 > 0
    if order.makes_deals and not deals and state in _FILLS:
        # A person's word, with no deal to show: a result without its evidence is not believed.
        return WireError("QUARANTINED", f"{order.key}: {_SETTLED_THERE}", command_id)
    return Result(
        command_id=command_id,
        status=_of_close_all(order) if order.code == NOT_ALL_CLOSED else _status(state, deals),
        order_ticket=_order_ticket(order),
        price=(order.fill_price() or 0.0) if deals else 0.0,
        error=_error(order),
        at_ms=(order.filled_ms if deals else 0) or at_ms,
        volume=to_lots(order.filled_e8),
        position_ticket=_position_ticket(order),
        retcode=order.retcode,
        sequence=sequence,
        state=state,
        requested_price=(order.requested_price() or 0.0) if order.makes_deals else 0.0,
        slippage_pips=order.slippage_pips() if deals else None,
    )


def is_part(result: Result, intent: OrderIntent) -> bool:
    """Whether a result under a close_all's id tells of one of its positions, not of the whole."""
    return intent.action is Action.CLOSE_ALL and bool(result.position_ticket or result.price)


def state_of(result: Result, intent: OrderIntent) -> State:
    """What a result that does not contradict itself proves: of the command, or of one position
    where it `is_part`."""
    if result.state is not None and _may_tell(result, intent):
        return result.state
    if result.status is Status.FAILED:
        return State.REJECTED
    whole = intent.action in _DEALLESS and not is_part(result, intent)
    if result.status is Status.PARTIAL and not (whole and intent.action is Action.CLOSE_ALL):
        return State.PARTIALLY_FILLED
    if whole:
        return State.DONE
    return State.FILLED if result.price else State.WORKING


def contradiction(result: Result, intent: OrderIntent) -> str:
    """Why a result is not to be believed; empty where it is."""
    status, state = result.status, result.state
    if state is not None and not _may_tell(result, intent):
        return f"status {status.name} is at odds with state {state.name}"
    if status is Status.FAILED:
        if not result.error:
            return "FAILED without an error_message"
        if result.price or result.volume:
            return f"FAILED, with {result.volume:g} lots executed at {result.price:g}"
        return ""
    dealless = intent.action in _DEALLESS and not is_part(result, intent)
    proven = state_of(result, intent)
    if dealless:
        if proven is not State.DONE:
            return f"{proven.name} is nothing that becomes of a {intent.action}"
        # A cancel of an order that the broker never had is done without a ticket of the broker's.
        needs_ticket = intent.action is not Action.CLOSE_ALL and not (
            intent.action is Action.CANCEL and state is State.DONE
        )
        if needs_ticket and not (result.order_ticket or result.position_ticket):
            return f"{status.name} without an order_ticket"
        return ""
    return _contradicts_fill(result, intent, proven)


def _may_tell(result: Result, intent: OrderIntent) -> bool:
    """Whether the status is one that tells the state."""
    if result.state is State.DONE and intent.action is Action.CLOSE_ALL:
        return not is_part(result, intent)
    return result.state in _TOLD_AS[result.status]


def _contradicts_fill(result: Result, intent: OrderIntent, proven: State) -> str:
    """Of a command that makes a deal, told as SUCCESS or PARTIAL."""
    name = result.status.name
    if proven is State.DONE:
        return f"DONE is nothing that becomes of a {intent.action}"
    if not result.order_ticket:
        return f"{name} without an order_ticket"
    if proven is State.WORKING:
        if result.price:
            return f"{name} and WORKING, with an executed_price"
        if result.state is None and not _pends(intent):
            return f"{name} of a market order without an executed_price"
        return ""
    if not result.price:
        return f"{name} without an executed_price"
    asked = intent.volume
    if asked and to_e8(result.volume) > to_e8(asked):
        return f"{result.volume:g} lots executed, {asked:g} asked for"
    return ""


_SETTLED_THERE = "a person settled it as filled at the client, with no deal to show; settle it here"
_UNPROVEN = "whether the broker executed it is not proven yet"


def _pends(intent: OrderIntent) -> bool:
    return intent.action is Action.OPEN and intent.order_type is not OrderType.MARKET


def _of_close_all(order: OrderState) -> Status:
    """Of one that is over and left something open: a peer must not take it for success."""
    return Status.PARTIAL if order.filled_e8 > 0 or order.deals else Status.FAILED


def _status(state: State, deals: bool) -> Status:
    if state in _TOLD_AS[Status.SUCCESS]:
        return Status.SUCCESS
    if deals or state is State.PARTIALLY_FILLED:
        return Status.PARTIAL
    return Status.FAILED


def _order_ticket(order: OrderState) -> int:
    """The broker's order. A change of a position has none of its own: there it is the position's,
    which is the ticket of the order that opened it; a close_all's is the last close's."""
    resolved = order.order
    if ticket := order.order_ticket or (resolved.order_ticket if resolved else 0):
        return ticket
    if order.intent.action is Action.MODIFY:
        return _position_ticket(order)
    return order.deals[-1].order if order.deals else 0


def _position_ticket(order: OrderState) -> int:
    resolved = order.order
    known = order.position_ticket or (resolved.position_ticket if resolved else 0)
    return known or order.intent.target_ticket or 0


def _error(order: OrderState) -> str:
    """Set for a failure, and where there is something to be said of a success."""
    words, reason = _WORDS.get(order.state, ""), _reason(order)
    if order.state in (State.DENIED, State.REJECTED) and not reason:
        reason = f"retcode {order.retcode}" if order.retcode else "refused"
    return f"{words}: {reason}" if words and reason else words or reason


def _reason(order: OrderState) -> str:
    return ": ".join(filter(None, (order.code, order.message)))
