"""Margin, profit, swap, costs and tick values in every calculation mode: a plain calculation.

Exact fractions of whole units: prices as they are shown, volumes in lots, money in the account's
currency. README.md beside this file states the rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, permutations

PAIRS = ("forex", "forex_no_leverage")
FUTURES = ("futures", "exch_futures", "exch_options_margin")
BONDS = ("exch_bonds", "exch_bonds_moex")
ZERO = Fraction(0)

Number = Fraction


def exact(number: float | str | Decimal) -> Number:
    """The decimal number as it is written."""
    return Fraction(str(number))


def at_digits(amount: Number, digits: int) -> Number:
    """The nearest number of so many digits, halves away from zero."""
    units = abs(amount) * 10**digits
    whole = units.__floor__()
    if units - whole >= Fraction(1, 2):
        whole += 1
    return Fraction(-whole if amount < 0 else whole, 10**digits)


@dataclass(frozen=True)
class Contract:
    """A symbol's terms; 0 where one is not set."""

    name: str
    calculation: str
    base: str
    profit: str
    margin: str
    digits: int
    contract: Number
    tick_size: Number = ZERO
    tick_value: Number = ZERO
    margin_initial: Number = ZERO
    margin_maintenance: Number = ZERO
    rate_long: Number = Fraction(1)
    rate_short: Number = Fraction(1)
    #: None: not set.
    margin_hedged: Number | None = None
    larger_leg: bool = False
    face_value: Number = ZERO
    liquidity: Number = ZERO
    swap_mode: int = 0
    swap_long: Number = ZERO
    swap_short: Number = ZERO

    @property
    def step(self) -> Number:
        """The smallest change of the price."""
        return self.tick_size or Fraction(1, 10**self.digits)

    @property
    def per_price(self) -> Number:
        """Profit currency that a lot moves by when the price moves by 1."""
        if self.calculation in BONDS:
            return self.contract * self.face_value / 100
        if self.calculation in (*FUTURES, "exch_options") and self.tick_value:
            return self.tick_value / self.step
        return self.contract


@dataclass(frozen=True)
class Held:
    """An open position, and margin currency in account currency when it was opened."""

    side: int
    lots: Number
    price: Number
    rate: Number


@dataclass
class Account:
    """An account and the quotes (bid, ask) in force; `symbols` in the broker's order."""

    currency: str
    digits: int
    leverage: int
    symbols: Sequence[Contract]
    quotes: dict[str, tuple[Number, Number]] = field(default_factory=dict)

    # Conversion.

    def way(self, given: str, got: str) -> list[tuple[str, bool]] | None:
        """The pairs from one currency to another, the fewest, the first listed; True: forwards."""
        if given == got:
            return []
        currencies = list(
            dict.fromkeys(
                name
                for one in self.symbols
                if one.calculation in PAIRS
                for name in (one.base, one.profit)
                if name not in (given, got)
            )
        )
        for between in range(len(currencies) + 1):
            ways = [
                legs
                for middle in permutations(currencies, between)
                if (legs := self.legs([given, *middle, got])) is not None
            ]
            if ways:
                names = [one.name for one in self.symbols]
                return min(ways, key=lambda legs: [names.index(name) for name, _ in legs])
        return None

    def legs(self, currencies: Sequence[str]) -> list[tuple[str, bool]] | None:
        """The pairs that lead from each currency to the next."""
        found = []
        for given, got in pairwise(currencies):
            for one in self.symbols:
                if one.calculation in PAIRS and {one.base, one.profit} == {given, got}:
                    found.append((one.name, one.base == given))
                    break
            else:
                return None
        return found

    def worth(self, given: str, *, bought: bool) -> Number:
        """One unit of a currency in the account's, bought or sold."""
        legs = self.way(given, self.currency)
        assert legs is not None, given
        rate = Fraction(1)
        for name, forwards in legs:
            bid, ask = self.quotes[name]
            if forwards:
                rate *= ask if bought else bid
            else:
                rate /= bid if bought else ask
        return rate

    def money(self, amount: Number) -> Number:
        """To the currency's digits."""
        return at_digits(amount, self.digits)

    # Profit.

    def in_account(self, one: Contract, amount: Number, close: Number) -> Number:
        """Profit currency in the account's: a pair of its own currency at its own price; else
        gains are sold, losses bought."""
        if one.calculation in PAIRS and one.base == self.currency:
            return amount / close
        return amount * self.worth(one.profit, bought=amount <= 0)

    def profit(
        self, one: Contract, side: int, lots: Number, opened: Number, closed: Number
    ) -> Number:
        """What a position brings."""
        if one.calculation == "collateral":
            return ZERO
        moved = (closed - opened) * side * lots * one.per_price
        return self.money(self.in_account(one, moved, closed))

    def assets(self, one: Contract, lots: Number) -> Number:
        """What collateral counts for."""
        value = lots * one.contract * self.quotes[one.name][0] * one.liquidity
        return self.money(value * self.worth(one.profit, bought=False))

    # Margin.

    def through_itself(self, one: Contract) -> bool:
        """The margin is in a pair's base currency, and its price is in the account's."""
        return one.calculation in PAIRS and one.margin == one.base and one.profit == self.currency

    def margin_rate(self, one: Contract, side: int) -> Number:
        """Margin currency in the account's for a position that is opened now, to 12 decimals."""
        if self.through_itself(one) or one.calculation == "collateral":
            return Fraction(1)
        return at_digits(self.worth(one.margin, bought=side > 0), 12)

    def per_lot(self, one: Contract, price: Number, contract: Number) -> Number:
        """A lot's margin by the formula of its mode, in the margin currency."""
        leveraged = contract / self.leverage
        formulas = {
            "forex": leveraged,
            "forex_no_leverage": contract,
            "cfd": contract * price,
            "cfd_leverage": leveraged * price,
            "cfd_index": contract * price * (one.tick_value / one.step if one.tick_value else 1),
            "exch_stocks": contract * price,
            "exch_stocks_moex": contract * price,
            "exch_bonds": contract * one.face_value * price / 100,
            "exch_bonds_moex": contract * one.face_value * price / 100,
            "exch_options": one.per_price * contract / one.contract * price,
        }
        return formulas.get(one.calculation, ZERO)

    def bound(
        self, one: Contract, lots: Number, price: Number, rate: Number, factor: Number, kind: str
    ) -> Number:
        """Not rounded. `kind`: opening, holding, or hedged."""
        fixed = one.margin_initial
        if kind != "opening":
            fixed = one.margin_maintenance or fixed
        share = self.leverage if one.calculation in ("forex", "cfd_leverage") else 1
        each = fixed / share or self.per_lot(one, price, one.contract)
        if kind == "hedged" and one.margin_hedged is not None:
            each = one.margin_hedged / share
            if not one.margin_initial:
                each = self.per_lot(one, price, one.margin_hedged)
        if self.through_itself(one):
            each *= price
        return lots * each * factor * rate

    def factor(self, one: Contract, side: int) -> Number:
        """The broker's margin rate of a side."""
        return one.rate_long if side > 0 else one.rate_short

    def opening_margin(
        self, one: Contract, side: int, lots: Number, price: Number, rate: Number | None = None
    ) -> Number:
        """What opening asks for, by itself."""
        at = self.margin_rate(one, side) if rate is None else rate
        return self.money(self.bound(one, lots, price, at, self.factor(one, side), "opening"))

    def holding(self, one: Contract, held: Sequence[Held]) -> Number:
        """What positions of one symbol bind, not rounded."""
        total = {side: sum((p.lots for p in held if p.side == side), ZERO) for side in (1, -1)}

        def mean(of: Sequence[Held]) -> tuple[Number, Number]:
            lots = sum((p.lots for p in of), ZERO)
            return (
                sum((p.price * p.lots for p in of), ZERO) / lots,
                sum((p.rate * p.lots for p in of), ZERO) / lots,
            )

        def leg(side: int, lots: Number) -> Number:
            of = [position for position in held if position.side == side]
            if not lots:
                return ZERO
            return self.bound(one, lots, *mean(of), self.factor(one, side), "holding")

        if not (total[1] and total[-1]):
            return leg(1, total[1]) + leg(-1, total[-1])
        if one.larger_leg:
            return max(leg(1, total[1]), leg(-1, total[-1]))
        both = min(total.values())
        middle = (one.rate_long + one.rate_short) / 2
        covered = self.bound(one, both, *mean(held), middle, "hedged")
        return covered + sum((leg(side, total[side] - both) for side in (1, -1)), ZERO)

    def held_margin(self, one: Contract, held: Sequence[Held]) -> Number:
        """What positions of one symbol bind together."""
        return self.money(self.holding(one, held))

    def needed(
        self, one: Contract, held: Sequence[Held], side: int, lots: Number, price: Number,
        *, nets: bool,
    ) -> Number:  # fmt: skip
        """What opening binds on top of what is bound."""
        more = Held(side, lots, price, self.margin_rate(one, side))
        after = [*held, more]
        if nets and held and held[0].side != side:
            before, rest = held[0], held[0].lots - lots
            after = []
            if rest:
                kept = before if rest > 0 else more
                after = [Held(kept.side, abs(rest), kept.price, kept.rate)]
        net = sum((p.lots * p.side for p in held), ZERO) * side
        grown = max(ZERO, net + lots) - max(ZERO, net)
        factor = self.factor(one, side)
        dearer = self.bound(one, grown, price, more.rate, factor, "opening")
        dearer -= self.bound(one, grown, price, more.rate, factor, "holding")
        return self.money(self.holding(one, after) + dearer) - self.held_margin(one, held)

    # What holding and dealing cost.

    def swap(self, one: Contract, side: int, lots: Number, opened: Number, days: int) -> Number:
        """One rollover of so many days."""
        points = one.swap_long if side > 0 else one.swap_short
        bid, ask = self.quotes[one.name]
        close = bid if side > 0 else ask
        amount = points * lots * days
        if one.swap_mode == 4:
            return self.money(amount)
        if one.swap_mode == 3:
            return self.money(amount * self.worth(one.margin, bought=amount < 0))
        if one.swap_mode == 2:
            if self.way(one.base, self.currency) is None:
                in_profit = amount * close
                return self.money(self.in_account(one, in_profit, close))
            return self.money(amount * self.worth(one.base, bought=amount < 0))
        if one.calculation == "collateral":
            return ZERO
        if one.swap_mode == 1:
            in_profit = amount * one.per_price / 10**one.digits
        elif one.swap_mode in (5, 6):
            price = close if one.swap_mode == 5 else opened
            in_profit = amount * one.per_price * price / 100 / 360
        else:
            return ZERO
        return self.money(self.in_account(one, in_profit, close))

    def reopened(self, one: Contract, side: int, days: int) -> Number:
        """The opening price after a rollover in the modes 7 and 8."""
        bid, ask = self.quotes[one.name]
        price = ask if one.swap_mode == 7 and side < 0 else bid
        points = one.swap_long if side > 0 else one.swap_short
        moved = price - side * points * days / 10**one.digits
        return max(one.step, at_digits(moved / one.step, 0) * one.step)

    def commission(
        self, one: Contract, lots: Number, price: Number, per_lot: Number, percent: Number
    ) -> Number:
        """Of a deal: so much a lot, and of its value."""
        value = -lots * price * one.per_price
        in_account = self.in_account(one, value, price)
        return -self.money(per_lot * lots - in_account * percent / 100)

    def tick_values(self, one: Contract) -> tuple[Number, Number]:
        """Of profit and of loss, for a lot."""
        bid, ask = self.quotes[one.name]
        tick = one.step * one.per_price
        return self.in_account(one, tick, ask), -self.in_account(one, -tick, bid)
