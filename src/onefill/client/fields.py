"""What a decision says, for type checkers and editors; the gateway holds the rules."""

from __future__ import annotations

from typing import Literal, TypedDict


class Decision(TypedDict, total=False):
    """A decision's fields. `client_key` and `mt5_account` are needed; a moment is Unix milliseconds
    or RFC 3339 text with an offset."""

    client_key: str
    mt5_account: str | int
    user_id: str | None
    auto_execute: bool | None
    confidence_score: float | None
    reason: str | None
    correlation_id: str | None
    action: Literal["open", "close", "modify", "cancel", "close_all"] | None
    symbol: str | None
    side: Literal["buy", "sell"] | None
    volume: float | None
    units: float | None
    order_type: Literal["market", "limit", "stop", "stop_limit", "pending"] | None
    price: float | None
    stop_limit_price: float | None
    stop_loss: float | None
    take_profit: float | None
    deviation: int | None
    magic: int | None
    comment: str | None
    expires_at: int | float | str | None
    expiration: int | float | str | None
    target: str | None
