"""Orders as the journal proves them: a list with filters, one, what happened to it; a cancel."""

from __future__ import annotations

from onefill.contracts.rest import MAX_PAGE, Order, OrderEvents, Orders
from onefill.gateway.api.door import Answered, Call, Query, Way
from onefill.gateway.api.refusal import invalid, not_found
from onefill.gateway.api.told import UNDER_WAY, event_told, order_told
from onefill.gateway.api.waiting import WAIT, outcome, wait_s
from onefill.gateway.identity.model import Account, Right
from onefill.model.order import OrderState
from onefill.model.states import State

DEFAULT_PAGE = 50
_MOST_SEQ = 2**62
_STATES = frozenset(state.value for state in State)
_INTENT_DIGITS = frozenset("0123456789abcdef")


async def orders(call: Call) -> Answered:
    """The caller's orders, newest first."""
    door, query = call.door, call.query
    limit = call.whole("limit", DEFAULT_PAGE, 1, MAX_PAGE)
    below = call.whole("cursor", 0, 1, _MOST_SEQ)
    magic = call.whole("strategy", 0, 0, 2**63 - 1) if "strategy" in query else None
    states = _states(query.get("state"))
    user, key = query.get("user"), query.get("client_key")
    if "account" in query:
        accounts = {one.id: one for one in [door.account(call.caller, query["account"])]}
    else:
        accounts = {one.id: one for one in door.accounts(call.caller)}

    def wanted(order: OrderState) -> bool:
        intent = order.intent
        return (
            (not states or order.state.value in states)
            and (user is None or intent.user_id == user)
            and (key is None or order.key == key)
            and (magic is None or intent.magic == magic)
        )

    scan = door.settings.max_scanned
    page = await door.books.page(accounts, wanted, below=below, limit=limit, scan=scan)
    told = [order_told(accounts[found.account].name, found.order) for found in page.orders]
    return Answered(Orders(orders=told, next=str(page.below) if page.below else None))


async def order(call: Call) -> Answered:
    """One order."""
    account, found = await find(call)
    return Answered(order_told(account.name, found))


async def order_events(call: Call) -> Answered:
    """What happened to an order, oldest first."""
    account, found = await find(call)
    most = call.door.settings.max_events_per_order
    records = await call.door.books.events(account.id, found.key, most)
    return Answered(OrderEvents(events=[event_told(record) for record in records]))


async def cancel(call: Call) -> Answered:
    """Take an order back, or have its pending order removed; with `wait`, come back when it is
    known what became of that."""
    patience_s = wait_s(call)
    account, found = await find(call)
    after = await call.door.desk.cancel(call.caller, account.name, found.key)
    after = await outcome(call, account.id, after, patience_s)
    return Answered(order_told(account.name, after), 202 if after.state in UNDER_WAY else 200)


async def find(call: Call) -> tuple[Account, OrderState]:
    """The order of the path: by intent id, or by client key where `account` is given. Raises
    `Refusal` (404, 422)."""
    door = call.door
    name = call.query.get("account")
    if name is not None:
        account = door.account(call.caller, name)
        found = await door.books.order(account.id, call.id)
        if found is not None:
            return account, found
        accounts = {account.id: account}
    else:
        accounts = {one.id: one for one in door.accounts(call.caller)}
    if len(call.id) == 32 and _INTENT_DIGITS.issuperset(call.id):
        for account in accounts.values():
            for live in door.journal.state(account.id).orders.values():
                if live.intent_id == call.id:
                    durable = await door.books.order(account.id, live.key)
                    if durable is not None:
                        return account, durable
        over = await door.books.by_intent(accounts, call.id, door.settings.max_scanned)
        if over is not None:
            return accounts[over.account], over.order
    elif name is None and call.id:
        raise invalid("account", "is required with a client key: which account's order is meant")
    raise not_found("order", call.id)


def _states(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    states = frozenset(text.split(","))
    if not states <= _STATES:
        raise invalid("state", f"expected some of {', '.join(sorted(_STATES))}")
    return states


ACCOUNT = Query("account", {"type": "string"}, "the `mt5_account`; needed with a client_key")
_ID = "`{id}` is an intent id, or a client key together with `account`."

WAYS = (
    Way(
        method="GET",
        path="/v1/orders",
        handler=orders,
        summary="Orders, newest first. A page may be short while `next` leads on.",
        right=Right.READ,
        tag="orders",
        gives={200: (Orders,)},
        query=(
            Query("account", {"type": "string"}, "of this `mt5_account` only"),
            Query("state", {"type": "string"}, "in these states only (with commas between)"),
            Query("strategy", {"type": "integer", "minimum": 0}, "of this magic number only"),
            Query("user", {"type": "string"}, "of this `user_id` only"),
            Query("client_key", {"type": "string"}, "of this key only"),
            Query("cursor", {"type": "string"}, "`next` of the page before"),
            Query(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE},
                "orders in a page",
            ),
        ),
        refuses=(404,),
    ),
    Way(
        method="GET",
        path="/v1/orders/{id:path}/events",
        handler=order_events,
        summary=f"What happened to an order, oldest first. {_ID}",
        right=Right.READ,
        tag="orders",
        gives={200: (OrderEvents,)},
        query=(ACCOUNT,),
        refuses=(404,),
    ),
    Way(
        method="POST",
        path="/v1/orders/{id:path}/cancel",
        handler=cancel,
        summary=(
            "Take an order back, or have its pending order removed. The answer is the order itself "
            f"where it is over, else the cancel: an order of its own. {_ID}"
        ),
        right=Right.TRADE,
        tag="orders",
        gives={200: (Order,), 202: (Order,)},
        query=(ACCOUNT, WAIT),
        refuses=(404, 409),
    ),
    Way(
        method="GET",
        path="/v1/orders/{id:path}",
        handler=order,
        summary=f"An order. {_ID}",
        right=Right.READ,
        tag="orders",
        gives={200: (Order,)},
        query=(ACCOUNT,),
        refuses=(404,),
    ),
)
