"""Orders, positions, deals, requests and answers, with MetaTrader's numbers for their kinds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from .terms import ZERO, Number, Symbol

DEAL, PENDING, SLTP, MODIFY, REMOVE, CLOSE_BY = 1, 5, 6, 7, 8, 10
BUY, SELL, BUY_LIMIT, SELL_LIMIT, BUY_STOP, SELL_STOP, BUY_STOP_LIMIT, SELL_STOP_LIMIT = range(8)
CLOSE_BY_ORDER: Final = 8
FOK, IOC, RETURN, BOC = range(4)
GTC, DAY, SPECIFIED, SPECIFIED_DAY = range(4)
PLACED, CANCELED, PARTIAL, FILLED, REJECTED, EXPIRED = range(1, 7)
IN, OUT, INOUT, OUT_BY = range(4)
CLIENT, EXPERT, BY_SL, BY_TP, BY_SO, ROLLOVER = 0, 3, 4, 5, 6, 7


def sign_of(kind: int) -> int:
    """+1 for the types that buy (the even ones), -1 for those that sell."""
    return -1 if kind % 2 else 1


@dataclass(slots=True, kw_only=True)
class Request:
    """What a client asks; plain numbers, as it gives them."""

    action: int
    symbol: str = ""
    magic: int = 0
    order: int = 0
    volume: float = 0.0
    price: float = 0.0
    stoplimit: float = 0.0
    sl: float = 0.0
    tp: float = 0.0
    deviation: int = 0
    type: int = 0
    type_filling: int = 0
    type_time: int = 0
    expiration_ms: int = 0
    comment: str = ""
    position: int = 0
    position_by: int = 0


class Luck(NamedTuple):
    """What the market has for an order: shares of its rest that are filled one at a time, then all;
    or nothing."""

    shares: tuple[float, ...] = ()
    nothing: bool = False

    def of(self, symbol: Symbol, volume: Number) -> Number:
        """So much is filled now: whole steps, one at least and not all."""
        if not self.shares or volume < symbol.volume_step:
            return volume
        steps = int(volume / symbol.volume_step)
        return max(1, min(steps - 1, int(self.shares[0] * steps))) * symbol.volume_step

    def later(self) -> Luck:
        """What is left of it after a fill."""
        return self._replace(shares=self.shares[1:])


NO_LUCK: Final = Luck()


class Opens(NamedTuple):
    """What a request would open."""

    symbol: Symbol
    sign: int
    volume: Number
    price: Number


@dataclass(slots=True, kw_only=True)
class Check:
    """What `order_check` says: the account as it would be then; zeros where it is refused."""

    retcode: int
    comment: str
    balance: Number = ZERO
    equity: Number = ZERO
    profit: Number = ZERO
    margin: Number = ZERO
    margin_free: Number = ZERO
    margin_level: Number = ZERO


@dataclass(slots=True, kw_only=True)
class Answer:
    """What `order_send` says."""

    retcode: int
    deal: int = 0
    order: int = 0
    volume: Number = ZERO
    price: Number = ZERO
    bid: Number = ZERO
    ask: Number = ZERO
    comment: str = ""
    request_id: int = 0
    #: Not told: what it opens, where it was only checked.
    opens: Opens | None = None


@dataclass(slots=True, kw_only=True)
class Order:
    """Working, or finished."""

    ticket: int
    symbol: str
    type: int
    state: int
    magic: int
    volume: Number
    rest: Number
    price: Number
    sl: Number = ZERO
    tp: Number = ZERO
    stoplimit: Number = ZERO
    comment: str = ""
    setup_ms: int = 0
    done_ms: int = 0
    expiration_ms: int = 0
    position_id: int = 0
    position_by_id: int = 0
    filling: int = 0
    time: int = 0
    reason: int = EXPERT
    luck: Luck = NO_LUCK


@dataclass(slots=True, kw_only=True)
class Position:
    """Open; `sign` +1 bought, -1 sold."""

    ticket: int
    identifier: int
    symbol: str
    sign: int
    magic: int
    volume: Number
    price: Number
    sl: Number
    tp: Number
    comment: str
    time_ms: int
    update_ms: int
    #: Margin currency in account currency when it was opened.
    margin_rate: Number = Fraction(1)
    swap: Number = ZERO
    reason: int = EXPERT


@dataclass(slots=True, kw_only=True)
class Deal:
    """An execution, or (type 2) a deposit."""

    ticket: int
    order: int
    position_id: int
    symbol: str
    type: int
    entry: int
    magic: int
    reason: int
    volume: Number
    price: Number
    profit: Number
    commission: Number
    swap: Number
    fee: Number
    comment: str
    time_ms: int


class Refused(Exception):
    """The server says no, with this retcode; `opens`: what there is no money for."""

    def __init__(self, retcode: int, opens: Opens | None = None) -> None:
        super().__init__(retcode)
        self.retcode, self.opens = retcode, opens
