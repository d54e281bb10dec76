"""The messages of the wire as plain values: what a frame says, whichever dialect said it.

Times are Unix milliseconds, UTC; prices are levels; volume is in lots; money is in the account's
currency. 0 on a price means none.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

from onefill.model.intent import OrderIntent, Side
from onefill.model.states import State


class Dialect(StrEnum):
    """Which order contract a peer speaks where it sends no envelope."""

    EXECUTION = "execution"
    TRADING = "trading"


class Status(IntEnum):
    """`ExecutionStatus`, as the contract numbers it."""

    SUCCESS = 0
    FAILED = 1
    PARTIAL = 2


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """An order for a client. `intent.client_key` is the command id."""

    intent: OrderIntent
    #: The MT5 login meant, as text; empty where the dialect has no field for it.
    account: str = ""
    user_id: str = ""
    made_ms: int = 0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`ExecutionResult`: what became of a command, so far. Fields from `volume` on are ours; a peer
    that does not know them leaves them 0, and `state` None."""

    command_id: str
    status: Status
    order_ticket: int = 0
    price: float = 0.0
    error: str = ""
    at_ms: int = 0
    volume: float = 0.0
    position_ticket: int = 0
    retcode: int = 0
    #: Per account, from 1, without gaps; 0 where the peer does not number its results.
    sequence: int = 0
    state: State | None = None
    #: The price that the order named, or the quote that it was sent at.
    requested_price: float = 0.0
    #: Of what was executed against that, in pips of the symbol; positive: worse. None: not told.
    slippage_pips: float | None = None


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """An open position as a profile tells it (an extension of ours)."""

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
    #: The command that opened it; empty where none of ours did.
    command_id: str = ""


class RiskProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The account holder's own limits."""

    #: Percent of equity lost where the stop loss is hit; 0: not set.
    max_risk_per_trade: float = 0.0
    #: In account currency; 0: not set.
    max_daily_loss: float = 0.0
    #: Fraction of peak equity (0.1 is 10 %); 0: not set.
    max_drawdown: float = 0.0
    allow_news_trading: bool = False
    #: Empty: not set.
    allowed_symbols: tuple[str, ...] = ()


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """How the account holder wants to be traded."""

    #: Lots, used where a decision names no size; 0: none.
    preferred_lot_size: float = 0.0
    #: 0: not set.
    max_open_positions: int = 0
    auto_close_friday: bool = False
    #: Halves the size limits and doubles the confidence that is asked for.
    conservative_mode: bool = False


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`AccountProfile`: an account as its client sees it."""

    user_id: str
    account: str
    broker: str = ""
    server: str = ""
    live: bool = False
    currency: str = ""
    balance: float = 0.0
    equity: float = 0.0
    margin_used: float = 0.0
    margin_free: float = 0.0
    risk: RiskProfile = RiskProfile()
    preferences: Preferences = Preferences()
    # Ours, from here on.
    #: None: the client does not tell its positions.
    positions: tuple[HeldPosition, ...] | None = None
    #: How many are open, where they are too many for a frame and `positions` is None for that.
    positions_untold: int = 0
    #: The last result that this profile takes into account; 0: not told.
    as_of_sequence: int = 0
    #: Equity at the start of the broker's day, and the highest ever; 0: not told.
    day_start_equity: float = 0.0
    peak_equity: float = 0.0
    #: Whether the terminal would trade now, and why not.
    trade_allowed: bool = True
    why_not: str = ""
    #: SHA-256 of the limits that the agent holds to (control 22), hex; empty: not told.
    limits_fingerprint: str = ""


class Ack(msgspec.Struct, frozen=True):
    """A message was taken, durably. `id` is the command's, or `config/VERSION`; results are
    acknowledged by their `sequence` too."""

    id: str
    sequence: int = 0
    duplicate: bool = False


class WireError(msgspec.Struct, frozen=True):
    """Something that a peer must hear and that is no result. `id` is the command's, where it is
    about one."""

    code: str
    message: str
    id: str = ""


class Heartbeat(msgspec.Struct, frozen=True):
    """The client sends one; the server answers with the same `sent_at_ms`."""

    sent_at_ms: int
    #: What the clock of whoever packs it says, in the header's timestamp; 0: it is not told.
    clock_ms: int = 0


class ConfigUpdate(msgspec.Struct, frozen=True):
    """Settings for a client, as JSON text; answered with `Ack("config/VERSION")` once in force."""

    version: int
    document: bytes


class MarketData(msgspec.Struct, frozen=True):
    """A `MarketDataStream`, its bytes as they came."""

    payload: bytes


Message = Command | Result | Profile | Ack | WireError | Heartbeat | ConfigUpdate | MarketData
