"""`POST /v1/decisions`: one decision or a batch, each with its own answer."""

from __future__ import annotations

import asyncio

import msgspec

from onefill.contracts.rest import MAX_BATCH, MAX_WAIT_S, Decided, Decisions, Order
from onefill.gateway.api.body import decode
from onefill.gateway.api.decision_line import DecisionLine, decision_of, key_in
from onefill.gateway.api.door import Answered, Call, Query, Way
from onefill.gateway.api.refusal import fault_of, invalid
from onefill.gateway.api.told import UNDER_WAY, order_told
from onefill.gateway.identity.model import Right, account_id
from onefill.model.errors import OnefillError
from onefill.model.order import OrderState

_batch = msgspec.json.Decoder(list[msgspec.Raw])


async def decide(call: Call) -> Answered:
    """Take what is decided; with `wait`, come back when its outcome is known."""
    wait_s = call.number("wait", 0.0, 0.0, MAX_WAIT_S)
    if call.body.lstrip()[:1] == b"[":
        return await _decide_all(call, wait_s)
    order = await _decide_one(call, call.body, wait_s)
    return Answered(order, 202 if order.status in UNDER_WAY else 200)


async def _decide_all(call: Call, wait_s: float) -> Answered:
    written = decode(call.body, _batch)
    if not 1 <= len(written) <= MAX_BATCH:
        raise invalid("", f"a batch has 1 to {MAX_BATCH} decisions, not {len(written)}")
    call.door.rates.count(call.caller, len(written) - 1)
    # All begin before any ends: they share the journal's commits, and are taken in their order.
    decided = await asyncio.gather(*(_decided(call, one, wait_s) for one in written))
    under_way = any(one.order is not None and one.order.status in UNDER_WAY for one in decided)
    return Answered(Decisions(decisions=decided), 202 if under_way else 200)


async def _decided(call: Call, raw: msgspec.Raw, wait_s: float) -> Decided:
    try:
        order = await _decide_one(call, raw, wait_s)
    except OnefillError as wrong:
        return Decided(client_key=key_in(raw), error=fault_of(wrong))
    return Decided(client_key=order.client_key, order=order)


async def _decide_one(call: Call, raw: bytes | msgspec.Raw, wait_s: float) -> Order:
    door, caller = call.door, call.caller
    decision = decision_of(raw)
    name = decision.account
    state = await door.desk.decide(caller, decision)  # which also records who tries what is not his
    if wait_s > 0 and state.state in UNDER_WAY:
        state = await _waited(call, account_id(caller.tenant, name), state, wait_s)
    return order_told(name, state)


async def _waited(call: Call, account: str, order: OrderState, wait_s: float) -> OrderState:
    door, tenant = call.door, call.caller.tenant
    most, most_of_tenant = door.settings.max_waiting, door.settings.max_waiting_per_tenant
    if not door.waiting.room(tenant, most, most_of_tenant):
        return order  # it is taken: who cannot wait here can ask, or follow the events
    door.waiting.enter(tenant)
    try:
        return await door.desk.outcome(account, order.key, wait_s)
    finally:
        door.waiting.leave(tenant)


_OPEN = {
    "client_key": "sma-2024-06-03T09:00-EURUSD",
    "mt5_account": "5012345",
    "user_id": "anna",
    "auto_execute": True,
    "symbol": "EURUSD",
    "side": "buy",
    "volume": 0.1,
    "stop_loss": 1.081,
    "take_profit": 1.092,
    "deviation": 10,
    "magic": 42,
    "confidence_score": 0.82,
    "reason": "SMA 20 crossed SMA 50 upwards",
    "correlation_id": "signal-7781",
}
_CLOSE = {
    "client_key": "sma-2024-06-03T11:30-EURUSD-close",
    "mt5_account": "5012345",
    "auto_execute": True,
    "action": "close",
    "target": "sma-2024-06-03T09:00-EURUSD",
}

WAYS = (
    Way(
        method="POST",
        path="/v1/decisions",
        handler=decide,
        summary="Take one decision, or a batch",
        right=Right.TRADE,
        tag="decisions",
        takes=DecisionLine | list[DecisionLine],
        gives={200: (Order, Decisions), 202: (Order, Decisions)},
        query=(
            Query(
                "wait",
                {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S, "default": 0},
                "seconds to wait for the outcome",
            ),
        ),
        refuses=(404, 409),
        examples={
            "open": {"summary": "Buy at the market", "value": _OPEN},
            "close": {"summary": "Close what an order opened", "value": _CLOSE},
            "batch": {"summary": "Several at once", "value": [_OPEN, _CLOSE]},
        },
    ),
)
