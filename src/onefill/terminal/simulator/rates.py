"""Fractions of whole numbers: how they are rounded, and how averages of a position are kept.

What is kept has a fixed fineness, because averages of averages would otherwise grow new digits with
every fill.
"""

from __future__ import annotations

from math import gcd

Rate = tuple[int, int]
"""A fraction: above, below."""

PRICE_E8 = 10**8
"""Average prices are kept to 1e-8 points."""

RATE_E12 = 10**12
"""Conversion rates that a position keeps have 12 decimals."""


def rounded(above: int, below: int) -> int:
    """A fraction (`below` > 0) as the nearest whole number, halves away from zero."""
    if above < 0:
        return -((below - 2 * above) // (2 * below))
    return (2 * above + below) // (2 * below)


def fine(rate: Rate, unit: int) -> Rate:
    """A fraction at a fineness of 1/`unit`, in its lowest terms."""
    above, below = rate
    if unit % below:
        above, below = rounded(above * unit, below), unit
    common = gcd(above, below)
    return above // common, below // common


def in_units(rate: Rate, unit: int) -> int:
    """A fraction as a whole number of 1/`unit`."""
    return rounded(rate[0] * unit, rate[1])


def average(before: Rate, before_e8: int, added: Rate, added_e8: int, unit: int) -> Rate:
    """The mean of two prices (`PRICE_E8`) or two conversion rates (`RATE_E12`), weighted by their
    volumes, at the fineness at which it is kept."""
    above = before[0] * before_e8 * added[1] + added[0] * added_e8 * before[1]
    return fine((above, before[1] * added[1] * (before_e8 + added_e8)), unit)
