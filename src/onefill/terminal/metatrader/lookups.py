"""The port's looking calls over an MT5 module, each one function of the module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onefill.terminal.metatrader.broker_time import BrokerTime
from onefill.terminal.metatrader.rows import account_of, deal_of, order_of, position_of

Arguments = Mapping[str, Any]


class Lookups:
    """None where MT5 gives None; a KeyError names an argument that is missing."""

    def __init__(self, module: Any, clock: BrokerTime) -> None:
        self._module = module
        self._clock = clock
        self.by_name: dict[str, Callable[[Arguments], Any]] = {
            "account_info": self._account_info,
            "orders_get": self._orders_get,
            "positions_get": self._positions_get,
            "history_orders_get": self._history_orders_get,
            "history_deals_get": self._history_deals_get,
            "order_calc_margin": self._order_calc_margin,
            "order_calc_profit": self._order_calc_profit,
            "symbols": self._symbols,
        }

    def _account_info(self, _: Arguments) -> Any:
        row = self._module.account_info()
        return None if row is None else account_of(row)

    def _symbols(self, _: Arguments) -> Any:
        rows = self._module.symbols_get()
        return None if rows is None else tuple([row.name for row in rows])

    def _orders_get(self, arguments: Arguments) -> Any:
        rows = self._module.orders_get(**_named(arguments))
        return None if rows is None else tuple([order_of(row, self._clock) for row in rows])

    def _positions_get(self, arguments: Arguments) -> Any:
        rows = self._module.positions_get(**_named(arguments))
        return None if rows is None else tuple([position_of(row, self._clock) for row in rows])

    def _history_orders_get(self, arguments: Arguments) -> Any:
        rows = self._history("history_orders_get", arguments)
        return None if rows is None else tuple([order_of(row, self._clock) for row in rows])

    def _history_deals_get(self, arguments: Arguments) -> Any:
        rows = self._history("history_deals_get", arguments)
        return None if rows is None else tuple([deal_of(row, self._clock) for row in rows])

    def _history(self, name: str, arguments: Arguments) -> Any:
        """By ticket, by position, or in a window of UTC times, which is asked for in the broker's
        time: whole seconds, as MT5 keeps them, never a datetime (whose zone would be this
        machine's)."""
        function = getattr(self._module, name)
        if "from_ms" not in arguments:
            return function(**_named(arguments))
        from_s = self._clock.server_ms(arguments["from_ms"]) // 1_000
        to_s = -(-self._clock.server_ms(arguments["to_ms"]) // 1_000)
        return function(from_s, to_s)

    def _order_calc_margin(self, arguments: Arguments) -> Any:
        names = ("action", "symbol", "volume", "price")
        return self._module.order_calc_margin(*[arguments[name] for name in names])

    def _order_calc_profit(self, arguments: Arguments) -> Any:
        names = ("action", "symbol", "volume", "price_open", "price_close")
        return self._module.order_calc_profit(*[arguments[name] for name in names])


def _named(arguments: Arguments) -> dict[str, Any]:
    """Filters by name; without any, MT5 answers with all that is open."""
    return {name: arguments[name] for name in ("symbol", "ticket", "position") if name in arguments}
