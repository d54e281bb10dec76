"""The symbols that the oracle knows, and its exact arithmetic of pips, margin and profit."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True)
class Symbol:
    """What the simulated broker offers under one name; volumes in lots."""

    name: str
    digits: int
    contract: int
    max_volume: Decimal
    min_volume: Decimal = Decimal("0.01")
    step: Decimal = Decimal("0.01")

    @property
    def base(self) -> str:
        """The currency (or metal) that is bought and sold."""
        return self.name[:3]

    @property
    def quote(self) -> str:
        """The currency in which the price is given."""
        return self.name[3:]

    @property
    def point(self) -> Decimal:
        """The smallest step of the price."""
        return Decimal(1).scaleb(-self.digits)

    @property
    def pip(self) -> Decimal:
        """Ten points at 3 or 5 digits, else one point."""
        return self.point * 10 if self.digits in (3, 5) else self.point


_FIVE_DIGITS = ["EURUSD", "GBPUSD", "AUDUSD", "NZDUSD", "USDCHF", "USDCAD", "EURGBP", "EURCHF"]
_THREE_DIGITS = ["USDJPY", "EURJPY", "GBPJPY", "AUDJPY"]

SYMBOLS: dict[str, Symbol] = {
    **{name: Symbol(name, 5, 100_000, Decimal(500)) for name in _FIVE_DIGITS},
    **{name: Symbol(name, 3, 100_000, Decimal(500)) for name in _THREE_DIGITS},
    "XAUUSD": Symbol("XAUUSD", 3, 100, Decimal(100)),
}


def rounded(amount: Fraction, currency: str) -> Decimal:
    """Round half away from zero to the currency's digits: 2, of the yen 0."""
    digits = 0 if currency == "JPY" else 2
    doubled = abs(amount) * 10**digits * 2
    units = (doubled.numerator + doubled.denominator) // (2 * doubled.denominator)
    return Decimal(-units if amount < 0 else units).scaleb(-digits)


def margin(symbol: Symbol, lots: Decimal, price: Decimal, currency: str, leverage: int) -> Decimal:
    """The money that holds `lots` opened at `price`, in the account's currency."""
    amount = Fraction(lots) * symbol.contract
    if currency == symbol.quote:
        amount *= Fraction(price)
    elif currency != symbol.base:
        raise ValueError(f"{symbol.name} on an account in {currency} is not judged")
    return rounded(amount / leverage, currency)


def held_margin(
    symbol: Symbol,
    held: list[tuple[int, Decimal, Decimal]],
    currency: str,
    leverage: int,
) -> Decimal:
    """The money that positions of one symbol bind together; each is its side, lots and price.

    What one side has more than the other binds at that side's average price, what both have binds
    once, at the average of all prices.
    """
    sides = {
        side: sum((Fraction(lots) for its, lots, _ in held if its == side), Fraction(0))
        for side in (1, -1)
    }
    larger = 1 if sides[1] > sides[-1] else -1
    covered = sides[-larger]
    amount = Fraction(0)
    for side, lots, price in held:
        share = covered / (sides[1] + sides[-1])
        if side == larger:
            share += (sides[larger] - covered) / sides[larger]
        amount += Fraction(lots) * share * (Fraction(price) if currency == symbol.quote else 1)
    if currency not in (symbol.quote, symbol.base):
        raise ValueError(f"{symbol.name} on an account in {currency} is not judged")
    return rounded(amount * symbol.contract / leverage, currency)


def profit(
    symbol: Symbol, side: int, lots: Decimal, opened: Decimal, closed: Decimal, currency: str
) -> Decimal:
    """What `lots` from `opened` to `closed` bring, in the account's currency."""
    amount = Fraction(closed - opened) * side * Fraction(lots) * symbol.contract
    if currency == symbol.base:
        amount /= Fraction(closed)
    elif currency != symbol.quote:
        raise ValueError(f"{symbol.name} on an account in {currency} is not judged")
    return rounded(amount, currency)
