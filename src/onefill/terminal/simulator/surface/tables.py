"""Orders, positions, finished orders and deals as MT5's `..._get` and `..._total` give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onefill.terminal.port import DealRow, OrderRow, PositionRow, Reply, Request
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.surface.masks import mask_of
from onefill.terminal.simulator.surface.rows import deal_row, order_row, position_row
from onefill.terminal.simulator.terminal import SimulatedTerminal

FARTHEST_S = 32_535_215_999
"""Moments that are asked for lie so far from 1970 at most (s): MT5's own times end in 3000."""


class Tables:
    """Rows of one account. Windows are inclusive and on the server's clock, in whole seconds."""

    def __init__(self, terminal: SimulatedTerminal) -> None:
        self._terminal = terminal
        self._account = terminal.broker.account
        self.by_name: dict[str, Callable[..., Answer]] = {
            "orders_total": self._orders_total,
            "orders_get": self._orders_get,
            "positions_total": self._positions_total,
            "positions_get": self._positions_get,
            "history_orders_total": self._history_orders_total,
            "history_orders_get": self._history_orders_get,
            "history_deals_total": self._history_deals_total,
            "history_deals_get": self._history_deals_get,
        }

    def _ask(self, name: str, arguments: dict[str, Any]) -> Reply:
        reply = self._terminal.call(Request(name, arguments), self._account.now_ms)
        assert isinstance(reply, Reply), name
        return reply

    def _orders_total(self) -> Answer:
        return Answer(len(self._account.ledger.orders) if self._is_ours() else 0)

    def _positions_total(self) -> Answer:
        return Answer(len(self._account.ledger.positions) if self._is_ours() else 0)

    def _is_ours(self) -> bool:
        """Whether no fault has logged another account in, which has nothing."""
        return self._account.trouble("wrong_account") is None

    def _orders_get(self, symbol: str, group: str, ticket: int) -> Answer:
        reply = self._ask("orders_get", _wanted(symbol, group, ticket))
        if reply.value is None:
            return Answer(None, reply.error)
        found: tuple[OrderRow, ...] = _in_group(reply.value, group)
        return Answer(tuple([self._order(row) for row in found]))

    def _positions_get(self, symbol: str, group: str, ticket: int) -> Answer:
        reply = self._ask("positions_get", _wanted(symbol, group, ticket))
        if reply.value is None:
            return Answer(None, reply.error)
        found: tuple[PositionRow, ...] = _in_group(reply.value, group)
        clock = self._account.clock
        return Answer(tuple([position_row(row, clock) for row in found]))

    def _history_orders_total(self, from_s: float, to_s: float) -> Answer:
        return _counted(self._ask("history_orders_get", self._window(from_s, to_s)))

    def _history_deals_total(self, from_s: float, to_s: float) -> Answer:
        return _counted(self._ask("history_deals_get", self._window(from_s, to_s)))

    def _history_orders_get(
        self, from_s: float | None, to_s: float | None, group: str, ticket: int, position: int
    ) -> Answer:
        reply = self._history("history_orders_get", from_s, to_s, ticket, position)
        if reply.value is None:
            return Answer(None, reply.error)
        found: tuple[OrderRow, ...] = _in_group(reply.value, group)
        return Answer(tuple([self._finished(row) for row in found]))

    def _history_deals_get(
        self, from_s: float | None, to_s: float | None, group: str, ticket: int, position: int
    ) -> Answer:
        reply = self._history("history_deals_get", from_s, to_s, ticket, position)
        if reply.value is None:
            return Answer(None, reply.error)
        found: tuple[DealRow, ...] = _in_group(reply.value, group)
        clock = self._account.clock
        return Answer(tuple([deal_row(row, clock) for row in found]))

    def _history(
        self, name: str, from_s: float | None, to_s: float | None, ticket: int, position: int
    ) -> Reply:
        """A ticket goes before a position, and both before a window."""
        if ticket:
            return self._ask(name, {"ticket": ticket})
        if position:
            return self._ask(name, {"position": position})
        return self._ask(name, self._window(from_s or 0.0, to_s or 0.0))

    def _window(self, from_s: float, to_s: float) -> dict[str, Any]:
        utc_ms = self._account.clock.utc_ms
        return {
            "from_ms": utc_ms(_whole(from_s) * 1_000),
            "to_ms": utc_ms(_whole(to_s) * 1_000) + 999,
        }

    def _order(self, row: OrderRow) -> tuple[Any, ...]:
        """A working order, with the price that it would be dealt at now."""
        price, listed = 0.0, self._account.listed.get(row.symbol)
        if listed is not None and listed.feed.place >= 0:
            feed = listed.feed
            price = (feed.bid if row.type % 2 else feed.ask) / listed.scale
        return order_row(row, price, self._account.clock)

    def _finished(self, row: OrderRow) -> tuple[Any, ...]:
        return order_row(row, row.price_open, self._account.clock)


def _whole(seconds: float) -> int:
    return int(max(-FARTHEST_S, min(seconds, FARTHEST_S)) // 1)


def _wanted(symbol: str, group: str, ticket: int) -> dict[str, Any]:
    """A symbol goes before a ticket, and so does a group."""
    if symbol:
        return {"symbol": symbol}
    if ticket and not group:
        return {"ticket": ticket}
    return {}


def _in_group(rows: tuple[Any, ...], group: str) -> tuple[Any, ...]:
    if not group:
        return rows
    belongs = mask_of(group)
    return tuple([row for row in rows if belongs(row.symbol)])


def _counted(reply: Reply) -> Answer:
    return Answer(None if reply.value is None else len(reply.value), reply.error)
