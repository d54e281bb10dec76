"""MT5's `copy_rates_*`: bars as numpy arrays, on the server's clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.account import Listed
from onefill.terminal.simulator.quotes.bars import SPANS_MS, bars_between, last_bars
from onefill.terminal.simulator.quotes.rows import Rows
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.terminal import SimulatedTerminal

MAX_BARS = 100_000
"""`terminal_info().maxbars`: a call that asks for so many is refused."""

RATES = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)
"""What a bar says: when it opens (seconds), its prices, ticks, smallest spread (points)."""

_INVALID = Answer(None, (-2, "Terminal: Invalid params"))
_NOT_FOUND = Answer(None, (-4, "Terminal: Not found"))
#: The year 3000, in seconds: what lies beyond is taken for it.
_FARTHEST_S = 32_503_680_000


class Rates:
    """Bars of one account's symbols, as they stand at the time it has reached.

    Unknown symbols are `(-4, "Terminal: Not found")`; unknown timeframes, counts below 1 and calls
    at or beyond `MAX_BARS` `(-2, "Terminal: Invalid params")`. Without bars arrays are empty.
    """

    def __init__(self, terminal: SimulatedTerminal) -> None:
        self._account = terminal.broker.account
        self._specifications = terminal.broker.profile.specifications

    def copy_rates_from(self, name: str, timeframe: int, from_s: float, count: int) -> Answer:
        """The last `count` bars that open at or before `from_s` (server time)."""
        if count < 1 or count >= MAX_BARS:
            return self._refused(name)
        return self._last(name, timeframe, count, _ms(from_s))

    def copy_rates_from_pos(self, name: str, timeframe: int, position: int, count: int) -> Answer:
        """`count` bars up to the one at `position`; 0 is the unfinished one."""
        if position < 0 or count < 1 or position + count >= MAX_BARS:
            return self._refused(name)
        return self._last(name, timeframe, position + count, _ms(_FARTHEST_S), count)

    def copy_rates_range(self, name: str, timeframe: int, from_s: float, to_s: float) -> Answer:
        """The bars that open from `from_s` to `to_s`, both included (server time)."""
        if name in self._specifications and (timeframe not in SPANS_MS or from_s > to_s):
            return _INVALID
        listed = self._account.listed.get(name)
        if listed is None:
            return self._without_quotes(name, timeframe)
        account, history = self._account, listed.feed.history
        until_ms = min(_ms(to_s), account.clock.server_ms(account.now_ms) + 86_400_000)
        from_ms = max(_ms(from_s), account.clock.server_ms(history.first_ms) - 32 * 86_400_000)
        # A span in which there can be too many is asked from its end: it is refused before all
        # of it is made.
        if (until_ms - from_ms) // SPANS_MS[timeframe] >= 2 * MAX_BARS:
            found = last_bars(history, account.clock, timeframe, MAX_BARS, until_ms, account.now_ms)
            found = found[np.searchsorted(found["begin_ms"], from_ms) :]
        else:
            found = bars_between(
                history, account.clock, timeframe, (from_ms, until_ms), account.now_ms
            )
        return _INVALID if len(found) >= MAX_BARS else _told(found, listed)

    def _last(
        self, name: str, timeframe: int, count: int, upto_ms: int, first: int | None = None
    ) -> Answer:
        listed = self._account.listed.get(name)
        if listed is None or timeframe not in SPANS_MS:
            return self._without_quotes(name, timeframe)
        account = self._account
        found = last_bars(
            listed.feed.history, account.clock, timeframe, count, upto_ms, account.now_ms
        )
        # Positions count from the newest bar: `count` of them, less those that are newer.
        return _told(
            found if first is None else found[: max(0, len(found) - count + first)], listed
        )

    def _refused(self, name: str) -> Answer:
        return _INVALID if name in self._specifications else _NOT_FOUND

    def _without_quotes(self, name: str, timeframe: int) -> Answer:
        if name not in self._specifications:
            return _NOT_FOUND
        return _INVALID if timeframe not in SPANS_MS else Answer(np.empty(0, RATES))


def _ms(seconds: float) -> int:
    """Seconds as whole ms, within what MT5's times can be."""
    return round(min(max(seconds, 0.0), _FARTHEST_S) * 1_000)


def _told(rows: Rows, listed: Listed) -> Answer:
    """Bars in points and ms as MT5 tells them."""
    bars: NDArray[np.void] = np.zeros(len(rows), RATES)
    bars["time"] = rows["begin_ms"] // 1_000
    for name in ("open", "high", "low", "close"):
        bars[name] = rows[name] / listed.scale
    bars["tick_volume"] = rows["volume"]
    bars["spread"] = rows["spread"]
    if listed.specification.terms.chart_mode:
        bars["real_volume"] = rows["volume"]
    return Answer(bars)
