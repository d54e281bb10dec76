"""What the fields of a decision and of an order mean, in the OpenAPI document's words."""

from __future__ import annotations

OF_DECISIONS = {
    "client_key": (
        "The idempotency key, unique in its account: the same key and content again is answered "
        "with the stored order; with other content it is refused (KEY_REUSED)."
    ),
    "mt5_account": "The account that it is for: its login, as text or as a number.",
    "user_id": "Whose account it is; else it is looked up. Another's is denied.",
    "auto_execute": "Only a decision that says true goes on; others are recorded and shown.",
    "confidence_score": "How sure the decision is, 0 to 1; below the user's least it is denied.",
    "reason": "Why it was decided, up to 1024 characters; kept and told as decision_reason.",
    "correlation_id": "The id of the signal that caused it; kept and told.",
    "action": "What to do; usually open.",
    "symbol": "The gateway's name of it; the agent finds the broker's, with prefix or suffix.",
    "side": "Of what is opened.",
    "volume": "Lots, a multiple of the symbol's step; of a close: how much of it, else all.",
    "units": "Of the base currency, in place of volume; rounded down to the symbol's step.",
    "order_type": "Usually market.",
    "price": (
        "A pending order's level; of a market order what the fill is held against (slippage_pips)."
    ),
    "stop_limit_price": "Of a stop_limit order: the level of the limit that it becomes at price.",
    "stop_loss": "A level; to modify: left out stays as it is, 0 removes it.",
    "take_profit": "A level; to modify: left out stays as it is, 0 removes it.",
    "deviation": "Greatest accepted deviation of a market order, in points.",
    "magic": "The strategy's magic number; 0 for none.",
    "comment": "The broker sees a token of ours first, then as much of this as fits.",
    "expires_at": (
        "Past it the order is never sent: Unix milliseconds, or RFC 3339 with an offset. Left out: "
        "60 s for what goes to the market."
    ),
    "expiration": (
        "When a pending order leaves the broker's book: Unix milliseconds, or RFC 3339 with an "
        "offset. Left out: never."
    ),
    "target": (
        "To close, modify or cancel: the client_key of the order that is meant. A close may name "
        "a symbol with one open position instead."
    ),
    "position_ticket": (
        "To close or modify, in place of target: the broker's ticket of an open position, as "
        "GET /v1/positions lists it, whoever opened it."
    ),
    "order_ticket": (
        "To modify or cancel, in place of target: the broker's ticket of a working order that a "
        "decision placed."
    ),
}
OF_ORDERS = {
    "mt5_account": "The account's login.",
    "client_key": "The decision's idempotency key.",
    "intent_id": "The order's id here, whatever its account.",
    "user_id": "Whose account it is.",
    "symbol": "As the decision named it.",
    "target": "Of a close, a change or a cancel: the client_key of the order that is meant.",
    "target_ticket": (
        "The broker's ticket of the position or pending order that is meant, where it was named."
    ),
    "volume": "Lots asked for; null: given in units, or left to others.",
    "units": "Units of the base currency asked for; null: given in lots, or left to others.",
    "price": "The level asked for.",
    "stop_limit_price": "Of a stop_limit order: the level of the limit that it becomes at price.",
    "stop_loss": "The level asked for; what changed it since is an order of its own.",
    "take_profit": "The level asked for; what changed it since is an order of its own.",
    "deviation": "Greatest accepted deviation, in points.",
    "magic": "The strategy's magic number; 0: none.",
    "comment": "As the decision had it.",
    "confidence_score": "As the decision had it.",
    "decision_reason": "The decision's reason; `reason` is why the order stands as it does.",
    "correlation_id": "As the decision had it.",
    "expires_at_ms": "Past it the order is never sent; null: never.",
    "expiration_ms": "When a pending order leaves the broker's book; null: never.",
    "order_ticket": "The broker's ticket of the order; of a change or cancel: of what it is about.",
    "position_ticket": "The broker's ticket of the position.",
    "requested_price": (
        "The price that the order named, or the quote that it was sent at; null: it named none "
        "and its client does not tell the quote (yet)."
    ),
    "fill_price": "Average price of what filled; null: nothing did.",
    "filled_volume": "Lots that filled so far.",
    "slippage_pips": (
        "How much worse than requested_price the fill is, in pips of the symbol; below 0: better. "
        "null: nothing filled, or its client does not tell."
    ),
    "attempts": "How often it was handed over.",
    "late": "Evidence came after the order was over, and reopened it.",
    "by": "Who decided about it, where a person did.",
    "received_at_ms": "When it was accepted.",
    "submitted_at_ms": "When it was handed to its client; null: it was not.",
    "filled_at_ms": "When the last deal was made, by the broker's clock; null: none was.",
}
