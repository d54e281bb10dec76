"""Stage 5: a market order is followed to its deals; a pending order leaves as WORKING."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Call, Sleep, Steps
from onefill.execution.outcome import Outcome, read_rows
from onefill.execution.stages.submit import declare_unknown
from onefill.model.intent import Action, OrderType
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest
from onefill.model.states import State
from onefill.terminal import port
from onefill.terminal.port import DealRow, OrderRow, Reply, Request


def monitor(desk: Desk, order: OrderState, outcome: Outcome) -> Steps:
    """The proven outcome; None where the order is UNKNOWN now.

    A market order is asked for every `poll_interval_ms`; one that has not ended after
    `order_timeout_ms` is withdrawn, looked up, and ends in what is proven.
    """
    if outcome.to is not State.WORKING:
        return outcome
    if _is_pending(order) and outcome.order_ticket:
        return outcome
    if not outcome.order_ticket:
        yield from declare_unknown(order, "NO_TICKET", "the reply named no order", outcome.retcode)
        return None
    deadline_ms = desk.now_ms + desk.config.order_timeout_ms
    while True:
        seen = yield from look_up_ticket(desk, order, outcome.order_ticket)
        if seen is not None and seen.ended:
            return seen
        if desk.now_ms >= deadline_ms:
            break
        yield Sleep(desk.now_ms + desk.config.poll_interval_ms)
    yield from _withdraw(desk, order, outcome.order_ticket)
    yield from declare_unknown(
        order,
        "ORDER_TIMEOUT",
        f"order {outcome.order_ticket} had not filled after {desk.config.order_timeout_ms} ms "
        "and was withdrawn",
        outcome.retcode,
        outcome.order_ticket,
    )
    return None


def _is_pending(order: OrderState) -> bool:
    resolved = order.order
    assert resolved is not None
    return resolved.action is Action.OPEN and resolved.order_type is not OrderType.MARKET


def look_up_ticket(desk: Desk, order: OrderState, ticket: int) -> Steps:
    """What the broker's deals and order rows of one ticket prove; None: nothing yet.

    The deals come first: where they cover the whole volume, nothing else need be asked.
    """
    reply: Reply = yield desk.call("history_deals_get", order, ticket=ticket)
    deals: tuple[DealRow, ...] = reply.value or ()
    if deals:
        whole = read_rows(order, None, deals, "deals")
        if whole is not None:
            return whole
    reply = yield desk.call("history_orders_get", order, ticket=ticket)
    rows: tuple[OrderRow, ...] = reply.value or ()
    if not rows:
        reply = yield desk.call("orders_get", order, ticket=ticket)
        rows = reply.value or ()
    return read_rows(order, rows[0] if rows else None, deals, "history")


def _withdraw(desk: Desk, order: OrderState, ticket: int) -> Steps:
    remove = BrokerRequest(action=port.ACTION_REMOVE, order=ticket)
    yield Call(
        Request(
            "order_send",
            {"request": remove},
            desk.epoch,
            None,
            desk.now_ms + desk.config.call_deadline_ms,
            f"{order.key}/withdraw",
            order.attempts,
        ),
        "withdraw",
    )
