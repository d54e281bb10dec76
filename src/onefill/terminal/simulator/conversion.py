"""Money of one currency in another, through the quotes of the symbols that are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.market import Feed
from onefill.terminal.simulator.specification import Specification


class Leg(NamedTuple):
    """One exchange: through a symbol whose base is what is given, or (inverse) what is got."""

    feed: Feed
    #: Points in one unit of price.
    scale: int
    inverse: bool


class Conversion:
    """A way from one currency to another; no leg where they are the same."""

    def __init__(self, legs: tuple[Leg, ...] = ()) -> None:
        self.legs = legs

    @property
    def is_quoted(self) -> bool:
        """Whether every symbol on the way has a quote."""
        return all(leg.feed.place >= 0 for leg in self.legs)

    def rate(self, *, buying: bool) -> tuple[int, int]:
        """What one unit is worth, as a fraction: at the price at which it is bought, or sold.

        Losses and the margin of buys are reckoned as if their currency had to be bought.
        """
        above = below = 1
        for feed, scale, inverse in self.legs:
            if inverse:
                above *= scale
                below *= feed.bid if buying else feed.ask
            else:
                above *= feed.ask if buying else feed.bid
                below *= scale
        return above, below


SAME = Conversion()


class Exchange:
    """The currency pairs among the loaded symbols."""

    def __init__(self, specifications: Iterable[Specification], feeds: Mapping[str, Feed]) -> None:
        self._legs: dict[str, dict[str, Leg]] = {}
        for one in specifications:
            symbol = one.symbol
            if one.calculation == "forex":
                feed, scale = feeds[symbol.name], 10**symbol.digits
                self._add(symbol.base, symbol.profit, Leg(feed, scale, inverse=False))
                self._add(symbol.profit, symbol.base, Leg(feed, scale, inverse=True))

    def _add(self, given: str, got: str, leg: Leg) -> None:
        self._legs.setdefault(given, {}).setdefault(got, leg)

    def find(self, given: str, got: str, symbol: str) -> Conversion:
        """The way with the fewest legs, two at most; of several the first in the symbols' order.

        Raises `OnefillError` (`CURRENCY_NOT_CONVERTIBLE`), naming the symbol that needs it.
        """
        if given == got:
            return SAME
        ways = self._legs.get(given, {})
        if got in ways:
            return Conversion((ways[got],))
        for middle, leg in ways.items():
            last = self._legs[middle].get(got)
            if last is not None:
                return Conversion((leg, last))
        raise OnefillError(
            "CURRENCY_NOT_CONVERTIBLE",
            f"{symbol} needs {given} in {got}, the account's currency, and no loaded symbol "
            f"quotes it; add ticks of {given}{got} or {got}{given}, or choose another --currency",
        )
