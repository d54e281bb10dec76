"""What decisions say and orders are looked for by, for type checkers and editors; the gateway holds
the rules."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal, TypedDict


class Decision(TypedDict, total=False):
    """A decision's fields. `client_key` and `mt5_account` are needed. A moment is Unix
    milliseconds, RFC 3339 text with an offset, or a `datetime` that knows its zone. Prices and
    sizes may be `Decimal`s: they go as written."""

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
    volume: float | Decimal | None
    units: float | Decimal | None
    order_type: Literal["market", "limit", "stop", "stop_limit", "pending"] | None
    price: float | Decimal | None
    stop_limit_price: float | Decimal | None
    stop_loss: float | Decimal | None
    take_profit: float | Decimal | None
    deviation: int | None
    magic: int | None
    comment: str | None
    expires_at: int | float | str | datetime | None
    expiration: int | float | str | datetime | None
    target: str | None
    position_ticket: int | None
    order_ticket: int | None


class Filters(TypedDict, total=False):
    """Which orders; all that is named holds. `state` may be several, with commas between."""

    account: str | None
    state: str | None
    strategy: int | None
    user: str | None
    client_key: str | None
    limit: int | None
    cursor: str | None
