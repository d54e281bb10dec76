"""MT5's ticks: `copy_ticks_*` as numpy arrays, and the fields of `symbol_info_tick`.

Flags say what changed: 2 the bid, 4 the ask. A tick that repeats both was sent with both. Symbols
whose charts are drawn of the last price trade at the bid: each new bid is a deal of volume 1
(8 and 16).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.quotes.rows import Columns
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.terminal import SimulatedTerminal

COPY_ALL, COPY_INFO, COPY_TRADE = -1, 1, 2
_FLAG_BID, _FLAG_ASK, _FLAGS_TRADED = 2, 4, 8 | 16

TICKS = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
"""What a tick says; `time_msc` is the server's clock in ms."""

_INVALID = Answer(None, (-2, "Terminal: Invalid params"))
_NOT_FOUND = Answer(None, (-4, "Terminal: Not found"))
_FARTHEST_S = 32_503_680_000
#: Ticks told at a time: what that takes for a moment stays small.
_AT_ONCE = 1 << 20


class Ticks:
    """Ticks of one account's symbols, up to the time it has reached.

    Unknown symbols are `(-4, "Terminal: Not found")`, unknown flags and counts below 1
    `(-2, "Terminal: Invalid params")`. Without ticks arrays are empty.
    """

    def __init__(self, terminal: SimulatedTerminal) -> None:
        self._account = terminal.broker.account
        self._specifications = terminal.broker.profile.specifications

    def copy_ticks_from(self, name: str, from_s: float, count: int, flags: int) -> Answer:
        """The first `count` ticks at or after `from_s` (server time)."""
        if count < 1:
            return _INVALID if name in self._specifications else _NOT_FOUND
        return self._copied(name, from_s, _FARTHEST_S, flags, count)

    def copy_ticks_range(self, name: str, from_s: float, to_s: float, flags: int) -> Answer:
        """The ticks from `from_s` to `to_s`, both included (server time)."""
        return self._copied(name, from_s, to_s, flags, None)

    def _copied(
        self, name: str, from_s: float, to_s: float, flags: int, count: int | None
    ) -> Answer:
        if name not in self._specifications:
            return _NOT_FOUND
        if flags not in (COPY_ALL, COPY_INFO, COPY_TRADE) or from_s > to_s:
            return _INVALID
        listed, account = self._account.listed.get(name), self._account
        if listed is None:
            return Answer(np.empty(0, TICKS))
        from_ms = account.clock.utc_ms(ceil(max(from_s, 0.001) * 1_000))
        to_ms = account.clock.utc_ms(int(min(to_s, _FARTHEST_S) * 1_000))
        return Answer(_table(account, listed, from_ms, min(to_ms, account.now_ms), flags, count))


def tick_row(account: Account, listed: Listed) -> tuple[Any, ...] | None:
    """The fields of MT5's `Tick` for the quote in force; None where none has come."""
    feed, scale = listed.feed, listed.scale
    if feed.place < 0:
        return None
    bid, ask, before = feed.bid, feed.ask, feed.history.quote_before(feed.time_ms)
    flags = (_FLAG_BID if bid != before[0] else 0) | (_FLAG_ASK if ask != before[1] else 0)
    flags = flags or _FLAG_BID | _FLAG_ASK
    traded = _is_traded(listed)
    if traded and flags & _FLAG_BID:
        flags |= _FLAGS_TRADED
    time_ms = account.clock.server_ms(feed.time_ms)
    last = bid / scale if traded else 0.0
    lots = 1 if traded else 0
    return time_ms // 1_000, bid / scale, ask / scale, last, lots, time_ms, flags, float(lots)


def _is_traded(listed: Listed) -> bool:
    return listed.specification.terms.chart_mode == 1


def _table(
    account: Account, listed: Listed, from_ms: int, to_ms: int, flags: int, count: int | None
) -> NDArray[np.void]:
    history, traded = listed.feed.history, _is_traded(listed)
    if flags == COPY_TRADE and not traded:
        return np.empty(0, TICKS)
    parts, left = [], count
    before = history.quote_before(from_ms)
    for piece in _cut(history.between(from_ms, to_ms)):
        told = piece
        if flags != COPY_TRADE and left is not None:
            told = piece.cut(0, left)
        table = _told(account, listed, told, before)
        if flags == COPY_TRADE:
            table = table[table["flags"] & _FLAGS_TRADED != 0][:left]
        parts.append(table)
        before = int(piece.bid[-1]), int(piece.ask[-1])
        if left is not None:
            left -= len(table)
            if left <= 0:
                break
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, TICKS)


def _cut(pieces: Iterable[Columns]) -> Iterator[Columns]:
    """Pieces of no more than `_AT_ONCE` ticks."""
    for piece in pieces:
        for begin in range(0, len(piece.time_ms), _AT_ONCE):
            yield piece.cut(begin, begin + _AT_ONCE)


def _told(
    account: Account, listed: Listed, ticks: Columns, before: tuple[int, int]
) -> NDArray[np.void]:
    """Ticks in points and UTC as MT5 tells them; `before`: the quote before the first."""
    table: NDArray[np.void] = np.zeros(len(ticks.time_ms), TICKS)
    table["time_msc"] = account.clock.server_column(ticks.time_ms)
    table["time"] = table["time_msc"] // 1_000
    flags = np.zeros(len(table), np.uint32)
    columns = (("bid", ticks.bid, _FLAG_BID), ("ask", ticks.ask, _FLAG_ASK))
    for (name, points, flag), first in zip(columns, before, strict=True):
        table[name] = points / listed.scale
        changed = np.empty(len(table), np.bool_)
        changed[:1] = points[:1] != first
        np.not_equal(points[1:], points[:-1], out=changed[1:])
        flags |= changed * np.uint32(flag)
    flags[flags == 0] = _FLAG_BID | _FLAG_ASK
    if _is_traded(listed):
        flags[flags & _FLAG_BID != 0] |= np.uint32(_FLAGS_TRADED)
        table["last"] = table["bid"]
        table["volume"] = table["volume_real"] = 1
    table["flags"] = flags
    return table
