"""What a successful change or cancel means for the order or position that it meant."""

from __future__ import annotations

import msgspec

from onefill.execution.desk import Desk
from onefill.execution.effects import Steps
from onefill.execution.outcome import moves
from onefill.execution.stages.monitor import look_up_ticket
from onefill.model.events import Amended
from onefill.model.intent import Action
from onefill.model.order import OrderState
from onefill.model.states import State


def amendments(desk: Desk, order: OrderState) -> Steps:
    """Events about the target: its new levels, or its end as the broker's history shows it."""
    resolved = order.order
    assert resolved is not None
    if resolved.action is Action.MODIFY:
        return (
            Amended(
                key=resolved.target,
                order_ticket=resolved.order_ticket,
                position_ticket=resolved.position_ticket,
                price=resolved.price,
                stop_limit_price=resolved.stop_limit_price,
                stop_loss=resolved.stop_loss,
                take_profit=resolved.take_profit,
                expiration_ms=resolved.expiration_ms,
            ),
        )
    target = desk.state.orders.get(resolved.target)
    if resolved.action is not Action.CANCEL or target is None or not target.order_ticket:
        return ()
    seen = yield from look_up_ticket(desk, target, target.order_ticket)
    if seen is None or seen.to is not State.CANCELLED or desk.state.orders.get(target.key) is None:
        return ()  # following the account tells what became of it
    told = msgspec.structs.replace(
        seen, code="CANCELLED", message=f"cancelled as {order.key!r} asked"
    )
    return moves(target, told)
