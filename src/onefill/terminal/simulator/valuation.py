"""What positions of one symbol are worth and bind: exact, rounded half away from zero once.

Everything is a whole number: prices in points, volumes in 1e-8 lots, money in the account
currency's smallest unit, rates as fractions.
"""

from __future__ import annotations

from fractions import Fraction

from onefill.model.volume import LOT_E8
from onefill.terminal.simulator.conversion import SAME, Exchange
from onefill.terminal.simulator.market import Feed
from onefill.terminal.simulator.specification import Specification

Rate = tuple[int, int]


def rounded(above: int, below: int) -> int:
    """A fraction (`below` > 0) as the nearest whole number, halves away from zero."""
    if above < 0:
        return -((below - 2 * above) // (2 * below))
    return (2 * above + below) // (2 * below)


class Valuation:
    """The money arithmetic of one symbol on one account."""

    def __init__(
        self,
        specification: Specification,
        feed: Feed,
        exchange: Exchange,
        currency: str,
        currency_digits: int,
        leverage: int,
    ) -> None:
        """Raises `OnefillError` where profit or margin cannot be had in `currency`."""
        symbol, forex = specification.symbol, specification.calculation == "forex"
        contract = Fraction(repr(symbol.contract_size))
        self.feed = feed
        self.scale: int = 10**symbol.digits
        unit: int = 10**currency_digits
        self._quoted = False
        #: USDJPY on an account in USD: a deal's own price converts its profit.
        self._converts_itself = forex and symbol.base == currency
        self._profit_way = SAME
        if not self._converts_itself:
            self._profit_way = exchange.find(symbol.profit, currency, symbol.name)
        per_point = contract * unit / (self.scale * LOT_E8)
        #: Account money of one point and 1e-8 lots, before conversion.
        self.per_point: Rate = (per_point.numerator, per_point.denominator)
        point_of_lot = contract / self.scale
        self._point_of_lot: Rate = (point_of_lot.numerator, point_of_lot.denominator)
        #: EURUSD on an account in USD: the opening price converts the margin; of CFDs it is part.
        through_itself = forex and symbol.margin == symbol.base and symbol.profit == currency
        self._margin_by_price = through_itself or not forex
        margin_in = currency if through_itself else symbol.margin
        self._margin_way = exchange.find(margin_in, currency, symbol.name)
        per_e8 = contract * unit / (LOT_E8 * leverage)
        if self._margin_by_price:
            per_e8 /= self.scale
        self._per_e8: Rate = (per_e8.numerator, per_e8.denominator)
        margin_of_lot = per_e8 * LOT_E8 / unit
        self._margin_of_lot: Rate = (margin_of_lot.numerator, margin_of_lot.denominator)

    @property
    def is_quoted(self) -> bool:
        """Whether the symbol and all it is converted through have had quotes."""
        if not self._quoted:  # a quote once come never goes away
            self._quoted = (
                self.feed.place >= 0 and self._profit_way.is_quoted and self._margin_way.is_quoted
            )
        return self._quoted

    @property
    def is_linear(self) -> bool:
        """Whether profit needs neither rounding nor a rate: EURUSD on an account in USD, in whole
        steps of 0.01 lots."""
        return not self._converts_itself and not self._profit_way.legs

    @property
    def converted_through(self) -> tuple[Feed, ...]:
        """The other feeds whose quotes decide what a position is worth."""
        return tuple(leg.feed for leg in self._profit_way.legs)

    def profit_rate(self, close: int, *, gain: bool) -> Rate:
        """Profit currency in account currency, for a deal that closes at `close` (points)."""
        if self._converts_itself:
            return self.scale, close
        if not self._profit_way.legs:
            return 1, 1
        return self._profit_way.rate(buying=not gain)

    def profit(self, sign: int, volume_e8: int, opened: Rate, close: int) -> int:
        """What `volume_e8` from an average `opened` (points) to `close` brings; `sign` +1 for a
        buy, -1 for a sell."""
        moved = (close * opened[1] - opened[0]) * sign * volume_e8
        above, below = self.profit_rate(close, gain=moved > 0)
        return rounded(moved * self.per_point[0] * above, opened[1] * self.per_point[1] * below)

    def margin_rate(self, sign: int) -> Rate:
        """Margin currency in account currency, for a position opened now."""
        return self._margin_way.rate(buying=sign > 0)

    def margin(self, volume_e8: int, opened: Rate, rate: Rate) -> int:
        """What a position binds that was opened at an average `opened` (points) and at `rate`."""
        above = volume_e8 * self._per_e8[0] * rate[0]
        below = self._per_e8[1] * rate[1]
        if self._margin_by_price:
            above *= opened[0]
            below *= opened[1]
        return rounded(above, below)

    def point_value(self) -> float:
        """Account money that a point of loss costs a lot now."""
        above, below = self.profit_rate(self.feed.bid, gain=False)
        return self._point_of_lot[0] * above / (self._point_of_lot[1] * below)

    def margin_per_lot(self) -> float:
        """Account money that a lot bought now binds, not rounded to cents."""
        above, below = self.margin_rate(1)
        price = self.feed.ask if self._margin_by_price else 1
        return self._margin_of_lot[0] * above * price / (self._margin_of_lot[1] * below)
