"""What a caller of the published engine gets back: an order's outcome in its words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from onefill.execution.report import Answer
from onefill.model.states import State
from onefill.risk.reasons import REASONS, DenialCode

STATUSES = (
    "pending", "submitted", "filled", "partially_filled", "rejected", "cancelled", "error",
    "expired",
)  # fmt: skip
REJECTIONS = frozenset({
    "market_closed", "insufficient_liquidity", "spread_too_wide", "broker_rejection",
    "margin_insufficient", "trading_halted", "symbol_not_tradable", "network_error",
    "order_timeout", "validation_failed", "slippage_exceeded", "insufficient_fill", "stale_tick",
    "spread_widened", "margin_depleted", "correlation_breach", "unknown",
})  # fmt: skip

#: Status and reason by the order's state (`contracts/states`); a code may say it better.
_TOLD: dict[State, tuple[str, str | None]] = {
    State.RECEIVED: ("pending", None),
    State.ACCEPTED: ("pending", None),
    State.SENDING: ("pending", None),
    State.WORKING: ("submitted", None),
    State.PARTIALLY_FILLED: ("partially_filled", None),
    State.FILLED: ("filled", None),
    State.DONE: ("filled", None),
    State.DENIED: ("rejected", "validation_failed"),
    State.REJECTED: ("rejected", "broker_rejection"),
    State.CANCELLED: ("cancelled", None),
    State.EXPIRED: ("expired", None),
    State.UNKNOWN: ("error", "order_timeout"),
    State.QUARANTINED: ("error", "unknown"),
    State.NOT_EXECUTED: ("rejected", "network_error"),
}
#: Our codes, beside those of risk, by their published names.
_BY_CODE = {
    "SYMBOL_UNKNOWN": "symbol_not_tradable",
    "SYMBOL_AMBIGUOUS": "symbol_not_tradable",
    "SYMBOL_MAP_INVALID": "symbol_not_tradable",
    "NO_MARKET_DATA": "insufficient_liquidity",
    "NOT_CONNECTED": "network_error",
    "NOT_EXECUTED": "network_error",
    "INSUFFICIENT_FILL": "insufficient_fill",
    "EXPIRED": "order_timeout",
    "TIMED_OUT": "order_timeout",
    "KEY_REUSED": "validation_failed",
    "SESSION_UNKNOWN": "validation_failed",
    "ENGINE_CLOSED": "network_error",
    "TRADE_RETCODE_MARKET_CLOSED": "market_closed",
    "TRADE_RETCODE_NO_MONEY": "margin_insufficient",
    "TRADE_RETCODE_TRADE_DISABLED": "symbol_not_tradable",
    "TRADE_RETCODE_PRICE_OFF": "insufficient_liquidity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionConfirmation:
    """The published answer. Units are of the base currency, never negative; `direction` is 1 long,
    -1 short; slippage in pips, positive is worse; `timestamp` is UTC."""

    execution_id: str
    order_id: str
    status: str
    symbol: str
    direction: int
    intended_units: float
    executed_units: float = 0.0
    fill_price: float | None = None
    slippage_pips: float | None = None
    rejection_reason: str | None = None
    rejection_details: str | None = None
    timestamp: datetime
    #: The broker's tickets; 0 where there is none.
    ticket: int = 0
    position_ticket: int = 0
    #: Lots that were asked of the broker, and units that rounding down to its step left.
    volume_lots: float = 0.0
    units_left: float = 0.0
    #: The session that holds the account.
    session: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the timestamp in ISO 8601."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**told, "timestamp": self.timestamp.isoformat()}


def told(answer: Answer) -> tuple[str, str | None, str | None]:
    """Status, rejection reason and details of an answer."""
    status, reason = _TOLD[State(answer.status)]
    if answer.reason is None:
        return status, reason, None
    code = answer.reason.code
    if status in ("rejected", "expired", "cancelled", "error"):
        reason = published(code) or reason
    elif code in ("INSUFFICIENT_FILL", "SLIPPAGE_EXCEEDED"):
        reason = published(code)
    if code == "NOT_CONNECTED":
        status = "rejected"  # it expired unsent
    if answer.filled_volume and status in ("cancelled", "expired", "rejected"):
        # A live position is never told as gone; from 99 % an order counts as filled.
        status = "filled" if code == "REST_CANCELLED" else "partially_filled"
    return status, reason, f"{code}: {answer.reason.message}"


def published(code: str) -> str | None:
    """The published name of one of our codes; None where the state says it all."""
    if code in DenialCode.__members__:
        return REASONS[DenialCode(code)].published
    if code == "SLIPPAGE_EXCEEDED":
        return "slippage_exceeded"
    return _BY_CODE.get(code)


def moment(now_ms: int) -> datetime:
    """A time of the journal as a `datetime` in UTC."""
    return datetime.fromtimestamp(now_ms / 1_000, UTC)
