"""Market orders through nautilus_trader's backtest engine; imported only where it is installed.

Its easiest case, so that the comparison flatters the peer: a hedging account, one order on each
quote, every second one closing the position that the first opened (the same orders into a book of
ten thousand open positions took it a hundred times as long). Logging, and the analysis after a
run, are off; risk checks are on, as ours are.
"""

from __future__ import annotations

from decimal import Decimal
from time import perf_counter
from typing import Any

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model import Money, Price, Quantity, QuoteTick, Venue
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderStatus
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading import Strategy

_START_NS, _SECOND_NS = 1_772_409_600_000_000_000, 1_000_000_000
_EURUSD = TestInstrumentProvider.default_fx_ccy("EUR/USD", Venue("SIM"))
_QUOTES = (("1.08500", "1.08510"), ("1.08501", "1.08511"))


class OrderOnEachQuote(Strategy):  # type: ignore[misc]  # the peer is in an environment of its own
    """Opens 0.01 lot at the market on one quote and closes it on the next."""

    def on_start(self) -> None:
        """Ask for the quotes."""
        self.position_id: Any = None
        self.subscribe_quote_ticks(_EURUSD.id)

    def on_quote_tick(self, tick: Any) -> None:
        """Send one order."""
        side = OrderSide.BUY if self.position_id is None else OrderSide.SELL
        order = self.order_factory.market(_EURUSD.id, side, Quantity.from_int(1_000))
        self.submit_order(order, position_id=self.position_id)

    def on_order_filled(self, event: Any) -> None:
        """Know the position that the next order closes."""
        self.position_id = event.position_id if self.position_id is None else None


def orders_per_second(count: int) -> float:
    """Orders filled per second of the engine's run; building it and its quotes is not counted."""
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        _EURUSD.id.venue,
        OmsType.HEDGING,
        AccountType.MARGIN,
        [Money(1_000_000, USD)],
        base_currency=USD,
        default_leverage=Decimal(100),
    )
    engine.add_instrument(_EURUSD)
    engine.add_data([_quote(number) for number in range(count)])
    engine.add_strategy(OrderOnEachQuote())
    began = perf_counter()
    engine.run()
    took_s = perf_counter() - began
    filled = sum(order.status == OrderStatus.FILLED for order in engine.cache.orders())
    positions = len(engine.cache.positions())
    engine.dispose()
    assert filled == count, f"{filled} of {count} orders were filled"
    assert positions == (count + 1) // 2, f"{positions} positions of {count} orders"
    return count / took_s


def _quote(number: int) -> Any:
    """One a second: its risk engine lets no more than 100 orders a second pass."""
    bid, ask = (Price.from_str(price) for price in _QUOTES[number % 2])
    size, at_ns = Quantity.from_int(1_000_000), _START_NS + number * _SECOND_NS
    return QuoteTick(_EURUSD.id, bid, ask, size, size, at_ns, at_ns)
