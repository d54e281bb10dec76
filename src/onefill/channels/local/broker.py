"""The published broker interface: quick questions, answered None or False on failure, and why in
the session's log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from onefill.channels.local.names import broker_name
from onefill.channels.local.pool import MT5ConnectionPool
from onefill.channels.local.session import PooledSession
from onefill.model.errors import OnefillError
from onefill.model.market import MarketView
from onefill.model.symbol import Symbol
from onefill.terminal.port import OrderRow, Tick

if TYPE_CHECKING:
    from onefill.channels.local.engine import ExecutionEngine

T = TypeVar("T")

_KINDS = (
    "buy", "sell", "buy_limit", "sell_limit", "buy_stop", "sell_stop", "buy_stop_limit",
    "sell_stop_limit", "close_by",
)  # fmt: skip
_STATES = (
    "started", "placed", "canceled", "partial", "filled", "rejected", "expired", "request_add",
    "request_modify", "request_cancel",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """One quote. Prices as the broker quotes them, the timestamp is UTC."""

    symbol: str
    bid_price: float
    ask_price: float
    spread_pips: float
    mid_price: float
    timestamp: datetime


class BrokerInterface:
    """Questions to the broker through a pool's terminals."""

    def __init__(self, connection_pool: MT5ConnectionPool) -> None:
        self.pool = connection_pool
        #: Set by `create_execution_engine`; orders go through its nine stages.
        self.engine: ExecutionEngine | None = None
        self._names: dict[tuple[str, str], str] = {}

    def connect(self) -> bool:
        """Connect the pool; whether every session can be used. Their logs say why not."""
        try:
            return self.pool.connect()
        except OnefillError as wrong:
            for one in self.pool.sessions.values():
                one.log.warning(wrong.code, wrong.message)
            return False

    def get_market_snapshot(self, symbol: str) -> MarketSnapshot | None:
        """The quote in force; None where there is none."""

        def asked(session: PooledSession) -> MarketSnapshot | None:
            name = self.name_of(session, symbol)
            tick: Tick | None = session.call("symbol_info_tick", symbol=name).value
            terms: Symbol | None = session.call("symbol_info", symbol=name).value
            if tick is None or terms is None or not tick.bid or not tick.ask:
                session.log.warning("NO_MARKET_DATA", f"{name} has no quote")
                return None
            return MarketSnapshot(
                symbol=symbol,
                bid_price=tick.bid,
                ask_price=tick.ask,
                spread_pips=terms.pips_between(tick.ask, tick.bid),
                mid_price=(tick.bid + tick.ask) / 2,
                timestamp=datetime.fromtimestamp(tick.time_ms / 1_000, UTC),
            )

        return self._with_session(asked, None)

    def get_available_margin(self) -> float | None:
        """Free margin of the first usable session's account, in its currency."""

        def asked(session: PooledSession) -> float | None:
            account = session.call("account_info").value
            return None if account is None else float(account.margin_free)

        return self._with_session(asked, None)

    def is_symbol_tradable(self, symbol: str) -> bool:
        """Whether the broker offers it and lets positions in it be opened."""

        def asked(session: PooledSession) -> bool:
            terms: Symbol | None = session.call(
                "symbol_info", symbol=self.name_of(session, symbol)
            ).value
            return terms is not None and terms.trade_mode not in (0, 3)

        return self._with_session(asked, False)

    def is_market_open(self, symbol: str) -> bool:
        """Whether requests for it are taken now."""

        def asked(session: PooledSession) -> bool:
            view: MarketView | None = session.call(
                "look", symbol=self.name_of(session, symbol)
            ).value
            return view is not None and view.session_open and view.quote_ms > 0

        return self._with_session(asked, False)

    def place_order(
        self,
        symbol: str,
        direction: int,
        units: float,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        order_id: str | None = None,
    ) -> tuple[bool, str | None, str | None]:
        """A market order through the engine's nine stages: whether it filled (or works), the
        broker's order ticket, and why not. `order_id` makes it idempotent."""
        if self.engine is None:
            return False, None, "make an engine for this broker first: create_execution_engine"
        done = self.engine.place(
            symbol, direction, units, stop_loss, take_profit, order_id=order_id
        )
        good = done.status in ("filled", "partially_filled", "submitted")
        return good, str(done.ticket) if done.ticket else None, done.rejection_details

    def get_order_status(self, order_id: str | int) -> dict[str, Any] | None:
        """An order by the broker's ticket: order_id, symbol, type, volume, price, state, time."""

        def asked(session: PooledSession) -> dict[str, Any] | None:
            ticket = int(order_id)
            for name in ("orders_get", "history_orders_get"):
                rows: tuple[OrderRow, ...] = session.call(name, ticket=ticket).value or ()
                if rows:
                    return _status(rows[0])
            session.log.warning("ORDER_UNKNOWN", f"the broker shows no order {ticket}")
            return None

        if not (str(order_id).isascii() and str(order_id).isdecimal()):
            return None
        return self._with_session(asked, None)

    def name_of(self, session: PooledSession, symbol: str) -> str:
        """The broker's name of a symbol. Raises `OnefillError`."""
        known = self._names.get((session.name, symbol))
        if known is None:
            offered = session.call("symbols").value
            if offered is None:
                raise OnefillError("NOT_CONNECTED", session.trouble or "the terminal is away")
            known = broker_name(symbol, offered, self.pool.symbol_map)
            self._names[session.name, symbol] = known
        return known

    def _with_session(self, asked: Callable[[PooledSession], T], otherwise: T) -> T:
        """Ask a session of the pool; what goes wrong is logged, not raised."""
        told = list(self.pool.sessions.values())
        try:
            session = self.pool.any_usable()
            told = [session]
            with session.lock:
                return asked(session)
        except OnefillError as wrong:
            for one in told:
                one.log.warning(wrong.code, wrong.message)
            return otherwise


def _status(row: OrderRow) -> dict[str, Any]:
    return {
        "order_id": row.ticket,
        "symbol": row.symbol,
        "type": _KINDS[row.type],
        "volume": row.volume_initial,
        "price": row.price_open,
        "state": _STATES[row.state],
        "time": datetime.fromtimestamp((row.done_ms or row.setup_ms) / 1_000, UTC),
    }
