"""What happened on the account since a cursor, from a terminal that keeps no such cursor.

History is asked for again and again, each time from a while before the newest row seen: brokers
write late, and in any order. A cursor is the time of the newest row told, and a little more where
later rows were older than that, so that no two answers share one. A cursor that another process
gave (the worker was replaced) is told again what happened from a while before it; who follows an
account knows its deals by their tickets.
"""

from __future__ import annotations

from typing import Any

from onefill.terminal.metatrader.broker_time import BrokerTime
from onefill.terminal.metatrader.rows import deal_of, order_of
from onefill.terminal.port import Changes, DealRow, OrderRow

#: How late a broker may write history and still be seen; longer than a clock changes by.
OVERLAP_MS = 7_200_000
DAY_MS = 86_400_000
#: With no more rows than this in that while, all of it is asked for at every look: a look comes
#: before every send, and costs as much as it has rows.
FEW_ROWS = 50
#: With more, it is asked for whole only so often that so many rows a second are told again, and a
#: glance right before a send believes a look that is no older than this.
TOLD_AGAIN_PER_S = 1_000
GLANCE_MS = 100
#: Cursors remembered: more than there are engines, so that an answer that was lost is told again.
_REMEMBERED = 64


class ChangeLog:
    """Finished orders and deals in the order in which they were first seen."""

    def __init__(self, module: Any, clock: BrokerTime, since_ms: int) -> None:
        self._module = module
        self._clock = clock
        self.since_ms = since_ms
        self._newest_ms = since_ms + OVERLAP_MS
        self._rows: list[OrderRow | DealRow] = []
        self._orders: set[int] = set()
        self._deals: set[int] = set()
        #: Cursors that this process gave, and how many rows had been told then; the latest few.
        self._given: dict[int, int] = {}
        self._last_cursor = 0
        #: Rows in the overlap, when all of it was looked at last, and when anything was.
        self._in_overlap = 0
        self._whole_ms = self._looked_ms = since_ms
        #: Positions of which a deal was seen.
        self.positions: set[int] = set()
        #: The highest order ticket seen.
        self.last_ticket = 0

    def look(self, now_ms: int) -> bool:
        """Take in what is new; False where the terminal does not show its history (`last_error`
        says why)."""
        whole = self._few or now_ms >= self._whole_ms + self._in_overlap * 1_000 // TOLD_AGAIN_PER_S
        begin_ms = min(self._newest_ms, now_ms) - (OVERLAP_MS if whole else 0)
        from_s = self._clock.server_ms(begin_ms) // 1_000
        to_s = self._clock.server_ms(now_ms + DAY_MS) // 1_000
        orders = self._module.history_orders_get(from_s, to_s)
        if orders is None:
            return False
        deals = self._module.history_deals_get(from_s, to_s)
        if deals is None:
            return False
        fresh: list[OrderRow | DealRow] = []
        for row in orders:
            if row.ticket not in self._orders:
                self._orders.add(row.ticket)
                fresh.append(order_of(row, self._clock))
                self.last_ticket = max(self.last_ticket, row.ticket)
        for row in deals:
            if row.ticket not in self._deals:
                self._deals.add(row.ticket)
                self.positions.add(row.position_id)
                fresh.append(deal_of(row, self._clock))
                self.last_ticket = max(self.last_ticket, row.order)
        fresh.sort(key=_at_ms)
        self._rows += fresh
        if fresh:
            self._newest_ms = max(self._newest_ms, _at_ms(fresh[-1]))
        self._looked_ms = now_ms
        self._in_overlap += len(fresh)
        if whole:
            self._whole_ms, self._in_overlap = now_ms, len(orders) + len(deals)
        return True

    def glance(self, now_ms: int) -> bool:
        """`look`, unless there is much to look at and that was done a moment ago."""
        return (not self._few and 0 <= now_ms - self._looked_ms < GLANCE_MS) or self.look(now_ms)

    def sent(self, ticket: int) -> None:
        """The broker answered a send with this order."""
        self.last_ticket = max(self.last_ticket, ticket)

    @property
    def _few(self) -> bool:
        return self._in_overlap <= FEW_ROWS

    def since(self, cursor: int) -> Changes:
        """Rows from a cursor on; 0: all."""
        told = self._given.get(cursor)
        if told is not None:
            rows = self._rows[told:]
        else:
            rows = [row for row in self._rows if _at_ms(row) >= cursor - OVERLAP_MS]
        return Changes(
            cursor=self._reached(cursor),
            orders=tuple([row for row in rows if isinstance(row, OrderRow)]),
            deals=tuple([row for row in rows if isinstance(row, DealRow)]),
        )

    def _reached(self, cursor: int) -> int:
        """A cursor for all rows there are: the last one again where nothing came since."""
        count = len(self._rows)
        last = self._last_cursor
        if last >= cursor and self._given.get(last) == count:
            return last
        reached = max(self._newest_ms, cursor, last + 1)
        self._given[reached] = count
        self._last_cursor = reached
        while len(self._given) > _REMEMBERED:
            del self._given[next(iter(self._given))]
        return reached


def _at_ms(row: OrderRow | DealRow) -> int:
    return row.done_ms if isinstance(row, OrderRow) else row.time_ms
