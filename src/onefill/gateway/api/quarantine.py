"""What an operator does about orders that evidence could not settle: see them, and decide."""

from __future__ import annotations

import msgspec

from onefill.contracts.rest import Order, Orders
from onefill.gateway.api.body import decode
from onefill.gateway.api.door import Answered, Call, Way
from onefill.gateway.api.operations import check_reason
from onefill.gateway.api.orders import ACCOUNT, find
from onefill.gateway.api.refusal import invalid
from onefill.gateway.api.told import order_told
from onefill.gateway.identity.model import Right
from onefill.model.states import SETTLED, State

MAX_TICKET = 2**63 - 1


class Settle(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename={"to": "as"}):
    """What a person found out about an order."""

    to: State
    reason: str
    #: The broker's order, where it has one.
    ticket: int | None = None


_settle = msgspec.json.Decoder(Settle)


async def quarantine(call: Call) -> Answered:
    """Orders whose outcome a person must decide."""
    door = call.door
    found: list[Order] = []
    for account in door.accounts(call.caller):
        for live in list(door.journal.state(account.id).orders.values()):
            if live.state is State.QUARANTINED:
                order = await door.books.order(account.id, live.key)
                if order is not None and order.state is State.QUARANTINED:
                    found.append(order_told(account.name, order))
    return Answered(Orders(orders=found))


async def settle(call: Call) -> Answered:
    """A person's decision; recorded with his name."""
    wanted = decode(call.body, _settle)
    check_reason(wanted.reason)
    if wanted.to not in SETTLED:
        raise invalid("as", f"an order is settled as one of {', '.join(SETTLED)}")
    if wanted.ticket is not None and not 0 < wanted.ticket <= MAX_TICKET:
        raise invalid("ticket", "expected the broker's order ticket, a whole number above 0")
    account, order = await find(call)
    after = await call.door.desk.settle(
        call.caller,
        account.name,
        order.key,
        wanted.to,
        wanted.reason.strip(),
        wanted.ticket or 0,
    )
    return Answered(order_told(account.name, after))


WAYS = (
    Way(
        method="GET",
        path="/v1/quarantine",
        handler=quarantine,
        summary="Orders whose outcome a person must decide",
        right=Right.READ,
        tag="operations",
        gives={200: (Orders,)},
    ),
    Way(
        method="POST",
        path="/v1/quarantine/{id:path}/resolve",
        handler=settle,
        summary="Decide what became of an order; recorded with who decided",
        right=Right.OPERATE,
        tag="operations",
        takes=Settle,
        gives={200: (Order,)},
        query=(ACCOUNT,),
        refuses=(404, 409),
        examples={
            "absent": {
                "summary": "It never reached the broker",
                "value": {"as": "not_executed", "reason": "not in the broker's statement"},
            }
        },
    ),
)
