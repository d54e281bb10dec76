"""What a command must say to be an intent: the rules that both order dialects share."""

from __future__ import annotations

from typing import NamedTuple

from onefill.contracts import checks
from onefill.contracts.order_line import MAX_COMMENT, MAX_DEVIATION, MAX_KEY, MAX_UNITS
from onefill.contracts.refusals import NotExpressible, Wrong
from onefill.model.intent import Action, OrderIntent, OrderType, Side, is_child_key

MARKET_LIFE_MS = 60_000
"""How long after it was made a market order that names no expiry may be executed."""


class Said(NamedTuple):
    """A command's values as the wire has them, whichever dialect it is in; 0 and empty are
    'not told'."""

    command_id: str
    action: Action
    symbol: str
    #: None where the wire says that it says nothing.
    side: Side | None
    order_type: OrderType
    volume: float
    price: float
    stop_loss: float
    take_profit: float
    clear_stop_loss: bool
    clear_take_profit: bool
    position_ticket: str
    order_ticket: str
    target: str
    expires_at: int
    magic: int
    comment: str
    user_id: str
    reason: str
    confidence: float
    correlation_id: str
    units: float = 0.0
    stop_limit_price: float = 0.0
    deviation: int | None = None
    expiration: int = 0


def intent_of(said: Said, made_ms: int, life_ms: int) -> OrderIntent:
    """The intent a command means. What has no meaning for its action is checked and left out: a
    peer may fill in all that it knows. Raises `Wrong`."""
    action = said.action
    opens, modifies = action is Action.OPEN, action is Action.MODIFY
    kind = said.order_type if opens else OrderType.MARKET
    volume, units = checks.size("volume", said.volume), checks.size("units", said.units, MAX_UNITS)
    price = checks.level("price", said.price)
    stop_limit = checks.level("stop_limit_price", said.stop_limit_price)
    stop_loss = _level("stop_loss", said.stop_loss, said.clear_stop_loss and modifies)
    take_profit = _level("take_profit", said.take_profit, said.clear_take_profit and modifies)
    expiration = checks.moment("expiration", said.expiration)
    deviation = said.deviation
    if deviation is not None:
        checks.whole("slippage", deviation, MAX_DEVIATION)
    intent = OrderIntent(
        client_key=_command_id(said.command_id),
        action=action,
        symbol=checks.symbol(said.symbol),
        side=_side(said),
        volume=(volume or None) if opens or action is Action.CLOSE else None,
        units=(units or None) if opens else None,
        order_type=kind,
        price=None if action in (Action.CANCEL, Action.CLOSE_ALL) else price or None,
        stop_limit_price=(stop_limit or None) if opens or modifies else None,
        stop_loss=stop_loss if opens or modifies else None,
        take_profit=take_profit if opens or modifies else None,
        deviation=deviation if opens or action is Action.CLOSE else None,
        magic=checks.whole("magic", said.magic),
        comment=checks.text("comment", said.comment, MAX_COMMENT),
        expires_at_ms=_expiry(said, kind, made_ms, life_ms),
        expiration_ms=(expiration or None) if opens or modifies else None,
        target=checks.key("target_command_id", said.target) or None,
        target_ticket=checks.ticket("position_ticket", said.position_ticket) or None,
        target_order=checks.ticket("order_ticket", said.order_ticket) or None,
        user_id=checks.text("user_id", said.user_id),
        reason=checks.prose(said.reason),
        confidence=checks.size("confidence_score", said.confidence, 1.0) or None,
        correlation_id=checks.text("correlation_id", said.correlation_id),
    )
    _check_open(intent) if opens else _check_other(intent)
    return intent


def has_target(intent: OrderIntent) -> bool:
    """Whether it names the position or order meant, rather than what that one is like."""
    return not (
        intent.target is None and intent.target_ticket is None and intent.target_order is None
    )


def must_be_sendable(intent: OrderIntent) -> None:
    """What neither dialect has words for. Raises `NotExpressible`."""
    if intent.parent is not None or is_child_key(intent.client_key):
        raise NotExpressible(
            f"{intent.client_key!r} is a part of a close_all, which the client itself makes"
        )
    if intent.action is Action.OPEN and intent.side is None:
        raise NotExpressible("an opening command must name its side")
    if intent.action is Action.MODIFY and intent.expiration_ms == 0:
        raise NotExpressible(
            "no command makes a working order good till cancelled; cancel it and open another"
        )


def _command_id(value: str) -> str:
    checks.named("command_id", value, MAX_KEY)
    if is_child_key(value):
        raise Wrong("command_id", "ends in / and a number, which names the parts of a close_all")
    return value


def _side(said: Said) -> Side | None:
    """BUY cannot be told from nothing, so where a target is named it says which side."""
    named = said.position_ticket or said.order_ticket or said.target
    return None if said.action is Action.CLOSE_ALL or named else said.side


def _level(field: str, value: float, clear: bool) -> float | None:
    checks.level(field, value)
    if not clear:
        return value or None
    if value:
        raise Wrong(field, f"is given, and clear_{field} too; give one of the two")
    return 0.0


def _expiry(said: Said, kind: OrderType, made_ms: int, life_ms: int) -> int | None:
    told = checks.moment("expires_at", said.expires_at)
    at_market = said.action in (Action.OPEN, Action.CLOSE) and kind is OrderType.MARKET
    if told or not at_market:
        return told or None
    if not made_ms:
        raise Wrong("expires_at", "is required: nothing else says how long this may be executed")
    return made_ms + life_ms


def _check_open(intent: OrderIntent) -> None:
    if has_target(intent):
        raise Wrong("target_command_id", "and tickets have no meaning where a position is opened")
    if not intent.symbol:
        raise Wrong("symbol", "is required to open")
    if (intent.volume is None) == (intent.units is None):
        raise Wrong("volume", "above 0 is required to open, or units in place of it")
    kind = intent.order_type
    if kind is OrderType.MARKET and intent.expiration_ms:
        raise Wrong("expiration", "belongs to a pending order; a market order has expires_at")
    if kind is not OrderType.MARKET and intent.price is None:
        raise Wrong("price", f"is required for a {kind} order")
    if kind is not OrderType.STOP_LIMIT and intent.stop_limit_price is not None:
        raise Wrong("stop_limit_price", "belongs to a STOP order")


def _check_other(intent: OrderIntent) -> None:
    named = has_target(intent)
    if intent.action is Action.CLOSE_ALL:
        if named:
            raise Wrong("target_command_id", "and tickets have no meaning where all are closed")
    elif not named and not intent.symbol:
        raise Wrong("symbol", f"or a target is required to {intent.action}")
    if intent.target == intent.client_key:
        raise Wrong("target_command_id", "is the command's own id; name the one that is meant")
