"""What a lot is: how much of its profit currency a symbol's price and its ticks are worth.

The formulas are those of MQL5's ENUM_SYMBOL_CALC_MODE.
"""

from __future__ import annotations

from fractions import Fraction

from onefill.terminal.simulator.specification import Specification

FOREX = frozenset({"forex", "forex_no_leverage"})
"""Calculations of currency pairs: they convert money, and their own price may convert theirs."""

BONDS = frozenset({"exch_bonds", "exch_bonds_moex"})
"""Calculations whose price is in per cent of the face value."""

COLLATERAL = "collateral"
"""The calculation of what is held as security only: no margin, no profit, a market value."""

_BY_TICKS = frozenset({"futures", "exch_futures", "exch_options", "exch_options_margin"})


def exact(number: float) -> Fraction:
    """The decimal number that was written in the profile."""
    return Fraction(repr(number))


def tick_size(specification: Specification) -> Fraction:
    """The step of the price, in units of price: a point where none is set."""
    set_size = exact(specification.terms.tick_size)
    return set_size or Fraction(1, 10**specification.symbol.digits)


def price_value(specification: Specification) -> Fraction:
    """Profit currency that a price of 1 is worth for a lot; of collateral too, which brings no
    profit but has a value.

    Of bonds the accrued interest is left out: it is the same when they are bought and sold.
    """
    terms, calculation = specification.terms, specification.calculation
    contract = exact(specification.symbol.contract_size)
    if calculation in _BY_TICKS and terms.tick_value:
        return exact(terms.tick_value) / tick_size(specification)
    if calculation in BONDS:
        return contract * exact(terms.face_value) / 100
    return contract
