"""How the margin of one symbol is reckoned: every calculation mode, hedged or net.

The formulas are those of MQL5's ENUM_SYMBOL_CALC_MODE; hedged volume goes by the description of
SYMBOL_MARGIN_HEDGED and MetaTrader's help on margin ("Retail Forex, Futures").
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from onefill.model.volume import LOT_E8
from onefill.terminal.simulator.contract import (
    BONDS,
    COLLATERAL,
    FOREX,
    exact,
    price_value,
    tick_size,
)
from onefill.terminal.simulator.conversion import SAME, Conversion, Exchange
from onefill.terminal.simulator.rates import PRICE_E8, RATE_E12, Rate, fine, in_units, rounded
from onefill.terminal.simulator.specification import Specification

#: A sum of money a lot, and nothing where none is set.
_BY_LOTS = frozenset({"futures", "exch_futures", "exch_options_margin", COLLATERAL})
#: Modes whose margin, fixed sums too, is divided by the account's leverage (MetaTrader's help).
_LEVERAGED = frozenset({"forex", "cfd_leverage"})
_NONE = (0, 1)


class Amount(NamedTuple):
    """Margin of 1e-8 lots in minor units, before conversion: a fraction, of a point of the price
    where the price counts."""

    above: int
    below: int
    by_price: bool


class Leg(NamedTuple):
    """One side's open volume: 1e-8 lots, and the sums of price (1e-8 points) and of conversion
    rate (1e-12), each times the volume it is for."""

    volume_e8: int = 0
    cost: int = 0
    rates: int = 0

    def with_more(self, volume_e8: int, price: int, rate: int) -> Leg:
        """So much more, at a price (1e-8 points) and a rate (1e-12)."""
        return Leg(
            self.volume_e8 + volume_e8,
            self.cost + volume_e8 * price,
            self.rates + volume_e8 * rate,
        )


NOTHING = Leg()


class MarginFormula:
    """How a symbol's margin is reckoned on an account."""

    def __init__(
        self,
        specification: Specification,
        exchange: Exchange,
        currency: str,
        unit: int,
        leverage: int,
    ) -> None:
        """`unit`: minor units in one of the account's currency."""
        self._specification = specification
        self._exchange = exchange
        self._currency = currency
        symbol, terms = specification.symbol, specification.terms
        self._unit = unit
        self._scale: int = 10**symbol.digits
        #: EURUSD on an account in USD: the opening price converts the margin.
        self._through_itself = (
            specification.calculation in FOREX
            and symbol.margin == symbol.base
            and symbol.profit == currency
        )
        plain = _of_a_lot(specification, leverage)
        share = leverage if specification.calculation in _LEVERAGED else 1
        initial, held = (
            exact(money) / share for money in (terms.margin_initial, terms.margin_maintenance)
        )
        #: What opening asks for, and what open positions bind.
        self.opening = self._amount(plain, initial)
        self.holding = self._amount(plain, held or initial)
        self.hedged = self.holding
        if terms.margin_hedged >= 0:
            covered = exact(terms.margin_hedged)
            self.hedged = self._amount(
                plain * covered / exact(symbol.contract_size), covered / share, fixed=initial > 0
            )
        self.use_leg = terms.margin_hedged_use_leg
        #: Whether opening asks for another sum than what is bound then.
        self.differs = self.opening != self.holding
        long, short = exact(terms.margin_rate_long), exact(terms.margin_rate_short)
        self._factors = {
            side: (factor.numerator, factor.denominator)
            for side, factor in ((1, long), (-1, short), (0, (long + short) / 2))
        }

    def _amount(self, plain: Fraction, money: Fraction, fixed: bool | None = None) -> Amount:
        """A lot's margin as an amount: `money` where it is fixed, else by the formula."""
        is_fixed = money > 0 if fixed is None else fixed
        by_price = self._through_itself or not (is_fixed or self._is_priceless)
        of_e8 = (money if is_fixed else plain) * self._unit / LOT_E8
        if by_price:
            of_e8 /= self._scale
        return Amount(of_e8.numerator, of_e8.denominator, by_price)

    @property
    def _is_priceless(self) -> bool:
        calculation = self._specification.calculation
        return calculation in FOREX or calculation in _BY_LOTS

    @cached_property
    def way(self) -> Conversion:
        """From the margin currency to the account's. Raises `CURRENCY_NOT_CONVERTIBLE`."""
        if self._through_itself or self._specification.calculation == COLLATERAL:
            return SAME
        symbol = self._specification.symbol
        return self._exchange.find(symbol.margin, self._currency, symbol.name)

    def rate(self, sign: int) -> Rate:
        """Margin currency in account currency, for a position opened now: at the ask for buys, at
        the bid for sells; to 12 decimals."""
        way = self.way
        return fine(way.rate(buying=sign > 0), RATE_E12) if way.legs else (1, 1)

    def of_lot(self, sign: int, price: int) -> Fraction:
        """Account currency (not minor units, not rounded) that a lot binds at a price (points)."""
        above, below = self._part(
            self.opening, sign, LOT_E8, NOTHING.with_more(1, price * PRICE_E8, RATE_E12)
        )
        bought = self.way.rate(buying=sign > 0)
        return Fraction(above, below) * Fraction(*bought) / self._unit

    def opened(self, sign: int, volume_e8: int, opened: Rate, rate: Rate) -> int:
        """What opening so much at a price (points) and a rate binds by itself."""
        leg = NOTHING.with_more(volume_e8, in_units(opened, PRICE_E8), in_units(rate, RATE_E12))
        return rounded(*self._part(self.opening, sign, volume_e8, leg))

    def held(self, long: Leg, short: Leg) -> Rate:
        """What both sides bind, a fraction of minor units: the volume that is not covered by the
        other side at its own average, the covered one at the average of all; or the larger side.
        """
        if not short.volume_e8:
            return self._part(self.holding, 1, long.volume_e8, long)
        if not long.volume_e8:
            return self._part(self.holding, -1, short.volume_e8, short)
        if self.use_leg:
            bought = self._part(self.holding, 1, long.volume_e8, long)
            sold = self._part(self.holding, -1, short.volume_e8, short)
            return bought if bought[0] * sold[1] >= sold[0] * bought[1] else sold
        covered = min(long.volume_e8, short.volume_e8)
        side, larger = (1, long) if long.volume_e8 > covered else (-1, short)
        both = Leg(
            long.volume_e8 + short.volume_e8, long.cost + short.cost, long.rates + short.rates
        )
        return added(
            self._part(self.holding, side, larger.volume_e8 - covered, larger),
            self._part(self.hedged, 0, covered, both),
        )

    def net(self, long: Leg, short: Leg) -> Rate:
        """What is left of two sides binds where they cancel each other out: the larger side's
        average stays."""
        sign, larger, rest = 1, long, long.volume_e8 - short.volume_e8
        if rest < 0:
            sign, larger, rest = -1, short, -rest
        return self._part(self.holding, sign, rest, larger)

    def opening_on_top(self, sign: int, volume_e8: int, leg: Leg) -> Rate:
        """What opening asks for above what is bound then."""
        above, below = self._part(self.holding, sign, volume_e8, leg)
        return added(self._part(self.opening, sign, volume_e8, leg), (-above, below))

    def _part(self, amount: Amount, side: int, volume_e8: int, leg: Leg) -> Rate:
        """`volume_e8` at the average price and rate of a leg."""
        if not volume_e8:
            return _NONE
        factor = self._factors[side]
        above = volume_e8 * amount.above * factor[0] * leg.rates
        below = amount.below * factor[1] * RATE_E12 * leg.volume_e8
        if amount.by_price:
            above *= leg.cost
            below *= leg.volume_e8 * PRICE_E8
        return above, below


def added(one: Rate, other: Rate) -> Rate:
    """The sum of two fractions."""
    if not other[0]:
        return one
    return one[0] * other[1] + other[0] * one[1], one[1] * other[1]


def _of_a_lot(specification: Specification, leverage: int) -> Fraction:
    """A lot's margin in the margin currency by the calculation mode; where the price counts, for a
    price of 1."""
    calculation, terms = specification.calculation, specification.terms
    if calculation in _BY_LOTS:
        return Fraction(0)
    contract = exact(specification.symbol.contract_size)
    if calculation in ("forex", "cfd_leverage"):
        return contract / leverage
    if calculation == "cfd_index" and terms.tick_value:
        return contract * exact(terms.tick_value) / tick_size(specification)
    if calculation in BONDS or calculation == "exch_options":
        return price_value(specification)
    return contract
