"""A decision made complete at its acceptance, so that every delivery of it says the same."""

from __future__ import annotations

import hashlib

import msgspec

from onefill.contracts.messages import Profile
from onefill.model.intent import Action, OrderIntent, OrderType, Side, content_hash
from onefill.model.resolved import Reservation, ResolvedOrder
from onefill.model.volume import to_e8
from onefill.risk.at_gateway_reasons import GatewayCode, refuse
from onefill.risk.reasons import Denial

MOST_LOTS = 1e9
"""No order has as many lots."""

_LIVES = frozenset({Action.CLOSE, Action.CLOSE_ALL, Action.MODIFY})


def content_of(intent: OrderIntent, auto_execute: bool) -> bytes:
    """Hash of all that a decision says, as it came."""
    content = content_hash(intent)
    return content if auto_execute else hashlib.sha256(content + b"advice").digest()[:16]


def complete(
    intent: OrderIntent, profile: Profile | None, now_ms: int, life_ms: int
) -> OrderIntent:
    """The intent with its expiry, and with the holder's preferred size where it names none."""
    expires_at_ms, volume = intent.expires_at_ms, intent.volume
    if expires_at_ms is None:
        if intent.action in _LIVES or _is_market(intent):
            expires_at_ms = now_ms + life_ms
        elif intent.expiration_ms:
            expires_at_ms = intent.expiration_ms
    if intent.action is Action.OPEN and volume is None and intent.units is None and profile:
        volume = profile.preferences.preferred_lot_size or None
    if expires_at_ms == intent.expires_at_ms and volume is intent.volume:
        return intent
    return msgspec.structs.replace(intent, expires_at_ms=expires_at_ms, volume=volume)


def lacks(intent: OrderIntent) -> Denial | None:
    """What a decision to open cannot be judged without."""
    if intent.action is not Action.OPEN:
        return None
    if not intent.symbol:
        return refuse(GatewayCode.INTENT_INCOMPLETE, field="symbol")
    if intent.side is None:
        return refuse(GatewayCode.INTENT_INCOMPLETE, field="side")
    if not _is_market(intent) and not intent.price:
        return refuse(GatewayCode.INTENT_INCOMPLETE, field="price")
    if intent.volume is None and intent.units:
        return None
    if intent.volume is None or not 0 < intent.volume < MOST_LOTS or not to_e8(intent.volume):
        return refuse(GatewayCode.SIZE_MISSING)
    return None


def resolved(intent: OrderIntent) -> ResolvedOrder:
    """What the gateway knows of the order; the rest is the client's to find."""
    return ResolvedOrder(
        action=intent.action,
        symbol=intent.symbol,
        side=intent.side or Side.BUY,
        order_type=intent.order_type,
        volume_e8=to_e8(intent.volume or 0.0),
        price=intent.price or 0.0,
        stop_limit_price=intent.stop_limit_price or 0.0,
        stop_loss=intent.stop_loss or 0.0,
        take_profit=intent.take_profit or 0.0,
        deviation=intent.deviation or 0,
        expiration_ms=intent.expiration_ms or 0,
        position_ticket=intent.target_ticket or 0,
        order_ticket=intent.target_order or 0,
        target=intent.target or "",
    )


def reservation(intent: OrderIntent) -> Reservation | None:
    """What an opening order counts for until its end: a gateway knows no prices."""
    if intent.action is not Action.OPEN:
        return None
    assert intent.side is not None
    return Reservation(
        symbol=intent.symbol,
        side=intent.side,
        volume_e8=to_e8(intent.volume or 0.0),
        value_minor=0,
        margin_minor=0,
        pending=not _is_market(intent),
    )


def _is_market(intent: OrderIntent) -> bool:
    return intent.action is Action.OPEN and intent.order_type is OrderType.MARKET
