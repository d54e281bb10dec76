"""Stage 9: the door is told, once the outcome is durable."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Steps, Tell
from onefill.execution.follow import follow_once
from onefill.execution.told import Settled
from onefill.model.order import OrderState
from onefill.model.states import State


def confirm(desk: Desk, order: OrderState) -> Steps:
    """Tell where the order stands; a pending order is looked at once more now that its ticket is
    known, so that a fill that came in between is not missed."""
    yield Tell(Settled(order), "confirm")
    if order.state in (State.WORKING, State.PARTIALLY_FILLED):
        yield from follow_once(desk, order)
