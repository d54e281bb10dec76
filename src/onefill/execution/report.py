"""The answer to an order: what a door encodes, in one shape for all of them."""

from __future__ import annotations

import msgspec

from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.model.volume import to_lots


class Reason(msgspec.Struct, frozen=True):
    """Why an order stands where it stands: a code for programs, a sentence for people."""

    code: str
    message: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An order's status and evidence. Prices are levels, volume is in lots, `commission` is in
    account currency, slippage in pips (positive: worse), times are Unix milliseconds, UTC."""

    client_key: str
    intent_id: str
    status: str
    reason: Reason | None = None
    order_ticket: int | None = None
    deal_tickets: list[int] = []
    position_ticket: int | None = None
    requested_price: float | None = None
    fill_price: float | None = None
    filled_volume: float = 0.0
    slippage_pips: float | None = None
    commission: float = 0.0
    attempts: int = 0
    received_at_ms: int | None = None
    submitted_at_ms: int | None = None
    filled_at_ms: int | None = None


def answer(order: OrderState) -> Answer:
    """The answer as the journal proves it at this moment."""
    resolved = order.order
    return Answer(
        client_key=order.key,
        intent_id=order.intent_id,
        status=str(order.state),
        reason=Reason(order.code, order.message) if order.code or order.message else None,
        order_ticket=order.order_ticket or (resolved and resolved.order_ticket) or None,
        deal_tickets=[deal.ticket for deal in order.deals],
        position_ticket=order.position_ticket or (resolved and resolved.position_ticket) or None,
        requested_price=order.requested_price(),
        fill_price=order.fill_price() if order.makes_deals else None,
        filled_volume=to_lots(order.filled_e8),
        slippage_pips=order.slippage_pips() if order.makes_deals else None,
        commission=round(sum((deal.commission + deal.fee for deal in order.deals), 0.0), 8),
        attempts=order.attempts,
        received_at_ms=order.received_ms,
        submitted_at_ms=order.submitted_ms or None,
        filled_at_ms=order.filled_ms or None,
    )


def key_reused(client_key: str, intent_identity: str) -> Answer:
    """The answer to an order whose key belongs to other content; it was not taken."""
    return Answer(
        client_key=client_key,
        intent_id=intent_identity,
        status=str(State.DENIED),
        reason=Reason(
            "KEY_REUSED",
            f"client_key {client_key!r} was used before for an order with other content; "
            "give this one a key of its own",
        ),
    )
