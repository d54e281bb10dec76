"""Money of one currency in another, through the quotes of the broker's currency pairs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.contract import FOREX
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
    """The currency pairs among the broker's symbols: those that are reckoned as forex."""

    def __init__(self, specifications: Iterable[Specification], feeds: Mapping[str, Feed]) -> None:
        self._legs: dict[str, dict[str, Leg]] = {}
        self._found: dict[tuple[str, str], Conversion | None] = {}
        for one in specifications:
            symbol = one.symbol
            if one.calculation in FOREX:
                feed, scale = feeds[symbol.name], 10**symbol.digits
                self._add(symbol.base, symbol.profit, Leg(feed, scale, inverse=False))
                self._add(symbol.profit, symbol.base, Leg(feed, scale, inverse=True))

    def _add(self, given: str, got: str, leg: Leg) -> None:
        self._legs.setdefault(given, {}).setdefault(got, leg)

    def find(self, given: str, got: str, symbol: str) -> Conversion:
        """The way with the fewest legs; of several the first in the symbols' order.

        Raises `OnefillError` (`CURRENCY_NOT_CONVERTIBLE`), naming the symbol that needs it.
        """
        way = self.search(given, got)
        if way is None:
            raise OnefillError(
                "CURRENCY_NOT_CONVERTIBLE",
                f"{symbol} needs {given} in {got}, the account's currency, and no loaded symbol "
                f"quotes it; add ticks of {given}{got} or {got}{given}, or choose another "
                "--currency",
            )
        return way

    def search(self, given: str, got: str) -> Conversion | None:
        """As `find`; None where there is no way."""
        if given == got:
            return SAME
        key = (given, got)
        if key not in self._found:
            self._found[key] = self._search(given, got)
        return self._found[key]

    def _search(self, given: str, got: str) -> Conversion | None:
        ways: dict[str, tuple[Leg, ...]] = {given: ()}
        waiting = deque([given])
        while waiting:
            at = waiting.popleft()
            for reached, leg in self._legs.get(at, {}).items():
                if reached not in ways:
                    ways[reached] = (*ways[at], leg)
                    waiting.append(reached)
            if got in ways:
                return Conversion(ways[got])
        return None
