"""An account that an engine drives: its terminal's session, its desk, and its driver over the
journal. The published engine and the agent both trade through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.names import broker_name
from onefill.channels.local.session import PooledSession
from onefill.execution.desk import Desk, EquityMarks
from onefill.execution.drivers.live import LiveDriver
from onefill.execution.gate import Gate, OpenGate
from onefill.execution.told import Alarm
from onefill.journal.decision import decision
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.events import Alerted, Began
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.limits import Limits, load_limits, parse_limits
from onefill.runtime.clock import Clock, steady_ms
from onefill.terminal.port import AccountRow
from onefill.terminal.zone import ServerTime, parse_zone

TENANT = "local"
_REAL = 2
_NO_FILE = "no limits file (a real account needs one: limits under [files], or limits=...)"


class DrivenAccount:
    """Belongs to one loop. Orders of one account, exactly once."""

    def __init__(
        self,
        session: PooledSession,
        journal: Journal,
        writer: GroupWriter,
        limits: Limits | None,
        config: ExecutionEngineConfig,
        clock: Clock,
    ) -> None:
        self.session = session
        self.name = account_name(session)
        #: What may stop or hold back its orders from outside; set before `ready`.
        self.gate: Gate = OpenGate()
        #: Who looks at its equity between orders too; set before `ready`.
        self.equity_marks: EquityMarks | None = None
        #: Whether a close_all means positions that no order of ours opened, and our working orders;
        #: set before `ready`.
        self.close_all_manual = self.close_all_pending = False
        #: What the account's holder will lose of the equity in one trade, percent; 0: not said. Set
        #: before `ready`.
        self.max_risk_per_trade = 0.0
        #: Hears what the driver tells (`execution.told`), always durable.
        self.hear: Callable[[Any], None] = lambda what: None
        self._journal = journal
        self._writer = writer
        self._limits = limits
        self._config = config
        self._clock = clock
        self._offered: tuple[str, ...] | None = None
        self.driver: LiveDriver | None = None
        self._booting: asyncio.Task[LiveDriver] | None = None

    async def ready(self) -> LiveDriver:
        """The driver, once the account could be looked into; `NOT_CONNECTED` where that takes
        longer than the engine's patience. What was under way before a stop is taken up first."""
        if self.driver is None:
            if self._booting is None or (self._booting.done() and self._booting.exception()):
                self._booting = asyncio.create_task(self._boot())
            patience_s = self._config.connection_patience_seconds
            await asyncio.wait({self._booting}, timeout=patience_s)
            if not self._booting.done():
                raise not_connected(self.session)
            self.driver = self._booting.result()
        return self.driver

    async def _boot(self) -> LiveDriver:
        if not self.session.usable:
            await self.session.start()
        reply = await self.session.call_soon("account_info")
        account: AccountRow | None = reply.value
        if account is None or self.session.terminal is None:
            raise not_connected(self.session)
        if self.session.other_account(account.login, account.server):
            raise not_connected(
                self.session, self.session.other_account(account.login, account.server)
            )
        desk = Desk(
            tenant=TENANT,
            account=self.name,
            login=self.session.config.login,
            server=self.session.config.server or account.server,
            state=self._journal.state(self.name),
            find=lambda key: self._journal.find(self.name, key),
            limits=self._held_limits(account),
            clock=self._clock,
            gate=self.gate,
            equity_marks=self.equity_marks,
            day_of=ServerTime(parse_zone(self.session.config.time_zone or "UTC")).day_of,
            epoch=self._newest_epoch(),
            config=msgspec.structs.replace(
                self._config.execution(),
                close_all_manual=self.close_all_manual,
                close_all_pending=self.close_all_pending,
            ),
            steady_ms=steady_ms,
        )
        self._begin(account)
        driver = LiveDriver(desk, self._writer, self.session.terminal, self._hear)
        await driver.boot()
        return driver

    def _newest_epoch(self) -> int:
        """An epoch newer than any that the terminal has listened to: the journal may be newer than
        the account's fence (moved, or begun anew), and would be shut out for ever."""
        assert self.session.terminal is not None
        welcome = self.session.terminal.welcome
        fenced = welcome.epoch if welcome is not None else 0
        epoch = self._journal.take_epoch(self.name)
        while epoch <= fenced:
            epoch = self._journal.take_epoch(self.name)
        return epoch

    def _begin(self, account: AccountRow) -> None:
        """The account's first record says whose journal it is. Raises `OnefillError`
        (`JOURNAL_OF_ANOTHER_ACCOUNT`)."""
        made_from = {
            "login": str(account.login),
            "server": account.server,
            "currency": account.currency,
        }
        known = self._journal.state(self.name).made_from
        if not known:
            self._writer.append(self.name, Began(made_from=made_from), self._clock.now_ms())
        elif known != made_from:
            raise OnefillError(
                "JOURNAL_OF_ANOTHER_ACCOUNT",
                f"the journal of {self.name} is of {known}, the terminal shows {made_from}; give "
                "the engine a database of its own for it",
            )

    def _held_limits(self, account: AccountRow) -> Limits:
        """The caller's limits; without any the shipped ones, but none on a real account."""
        limits = self._limits
        if limits is None:
            real = account.trade_mode == _REAL
            limits = parse_limits("", _NO_FILE) if real else load_limits(None)
        config = self._config
        if self.max_risk_per_trade:
            risk = {"risk_per_trade_percent": self.max_risk_per_trade}
            limits = limits.tightened(risk, "the holder's profile")
        return limits.tightened(
            {
                "max_spread_pips": float(config.max_slippage_pips),
                "max_slippage_pips": float(config.max_slippage_pips),
                "margin_cushion": float(config.min_margin_cushion),
                "max_quote_age_s": float(config.max_tick_age_seconds),
            },
            "the engine's config",
        )

    def _hear(self, what: Any) -> None:
        if isinstance(what, Alarm):
            self.session.log.warning(what.alert.code, what.alert.message)
        self.hear(what)

    async def symbol(self, wanted: str, mapped: dict[str, str]) -> str:
        """The broker's name. Raises `OnefillError`."""
        if self._offered is None:
            self._offered = (await self.session.call_soon("symbols")).value
        if self._offered is None:
            raise not_connected(self.session)
        return broker_name(wanted, self._offered, mapped)

    def known(self, key: str) -> OrderState | None:
        """An order of the account by its key, live or over; None where there was none."""
        return self._journal.find(self.name, key)

    async def settle(self, key: str, to: State, *, by: str, reason: str, ticket: int) -> None:
        """A person's word on an order in quarantine; durable on return. Raises `OnefillError`
        (`NOT_RESOLVED`)."""
        order = self.known(key)
        if order is None:
            raise OnefillError("NOT_RESOLVED", f"there is no order {key!r} here")
        decided = decision(self.name, order, to, by=by, reason=reason, ticket=ticket)
        self._writer.append(self.name, decided, self._clock.now_ms())
        await self.durable()

    async def record(self, alert: Alerted) -> None:
        """Put on the account's record what a person must find there; durable on return."""
        self._writer.append(self.name, alert, self._clock.now_ms())
        await self.durable()

    async def durable(self) -> None:
        """Comes back when all that the journal holds is on the disk."""
        await self._writer.durable()

    async def close(self, patience_s: float) -> None:
        """Wait for what is under way."""
        if self._booting is not None and not self._booting.done():
            self._booting.cancel()
            await asyncio.wait({self._booting})
        if self.driver is not None:
            await self.driver.close(patience_s)


def account_name(session: PooledSession) -> str:
    """An account's name in the journal."""
    return f"{session.config.login}@{session.config.server}"


def not_connected(session: PooledSession, why: str = "") -> OnefillError:
    """Nothing can be sent for the account now."""
    reason = why or session.why_not_trading or "its terminal does not show the account"
    return OnefillError(
        "NOT_CONNECTED", f"session {session.name!r} cannot trade now: {reason}; nothing was sent"
    )
