"""An account as the journal knows it: live orders, positions, and what is reserved, in sums."""

from __future__ import annotations

import hashlib

import msgspec

from onefill.model.intent import Side
from onefill.model.order import OrderState
from onefill.model.resolved import Reservation
from onefill.model.states import State

REMEMBERED = 4096
"""How many past deals, tickets and tokens an account remembers; far more than can be in flight."""


class Position(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An open position. `key` is the order that opened it; empty: not ours."""

    ticket: int
    symbol: str
    side: Side
    volume_e8: int
    price: float
    key: str = ""
    magic: int = 0
    stop_loss: float = 0.0
    take_profit: float = 0.0
    #: The ticket under which a rollover opened it again; 0: its own.
    reopened_as: int = 0
    #: What it holds of the account, in the currency's smallest unit, at the opening.
    value_minor: int = 0
    margin_minor: int = 0


class Exposure(msgspec.Struct):
    """Running sums of one symbol: open positions, and what accepted orders may still add."""

    positions: int = 0
    #: Live orders that may still open or enlarge a position, and how many of them are pending.
    orders: int = 0
    pending: int = 0
    buy_e8: int = 0
    sell_e8: int = 0
    value_minor: int = 0
    #: Of live orders only: margin that the broker does not yet count.
    reserved_margin_minor: int = 0
    reserved_risk_minor: int = 0

    def add(self, held: Reservation, sign: int) -> None:
        """Take a reservation in (+1) or let it go (-1)."""
        self.orders += sign
        if held.pending:
            self.pending += sign
        if held.side is Side.BUY:
            self.buy_e8 += sign * held.volume_e8
        else:
            self.sell_e8 += sign * held.volume_e8
        self.value_minor += sign * held.value_minor
        self.reserved_margin_minor += sign * held.margin_minor
        self.reserved_risk_minor += sign * held.risk_minor


class LossMarks(msgspec.Struct, frozen=True):
    """What losses are told against (control 14). Account currency; 0: not known."""

    #: The broker's day, counted from 1970-01-01; -1 before the first.
    day: int = -1
    day_start: float = 0.0
    #: The highest equity ever seen.
    peak: float = 0.0


class AccountState(msgspec.Struct, kw_only=True):
    """Everything folding one account's records gives, but for orders that are over.

    Mutable; only `model.fold.apply` changes it.
    """

    account: str
    made_from: dict[str, str] = {}
    #: When its journal began: what the broker did before is not told of.
    began_ms: int = 0
    records: int = 0
    last_ms: int = 0
    #: Live orders by client key, in order of arrival.
    orders: dict[str, OrderState] = {}
    positions: dict[int, Position] = {}
    exposure: dict[str, Exposure] = {}
    #: How many orders ended or stand in each state (children included).
    counts: dict[State, int] = {}
    #: Live orders by the broker's order ticket.
    tickets: dict[int, str] = {}
    #: How many orders of a symbol are UNKNOWN: others that raise risk there wait.
    unknown: dict[str, int] = {}
    #: Contents accepted lately and until when a repeat is held (control 10).
    recent: dict[bytes, int] = {}
    #: When messages were accepted and when they were sent (control 6), and orders alike were
    #: accepted (control 7): `model.throttle`.
    messages: list[int] = []
    sends: list[int] = []
    alike: dict[str, list[int]] = {}
    #: The longest windows that they were ever counted in.
    message_window_ms: int = 0
    alike_window_ms: int = 0
    #: Strategies that may open nothing until a person resumes them, and why (control 7).
    stopped: dict[int, str] = {}
    #: As its journal has them, and the limits on losses reached, with the day (control 14).
    equity: LossMarks = LossMarks()
    breached: dict[str, int] = {}
    #: The latest deals attributed to an order or a position, and when they were dealt (Unix ms),
    #: oldest first, at most `REMEMBERED`.
    booked: dict[int, int] = {}
    #: Of those that are remembered no more: the highest ticket and the latest time. What is neither
    #: above nor after counts as booked: it would have come behind thousands that were.
    forgotten_ticket: int = 0
    forgotten_ms: int = 0
    #: The latest order tickets adopted and their orders' keys, oldest first, at most that many.
    adopted: dict[int, str] = {}
    #: Token to client key of orders that were sent and are over without a ticket (proven not
    #: executed, or settled by a person): late evidence may name them. At most `REMEMBERED`, oldest
    #: first.
    watched: dict[str, str] = {}
    #: Of an account at a gateway: the highest number of its client's results.
    heard: int = 0
    #: The summary of the last replay, as JSON text; empty once something happened after it.
    concluded: str = ""

    def symbol_exposure(self, symbol: str) -> Exposure:
        """The sums of one symbol, made on first use."""
        found = self.exposure.get(symbol)
        if found is None:
            found = self.exposure[symbol] = Exposure()
        return found


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AccountState).decode


def state_hash(state: AccountState) -> str:
    """One hash over the whole state: equal states, equal hashes, in any process.

    The order of what is kept counts too: it follows from the records, and a snapshot keeps it.
    """
    return hashlib.sha256(_encode(state)).hexdigest()


def encode_state(state: AccountState) -> bytes:
    """The state as a snapshot stores it."""
    return _encode(state)


def decode_state(body: bytes) -> AccountState:
    """A state back from its snapshot."""
    return _decode(body)
