"""What makes a readable line a tick: two prices, bid not above ask, time not going back.

A line that breaks a rule is skipped: times are compared with the last good line's. A blank price is
unchanged from the line above, good or skipped: what that line said is what the market had come to.
"""

from dataclasses import dataclass, replace

import numpy as np

from onefill.replay.tick_columns import Flags, Integers
from onefill.replay.tick_formats import Quotes
from onefill.replay.tick_lines import BLANK
from onefill.terminal.zone import ServerClock

_BEFORE_ANY = -(2**62)


@dataclass(slots=True)
class FileRules:
    """The rules along one file; keeps from block to block what the next line is held against."""

    digits: int
    #: Given when the times are the broker's.
    clock: ServerClock | None = None
    _time_ms: int = _BEFORE_ANY
    _bid: int = BLANK
    _ask: int = BLANK

    def ticks(self, quotes: Quotes) -> Quotes:
        """The quotes that are ticks: times in UTC, blanks filled in, refusals among the broken."""
        if not len(quotes.row):
            return quotes
        exists = None
        if self.clock is not None:
            utc_ms, exists = self.clock.utc_ms(quotes.time_ms)
            quotes = replace(quotes, time_ms=utc_ms)
        filled = replace(
            quotes, bid=_filled(quotes.bid, self._bid), ask=_filled(quotes.ask, self._ask)
        )
        self._bid, self._ask = int(filled.bid[-1]), int(filled.ask[-1])
        good = self._good(filled, exists)
        kept = filled if good.all() else self._without(filled, good, exists)
        if len(kept.row):
            self._time_ms = int(kept.time_ms[-1])
        return kept

    def _good(self, quotes: Quotes, exists: Flags | None) -> Flags:
        """Which quotes break no rule."""
        good = (quotes.bid > BLANK) & (quotes.ask > BLANK) & (quotes.bid <= quotes.ask)
        if exists is not None:
            good &= exists
        time_ms = quotes.time_ms[good] if not good.all() else quotes.time_ms
        before = np.maximum.accumulate(np.concatenate([[self._time_ms], time_ms[:-1]]))
        in_order = time_ms >= before
        if not in_order.all():
            good[good] = in_order
        return good

    def _without(self, quotes: Quotes, good: Flags, exists: Flags | None) -> Quotes:
        broken = list(quotes.broken)
        before = np.maximum.accumulate(np.where(good, quotes.time_ms, self._time_ms))
        for at in np.flatnonzero(~good).tolist():
            reason = self._reason(
                int(quotes.time_ms[at]),
                int(quotes.bid[at]),
                int(quotes.ask[at]),
                exists is None or bool(exists[at]),
                max(self._time_ms, int(before[at])),
            )
            assert reason is not None
            broken.append((int(quotes.row[at]), reason))
        return Quotes(
            quotes.row[good],
            quotes.time_ms[good],
            quotes.bid[good],
            quotes.ask[good],
            sorted(broken),
        )

    def _reason(self, time_ms: int, bid: int, ask: int, exists: bool, before_ms: int) -> str | None:
        if not exists:
            return "the broker's clock skips this hour: the time zone is not the broker's"
        for name, points in (("bid", bid), ("ask", ask)):
            if points == BLANK:
                return f"the {name} is blank, and no line above gives one"
        if bid > ask:
            return f"the bid {self._price(bid)} is above the ask {self._price(ask)}"
        if time_ms < before_ms:
            return f"the time goes back by {before_ms - time_ms} ms"
        return None

    def _price(self, points: int) -> str:
        return f"{points / 10**self.digits:.{self.digits}f}"


def _filled(column: Integers, last: int) -> Integers:
    """The column with each blank taken from above; `last` stands above the first."""
    if (column != BLANK).all():
        return column
    source = np.maximum.accumulate(np.where(column != BLANK, np.arange(len(column)), -1))
    return np.where(source >= 0, column[source], last)
