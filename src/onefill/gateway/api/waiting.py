"""`?wait=`: a call that comes back when the outcome of what it asked for is known."""

from __future__ import annotations

from onefill.contracts.rest import MAX_WAIT_S
from onefill.gateway.api.door import Call, Query
from onefill.gateway.api.told import UNDER_WAY
from onefill.model.order import OrderState

WAIT = Query(
    "wait",
    {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S, "default": 0},
    "seconds to wait for the outcome",
)


def wait_s(call: Call) -> float:
    """How long the caller would wait. Raises `Refusal` (422)."""
    return call.number(WAIT.name, 0.0, 0.0, MAX_WAIT_S)


async def outcome(call: Call, account: str, order: OrderState, patience_s: float) -> OrderState:
    """The order of an account (by its journal name) once it is settled, or as it stands after so
    long; at once where too many wait already: who cannot wait here can ask, or follow the events.
    """
    if patience_s <= 0 or order.state not in UNDER_WAY:
        return order
    door, tenant = call.door, call.caller.tenant
    most, most_of_tenant = door.settings.max_waiting, door.settings.max_waiting_per_tenant
    if not door.waiting.room(tenant, most, most_of_tenant):
        return order
    door.waiting.enter(tenant)
    try:
        return await door.desk.outcome(account, order.key, patience_s)
    finally:
        door.waiting.leave(tenant)
