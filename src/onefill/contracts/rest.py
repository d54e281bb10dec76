"""What the gateway's REST door answers, as values: the server encodes these, the client decodes
them, and the OpenAPI document is made from them.

Times are Unix milliseconds, UTC; volume is in lots; prices are levels; slippage is in pips
(positive: worse). None: not known, or none.
"""

from __future__ import annotations

from typing import Any

import msgspec

from onefill.model.halt import Scope
from onefill.model.intent import Action, OrderType, Side
from onefill.model.states import State

MAX_BATCH = 100
"""Decisions in one call."""
MAX_WAIT_S = 30.0
"""How long a call may wait for the outcome of what it decided."""
MAX_PAGE = 500
"""Orders in one page."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was refused: a code for programs, a sentence for people, and the field that is
    wrong, where it is one."""

    code: str
    message: str
    field: str | None = None


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is not a success."""

    error: Fault


class Reason(msgspec.Struct, frozen=True):
    """Why an order stands where it stands."""

    code: str
    message: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order, as the journal proves it at this moment."""

    mt5_account: str
    client_key: str
    intent_id: str
    status: State
    reason: Reason | None = None
    user_id: str = ""
    action: Action = Action.OPEN
    symbol: str = ""
    side: Side | None = None
    #: Of a close, a change or a cancel: the client_key of the order that is meant, and the broker's
    #: ticket of the position or pending order, where it was named by that (too).
    target: str = ""
    target_ticket: int | None = None
    order_type: OrderType = OrderType.MARKET
    #: What was asked for, in lots, or in units of the base currency; both None where the size was
    #: left to others.
    volume: float | None = None
    units: float | None = None
    price: float | None = None
    stop_limit_price: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    #: Greatest accepted deviation of a market order, in points.
    deviation: int | None = None
    magic: int = 0
    comment: str = ""
    confidence_score: float | None = None
    decision_reason: str = ""
    correlation_id: str = ""
    expires_at_ms: int | None = None
    #: When a pending order leaves the broker's book.
    expiration_ms: int | None = None
    order_ticket: int | None = None
    position_ticket: int | None = None
    #: What the fill is held against: the price that the order named, or the quote that it was sent
    #: at, as its client told it. None: it named none, and its client does not tell.
    requested_price: float | None = None
    fill_price: float | None = None
    filled_volume: float = 0.0
    #: How much worse than `requested_price` the fill is, in pips of the symbol; below 0: better.
    #: None: nothing filled, or its client does not tell.
    slippage_pips: float | None = None
    attempts: int = 0
    #: Evidence that came after the order was over.
    late: bool = False
    #: Who decided about it, where a person did.
    by: str = ""
    received_at_ms: int | None = None
    submitted_at_ms: int | None = None
    filled_at_ms: int | None = None


class Decided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one decision of a batch: an order, or why it was not taken."""

    client_key: str | None
    order: Order | None = None
    error: Fault | None = None


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to a batch, in its order."""

    decisions: list[Decided]


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders, newest first. `next` is the cursor of what follows; None: that was all. A
    page may be short, even empty, while there is more."""

    orders: list[Order]
    next: str | None = None


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the journal. `seq` rises, with gaps where others' records lie between."""

    seq: int
    at_ms: int
    mt5_account: str
    #: "accepted", "denied", "dispatched", "reported", "alerted" ...
    type: str
    client_key: str = ""
    detail: dict[str, Any] = {}


class OrderEvents(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to an order, oldest first."""

    events: list[OrderEvent]


class AccountTold(msgspec.Struct, frozen=True, kw_only=True):
    """An account that the caller may see."""

    mt5_account: str
    user_id: str
    server: str
    broker: str
    live: bool
    standing: str
    connected: bool | None = None


class AccountsTold(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's accounts."""

    accounts: list[AccountTold]


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """An open position, as the account's client last told it."""

    mt5_account: str
    ticket: int
    symbol: str
    side: Side
    volume: float
    price: float
    price_now: float = 0.0
    stop_loss: float = 0.0
    take_profit: float = 0.0
    profit: float = 0.0
    magic: int = 0
    #: The order that opened it; empty where none of ours did.
    client_key: str = ""


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """Open positions, and the accounts whose client has not told any."""

    positions: list[Position]
    not_told: list[str] = []


class Flattened(msgspec.Struct, frozen=True, kw_only=True):
    """How far an account is from flat: its open positions as last told (None: not told)."""

    mt5_account: str
    positions: int | None
    flat: bool
    #: Of the positions, those that Onefill did not open.
    foreign: int = 0
    #: Why the last try did not close all; empty where nothing is known against it.
    why: str = ""


class Halted(msgspec.Struct, frozen=True, kw_only=True):
    """A halt in force."""

    id: str
    scope: Scope
    mt5_account: str = ""
    strategy: int | None = None
    reason: str = ""
    by: str = ""
    at_ms: int = 0
    flatten: bool = False
    #: Of a halt that flattens: how far each account is.
    flattening: list[Flattened] = []


class Halts(msgspec.Struct, frozen=True, kw_only=True):
    """Every halt in force that covers something of the caller's."""

    halts: list[Halted]


class HaltedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """How an account took a halt: "confirmed" by its client, "lease_ran_out" (it sends nothing any
    more for this gateway), or "unreachable" (nobody can vouch that it sends nothing)."""

    mt5_account: str
    outcome: str
    why: str = ""
    #: Orders that waited and were denied, and working orders for which a cancel was sent.
    denied: int = 0
    cancels: int = 0
    #: Whether a client of the account was at this gateway since that began.
    seen: bool = True


class Killed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a kill: `complete` where nothing can be sent any more for this gateway."""

    halt: Halted
    complete: bool
    accounts: list[HaltedAccount]


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """The halts that a person lifted."""

    resumed: list[Halted]


class AccessToken(msgspec.Struct, frozen=True, kw_only=True):
    """A short-lived access token, for the Authorization header."""

    access_token: str
    expires_at_ms: int
    token_type: str = "Bearer"

    def __repr__(self) -> str:
        return f"AccessToken(expires_at_ms={self.expires_at_ms})"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A one-use ticket for a WebSocket handshake (`?ticket=`)."""

    ticket: str
    expires_at_ms: int

    def __repr__(self) -> str:
        return f"Ticket(expires_at_ms={self.expires_at_ms})"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the gateway takes decisions; `problems` says why not."""

    status: str
    problems: list[str] = []
