"""A module that is called as MetaTrader5 is, in the forms that the real one takes, and counts what
reached the broker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from onefill.runtime.clock import VirtualClock
from onefill.terminal.metatrader.hosted import HostedTerminal
from onefill.terminal.port import Reply, Request
from onefill.terminal.session import Session

T0 = 1_772_409_600_000
LOGIN, SERVER = 5012345, "Broker-Demo"
SESSION = Session(name="main", login=LOGIN, server=SERVER, password="hush-hush")
SUCCESS = (1, "Success")
NOT_UNNAMED = (-2, "Unnamed arguments not allowed")


def named(**fields: Any) -> SimpleNamespace:
    """A row."""
    return SimpleNamespace(**fields)


def deal_row(ticket: int, at_ms: int, **more: Any) -> SimpleNamespace:
    """`TradeDeal`; the time is the server's."""
    fields = {
        "ticket": ticket, "order": ticket, "position_id": ticket, "symbol": "EURUSD", "type": 0,
        "entry": 0, "magic": 0, "reason": 3, "volume": 0.1, "price": 1.1, "profit": 0.0,
        "commission": 0.0, "swap": 0.0, "fee": 0.0, "comment": "", "time_msc": at_ms,
    }  # fmt: skip
    return named(**fields | more)


def order_row(ticket: int, at_ms: int, **more: Any) -> SimpleNamespace:
    """`TradeOrder`, finished; times are the server's."""
    fields = {
        "ticket": ticket, "symbol": "EURUSD", "type": 0, "state": 4, "magic": 0,
        "volume_initial": 0.1, "volume_current": 0.0, "price_open": 1.1, "sl": 0.0, "tp": 0.0,
        "price_stoplimit": 0.0, "comment": "", "time_setup_msc": at_ms, "time_done_msc": at_ms,
        "time_expiration": 0, "position_id": ticket, "position_by_id": 0, "type_filling": 1,
        "type_time": 0, "reason": 3,
    }  # fmt: skip
    return named(**fields | more)


def position_row(ticket: int, at_ms: int, **more: Any) -> SimpleNamespace:
    """`TradePosition`."""
    fields = {
        "ticket": ticket, "identifier": ticket, "symbol": "EURUSD", "type": 0, "magic": 0,
        "volume": 0.1, "price_open": 1.1, "price_current": 1.1, "sl": 0.0, "tp": 0.0, "profit": 0.0,
        "swap": 0.0, "comment": "", "time_msc": at_ms, "time_update_msc": at_ms, "reason": 3,
    }  # fmt: skip
    return named(**fields | more)


class FakeModule:
    """Every function answers what its attribute says, or None and an error from `errors`."""

    def __init__(self, form: str = "dict") -> None:
        self.form = form
        self.error = SUCCESS
        #: Errors by function: it answers None then.
        self.errors: dict[str, tuple[int, str]] = {}
        self.sent: list[dict[str, Any]] = []
        self.called: list[str] = []
        self.given: dict[str, Any] = {}
        self.tick = named(time_msc=T0, bid=1.1, ask=1.1001)
        self.symbol = named(
            name="EURUSD", visible=True, select=True, digits=5, point=1e-5, trade_tick_size=1e-5,
            trade_tick_value_loss=1.0, trade_contract_size=100_000.0, volume_min=0.01,
            volume_max=100.0, volume_step=0.01, currency_base="EUR", currency_profit="USD",
            currency_margin="EUR", trade_stops_level=0, trade_freeze_level=0, filling_mode=1,
            expiration_mode=15, order_mode=127, trade_exemode=2, trade_mode=4,
        )  # fmt: skip
        self.account = named(
            login=LOGIN, server=SERVER, currency="USD", currency_digits=2, leverage=100,
            balance=10_000.0, equity=10_000.0, margin=0.0, margin_free=10_000.0, profit=0.0,
            margin_mode=2, trade_mode=0, trade_allowed=True, trade_expert=True,
        )  # fmt: skip
        self.terminal = named(connected=True, trade_allowed=True, tradeapi_disabled=False)
        self.orders: tuple[Any, ...] = ()
        self.positions: tuple[Any, ...] = ()
        self.past_orders: list[Any] = []
        self.past_deals: list[Any] = []
        self.check = named(retcode=0)
        self.initialized: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        #: What `initialize` says to credentials; None: it takes them.
        self.refusal: tuple[int, str] | None = None

    def last_error(self) -> tuple[int, str]:
        return self.error

    def _answer(self, name: str, value: Any) -> Any:
        self.called.append(name)
        self.error = self.errors.get(name, SUCCESS)
        return None if name in self.errors else value

    def initialize(self, *path: str, **given: Any) -> bool:
        assert len(path) <= 1
        assert set(given) <= {"login", "password", "server", "timeout", "portable"}
        assert isinstance(given.get("login", 0), int)
        self.initialized.append((path, given))
        refused = self.refusal is not None and "login" in given
        self.error = (self.refusal or SUCCESS) if refused else SUCCESS
        return not refused and "initialize" not in self.errors

    def shutdown(self) -> None:
        self.called.append("shutdown")

    def terminal_info(self) -> Any:
        return self._answer("terminal_info", self.terminal)

    def account_info(self) -> Any:
        return self._answer("account_info", self.account)

    def symbols_get(self, *, group: str = "") -> Any:
        return self._answer("symbols_get", (self.symbol,))

    def symbol_info(self, name: str, /) -> Any:
        if name != self.symbol.name:
            self.error = (-4, "Terminal: Not found")
            return None
        return self._answer("symbol_info", self.symbol)

    def symbol_info_tick(self, name: str, /) -> Any:
        return self._answer("symbol_info_tick", self.tick if self.symbol.select else None)

    def symbol_select(self, name: str, enable: bool = True, /) -> bool:
        self.symbol.select = self.symbol.visible = enable
        return True

    def orders_total(self) -> Any:
        return self._answer("orders_total", len(self.orders))

    def positions_total(self) -> Any:
        return self._answer("positions_total", len(self.positions))

    def orders_get(self, *, symbol: str = "", group: str = "", ticket: int = 0) -> Any:
        return self._answer("orders_get", self.orders)

    def positions_get(self, *, symbol: str = "", group: str = "", ticket: int = 0) -> Any:
        return self._answer("positions_get", self.positions)

    def history_orders_get(self, *window: Any, **by: Any) -> Any:
        return self._answer("history_orders_get", self._of(self.past_orders, window, by))

    def history_deals_get(self, *window: Any, **by: Any) -> Any:
        return self._answer("history_deals_get", self._of(self.past_deals, window, by))

    def _of(self, rows: list[Any], window: tuple[Any, ...], by: dict[str, Any]) -> tuple[Any, ...]:
        assert set(by) <= {"group", "ticket", "position"}
        if not window:
            assert by
            return tuple(row for row in rows if row.position_id == by.get("position"))
        assert len(window) == 2
        assert all(type(end) is int for end in window)
        begin, end = window
        times = [getattr(row, "time_done_msc", 0) or row.time_msc for row in rows]
        return tuple(
            row for row, at_ms in zip(rows, times, strict=True) if begin <= at_ms // 1_000 <= end
        )

    def order_calc_margin(self, action: int, name: str, volume: float, price: float, /) -> Any:
        return self._answer("order_calc_margin", 1_100.0 * volume)

    def order_check(self, *request: Any, **fields: Any) -> Any:
        return self._taken("order_check", request, fields, self.check)

    def order_send(self, *request: Any, **fields: Any) -> Any:
        result = named(
            retcode=10009, deal=7, order=8, volume=0.1, price=1.1, bid=1.1, ask=1.1001,
            comment="Request executed", request_id=1, retcode_external=0,
        )  # fmt: skip
        return self._taken("order_send", request, fields, result)

    def _taken(self, name: str, request: Any, fields: dict[str, Any], result: Any) -> Any:
        self.called.append(name)
        if self.form == "dict" and (fields or not request):
            self.error = (-2, "Invalid number of arguments")
            return None
        if self.form == "neither" or (self.form == "keywords" and request):
            self.error = NOT_UNNAMED
            return None
        if self.form == "no keywords" and fields:
            raise TypeError(f"{name}() takes no keyword arguments")
        if name == "order_send":
            self.sent.append(fields or dict(request[0]))
        self.error = self.errors.get(name, SUCCESS)
        return None if name in self.errors else result


class Hall:
    """A hosted fake terminal, at a time that the test moves."""

    def __init__(self, module: FakeModule, session: Session = SESSION) -> None:
        self.module = module
        self.clock = VirtualClock(T0)
        self.hosted = HostedTerminal(module, session, self.clock)

    def call(self, name: str, gate: Any = lambda: None, **arguments: Any) -> Reply:
        """One call of the port."""
        return self.hosted.call(Request(name, arguments), gate)

    def ask(self, name: str, **arguments: Any) -> Any:
        """Its value."""
        return self.call(name, **arguments).value

    def quotes(self, *, ahead_ms: int = 0, count: int = 3) -> None:
        """Ticks come, one a second, stamped by a server's clock that is so far ahead."""
        for _ in range(count):
            self.clock.advance(self.clock.now_ms() + 5_000)
            self.module.tick.time_msc = self.clock.now_ms() + ahead_ms - 40
            self.ask("ready")


def with_clock(module: FakeModule | None = None, ahead_ms: int = 7_200_000) -> Hall:
    """A terminal whose server is two hours ahead, and known to be."""
    hall = Hall(module or FakeModule())
    hall.quotes(ahead_ms=ahead_ms)
    assert hall.hosted.broker_time.found_ms == ahead_ms
    return hall
