"""Stage 8: the whole execution into the journal, in one commit."""

from __future__ import annotations

from onefill.execution.amend import amendments
from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Steps
from onefill.execution.outcome import Outcome, moves
from onefill.model.events import Alerted, Event
from onefill.model.order import OrderState
from onefill.model.states import State


def audit(desk: Desk, order: OrderState, outcome: Outcome, alerts: tuple[Alerted, ...]) -> Steps:
    """Commit the outcome, what it changes elsewhere, and what somebody must hear of."""
    events: list[Event] = list(moves(order, outcome))
    if outcome.to is State.DONE:
        events.extend((yield from amendments(desk, order)))
    events.extend(alerts)
    yield Commit(tuple(events), "outcome")
