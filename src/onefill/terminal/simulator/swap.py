"""The arithmetic of one rollover of one position, in every swap mode; no state, no time.

Modes are those of MetaTrader's package (ENUM_SYMBOL_SWAP_MODE as its constants number it). Interest
is of a year of 360 days.
"""

from __future__ import annotations

from fractions import Fraction

from onefill.model.volume import LOT_E8
from onefill.terminal.simulator.contract import exact
from onefill.terminal.simulator.rates import Rate, rounded
from onefill.terminal.simulator.specification import Specification
from onefill.terminal.simulator.valuation import Valuation

DISABLED, POINTS, CURRENCY_SYMBOL, CURRENCY_MARGIN, CURRENCY_DEPOSIT = 0, 1, 2, 3, 4
INTEREST_CURRENT, INTEREST_OPEN, REOPEN_CURRENT, REOPEN_BID = 5, 6, 7, 8
_REOPENING = (REOPEN_CURRENT, REOPEN_BID)
_YEAR = 360


def night_swap(valuation: Valuation, sign: int, volume_e8: int, opened: Rate, days: int) -> int:
    """What a rollover of so many days puts on a position, at the quotes in force: minor units,
    negative where it costs; 0 in the modes that open positions again.

    `sign` +1 buy, -1 sell; `opened`: its average price in points. What is paid is converted as a
    loss is, what is received as a gain.
    """
    terms = valuation.specification.terms
    value = _value(valuation.specification, sign) * days
    mode, close = terms.swap_mode, _close(valuation, sign)
    if not value or mode in (DISABLED, *_REOPENING):
        return 0
    lots = Fraction(volume_e8, LOT_E8)
    if mode == CURRENCY_DEPOSIT:
        return _minor(value * lots * valuation.unit)
    if mode in (CURRENCY_SYMBOL, CURRENCY_MARGIN):
        return _minor(value * lots * valuation.unit * _money_rate(valuation, mode, close, value))
    if mode == POINTS:
        points = value
    else:
        price = Fraction(*opened) if mode == INTEREST_OPEN else Fraction(close)
        points = price * value / (100 * _YEAR)
    per_point = Fraction(*valuation.per_point) * volume_e8
    return _minor(points * per_point * Fraction(*valuation.profit_rate(close, gain=value > 0)))


def reopening_price(valuation: Valuation, sign: int, days: int) -> int | None:
    """The price (points, a whole number of ticks) at which a position is opened again after a
    rollover of so many days: that of its close, or (mode 8) the bid, worse by what the swap
    costs; None in the other modes."""
    mode = valuation.specification.terms.swap_mode
    if mode not in _REOPENING:
        return None
    price = valuation.feed.bid if mode == REOPEN_BID else _close(valuation, sign)
    moved = price - sign * _value(valuation.specification, sign) * days
    tick = valuation.specification.tick_points
    return max(tick, _minor(moved / tick) * tick)


def _value(specification: Specification, sign: int) -> Fraction:
    terms = specification.terms
    return exact(terms.swap_long if sign > 0 else terms.swap_short)


def _close(valuation: Valuation, sign: int) -> int:
    """The price at which a position would close now."""
    return valuation.feed.bid if sign > 0 else valuation.feed.ask


def _money_rate(valuation: Valuation, mode: int, close: int, value: Fraction) -> Fraction:
    """The base or margin currency in the account's."""
    symbol = valuation.specification.symbol
    given = symbol.base if mode == CURRENCY_SYMBOL else symbol.margin
    way = valuation.exchange.search(given, valuation.currency)
    if given == symbol.base and (way is None or not way.is_quoted):
        # An ounce of gold, where gold is no currency: at its own price.
        through = Fraction(close, valuation.scale)
        return through * Fraction(*valuation.profit_rate(close, gain=value > 0))
    if way is None:
        way = valuation.exchange.find(given, valuation.currency, symbol.name)
    return Fraction(*way.rate(buying=value < 0))


def _minor(amount: Fraction) -> int:
    return rounded(amount.numerator, amount.denominator)
