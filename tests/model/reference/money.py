"""What prices are worth in account money: conversion, profit, commission and fee."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .rows import IN, INOUT
from .terms import ZERO, Broker, Number, Symbol

FUTURES = ("futures", "exch_futures")
CURRENCY_PAIRS = ("forex", "forex_no_leverage")


@dataclass(slots=True)
class Quote:
    """The price in force, and since when."""

    bid: Number
    ask: Number
    time_ms: int

    def opening(self, sign: int) -> Number:
        """What a buyer (+1) pays, what a seller (-1) gets."""
        return self.ask if sign > 0 else self.bid

    def closing(self, sign: int) -> Number:
        """What the owner of a bought (+1) position gets for it."""
        return self.bid if sign > 0 else self.ask


def rounded(amount: Number, digits: int) -> Number:
    """To so many digits, halves away from zero."""
    whole = abs(amount) * 10**digits
    nearest = (2 * whole.numerator + whole.denominator) // (2 * whole.denominator)
    return Fraction(nearest if amount > 0 else -nearest, 10**digits)


class Money:
    """Account money, at the quotes in force."""

    def __init__(self, broker: Broker, quotes: dict[str, Quote]) -> None:
        self.broker, self.quotes = broker, quotes
        self._ways: dict[tuple[str, str], list[tuple[str, bool]]] = {}

    def way(self, given: str, got: str) -> list[tuple[str, bool]] | None:
        """The fewest exchanges from one currency to another; of several the first listed. Each
        is a pair and whether the currency given is the pair's base. None where there is no way."""
        if (given, got) not in self._ways:
            ways: list[tuple[str, list[tuple[str, bool]]]] = [(given, [])]
            seen = {given}
            for currency, legs in ways:
                if currency == got:
                    self._ways[given, got] = legs
                    break
                for pair in self.broker.symbols:
                    if pair.calculation not in CURRENCY_PAIRS:
                        continue
                    for mine, other, direct in (
                        (pair.base, pair.profit, True),
                        (pair.profit, pair.base, False),
                    ):
                        if mine == currency and other not in seen:
                            seen.add(other)
                            ways.append((other, [*legs, (pair.name, direct)]))
        return self._ways.get((given, got))

    def rate(self, given: str, got: str, *, buying: bool) -> Number:
        """Units of `got` for one of `given`, where `given` is bought (asked) or sold (bid)."""
        rate = Fraction(1)
        for name, direct in self.way(given, got) or ():
            quote = self.quotes[name]
            if direct:
                rate *= quote.ask if buying else quote.bid
            else:
                rate /= quote.bid if buying else quote.ask
        return rate

    def is_quoted(self, symbol: Symbol) -> bool:
        """Whether there are quotes of it, and of all that its money is converted through."""
        needed = [symbol.name]
        for currency in (symbol.profit, symbol.margin):
            needed += [name for name, _ in self.way(currency, self.broker.currency) or ()]
        return all(name in self.quotes for name in needed)

    def money(self, amount: Number) -> Number:
        """In whole cents."""
        return rounded(amount, self.broker.currency_digits)

    def profit(
        self, symbol: Symbol, sign: int, volume: Number, opened: Number, closed: Number
    ) -> Number:
        """Gains are sold for account money, losses are bought with it."""
        gain = (closed - opened) * sign * volume * self.price_value(symbol)
        return self.money(gain * self.profit_rate(symbol, closed, gain=gain > 0))

    def profit_rate(self, symbol: Symbol, closed: Number, *, gain: bool) -> Number:
        """Profit currency in account currency: USDJPY on an account in USD converts itself."""
        if self._converts_itself(symbol):
            return 1 / closed
        return self.rate(symbol.profit, self.broker.currency, buying=not gain)

    def has_way(self, given: str) -> bool:
        """Whether pairs lead from a currency to the account's."""
        return self.way(given, self.broker.currency) is not None

    def costs(
        self, symbol: Symbol, volume: Number, price: Number, entry: int, opened: Number
    ) -> tuple[Number, Number]:
        """Commission and fee of a deal: what is taken, so not above 0. `opened`: what of a
        reversal opens."""
        broker = self.broker
        if broker.commission_on_entry_only:
            volume = {IN: volume, INOUT: opened}.get(entry, ZERO)
        commission = broker.commission_per_lot * volume
        if broker.commission_percent:
            value = volume * price * self.price_value(symbol)
            value *= self.profit_rate(symbol, price, gain=False)
            commission += value * broker.commission_percent / 100
        return -self.money(commission), -self.money(broker.fee_per_lot * volume)

    def price_value(self, symbol: Symbol) -> Number:
        """Profit currency that a price of 1 is worth for a lot."""
        if symbol.calculation in FUTURES:
            return symbol.tick_value / symbol.tick_size
        return symbol.contract

    def _converts_itself(self, symbol: Symbol) -> bool:
        """USDJPY on an account in USD: its own price converts its profit."""
        return symbol.calculation in CURRENCY_PAIRS and symbol.base == self.broker.currency
