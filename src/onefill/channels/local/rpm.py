"""What the risk and portfolio manager decided, as an order: exactly, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from onefill.channels.local.confirmation import REJECTIONS
from onefill.model.intent import Action, OrderIntent, Side


class Rejected(NamedTuple):
    """The decision is not to be carried out; the broker is not asked."""

    reason: str
    details: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What the decision says, read and checked; `order_id` is empty where it names none."""

    order_id: str
    symbol: str
    direction: int
    units: float
    stop_loss: float | None = None
    take_profit: float | None = None
    #: The session that is to carry it out; empty: the pool's first.
    session: str = ""
    rejected: Rejected | None = None

    def intent(self, key: str, symbol: str, magic: int) -> OrderIntent:
        """The order under a key, in the broker's name of its symbol."""
        return OrderIntent(
            client_key=key,
            action=Action.OPEN,
            symbol=symbol,
            side=Side.BUY if self.direction == 1 else Side.SELL,
            units=self.units,
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            magic=magic,
        )


def read_decision(rpm_output: Any) -> Decided:
    """Any object with the published attributes. What is missing or cannot be is a rejection
    (`validation_failed`) that names it, never an exception."""
    decision = getattr(rpm_output, "decision", None)
    if decision is None:
        return _unusable("", "rpm_output has no .decision")
    order_id = str(getattr(decision, "order_id", None) or "")
    status = _text(getattr(decision, "status", None)).upper()
    if status == "REJECTED":
        return _told_no(order_id, decision)
    if bool(getattr(getattr(rpm_output, "portfolio_state", None), "trading_halted", False)):
        return _no(order_id, decision, "trading_halted", "the portfolio's trading is halted")
    if status not in ("APPROVED", "ADJUSTED"):
        return _unusable(order_id, f"decision.status {status!r} is not APPROVED or ADJUSTED")
    trade = getattr(decision, "approved_trade", None)
    if trade is None:
        return _unusable(order_id, f"a decision that is {status} has no .approved_trade")
    return read_trade(order_id, trade)


def read_trade(order_id: str, trade: Any) -> Decided:
    """Any object with the attributes of an approved trade, checked as in `read_decision`."""
    symbol = getattr(trade, "symbol", None)
    direction = getattr(trade, "direction", None)
    direction = getattr(direction, "value", direction)
    units = getattr(trade, "position_units", None)
    if not isinstance(symbol, str) or not symbol:
        return _unusable(order_id, f"approved_trade.symbol {symbol!r} is not a symbol's name")
    side = _number(direction)
    if side is None or side not in (1, -1):
        return _unusable(order_id, f"approved_trade.direction {direction!r} is not 1 or -1")
    number = _number(units)
    if number is None or number <= 0:
        return _unusable(
            order_id,
            f"approved_trade.position_units {units!r} is not a number of units above 0",
        )
    levels: dict[str, float] = {}
    for name in ("stop_loss", "take_profit"):
        given = getattr(trade, name, None)
        level = 0.0 if given is None else _number(given)
        if level is None or level < 0:
            return _unusable(order_id, f"approved_trade.{name} {given!r} is not a price")
        levels[name] = level
    return Decided(
        order_id=order_id,
        symbol=symbol,
        direction=int(side),
        units=number,
        stop_loss=levels["stop_loss"] or None,
        take_profit=levels["take_profit"] or None,
        session=_text(getattr(trade, "session", None)),
    )


def _told_no(order_id: str, decision: Any) -> Decided:
    """The manager's own rejection, with its reason where it is a published one."""
    rejected = getattr(decision, "rejected_trade", None)
    given = _text(getattr(rejected, "rejection_reason", None))
    reason = given.lower() if given.lower() in REJECTIONS else "unknown"
    details = _text(getattr(rejected, "rejection_details", None))
    said = ": ".join(part for part in (given, details) if part) or "it gave no reason"
    return _no(order_id, decision, reason, f"rejected by the risk and portfolio manager ({said})")


def _no(order_id: str, decision: Any, reason: str, details: str) -> Decided:
    trade = getattr(decision, "approved_trade", None) or getattr(decision, "rejected_trade", None)
    direction = _number(getattr(trade, "direction", 0))
    return Decided(
        order_id=order_id,
        symbol=_text(getattr(trade, "symbol", None)),
        direction=int(direction) if direction in (1, -1) else 0,
        units=_number(getattr(trade, "position_units", None)) or 0.0,
        rejected=Rejected(reason, details),
    )


def _unusable(order_id: str, why: str) -> Decided:
    return Decided(order_id, "", 0, 0.0, rejected=Rejected("validation_failed", why))


def _text(value: Any) -> str:
    """A text, or an enumeration's."""
    if value is None:
        return ""
    return str(getattr(value, "value", value))


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool | str | bytes):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) else None
