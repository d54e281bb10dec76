"""What the generated market is made of: a factor for each currency, and one for each symbol that is
no currency pair. A pair is the ratio of its two factors, so crosses agree with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log

from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.sessions import trading_day
from onefill.terminal.simulator.specification import Specification


@dataclass(frozen=True, slots=True)
class FactorPlan:
    """A path of its own: its name, volatility of a year (0.08: 8 %), and whether it never rests."""

    name: str
    volatility: float
    all_week: bool


@dataclass(frozen=True, slots=True)
class Blueprint:
    """How one symbol's quotes are made up."""

    symbol: str
    factor: FactorPlan
    #: What the price is told in, for a pair.
    against: FactorPlan | None
    #: Natural logarithm of the mid price at the start of 2019, in steps of the price.
    start: float
    #: Points of a step of the price.
    step_points: int
    #: The usual spread in steps.
    spread: float
    #: The spread never changes.
    fixed: bool
    #: Ticks a minute in a quiet hour.
    ticks: float
    sessions: tuple[str, ...]
    #: The server's days (from 1970-01-01) on which it is first and last quoted; None: no bound.
    first_day: int | None
    last_day: int | None

    @property
    def all_week(self) -> bool:
        """Whether it is quoted at weekends."""
        return self.factor.all_week


@dataclass
class _Levels:
    """What is known of the currencies: logarithm of their price and their volatility."""

    prices: dict[str, float] = field(default_factory=dict)
    volatilities: dict[str, float] = field(default_factory=dict)


def blueprints(profile: Profile) -> dict[str, Blueprint]:
    """Of all symbols that can be made up, in the profile's order: those with a price, and pairs
    whose currencies have one through others."""
    around = len(profile.broker.prefix), len(profile.broker.suffix)
    pairs = {
        name: one for name, one in profile.specifications.items() if _is_pair(one, name, *around)
    }
    levels = _levels(pairs.values())
    weekly = {one.symbol.base: _all_week(one) for one in pairs.values()}
    found = {}
    for name, one in profile.specifications.items():
        made = _pair(one, levels, weekly) if name in pairs else _single(one)
        if made is not None:
            found[name] = made
    return found


def _is_pair(one: Specification, name: str, prefix: int, suffix: int) -> bool:
    bare = name[prefix : len(name) - suffix]
    symbol = one.symbol
    return symbol.base != symbol.profit and bare == symbol.base + symbol.profit


def _all_week(one: Specification) -> bool:
    """What can be traded at any time is quoted at any time; crypto whatever its sessions."""
    return not one.terms.sessions or "crypto" in f"{one.terms.path} {one.terms.category}".lower()


def _levels(pairs: Iterable[Specification]) -> _Levels:
    """Walk from pair to pair. Volatilities are independent: squares of both make the pair's."""
    priced = [one for one in pairs if one.terms.generated_price > 0]
    levels = _Levels()
    while priced:
        root = _root(priced)
        calmest = min(
            one.terms.generated_volatility
            for one in priced
            if root in (one.symbol.base, one.symbol.profit)
        )
        levels.prices[root], levels.volatilities[root] = 0.0, calmest / 100 / 2**0.5
        while any(_reach(one, levels) for one in priced):
            pass
        priced = [one for one in priced if one.symbol.base not in levels.prices]
    return levels


def _root(priced: list[Specification]) -> str:
    """The currency of most pairs; of several the first."""
    counts: dict[str, int] = {}
    for one in priced:
        for currency in (one.symbol.profit, one.symbol.base):
            counts[currency] = counts.get(currency, 0) + 1
    return max(counts, key=lambda currency: counts[currency])


def _reach(one: Specification, levels: _Levels) -> bool:
    """Learn a currency from one that is known."""
    base, profit, terms = one.symbol.base, one.symbol.profit, one.terms
    if (base in levels.prices) == (profit in levels.prices):
        return False
    known, new = (base, profit) if base in levels.prices else (profit, base)
    price = log(terms.generated_price)
    levels.prices[new] = levels.prices[known] + (price if new == base else -price)
    pair = terms.generated_volatility / 100
    rest = pair**2 - levels.volatilities[known] ** 2
    levels.volatilities[new] = max(rest, pair**2 / 4) ** 0.5
    return True


def _pair(one: Specification, levels: _Levels, all_week: Mapping[str, bool]) -> Blueprint | None:
    base, profit = one.symbol.base, one.symbol.profit
    if base not in levels.prices or profit not in levels.prices:
        return None
    factors = [
        FactorPlan(currency, levels.volatilities[currency], all_week.get(currency, False))
        for currency in (base, profit)
    ]
    start = levels.prices[base] - levels.prices[profit]
    return _blueprint(one, factors[0], factors[1], start)


def _single(one: Specification) -> Blueprint | None:
    terms = one.terms
    if terms.generated_price <= 0:
        return None
    name = f"symbol {one.symbol.name}"
    factor = FactorPlan(name, terms.generated_volatility / 100, _all_week(one))
    return _blueprint(one, factor, None, log(terms.generated_price))


def _blueprint(
    one: Specification, factor: FactorPlan, against: FactorPlan | None, start: float
) -> Blueprint:
    terms, step = one.terms, one.tick_points
    return Blueprint(
        symbol=one.symbol.name,
        factor=factor,
        against=against,
        start=start + log(10**one.symbol.digits / step),
        step_points=step,
        spread=(terms.spread or terms.generated_spread) / step,
        fixed=terms.spread > 0,
        ticks=terms.generated_ticks,
        sessions=terms.sessions,
        first_day=trading_day(terms.start),
        last_day=trading_day(terms.expiration),
    )
