"""MT5's `market_book_*`: who listens to a symbol's depth, and what it is now."""

from __future__ import annotations

from onefill.model.volume import to_lots
from onefill.runtime.draws import Draws
from onefill.terminal.simulator.quotes.ladder import Quote, ladder
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.terminal import SimulatedTerminal

_NOT_FOUND = (-4, "Terminal: Not found")
_CALL_FAILED = (-1, "Terminal: Call failed")


class Depth:
    """Market depth of one account's symbols. Symbols without `ticks_bookdepth` have none, and it
    is told to those who asked for it with `market_book_add` only."""

    def __init__(self, terminal: SimulatedTerminal) -> None:
        self._account = terminal.broker.account
        self._specifications = terminal.broker.profile.specifications
        self._draws = Draws(terminal.broker.profile.broker.seed)
        #: How often each symbol's depth was asked for and not released.
        self._listening: dict[str, int] = {}

    def market_book_add(self, name: str) -> Answer:
        """Listen to a symbol's depth; several may."""
        one = self._specifications.get(name)
        if one is None:
            return Answer(False, _NOT_FOUND)
        if not one.terms.ticks_bookdepth:
            return Answer(False, _CALL_FAILED)
        self._listening[name] = self._listening.get(name, 0) + 1
        return Answer(True)

    def market_book_release(self, name: str) -> Answer:
        """Listen no longer."""
        if name not in self._specifications:
            return Answer(False, _NOT_FOUND)
        if name not in self._listening:
            return Answer(False, _CALL_FAILED)
        self._listening[name] -= 1
        if not self._listening[name]:
            del self._listening[name]
        return Answer(True)

    def market_book_get(self, name: str) -> Answer:
        """The levels, offers from the highest down, then bids: type, price, volume in whole lots
        and exactly. Empty before the first quote."""
        one = self._specifications.get(name)
        if one is None:
            return Answer(None, _NOT_FOUND)
        if name not in self._listening:
            return Answer(None, _CALL_FAILED)
        listed = self._account.listed.get(name)
        if listed is None or listed.feed.place < 0:
            return Answer(())
        feed, symbol = listed.feed, one.symbol
        levels = ladder(
            Quote(name, feed.time_ms, feed.bid, feed.ask),
            one.terms.ticks_bookdepth,
            one.tick_points,
            (symbol.volume_min_e8, symbol.volume_step_e8),
            self._draws,
        )
        rows = []
        for level in levels:
            lots = to_lots(level.volume_e8)
            rows.append((level.type, level.price / listed.scale, round(lots), lots))
        return Answer(tuple(rows))
