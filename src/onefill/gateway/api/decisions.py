"""`POST /v1/decisions`: one decision or a batch, each with its own answer."""

from __future__ import annotations

import asyncio

import msgspec

from onefill.contracts.rest import MAX_BATCH, Decided, Decisions, Order
from onefill.gateway.api.body import decode
from onefill.gateway.api.decision_line import DecisionLine, decision_of, key_in
from onefill.gateway.api.door import Answered, Call, Way
from onefill.gateway.api.refusal import fault_of, invalid
from onefill.gateway.api.told import UNDER_WAY, order_told
from onefill.gateway.api.waiting import WAIT, outcome, wait_s
from onefill.gateway.identity.model import Right, account_id
from onefill.model.errors import OnefillError

_batch = msgspec.json.Decoder(list[msgspec.Raw])


async def decide(call: Call) -> Answered:
    """Take what is decided; with `wait`, come back when its outcome is known."""
    patience_s = wait_s(call)
    if call.body.lstrip()[:1] == b"[":
        return await _decide_all(call, patience_s)
    order = await _decide_one(call, call.body, patience_s)
    return Answered(order, 202 if order.status in UNDER_WAY else 200)


async def _decide_all(call: Call, patience_s: float) -> Answered:
    written = decode(call.body, _batch)
    if not 1 <= len(written) <= MAX_BATCH:
        raise invalid("", f"a batch has 1 to {MAX_BATCH} decisions, not {len(written)}")
    call.door.rates.count(call.caller, len(written) - 1)
    # All begin before any ends: they share the journal's commits, and are taken in their order.
    decided = await asyncio.gather(*(_decided(call, one, patience_s) for one in written))
    under_way = any(one.order is not None and one.order.status in UNDER_WAY for one in decided)
    return Answered(Decisions(decisions=decided), 202 if under_way else 200)


async def _decided(call: Call, raw: msgspec.Raw, patience_s: float) -> Decided:
    try:
        order = await _decide_one(call, raw, patience_s)
    except OnefillError as wrong:
        return Decided(client_key=key_in(raw), error=fault_of(wrong))
    return Decided(client_key=order.client_key, order=order)


async def _decide_one(call: Call, raw: bytes | msgspec.Raw, patience_s: float) -> Order:
    door, caller = call.door, call.caller
    decision = decision_of(raw)
    name = decision.account
    state = await door.desk.decide(caller, decision)  # which also records who tries what is not his
    state = await outcome(call, account_id(caller.tenant, name), state, patience_s)
    return order_told(name, state)


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
        query=(WAIT,),
        refuses=(404, 409),
        examples={
            "open": {"summary": "Buy at the market", "value": _OPEN},
            "close": {"summary": "Close what an order opened", "value": _CLOSE},
            "batch": {"summary": "Several at once", "value": [_OPEN, _CLOSE]},
        },
    ),
)
