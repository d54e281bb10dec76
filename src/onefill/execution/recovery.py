"""Boot: what was being sent becomes UNKNOWN, and the broker is looked at before anything new."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Steps
from onefill.execution.follow import Following, follow
from onefill.model.events import Event, Moved
from onefill.model.order import OrderState
from onefill.model.states import State


def boot(desk: Desk, following: Following) -> Steps:
    """Reconcile after a start; comes back with the orders to take up again, oldest first.

    `SENDING` becomes UNKNOWN: the process may have died before, in or after the call.
    """
    cut_off: list[Event] = [
        Moved(
            key=order.key,
            to=State.UNKNOWN,
            code="RESTART",
            message="the engine stopped while the order was being sent; it is looked up",
            attempt=order.attempts,
            evidence="boot",
        )
        for order in desk.state.orders.values()
        if order.state is State.SENDING
    ]
    if cut_off:
        yield Commit(tuple(cut_off), "boot_unknown")
    yield from follow(desk, following)
    live = sorted(desk.state.orders.values(), key=lambda order: order.number)
    resumed: list[OrderState] = [
        order for order in live if order.state in (State.ACCEPTED, State.UNKNOWN)
    ]
    for order in resumed:
        if order.order is not None and order.order.symbol:
            yield from desk.symbol(order.order.symbol)
    return resumed
