"""What the terminal shows of finished orders and deals, and what of it comes late (a fault)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from onefill.terminal.port import Changes, DealRow, OrderRow
from onefill.terminal.simulator.entries import Dealt, Ordered
from onefill.terminal.simulator.ledger import Ledger

_LOOKS = 2
"""An order that history hides is missed by so many looks at most."""


def _at_ms(row: Ordered | Dealt) -> int:
    return row.at_ms


class _Hidden:
    """The end of an order that history does not show yet."""

    __slots__ = ("missed", "place", "until_ms")

    def __init__(self, place: int, until_ms: int) -> None:
        self.place = place
        self.until_ms = until_ms
        self.missed = 0


class History:
    """The ledger's history as calls show it. Windows are inclusive, by when an order ended."""

    def __init__(self, ledger: Ledger, lag_ms: int = 0) -> None:
        """`lag_ms`: everything is shown so much later than it happened."""
        self._ledger = ledger
        self._lag_ms = lag_ms
        #: The place behind the last row that the lag lets through: at least the deposit.
        self._through = 1
        self._let_through(ledger.last_ms)
        self._hidden: dict[int, _Hidden] = {}
        for row in ledger.history:
            if isinstance(row, Ordered) and row.hidden_ms > ledger.last_ms:
                self.hide(row)

    def hide(self, row: Ordered) -> None:
        """Do not show a finished order, nor its deals from here on, before `hidden_ms`."""
        place = self._ledger.finished[row.ticket]
        self._hidden[row.ticket] = _Hidden(place, row.hidden_ms)

    def next_reveal_ms(self) -> int | None:
        """When the next row that is not shown will be."""
        history = self._ledger.history
        found: int | None = None
        if self._lag_ms and self._through < len(history):
            found = history[self._through].at_ms + self._lag_ms
        for hidden in self._hidden.values():
            if found is None or hidden.until_ms < found:
                found = hidden.until_ms
        return found

    def reveal(self, now_ms: int) -> bool:
        """Show what is no longer hidden; whether there was any."""
        before = self._through
        self._let_through(now_ms)
        over = [ticket for ticket, hidden in self._hidden.items() if hidden.until_ms <= now_ms]
        for ticket in over:
            del self._hidden[ticket]
        return bool(over) or self._through > before

    def _let_through(self, now_ms: int) -> None:
        history = self._ledger.history
        if self._lag_ms and self._through < len(history):
            self._through = max(1, bisect_right(history, now_ms - self._lag_ms, key=_at_ms))

    @property
    def end(self) -> int:
        """The cursor behind the last row that `changes` shows."""
        end = len(self._ledger.history)
        if self._lag_ms:
            end = min(end, self._through)
        if not self._hidden:
            return end
        return min(end, *(hidden.place for hidden in self._hidden.values()))

    def changes(self, cursor: int) -> Changes:
        """Everything from a cursor on; hidden rows hold back what came after them."""
        end = self.end
        rows = self._ledger.history[cursor:end]
        return Changes(
            cursor=max(cursor, end),
            orders=tuple([row for row in rows if isinstance(row, Ordered)]),
            deals=tuple([row for row in rows if isinstance(row, Dealt)]),
        )

    def deals_of_order(self, ticket: int) -> tuple[DealRow, ...]:
        """The deals of one order."""
        history = self._ledger.history
        places = self._ledger.deals_of.get(ticket, ())
        return tuple(self._deals([(place, history[place]) for place in places]))

    def deals_of_position(self, ticket: int) -> tuple[DealRow, ...]:
        """The deals of one position."""
        return tuple(self._deals(self._of_position(ticket)))

    def deals_between(self, from_ms: int, to_ms: int) -> tuple[DealRow, ...]:
        """The deals of a window of time."""
        return tuple(self._deals(self._between(from_ms, to_ms)))

    def order(self, ticket: int) -> tuple[OrderRow, ...]:
        """One finished order."""
        place = self._ledger.finished.get(ticket)
        if place is None or self._lags(place):
            return ()
        return tuple(self._orders([(place, self._ledger.history[place])]))

    def orders_of_position(self, ticket: int) -> tuple[OrderRow, ...]:
        """The finished orders of one position."""
        return tuple(self._orders(self._of_position(ticket)))

    def orders_between(self, from_ms: int, to_ms: int) -> tuple[OrderRow, ...]:
        """The orders that ended in a window of time."""
        return tuple(self._orders(self._between(from_ms, to_ms)))

    def _of_position(self, ticket: int) -> list[tuple[int, Ordered | Dealt]]:
        history = self._ledger.history
        return [(place, history[place]) for place in self._ledger.of_position.get(ticket, ())]

    def _between(self, from_ms: int, to_ms: int) -> Iterable[tuple[int, Ordered | Dealt]]:
        history = self._ledger.history
        begin = bisect_left(history, from_ms, key=_at_ms)
        end = bisect_right(history, to_ms, key=_at_ms)
        return enumerate(history[begin:end], begin)

    def _deals(self, rows: Iterable[tuple[int, Ordered | Dealt]]) -> list[DealRow]:
        return [
            row
            for place, row in rows
            if isinstance(row, Dealt) and self._shown(row.order, place) and not self._lags(place)
        ]

    def _orders(self, rows: Iterable[tuple[int, Ordered | Dealt]]) -> list[OrderRow]:
        """Finished orders among rows; those that are hidden count a look that missed them."""
        return [
            row
            for place, row in rows
            if isinstance(row, Ordered) and not self._lags(place) and self._seen(row, place)
        ]

    def _lags(self, place: int) -> bool:
        return self._lag_ms > 0 and place >= self._through

    def _shown(self, ticket: int, place: int) -> bool:
        hidden = self._hidden.get(ticket)
        return hidden is None or place < hidden.place

    def _seen(self, row: Ordered, place: int) -> bool:
        if self._shown(row.ticket, place):
            return True
        hidden = self._hidden[row.ticket]
        if hidden.missed < _LOOKS:
            hidden.missed += 1
            return False
        del self._hidden[row.ticket]
        return True
