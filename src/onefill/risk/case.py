"""One order before the controls: everything they look at, and what it may take at worst."""

from __future__ import annotations

from math import ceil

from onefill.model.account import AccountState, LossMarks
from onefill.model.intent import OrderIntent, OrderType, Side
from onefill.model.market import MarketView
from onefill.model.resolved import Reservation, ResolvedOrder
from onefill.model.symbol import Symbol
from onefill.model.volume import LOT_E8
from onefill.risk.caps import Caps
from onefill.risk.limits import Limits
from onefill.risk.sums import Sums, account_sums

#: Relative float noise that is no money: without it, 1380.00 could be rounded up to 1380.01.
_NOISE = 1e-13
#: A fraction of the smallest unit that is float noise of a limit.
_NOISE_MINOR = 1e-3


class Case:
    """What every control is given. `quote` is the price that the order's side would deal at now."""

    __slots__ = (
        "_held",
        "_margin",
        "_sums",
        "caps",
        "intent",
        "limits",
        "marks",
        "now_ms",
        "order",
        "quote",
        "scale",
        "state",
        "symbol",
        "view",
    )

    def __init__(
        self,
        intent: OrderIntent,
        order: ResolvedOrder,
        symbol: Symbol,
        view: MarketView,
        state: AccountState,
        limits: Limits,
        caps: Caps,
        now_ms: int,
        marks: LossMarks,
    ) -> None:
        self.intent = intent
        self.order = order
        self.symbol = symbol
        self.view = view
        self.state = state
        self.limits = limits
        self.caps = caps
        self.now_ms = now_ms
        self.marks = marks
        self.quote = view.ask if order.side is Side.BUY else view.bid
        #: The currency's smallest units in one of it.
        self.scale = 10.0**view.currency_digits
        self._held: Reservation | None = None
        self._margin: int | None = None
        self._sums: Sums | None = None

    def told(self, limit: str, scope: tuple[str, ...] = ()) -> str:
        """A limit as a denial's sentence tells it."""
        return self.limits.told(limit, self.caps.magic, self.caps.symbol, scope)

    def money(self, minor: float) -> str:
        """An amount of the currency's smallest unit, as a sentence tells it."""
        digits = self.view.currency_digits
        return f"{minor / self.scale:.{digits}f} {self.view.currency}"

    def within(self, minor: int, limit: float) -> bool:
        """Whether an amount is at most a limit in account currency; false where that is NaN."""
        return minor <= limit * self.scale + _NOISE_MINOR

    def sums(self) -> Sums:
        """What the account holds already, counted once; needs a quote that passed control 15."""
        if self._sums is None:
            self._sums = account_sums(self.state)
        return self._sums

    def margin(self) -> int:
        """The margin that the order needs, in the smallest unit, rounded up."""
        if self._margin is None:
            self._margin = _required_margin(self)
        return self._margin

    def held(self) -> Reservation:
        """What the order may take at worst; needs a quote that passed control 15."""
        if self._held is None:
            self._held = worst_case(self)
        return self._held


def entry_price(case: Case) -> float:
    """The price at which the order would deal: a market order's quote, else its own level."""
    order = case.order
    if order.order_type is OrderType.MARKET:
        return case.quote
    if order.order_type is OrderType.STOP_LIMIT:
        return order.stop_limit_price
    return order.price


def worst_case(case: Case) -> Reservation:
    """The reservation of an opening order: whole volume filled, nothing offset, rounded up.

    Without a stop loss the risk is all that the order is worth.
    """
    order = case.order
    entry = entry_price(case)
    lots = order.volume_e8 / LOT_E8
    value = _minor(case.symbol.points(entry) * case.view.point_value * lots * case.scale)
    stop = order.stop_loss
    return Reservation(
        order.symbol,
        order.side,
        order.volume_e8,
        value,
        case.margin(),
        loss_at_stop(case, entry, stop, order.side, order.volume_e8) if stop else value,
        order.order_type is not OrderType.MARKET,
    )


def _required_margin(case: Case) -> int:
    """A pending order beyond the quote needs the margin of its own price, where that goes by it."""
    margin = case.view.margin_per_lot * (case.order.volume_e8 / LOT_E8) * case.scale
    entry = entry_price(case)
    return _minor(margin * entry / case.quote if entry > case.quote else margin)


def loss_at_stop(case: Case, entry: float, stop: float, side: Side, volume_e8: int) -> int:
    """What closing at the stop loss costs, in the smallest unit, rounded up; never below 0."""
    lost = (case.symbol.points(entry) - case.symbol.points(stop)) * side.sign
    if lost <= 0:
        return 0
    return _minor(lost * case.view.point_value * (volume_e8 / LOT_E8) * case.scale)


def _minor(amount: float) -> int:
    return ceil(amount - amount * _NOISE)
