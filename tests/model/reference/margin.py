"""Margin: what a symbol's two sides bind together, and what one more deal would add to that."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from .money import CURRENCY_PAIRS, rounded
from .terms import ZERO, Number, Symbol

if TYPE_CHECKING:
    from .account import Account

#: Choice: conversion rates that positions keep have so many digits.
RATE_DIGITS: Final = 12


class Side(NamedTuple):
    """Volume, and its average opening price and conversion rate."""

    volume: Number = ZERO
    price: Number = ZERO
    rate: Number = ZERO

    def plus(self, other: Side) -> Side:
        """Both together."""
        total = self.volume + other.volume
        if not total:
            return Side()
        price = (self.volume * self.price + other.volume * other.price) / total
        return Side(total, price, (self.volume * self.rate + other.volume * other.rate) / total)


def rate_now(account: Account, symbol: Symbol, sign: int) -> Number:
    """Margin currency in account currency: at the ask for buys, at the bid for sells. EURUSD on an
    account in USD has its own opening price for that."""
    if _converts_itself(account, symbol):
        return Fraction(1)
    currency = account.broker.currency
    return rounded(account.money.rate(symbol.margin, currency, buying=sign > 0), RATE_DIGITS)


def of_symbol(account: Account, symbol: Symbol, long: Side, short: Side) -> Number:
    """Not rounded. Hedging: the uncovered volume at its side's average, the covered at that of
    all; or the larger side alone. Netting: what is left, at the average of the larger side."""
    longer, covered = long.volume - short.volume, min(long.volume, short.volume)
    side, larger = (1, long) if longer >= 0 else (-1, short)
    held = _per_lot(account, symbol, "holding")
    uncovered = _bound(account, symbol, held, side, larger._replace(volume=abs(longer)))
    if not account.broker.hedging or not covered:
        return uncovered
    if symbol.margin_larger_leg:
        return max(_bound(account, symbol, held, 1, long), _bound(account, symbol, held, -1, short))
    both = long.plus(short)._replace(volume=covered)
    hedged = _per_lot(account, symbol, "hedged")
    return uncovered + _bound(account, symbol, hedged, 0, both)


def of_all(account: Account) -> Number:
    """What the account's positions bind: cents symbol by symbol."""
    held = dict.fromkeys(one.symbol for one in account.positions.values())
    return sum((_now(account, account.symbols[name]) for name in held), ZERO)


def added(account: Account, symbol: Symbol, sign: int, volume: Number, price: Number) -> Number:
    """What a deal would bind on top; below 0 where it frees."""
    before = {side: _side(account, symbol, side) for side in (1, -1)}
    more = Side(volume, price, rate_now(account, symbol, sign))
    after = before | {sign: before[sign].plus(more)}
    bound = of_symbol(account, symbol, after[1], after[-1])
    # Opening may ask for more than holding does.
    uncovered = max(ZERO, after[sign].volume - after[-sign].volume)
    fresh = uncovered - max(ZERO, before[sign].volume - before[-sign].volume)
    for kind, factor in (("opening", 1), ("holding", -1)):
        per_lot = _per_lot(account, symbol, kind)
        bound += factor * _bound(account, symbol, per_lot, sign, more._replace(volume=fresh))
    return account.money.money(bound) - _now(account, symbol)


def of_deal(account: Account, symbol: Symbol, sign: int, volume: Number, price: Number) -> Number:
    """`order_calc_margin`: a deal by itself."""
    alone = Side(volume, price, rate_now(account, symbol, sign))
    per_lot = _per_lot(account, symbol, "opening")
    return account.money.money(_bound(account, symbol, per_lot, sign, alone))


def _now(account: Account, symbol: Symbol) -> Number:
    sides = (_side(account, symbol, 1), _side(account, symbol, -1))
    return account.money.money(of_symbol(account, symbol, *sides))


def _side(account: Account, symbol: Symbol, sign: int) -> Side:
    held = [
        one for one in account.positions.values() if one.symbol == symbol.name and one.sign == sign
    ]
    volume = sum((one.volume for one in held), ZERO)
    if not volume:
        return Side()
    price = sum((one.volume * one.price for one in held), ZERO) / volume
    return Side(volume, price, sum((one.volume * one.margin_rate for one in held), ZERO) / volume)


def _converts_itself(account: Account, symbol: Symbol) -> bool:
    return (
        symbol.calculation in CURRENCY_PAIRS
        and symbol.margin == symbol.base
        and symbol.profit == account.broker.currency
    )


def _per_lot(account: Account, symbol: Symbol, kind: str) -> tuple[Number, bool]:
    """A lot's margin in the margin currency, and whether that is to be multiplied by the price."""
    fixed = symbol.margin_initial
    if kind != "opening":  # choice: hedged volume too, where it has no margin of its own
        fixed = symbol.margin_maintenance or symbol.margin_initial
    if fixed and (kind != "hedged" or symbol.margin_hedged is None):
        return fixed, False
    contract, leverage = symbol.contract, account.broker.leverage
    if kind == "hedged" and symbol.margin_hedged is not None:
        if symbol.margin_initial:
            return symbol.margin_hedged, False
        contract = symbol.margin_hedged
    by_mode = {
        "forex": (contract / leverage, False),
        "forex_no_leverage": (contract, False),
        "cfd": (contract, True),
        "cfd_leverage": (contract / leverage, True),
        "cfd_index": (contract * symbol.tick_value / symbol.tick_size, True),
        "exch_stocks": (contract, True),
        "futures": (ZERO, False),
        "exch_futures": (ZERO, False),
    }
    return by_mode[symbol.calculation]


def _bound(
    account: Account, symbol: Symbol, per_lot: tuple[Number, bool], sign: int, side: Side
) -> Number:
    """`sign` 0: covered volume, at the mean of both margin rates."""
    amount, by_price = per_lot
    factors = {1: symbol.margin_rate_long, -1: symbol.margin_rate_short}
    factor = factors[sign] if sign else (factors[1] + factors[-1]) / 2
    price = side.price if by_price or _converts_itself(account, symbol) else 1
    return side.volume * amount * price * factor * side.rate
