"""MT5's functions over a simulated terminal: the table of `backend.py`, function by function.

Everything is answered at the time that the terminal has reached; whoever calls moves it. A trade
request may be under way for a while (latency): then a `Pending` comes back, and `finished` makes
the answer of the reply that the terminal's `collect` hands over under its number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onefill.model.errors import OnefillError
from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import AccountRow, Pending, Reply, Request
from onefill.terminal.simulator.arguments import trade_request
from onefill.terminal.simulator.surface.account_rows import account_row, terminal_row, version_row
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.surface.depth import Depth
from onefill.terminal.simulator.surface.masks import mask_of
from onefill.terminal.simulator.surface.rates import Rates
from onefill.terminal.simulator.surface.rows import answer_row
from onefill.terminal.simulator.surface.tables import FARTHEST_S, Tables
from onefill.terminal.simulator.surface.ticks import Ticks
from onefill.terminal.simulator.surface.watch import Watch
from onefill.terminal.simulator.terminal import SimulatedTerminal

_NOT_FOUND = Answer(None, (-4, "Terminal: Not found"))
_CALL_FAILED = Answer(False, (-1, "Terminal: Call failed"))
_NO_ACCESS = Answer(False, (-6, "Terminal: Authorization failed"))
_INVALID = Answer(None, (-2, "Terminal: Invalid params"))
#: What is answered here, not by the port, so that it is asked here whether an outage forbids it.
#: The terminal tells its version and its state without a connection.
_HERE = frozenset({
    "login", "symbols_total", "symbols_get", "symbol_info", "symbol_info_tick", "symbol_select",
    "market_book_add", "market_book_get", "market_book_release", "copy_rates_from",
    "copy_rates_from_pos", "copy_rates_range", "copy_ticks_from", "copy_ticks_range",
    "orders_total", "positions_total",
})  # fmt: skip
_TIMED_OUT = (-10005, "IPC timeout")
#: How long an answer is waited for, in the market's time.
TIMEOUT_MS = 60_000


class Functions:
    """What programs that are connected to one terminal share: Market Watch, and who is logged in.

    Times asked for and told are the server's clock.
    """

    def __init__(self, terminal: SimulatedTerminal) -> None:
        self.terminal = terminal
        self._account = account = terminal.broker.account
        self._profile = terminal.broker.profile
        self._settings = self._profile.broker
        #: The number that a program logged in with, where the broker takes any.
        self._login = 0
        self._watch = Watch(account, self._profile)
        rates, ticks, depth = Rates(terminal), Ticks(terminal), Depth(terminal)
        self._by_name: dict[str, Callable[..., Answer | Pending]] = {
            "login": self._log_in,
            "version": self._version,
            "account_info": self._account_info,
            "terminal_info": self._terminal_info,
            "symbols_total": self._symbols_total,
            "symbols_get": self._symbols_get,
            "symbol_info": self._symbol_info,
            "symbol_info_tick": self._symbol_info_tick,
            "symbol_select": self._symbol_select,
            "order_calc_margin": self._order_calc_margin,
            "order_calc_profit": self._order_calc_profit,
            "order_check": self._order_check,
            "order_send": self._order_send,
            "market_book_add": depth.market_book_add,
            "market_book_get": depth.market_book_get,
            "market_book_release": depth.market_book_release,
            "copy_rates_from": rates.copy_rates_from,
            "copy_rates_from_pos": rates.copy_rates_from_pos,
            "copy_rates_range": rates.copy_rates_range,
            "copy_ticks_from": ticks.copy_ticks_from,
            "copy_ticks_range": ticks.copy_ticks_range,
            **Tables(terminal).by_name,
        }

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer | Pending:
        """Answer a function of the table; KeyError for another name."""
        function = self._by_name[name]
        self._watch.follow_restarts()
        if name in _HERE:
            outage = self.terminal.outage(name)
            if outage is not None:
                return Answer(None, outage.error)
        try:
            return function(*arguments)
        except OnefillError as wrong:
            return Answer(None, (-1, f"Terminal: Call failed: {wrong}"))

    def finished(self, reply: Reply) -> Answer:
        """The answer to a trade request whose reply has come."""
        code, text = reply.error
        if reply.value is None:
            return Answer(None, _TIMED_OUT if code == port.TIMED_OUT else (code, text))
        return Answer(answer_row(reply.value), reply.error)

    def _ask(self, name: str, **arguments: Any) -> Reply:
        """What the port says; only trade requests wait for their reply."""
        reply = self.terminal.call(Request(name, arguments), self._account.now_ms)
        assert isinstance(reply, Reply), name
        return reply

    # The terminal and the account.

    def _log_in(self, login: int, password: str, server: str) -> Answer:
        """A broker without a password lets everybody in, under the number they give."""
        known = self._settings
        if known.password:
            if login != known.login or password not in ("", known.password):
                return _NO_ACCESS
            if server not in ("", known.server):
                return _NO_ACCESS
        self._login = login
        return Answer(True)

    def _version(self) -> Answer:
        return Answer(version_row())

    def _account_info(self) -> Answer:
        reply = self._ask("account_info")
        if reply.value is None:
            return Answer(None, reply.error)
        assert isinstance(reply.value, AccountRow)
        return Answer(account_row(reply.value, self._settings, self._account, self._login))

    def _terminal_info(self) -> Answer:
        return Answer(terminal_row(self._ask("ready").value, self._profile))

    # Symbols.

    def _symbols_total(self) -> Answer:
        return Answer(len(self._profile.specifications))

    def _symbols_get(self, group: str) -> Answer:
        names = list(self._profile.specifications)
        if group:
            names = list(filter(mask_of(group), names))
        return Answer(tuple([self._watch.symbol_row(name) for name in names]))

    def _symbol_info(self, name: str) -> Answer:
        if name not in self._profile.specifications:
            return _NOT_FOUND
        return Answer(self._watch.symbol_row(name))

    def _symbol_info_tick(self, name: str) -> Answer:
        row = self._watch.tick_row(name)
        return _NOT_FOUND if row is None else Answer(row)

    def _symbol_select(self, name: str, enable: bool) -> Answer:
        return Answer(True) if self._watch.select(name, enable) else _CALL_FAILED

    # Trading.

    def _order_calc_margin(self, action: int, name: str, volume: float, price: float) -> Answer:
        return _plain(
            self._ask("order_calc_margin", action=action, symbol=name, volume=volume, price=price)
        )

    def _order_calc_profit(
        self, action: int, name: str, volume: float, price_open: float, price_close: float
    ) -> Answer:
        if action not in (port.TYPE_BUY, port.TYPE_SELL):
            return _INVALID
        reply = self._ask(
            "order_calc_profit",
            action=action,
            symbol=name,
            volume=volume,
            price_open=price_open,
            price_close=price_close,
        )
        return _plain(reply)

    def _order_check(self, *fields: Any) -> Answer:
        asked = {"request": self._request(*fields)}
        request = trade_request(asked, self._settings.comment_accepted)
        if isinstance(request, Reply):
            return Answer(None, request.error)
        reply = self._ask("order_check", request=request)
        return Answer(None if reply.value is None else answer_row(reply.value), reply.error)

    def _order_send(self, *fields: Any) -> Answer | Pending:
        account = self._account
        request = Request(
            "order_send",
            {"request": self._request(*fields)},
            epoch=account.ledger.epoch,
            deadline_ms=account.now_ms + TIMEOUT_MS,
        )
        reply = self.terminal.call(request, account.now_ms)
        return reply if isinstance(reply, Pending) else self.finished(reply)

    def _request(
        self,
        action: int,
        magic: int,
        order: int,
        symbol: str,
        volume: float,
        price: float,
        stoplimit: float,
        sl: float,
        tp: float,
        deviation: int,
        type_: int,
        type_filling: int,
        type_time: int,
        expiration: int,
        comment: str,
        position: int,
        position_by: int,
    ) -> BrokerRequest:
        return BrokerRequest(
            action=action,
            symbol=symbol,
            magic=magic,
            order=order,
            volume=volume,
            price=price,
            stoplimit=stoplimit,
            sl=sl,
            tp=tp,
            deviation=deviation,
            type=type_,
            type_filling=type_filling,
            type_time=type_time,
            expiration_ms=self._account.clock.utc_ms(min(expiration, FARTHEST_S) * 1_000),
            comment=comment,
            position=position,
            position_by=position_by,
        )


def _plain(reply: Reply) -> Answer:
    return Answer(reply.value, reply.error)
