"""The port's calls over an MT5 module in this process, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock, SystemClock
from onefill.terminal import port
from onefill.terminal.metatrader.broker_time import BrokerTime
from onefill.terminal.metatrader.changes import DAY_MS, ChangeLog
from onefill.terminal.metatrader.clock_watch import ClockWatch
from onefill.terminal.metatrader.looks import market_view, no_trade_because, not_there, shown
from onefill.terminal.metatrader.lookups import Arguments, Lookups
from onefill.terminal.metatrader.module import Module, connect, load_module
from onefill.terminal.metatrader.rows import result_of, symbol_of
from onefill.terminal.metatrader.sending import Gate, Sender, fields_of
from onefill.terminal.port import Ready, Reply, Request, Tick
from onefill.terminal.session import Session

#: History is told from so long before the start.
_HISTORY_DAYS = 30
#: A terminal that has just logged in fetches its history: so long may deals of open positions be
#: missing before the history is taken for what it is.
_SETTLE_MS = 30_000
#: The connection to the terminal is gone for good after so long: a new process gets a new one.
_LOST_MS = 10_000
#: `last_error` where the terminal itself cannot be reached (a time-out may pass).
_GONE = frozenset({-10001, -10002, -10003, -10004})


class TerminalLost(OnefillError):
    """The terminal has gone (closed, restarted, updated): the process that held it must end."""


def host(session: Session, clock: Clock | None = None) -> HostedTerminal:
    """Load the module, log in, and find the broker's clock. Raises `OnefillError`."""
    terminal = HostedTerminal(load_module(session), session, clock or SystemClock())
    terminal.connect()
    return terminal


class HostedTerminal:
    """Answers `terminal.port`'s calls (`terminal.worker.serve.Hosted`)."""

    def __init__(self, module: Module, session: Session, clock: Clock) -> None:
        """Raises `OnefillError` where the session's `time_zone` is none."""
        self._module = module
        self._session = session
        self._clock = clock
        self.broker_time = BrokerTime(session.time_zone)
        self._watch = ClockWatch(module, self.broker_time, clock)
        self._sender = Sender(module)
        self._log: ChangeLog | None = None
        self._settled = False
        self._began_ms = clock.now_ms()
        self._gone_since_ms = 0
        self._by_name: dict[str, Callable[[Arguments], Any]] = {
            **Lookups(module, self.broker_time).by_name,
            "symbol_info": self._symbol_info,
            "symbol_info_tick": self._symbol_info_tick,
            "look": self._look,
            "ready": self._ready,
            "changes": self._changes_since,
            "troubles": self._troubles,
        }

    def connect(self) -> None:
        """Log in, and watch quotes for the broker's clock. Raises `OnefillError`."""
        connect(self._module, self._session)
        self._watch.find()

    def close(self) -> None:
        """Log out and let go of the terminal."""
        self._module.shutdown()

    def call(self, request: Request, gate: Gate) -> Reply:
        """Answer a call, `last_error` with it. Raises `TerminalLost`."""
        if request.name == "order_send":
            return self._order_send(request, gate)
        answer = self._by_name.get(request.name)
        if answer is None:
            return Reply(None, (-2, f"the terminal has no call {request.name!r}"))
        try:
            value = answer(request.arguments)
        except KeyError as missing:
            return Reply(None, (-2, f"{request.name} needs the argument {missing}"))
        if isinstance(value, Reply):
            return value
        return Reply(value) if value is not None else Reply(None, self._module.last_error())

    def _order_send(self, request: Request, gate: Gate) -> Reply:
        wanted = request.arguments["request"]
        if wanted.expiration_ms and not self.broker_time.known:
            return Reply(None, (-2, "the broker's clock is not known; nothing was sent"))
        account = self._module.account_info()
        if account is None or account.login != self._session.login:
            return Reply(None, (port.NO_WORKER, _other_account(account)))
        reply = self._sender("order_send", fields_of(wanted, self.broker_time), gate)
        if reply.value is None:
            return reply
        if self._log is not None:
            self._log.sent(reply.value.order)
        return Reply(result_of(reply.value))

    # What only looks.

    def _symbol_info(self, arguments: Arguments) -> Any:
        row = shown(self._module, arguments["symbol"])
        if row is None:
            return None
        self._watch.saw(row.name)
        return symbol_of(row)

    def _symbol_info_tick(self, arguments: Arguments) -> Any:
        row = self._module.symbol_info_tick(arguments["symbol"])
        if row is None:
            return None
        self.broker_time.observe(arguments["symbol"], row.time_msc, self._clock.now_ms())
        return Tick(self.broker_time.utc_ms(row.time_msc), row.bid, row.ask)

    def _look(self, arguments: Arguments) -> Any:
        name, now_ms = arguments["symbol"], self._clock.now_ms()
        return market_view(self._module, self._sender, self.broker_time, name, now_ms)

    def _ready(self, _: Arguments) -> Any:
        """What is verified right before a send."""
        self._watch.glance()
        now_ms = self._clock.now_ms()
        terminal = self._module.terminal_info()
        account = self._module.account_info() if terminal is not None else None
        if terminal is None or account is None:
            self._note_gone(self._module.last_error()[0], now_ms)
            return not_there(now_ms, 0)
        self._gone_since_ms = 0
        log = self._history()
        orders = self._module.orders_get()
        # Each row takes its time: once their deals were seen, that there is an answer will do.
        positions = () if self._settled else self._module.positions_get()
        complete = False
        if log is not None and orders is not None and positions is not None:
            complete = log.glance(now_ms) and self._has_settled(log, positions, now_ms)
            complete = complete and self._module.positions_total() is not None
        tickets = [row.ticket for row in (*(orders or ()), *(positions or ()))]
        return Ready(
            connected=bool(terminal.connected),
            trade_allowed=not no_trade_because(terminal, account),
            synchronised=complete and not self.broker_time.mismatch(),
            login=account.login,
            server=account.server,
            server_ms=now_ms,
            last_ticket=max([log.last_ticket if log else 0, *tickets]),
        )

    def _note_gone(self, code: int, now_ms: int) -> None:
        if code not in _GONE:
            self._gone_since_ms = 0
            return
        self._gone_since_ms = self._gone_since_ms or now_ms
        if now_ms - self._gone_since_ms >= _LOST_MS:
            raise TerminalLost(
                "TERMINAL_LOST",
                f"the terminal has not been there for {_LOST_MS // 1_000} s ({code}); a new worker "
                "starts it again",
            )

    def _has_settled(self, log: ChangeLog, positions: Any, now_ms: int) -> bool:
        """Whether history is complete as far as anybody can tell: every open position's deals are
        there, or have been waited for long enough."""
        if not self._settled:
            clock = self.broker_time
            missing = [
                row
                for row in positions
                if row.identifier not in log.positions and clock.utc_ms(row.time_msc) > log.since_ms
            ]
            self._settled = not missing or now_ms - self._began_ms > _SETTLE_MS
        return self._settled

    def _history(self) -> ChangeLog | None:
        """None while the broker's clock is not known: no window of time can be asked for."""
        if self._log is None and self.broker_time.known:
            since_ms = self._clock.now_ms() - _HISTORY_DAYS * DAY_MS
            self._log = ChangeLog(self._module, self.broker_time, since_ms)
        return self._log

    def _changes_since(self, arguments: Arguments) -> Any:
        cursor, log = arguments["cursor"], self._history()
        if log is None:
            return Reply(None, (-1, "the broker's clock is not known yet"))
        return log.since(cursor) if log.look(self._clock.now_ms()) else None

    def _troubles(self, _: Arguments) -> Any:
        """What keeps it from trading, in sentences; empty where nothing does."""
        terminal = self._module.terminal_info()
        account = self._module.account_info() if terminal is not None else None
        if terminal is None or account is None:
            return None
        found = no_trade_because(terminal, account)
        if not terminal.connected:
            found.append("the terminal has no connection to the broker")
        if self.broker_time.mismatch():
            found.append(self.broker_time.mismatch())
        if not self.broker_time.known:
            found.append(
                "the broker's clock is not known: no fresh quote has come to tell it (is the "
                "market closed?); name it in the session, such as time_zone = 'Europe/Athens'"
            )
        elif not self._ready({}).synchronised and not self.broker_time.mismatch():
            found.append(
                "the terminal's history is not synchronised: it is still fetching it, or shows "
                "positions without their deals; wait, or restart the terminal"
            )
        return tuple(found)


def _other_account(account: Any) -> str:
    if account is None:
        return "the terminal does not tell which account is logged in; nothing was sent"
    return f"the terminal is logged in to account {account.login}; nothing was sent"
