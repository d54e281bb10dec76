"""Boot: whether the broker's book is still the one that the journal tells of. A book that was reset
gives its tickets anew, and evidence would be matched to the wrong orders."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Sleep, Steps
from onefill.model.errors import OnefillError
from onefill.model.order import OrderState
from onefill.terminal.port import Ready, Reply

FRESH_MS = 7 * 86_400_000
"""A fill that is older proves nothing: brokers put old history away, at their own time."""
UNANSWERED_MOST = 10
"""Looks without an answer before the question is given up; then nothing is proven."""
_FOUND_MOST = 64
"""Orders that are looked for in the journal, newest ticket first, for one that proves something."""


def refuse_other_book(desk: Desk, last_ticket: int) -> Steps:
    """Raises `OnefillError` (`BROKER_BOOK_DIFFERS`) where the account lost an order that it filled.

    Refused only where all of this holds, so that no healthy account ever is:

    - the journal has deals of the order (they came from the broker; no person's word), filled
      within `FRESH_MS`: no broker puts such history away;
    - `last_ticket`, the highest order or position ticket that the terminal knows, is below the
      order's: tickets only grow, so nothing at the broker is as new as what it did already;
    - asked for this very ticket (`history_deals_get(ticket=...)`, `history_orders_get(...)`),
      a terminal that shows the account whole answers that there is none, as often in a row as it
      takes to prove an order absent, and only after the lateness bound: a terminal that has just
      logged in fetches its history.

    A call that is not answered proves nothing, and an account that cannot be asked is not refused.
    """
    order = _lost(desk, last_ticket)
    if order is None:
        return
    bound_ms = desk.now_ms + desk.config.lateness_bound_ms
    absent = unanswered = 0
    while absent < desk.config.snapshots:
        shown = yield from _shows(desk, order)
        unanswered += shown is None
        if shown or unanswered > UNANSWERED_MOST:
            return
        absent = absent + 1 if shown is False and desk.now_ms >= bound_ms else 0
        yield Sleep(desk.now_ms + desk.config.snapshot_interval_ms)
    raise OnefillError(
        "BROKER_BOOK_DIFFERS",
        f"account {desk.account}: the broker shows no trace of its order {order.order_ticket}, "
        f"which the journal saw filled (order {order.key!r}); its newest ticket is "
        f"{last_ticket or 'none'}. Its book was reset, or is another one; nothing is sent. Put the "
        "book back, or begin with a journal in another directory (--data)",
    )


def _lost(desk: Desk, last_ticket: int) -> OrderState | None:
    """The filled order of the highest ticket, where it is fresh and above all that is known."""
    above = sorted((t for t in desk.state.adopted if t > last_ticket), reverse=True)
    for ticket in above[:_FOUND_MOST]:
        order = desk.find(desk.state.adopted[ticket])
        if order is None or order.order_ticket != ticket or order.by or not order.deals:
            continue
        return order if desk.now_ms - order.filled_ms <= FRESH_MS else None
    return None


def _shows(desk: Desk, order: OrderState) -> Steps:
    """Whether the broker shows anything of the order; None where that could not be asked."""
    reply: Reply = yield desk.call("ready")
    ready: Ready | None = reply.value
    if ready is None or not desk.shows_account(ready):
        return None
    if ready.last_ticket >= order.order_ticket:
        return True
    deals: Reply = yield desk.call("history_deals_get", ticket=order.order_ticket)
    orders: Reply = yield desk.call("history_orders_get", ticket=order.order_ticket)
    if deals.value is None or orders.value is None:
        return None
    return bool(deals.value or orders.value)
