"""What a gateway knows of an account: its client's last word, and what it sent since."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from onefill.model.account import AccountState
from onefill.model.intent import Side
from onefill.model.resolved import Reservation


class Held(msgspec.Struct):
    """Open positions of a symbol, as a sum."""

    positions: int = 0
    buy_e8: int = 0
    sell_e8: int = 0

    def add(self, side: Side, volume_e8: int, sign: int = 1) -> None:
        """Take a position in (+1) or let it go (-1)."""
        self.positions += sign
        if side is Side.BUY:
            self.buy_e8 += sign * volume_e8
        else:
            self.sell_e8 += sign * volume_e8


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An account's profile, as far as it is judged by. Money is in account currency; 0: not told,
    or not set."""

    at_ms: int
    live: bool = False
    broker: str = ""
    currency: str = ""
    equity: float = 0.0
    margin_used: float = 0.0
    day_start_equity: float = 0.0
    peak_equity: float = 0.0
    trade_allowed: bool = True
    why_not: str = ""
    limits_fingerprint: str = ""
    #: How many positions are open and in neither of the following: too many to be told.
    untold: int = 0
    #: By symbol; and how many positions each magic number has.
    held: dict[str, Held] = {}
    of_magic: dict[int, int] = {}
    # The account holder's own limits.
    max_daily_loss: float = 0.0
    max_drawdown: float = 0.0
    allowed_symbols: tuple[str, ...] = ()
    max_open_positions: int = 0
    conservative: bool = False


class Sum(NamedTuple):
    """Positions, live orders that may open one, and how many of those are pending."""

    positions: int
    orders: int
    pending: int


class GatewayView(NamedTuple):
    """One account before a gateway's controls.

    `state` is its journal's (live orders with their reservations), `filled` what was filled since
    the profile, `own` the reservation of the order that is judged where it is a live one already.
    """

    account: str
    told: Told
    state: AccountState
    filled: dict[str, Held]
    filled_of_magic: dict[int, int]
    own: Reservation | None = None
    #: The daily loss was breached on the day that began with this equity.
    breached_day: float | None = None

    def sums(self) -> Sum:
        """Over the account."""
        positions = sum(one.positions for one in self.told.held.values())
        positions += sum(one.positions for one in self.filled.values())
        orders = pending = 0
        for exposure in self.state.exposure.values():
            orders += exposure.orders
            pending += exposure.pending
        return self._beside_own(positions, orders, pending)

    def sums_in(self, symbol: str) -> Sum:
        """Over a symbol."""
        positions = _of(self.told.held, symbol).positions + _of(self.filled, symbol).positions
        exposure = self.state.exposure.get(symbol)
        if exposure is None:
            return Sum(positions, 0, 0)
        return self._beside_own(positions, exposure.orders, exposure.pending)

    def sums_of(self, magic: int) -> Sum:
        """Over a strategy, counted anew: only where one has a limit of its own."""
        held = [
            order.reservation
            for order in self.state.orders.values()
            if order.reservation is not None and order.intent.magic == magic
        ]
        positions = self.told.of_magic.get(magic, 0) + self.filled_of_magic.get(magic, 0)
        return self._beside_own(positions, len(held), sum(one.pending for one in held))

    def volume_in(self, symbol: str, side: Side) -> int:
        """Lots (1e-8) of a symbol on a side: open, working, or on their way."""
        told, filled = _of(self.told.held, symbol), _of(self.filled, symbol)
        exposure = self.state.exposure.get(symbol)
        if side is Side.BUY:
            total = told.buy_e8 + filled.buy_e8 + (exposure.buy_e8 if exposure else 0)
        else:
            total = told.sell_e8 + filled.sell_e8 + (exposure.sell_e8 if exposure else 0)
        return total - (self.own.volume_e8 if self.own is not None else 0)

    def volume(self) -> int:
        """Lots (1e-8) in all, both sides."""
        total = sum(one.buy_e8 + one.sell_e8 for one in self.told.held.values())
        total += sum(one.buy_e8 + one.sell_e8 for one in self.filled.values())
        total += sum(one.buy_e8 + one.sell_e8 for one in self.state.exposure.values())
        return total - (self.own.volume_e8 if self.own is not None else 0)

    def _beside_own(self, positions: int, orders: int, pending: int) -> Sum:
        if self.own is not None:
            orders, pending = orders - 1, pending - self.own.pending
        return Sum(positions, orders, pending)


_NOTHING = Held()


def _of(held: dict[str, Held], symbol: str) -> Held:
    return held.get(symbol, _NOTHING)
