"""The nine stages in their order: one accepted order from validation to confirmation."""

from __future__ import annotations

from onefill.execution.children import close_all
from onefill.execution.desk import Desk
from onefill.execution.effects import Steps
from onefill.execution.outcome import Outcome
from onefill.execution.stages.audit import audit
from onefill.execution.stages.confirm import confirm
from onefill.execution.stages.monitor import monitor
from onefill.execution.stages.partial import settle_partial
from onefill.execution.stages.record import LookAgain, record
from onefill.execution.stages.request import build_request
from onefill.execution.stages.slippage import measure_slippage
from onefill.execution.stages.submit import SendAgain, submit
from onefill.execution.stages.validate import validate
from onefill.execution.unknown import settle_unknown
from onefill.model.intent import Action
from onefill.model.order import OrderState
from onefill.model.states import State


class Unsent:
    """It ended before it was sent, durably and told."""


def carry_out(desk: Desk, order: OrderState) -> Steps:
    """Stages 1 to 9 for an order that is ACCEPTED; ends when its outcome is durable and told."""
    if order.intent.action is Action.CLOSE_ALL:
        yield from close_all(desk, order)
        return
    try:
        sent: Outcome | Unsent | None = yield from _sent(desk, order)
    finally:
        desk.leave_line(order)
    if isinstance(sent, Unsent):
        return
    outcome = sent
    if outcome is not None and order.makes_deals:
        outcome = yield from monitor(desk, order, outcome)
    if outcome is None:
        outcome = yield from settle_unknown(desk, order)
    yield from conclude(desk, order, outcome)


def _sent(desk: Desk, order: OrderState) -> Steps:
    """Stages 1 to 4, as often as it takes: what the reply proves (None: nothing), or `Unsent`."""
    while True:
        desk.line_up(order)
        if not (yield from validate(desk, order)):
            return Unsent()
        request = build_request(desk, order)
        recorded = yield from record(desk, order, request)
        if isinstance(recorded, LookAgain):
            continue
        if not recorded:
            return Unsent()
        sent = yield from submit(desk, order)
        if not isinstance(sent, SendAgain):
            return sent


def conclude(desk: Desk, order: OrderState, outcome: Outcome) -> Steps:
    """Stages 6 to 9: what was proven is weighed, recorded and told."""
    alerts = measure_slippage(desk, order, outcome)
    outcome = settle_partial(order, outcome)
    yield from audit(desk, order, outcome, alerts)
    yield from confirm(desk, order)


def resume(desk: Desk, order: OrderState) -> Steps:
    """Take up an order where a stopped engine left it: ACCEPTED goes on, UNKNOWN is looked up."""
    if order.state is State.ACCEPTED:
        desk.note_expiry(order.intent)
        try:
            yield from carry_out(desk, order)
        finally:
            desk.expiries.pop(order.key, None)
    elif order.state is State.UNKNOWN:
        yield from conclude(desk, order, (yield from settle_unknown(desk, order)))
