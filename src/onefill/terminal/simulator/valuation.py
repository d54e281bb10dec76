"""What positions of one symbol are worth: exact, rounded half away from zero once.

Everything is a whole number: prices in points, volumes in 1e-8 lots, money in the account
currency's smallest unit, rates as fractions. What positions bind is in `margin`.
"""

from __future__ import annotations

from functools import cached_property

from onefill.model.errors import OnefillError
from onefill.model.volume import LOT_E8
from onefill.terminal.simulator.contract import COLLATERAL, FOREX, exact, price_value
from onefill.terminal.simulator.conversion import SAME, Conversion, Exchange
from onefill.terminal.simulator.margin import MarginFormula
from onefill.terminal.simulator.market import Feed
from onefill.terminal.simulator.rates import Rate, rounded
from onefill.terminal.simulator.specification import Specification

__all__ = ["Rate", "Valuation", "rounded"]


class Valuation:
    """The money arithmetic of one symbol on one account.

    Ways to the account's currency are looked for when they are first needed: whatever converts
    raises `OnefillError` (`CURRENCY_NOT_CONVERTIBLE`) where there is none.
    """

    def __init__(
        self,
        specification: Specification,
        feed: Feed,
        exchange: Exchange,
        currency: str,
        currency_digits: int,
        leverage: int,
    ) -> None:
        symbol = specification.symbol
        self.specification = specification
        self.feed = feed
        self.currency = currency
        self.exchange = exchange
        self.scale: int = 10**symbol.digits
        #: Minor units in one of the account's currency.
        self.unit: int = 10**currency_digits
        self.margins = MarginFormula(specification, exchange, currency, self.unit, leverage)
        self._quoted = False
        #: USDJPY on an account in USD: a deal's own price converts its profit.
        self._converts_itself = specification.calculation in FOREX and symbol.base == currency
        of_lot = price_value(specification) / self.scale
        of_e8 = of_lot * self.unit / LOT_E8
        #: Profit currency of one point and a lot.
        self.point_of_lot: Rate = (of_lot.numerator, of_lot.denominator)
        #: Minor units of one point and 1e-8 lots, before conversion: of the price, and of what
        #: it moves.
        self._value_per_point: Rate = (of_e8.numerator, of_e8.denominator)
        brings_profit = specification.calculation != COLLATERAL
        self.per_point: Rate = self._value_per_point if brings_profit else (0, 1)

    @cached_property
    def _profit_way(self) -> Conversion:
        symbol = self.specification.symbol
        if self._converts_itself:
            return SAME
        return self.exchange.find(symbol.profit, self.currency, symbol.name)

    def check_convertible(self) -> tuple[Conversion, Conversion]:
        """The ways of profit and of margin to the account's currency. Raises
        `CURRENCY_NOT_CONVERTIBLE`."""
        return self._profit_way, self.margins.way

    @property
    def is_convertible(self) -> bool:
        """Whether profit and margin can be had in the account's currency."""
        try:
            self.check_convertible()
        except OnefillError:
            return False
        return True

    @property
    def is_quoted(self) -> bool:
        """Whether the symbol and all it is converted through have had quotes."""
        if not self._quoted:  # a quote once come never goes away
            self._quoted = (
                self.feed.place >= 0 and self._profit_way.is_quoted and self.margins.way.is_quoted
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

    # Profit.

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

    def value(self, volume_e8: int, price: Rate, *, buying: bool) -> Rate:
        """What so much is worth at a price (points): minor units, as a fraction; `buying`: its
        currency has to be bought for it."""
        if self._converts_itself:
            above, below = self.scale * price[1], price[0]
        else:
            above, below = self._profit_way.rate(buying=buying)
        per_point = self._value_per_point
        return volume_e8 * price[0] * per_point[0] * above, price[1] * per_point[1] * below

    def assets(self, volume_e8: int) -> int:
        """What collateral counts for at the bid: the share of its market value that is liquid."""
        liquid = exact(self.specification.terms.liquidity_rate)
        above, below = self.value(volume_e8, (self.feed.bid, 1), buying=False)
        return rounded(above * liquid.numerator, below * liquid.denominator)

    def point_value(self) -> float:
        """Account money that a point of loss costs a lot now."""
        above, below = self.profit_rate(self.feed.bid, gain=False)
        return self.point_of_lot[0] * above / (self.point_of_lot[1] * below)

    # Margin.

    def margin_rate(self, sign: int) -> Rate:
        """Margin currency in account currency, for a position opened now; to 12 decimals."""
        return self.margins.rate(sign)

    def margin(self, sign: int, volume_e8: int, opened: Rate, rate: Rate) -> int:
        """What opening so much at a price (points) and at `rate` binds, seen by itself."""
        return self.margins.opened(sign, volume_e8, opened, rate)

    def margin_per_lot(self) -> float:
        """Account money that a lot opened now binds, the dearer side; not rounded to cents."""
        feed = self.feed
        return float(max(self.margins.of_lot(1, feed.ask), self.margins.of_lot(-1, feed.bid)))
