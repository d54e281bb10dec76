"""The port to a MetaTrader 5 terminal: what is called, and what comes back.

Names, arguments and fields are MT5's own (`order_send`, `positions_get` ...), so the real package,
a worker in another process and the simulator are three ways of answering the same calls. Three are
ours: `look`, which gathers what risk and validation look at (a `MarketView`), `ready`, which
gathers what is verified right before a send, and `changes`, which tells what happened on the
account since a cursor.

Rows carry times as UTC milliseconds (`*_ms`): the broker's clock ends at this port. `symbol_info`
answers the model's `Symbol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

# MT5's numbers, as `mt5_api` names them.
ACTION_DEAL, ACTION_PENDING, ACTION_SLTP, ACTION_MODIFY, ACTION_REMOVE = 1, 5, 6, 7, 8
ACTION_CLOSE_BY = 10
TYPE_BUY, TYPE_SELL, TYPE_BUY_LIMIT, TYPE_SELL_LIMIT = 0, 1, 2, 3
TYPE_BUY_STOP, TYPE_SELL_STOP, TYPE_BUY_STOP_LIMIT, TYPE_SELL_STOP_LIMIT = 4, 5, 6, 7
TYPE_CLOSE_BY = 8
FILLING_FOK, FILLING_IOC, FILLING_RETURN, FILLING_BOC = 0, 1, 2, 3
TIME_GTC, TIME_DAY, TIME_SPECIFIED, TIME_SPECIFIED_DAY = 0, 1, 2, 3
STATE_STARTED, STATE_PLACED, STATE_CANCELED, STATE_PARTIAL = 0, 1, 2, 3
STATE_FILLED, STATE_REJECTED, STATE_EXPIRED = 4, 5, 6
HEDGING = 2
ENTRY_IN, ENTRY_OUT, ENTRY_INOUT, ENTRY_OUT_BY = 0, 1, 2, 3
REASON_CLIENT, REASON_EXPERT, REASON_SL, REASON_TP, REASON_SO = 0, 3, 4, 5, 6
REASON_ROLLOVER = 7


class Tick(msgspec.Struct, frozen=True):
    """The quote in force. `time_ms` is when it came (UTC)."""

    time_ms: int
    bid: float
    ask: float


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """`account_info`: money in the account currency."""

    login: int
    server: str
    currency: str
    currency_digits: int
    leverage: int
    balance: float
    equity: float
    margin: float
    margin_free: float
    profit: float
    #: 0 retail netting, 1 exchange, 2 hedging.
    margin_mode: int = 2
    #: 0 demo, 1 contest, 2 real.
    trade_mode: int = 0
    #: The broker's own name; empty where the terminal does not tell it.
    company: str = ""


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """A pending or finished order (`orders_get`, `history_orders_get`)."""

    ticket: int
    symbol: str
    type: int
    state: int
    magic: int
    volume_initial: float
    volume_current: float
    price_open: float
    sl: float
    tp: float
    price_stoplimit: float
    comment: str
    setup_ms: int
    done_ms: int = 0
    expiration_ms: int = 0
    position_id: int = 0
    #: Of a close-by: the opposite position.
    position_by_id: int = 0
    type_filling: int = 0
    type_time: int = 0
    reason: int = REASON_EXPERT


class PositionRow(msgspec.Struct, frozen=True, kw_only=True):
    """An open position (`positions_get`). `identifier` is its deals' `position_id`; `ticket`
    differs from it once a netting position was reversed."""

    ticket: int
    identifier: int
    symbol: str
    type: int
    magic: int
    volume: float
    price_open: float
    price_current: float
    sl: float
    tp: float
    profit: float
    swap: float
    comment: str
    time_ms: int
    update_ms: int
    reason: int = REASON_EXPERT


class DealRow(msgspec.Struct, frozen=True, kw_only=True):
    """A deal (`history_deals_get`). `type` 0 buy, 1 sell, 2 balance."""

    ticket: int
    order: int
    position_id: int
    symbol: str
    type: int
    entry: int
    magic: int
    reason: int
    volume: float
    price: float
    profit: float
    commission: float
    swap: float
    fee: float
    comment: str
    time_ms: int


class SendResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `order_send` answers, field for field (the echoed request left out)."""

    retcode: int
    deal: int = 0
    order: int = 0
    volume: float = 0.0
    price: float = 0.0
    bid: float = 0.0
    ask: float = 0.0
    comment: str = ""
    request_id: int = 0
    retcode_external: int = 0


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `order_check` answers, the echoed request left out: `retcode` 0 where `order_send` would
    take the request, and the account's figures as they would be then, in account currency."""

    retcode: int
    balance: float = 0.0
    equity: float = 0.0
    profit: float = 0.0
    margin: float = 0.0
    margin_free: float = 0.0
    margin_level: float = 0.0
    comment: str = ""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What is verified right before a send, from one moment."""

    connected: bool
    trade_allowed: bool
    #: Whether history and positions are known to be complete.
    synchronised: bool
    login: int
    server: str
    #: The broker's clock, as UTC milliseconds.
    server_ms: int
    #: The highest order or position ticket the account has ever had, as far as is known.
    last_ticket: int


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What happened on the account after a cursor: finished orders and deals, oldest first."""

    cursor: int
    orders: tuple[OrderRow, ...] = ()
    deals: tuple[DealRow, ...] = ()


class Reply(NamedTuple):
    """A call's answer and `last_error`, read in the same breath.

    `value` is None where MT5 gives None. `error` is MT5's (code, text), or one of the port's own
    codes below.
    """

    value: Any
    error: tuple[int, str] = (1, "Success")


#: The port's own errors, beside MT5's (which lie between -10005 and 1).
TIMED_OUT = -20001  # no answer before the call's deadline; it may yet be carried out
WORKER_DIED = -20002  # the process that held the terminal died during the call
STALE_EPOCH = -20003  # fenced: a newer engine has taken over; nothing was sent
TOO_LATE = -20004  # the call's not-after had passed; nothing was sent
NO_WORKER = -20005  # no process holds the terminal just now; nothing was sent


class Request(NamedTuple):
    """One call. `key` and `attempt` say for which order it is made (logs, seeded faults)."""

    name: str
    arguments: Mapping[str, Any]
    epoch: int = 0
    not_after_ms: int | None = None
    deadline_ms: int | None = None
    key: str = ""
    attempt: int = 0


class Pending(NamedTuple):
    """A call that has not been answered yet; `collect` hands the reply over under this number."""

    number: int


class Terminal(Protocol):
    """A terminal that is driven step by step, in virtual or real time."""

    def call(self, request: Request, now_ms: int) -> Reply | Pending:
        """Make a call now; a reply, or a number under which it comes later."""
        ...

    def collect(self) -> list[tuple[int, Reply]]:
        """Replies that have come since the last look, in order."""
        ...

    def advance(self, to_ms: int) -> int:
        """Let the market and the broker run up to a time; stops early where the account changed
        or a reply came. Returns the time reached."""
        ...

    def next_due_ms(self) -> int | None:
        """When the broker will next do something of its own (a delayed reply, an execution),
        apart from ticks and expirations; None where nothing is due."""
        ...

    def has_changes(self, cursor: int) -> bool:
        """Whether `changes` would tell something new."""
        ...
