"""What somebody wants done: the order as it came through a door, before the market has a say."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from enum import StrEnum

import msgspec


class Action(StrEnum):
    """What an intent asks for."""

    OPEN = "open"
    CLOSE = "close"
    MODIFY = "modify"
    CANCEL = "cancel"
    CLOSE_ALL = "close_all"


class Side(StrEnum):
    """The side of an order, a deal or a position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The side that closes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How an opening order meets the market."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    #: The price says which: better than the market a limit, worse a stop. Resolved in stage 2.
    PENDING = "pending"


class OrderIntent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An order as decided. Prices are levels, volume is in lots, `units` in base-currency units.

    `client_key` is the idempotency key. On `modify`, `None` leaves a level as it is and 0 removes
    it; elsewhere 0 means none. Times are Unix milliseconds, UTC.
    """

    client_key: str
    action: Action
    symbol: str = ""
    side: Side | None = None
    volume: float | None = None
    units: float | None = None
    order_type: OrderType = OrderType.MARKET
    price: float | None = None
    stop_limit_price: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    #: Greatest accepted deviation of a market order, in points.
    deviation: int | None = None
    magic: int = 0
    comment: str = ""
    #: Past it the order is never sent.
    expires_at_ms: int | None = None
    #: When a pending order leaves the broker's book.
    expiration_ms: int | None = None
    #: client_key of the order whose position or pending order is meant.
    target: str | None = None
    #: The position meant, where no order of ours names it (children of a close_all).
    target_ticket: int | None = None
    #: The pending order meant, by the broker's ticket.
    target_order: int | None = None
    #: The close_all that made this intent.
    parent: str | None = None
    #: Who decided, why, how sure (0 to 1), and the signal that caused it: kept and told, never
    #: acted upon by the engine.
    user_id: str = ""
    reason: str = ""
    confidence: float | None = None
    correlation_id: str = ""

    @property
    def raises_risk(self) -> bool:
        """Whether carrying it out can enlarge the exposure; closes and cancels cannot."""
        return self.action is Action.OPEN


_encode = msgspec.msgpack.Encoder().encode


def content_hash(intent: OrderIntent) -> bytes:
    """Hash of everything an intent says; the same key with another hash is another order."""
    return hashlib.sha256(_encode(intent)).digest()[:16]


def intent_id(tenant: str, account: str, client_key: str) -> str:
    """The name of an intent: a hash of who, where and which, the same on every machine."""
    text = "\x1f".join((tenant, account, client_key)).encode()
    return hashlib.sha256(text).hexdigest()[:32]


def child_key(parent: str, ticket: int) -> str:
    """The key of the intent that closes one position of a close_all."""
    return f"{parent}/{ticket}"


def is_child_key(client_key: str) -> bool:
    """Whether only a close_all may use the key."""
    parent, slash, ticket = client_key.rpartition("/")
    return bool(parent and slash and ticket.isdecimal())


def token_of(intent_identity: str) -> str:
    """The 16 characters of `[A-Za-z0-9_-]` that begin the order's comment at the broker.

    Brokers cut comments at 16 to 31 characters, so the token fits the shortest.
    """
    return urlsafe_b64encode(bytes.fromhex(intent_identity[:24])).decode()
