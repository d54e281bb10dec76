"""Order requests through vn.py's event engine; imported only where it is installed.

A request is an event; its handler sends it to a gateway that fills it at once with an order event
and a trade event, and vn.py's own order management keeps both. Logging is off; there is no
broker, no account and no risk check: it is what the event engine alone can carry.
"""

from __future__ import annotations

from threading import Event as Flag
from time import perf_counter
from typing import Any

from vnpy.event import Event, EventEngine
from vnpy.trader.constant import Direction, Exchange, OrderType, Status
from vnpy.trader.engine import OmsEngine
from vnpy.trader.event import EVENT_TRADE
from vnpy.trader.gateway import BaseGateway
from vnpy.trader.object import OrderRequest, TradeData

_REQUEST = "eOrderRequest."
_PATIENCE_S = 120.0


class FillingGateway(BaseGateway):  # type: ignore[misc]  # the peer is in an environment of its own
    """Answers each order with its fill."""

    def __init__(self, event_engine: Any) -> None:
        super().__init__(event_engine, "SIM")
        self._sent = 0

    def send_order(self, request: Any) -> str:
        """Fill the order whole; returns its id."""
        self._sent += 1
        number = str(self._sent)
        order = request.create_order_data(number, self.gateway_name)
        order.status, order.traded = Status.ALLTRADED, order.volume
        self.on_order(order)
        trade = TradeData(
            gateway_name=self.gateway_name,
            symbol=request.symbol,
            exchange=request.exchange,
            orderid=number,
            tradeid=number,
            direction=request.direction,
            price=request.price,
            volume=request.volume,
        )
        self.on_trade(trade)
        return str(order.vt_orderid)

    def connect(self, setting: dict[str, Any]) -> None:
        """Nothing to connect to."""

    def close(self) -> None:
        """Nothing to close."""

    def subscribe(self, request: Any) -> None:
        """No quotes are needed."""

    def cancel_order(self, request: Any) -> None:
        """Nothing is left to cancel."""

    def query_account(self) -> None:
        """No account is kept."""

    def query_position(self) -> None:
        """No positions are kept."""


def orders_per_second(count: int) -> float:
    """Requests put, filled and their trade events handled per second."""
    engine = EventEngine()
    gateway, management = FillingGateway(engine), OmsEngine(None, engine)
    handled, done = 0, Flag()

    def count_trade(_: Any) -> None:
        nonlocal handled
        handled += 1
        if handled == count:
            done.set()

    engine.register(_REQUEST, lambda event: gateway.send_order(event.data))
    engine.register(EVENT_TRADE, count_trade)
    engine.start()
    began = perf_counter()
    for number in range(count):
        engine.put(Event(_REQUEST, _order(number)))
    done.wait(_PATIENCE_S)
    took_s = perf_counter() - began
    engine.stop()
    kept = len(management.orders), len(management.trades)
    assert (handled, *kept) == (count, count, count), f"{handled} of {count} orders, kept {kept}"
    return count / took_s


def _order(number: int) -> Any:
    return OrderRequest(
        symbol="EURUSD",
        exchange=Exchange.OTC,
        direction=Direction.SHORT if number % 2 else Direction.LONG,
        type=OrderType.MARKET,
        volume=0.01,
        price=1.0851,
    )
