"""What happened, in the past tense: the only things the journal holds."""

from __future__ import annotations

import msgspec

from onefill.model.deal import Deal
from onefill.model.intent import OrderIntent
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest, Reservation, ResolvedOrder
from onefill.model.states import State


class Began(msgspec.Struct, frozen=True, tag="began"):
    """An account's journal begins; what it was made from (name to value, in plain text)."""

    made_from: dict[str, str]


class Accepted(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="accepted"):
    """RECEIVED to ACCEPTED: the order passed risk and its exposure is reserved."""

    key: str
    intent_id: str
    content: bytes
    intent: OrderIntent
    order: ResolvedOrder
    reservation: Reservation | None = None
    #: The content without its key, held against repeats (control 10) where that control is on.
    repeat: bytes = b""
    repeat_window_ms: int = 0
    #: In which windows it counts as a message (control 6) and as one of orders alike (control 7);
    #: 0: it does not.
    message_window_ms: int = 0
    alike_window_ms: int = 0


class Denied(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="denied"):
    """Refused before the broker heard of it. `intent` is absent where it was accepted before."""

    key: str
    code: str
    message: str
    intent_id: str = ""
    content: bytes = b""
    intent: OrderIntent | None = None


class Sending(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="sending"):
    """ACCEPTED to SENDING: durable before `order_send` is called, once."""

    key: str
    attempt: int
    epoch: int
    #: The broker's clock, as UTC milliseconds, right before the call.
    server_ms: int
    #: The highest ticket at the broker right before the call; what is newer may be ours.
    baseline_ticket: int
    request: BrokerRequest


class Moved(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="moved"):
    """An accepted order took a step of the table; the deals that prove it come with it."""

    key: str
    to: State
    code: str = ""
    message: str = ""
    retcode: int = 0
    attempt: int = 0
    order_ticket: int = 0
    position_ticket: int = 0
    deals: tuple[Deal, ...] = ()
    #: How it was proven: "reply", "history", "snapshots", "operator" ...
    evidence: str = ""
    #: Who decided, where a person did.
    by: str = ""
    late: bool = False


class Dispatched(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="dispatched"):
    """A gateway handed the order to its account's client: from here on only the client's word, or
    evidence, says what became of it."""

    key: str


class Reported(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="reported"):
    """What an account's client told a gateway of an order. The fill is the client's word: the deals
    are in the client's journal. `volume_e8` is all that was executed so far; `client_ms` is the
    client's clock."""

    key: str
    to: State
    code: str = ""
    message: str = ""
    retcode: int = 0
    order_ticket: int = 0
    position_ticket: int = 0
    price: float = 0.0
    volume_e8: int = 0
    #: The client's number of this result; 0 where it does not number them.
    sequence: int = 0
    client_ms: int = 0
    by: str = ""
    late: bool = False
    #: It tells of one position of a close_all, or says again what is known: the order stays as it
    #: is, and `to` is where it stands.
    part: bool = False
    #: The states on the way to `to`, where the table has no step that leads there at once.
    through: tuple[State, ...] = ()
    #: The price that the order named, or the quote that it was sent at; 0: not told. And how much
    #: worse, in pips of the symbol, what was executed is; None: not told.
    requested_price: float = 0.0
    slippage_pips: float | None = None


class Amended(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="amended"):
    """Levels of a working order or of a position changed as asked (a separate axis from state)."""

    key: str
    order_ticket: int = 0
    position_ticket: int = 0
    price: float = 0.0
    stop_limit_price: float = 0.0
    stop_loss: float = 0.0
    take_profit: float = 0.0
    expiration_ms: int = 0


class PositionDealt(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="dealt"):
    """Deals no order of ours asked for: a stop loss, a take profit, a manual close.

    `key` is the order that opened the position; empty: external, flagged as such.
    """

    deals: tuple[Deal, ...]
    key: str = ""


class Reopened(msgspec.Struct, frozen=True, tag="reopened"):
    """A final order is taken up again, because late evidence speaks of it."""

    order: OrderState
    why: str


class Alerted(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="alerted"):
    """Something a person must hear of. `level` is "warning" or "critical"."""

    code: str
    message: str
    level: str = "warning"
    key: str = ""


class StrategyStopped(msgspec.Struct, frozen=True, tag="strategy_stopped"):
    """A strategy sent too many orders alike (control 7): none of it is opened any more."""

    magic: int
    why: str


class StrategyResumed(msgspec.Struct, frozen=True, tag="strategy_resumed"):
    """A person lets a stopped strategy go on."""

    magic: int
    by: str
    reason: str


class EquityMarked(msgspec.Struct, frozen=True, tag="equity_marked"):
    """The marks that losses are told against moved (control 14): equity at the start of the
    broker's day (counted from 1970-01-01), and the highest seen, in account currency."""

    day: int
    day_start: float
    peak: float


class Breached(msgspec.Struct, frozen=True, tag="breached"):
    """A limit on losses was reached on a day of the broker's (control 14)."""

    limit: str
    day: int


class Concluded(msgspec.Struct, frozen=True, tag="concluded"):
    """A replay came to its end; the summary it told, as JSON text, without the head's hash."""

    summary: str


Event = (
    Began
    | Accepted
    | Denied
    | Sending
    | Moved
    | Dispatched
    | Reported
    | Amended
    | PositionDealt
    | Reopened
    | Alerted
    | StrategyStopped
    | StrategyResumed
    | EquityMarked
    | Breached
    | Concluded
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


def encode_event(event: Event) -> bytes:
    """The event as the journal stores it (msgpack, field names kept)."""
    return _encode(event)


def decode_event(body: bytes) -> Event:
    """The event a journal body holds."""
    event: Event = _decode(body)
    return event


def key_of(event: Event) -> str:
    """The client key of the order an event speaks of; empty where it speaks of none."""
    if isinstance(event, Reopened):
        return event.order.key
    key: str = getattr(event, "key", "")
    return key
