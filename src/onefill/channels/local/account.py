"""One account under the engine: its desk, its driver, and its answers."""

from __future__ import annotations

import asyncio
from typing import Any

from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.confirmation import (
    REJECTIONS,
    ExecutionConfirmation,
    moment,
    published,
    told,
)
from onefill.channels.local.names import broker_name
from onefill.channels.local.session import PooledSession
from onefill.execution.desk import Desk
from onefill.execution.drivers.live import LiveDriver
from onefill.execution.report import answer
from onefill.execution.told import Alarm
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.events import Began
from onefill.model.intent import OrderIntent, Side, intent_id
from onefill.model.order import OrderState
from onefill.model.volume import to_lots
from onefill.risk.limits import Limits, load_limits, parse_limits
from onefill.runtime.clock import Clock
from onefill.terminal.port import AccountRow

TENANT = "local"
_REAL = 2
_NO_FILE = "no limits file (a real account needs one: create_execution_engine(limits=...))"


class TradedAccount:
    """Belongs to the pool's loop. Orders of one account, exactly once."""

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
                raise _not_connected(self.session)
            self.driver = self._booting.result()
        return self.driver

    async def _boot(self) -> LiveDriver:
        if not self.session.usable:
            await self.session.start()
        reply = await self.session.call_soon("account_info")
        account: AccountRow | None = reply.value
        if account is None or self.session.terminal is None:
            raise _not_connected(self.session)
        if self.session.other_account(account.login, account.server):
            raise _not_connected(
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
            epoch=self._newest_epoch(),
            config=self._config.execution(),
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

    async def symbol(self, wanted: str, mapped: dict[str, str]) -> str:
        """The broker's name. Raises `OnefillError`."""
        if self._offered is None:
            self._offered = (await self.session.call_soon("symbols")).value
        if self._offered is None:
            raise _not_connected(self.session)
        return broker_name(wanted, self._offered, mapped)

    def known(self, key: str) -> OrderState | None:
        """An order of the account by its key, live or over; None where there was none."""
        return self._journal.find(self.name, key)

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

    def confirmation(
        self, order: OrderState, *, units: float, symbol: str
    ) -> ExecutionConfirmation:
        """How an order stands, in the published words."""
        stands = answer(order)
        status, reason, details = told(stands)
        slipped = stands.slippage_pips
        too_far = slipped is not None and slipped > self._config.max_slippage_pips
        if status in ("filled", "partially_filled") and reason is None and too_far:
            reason = "slippage_exceeded"
            details = (
                f"it filled {slipped:g} pips worse than intended, beyond max_slippage_pips "
                f"{self._config.max_slippage_pips:g}; the position is open and was kept"
            )
        return ExecutionConfirmation(
            execution_id=order.intent_id,
            order_id=order.key,
            status=status,
            symbol=symbol,
            direction=_direction(order.intent),
            intended_units=units,
            executed_units=self._units(order, stands.filled_volume),
            fill_price=stands.fill_price,
            slippage_pips=slipped,
            rejection_reason=reason,
            rejection_details=details,
            timestamp=moment(order.filled_ms or order.submitted_ms or order.received_ms),
            ticket=stands.order_ticket or 0,
            position_ticket=stands.position_ticket or 0,
            volume_lots=to_lots(order.asked_e8),
            units_left=order.order.units_left if order.order else 0.0,
            session=self.session.name,
        )

    def _units(self, order: OrderState, lots: float) -> float:
        """Units that so many lots are, from what the order asked for: a restart knows no symbols
        yet."""
        resolved, asked = order.order, to_lots(order.asked_e8)
        if resolved is None or not lots:
            return 0.0
        if order.intent.units is not None and asked:
            return round((order.intent.units - resolved.units_left) * lots / asked, 8)
        terms = self.driver.desk.symbols.get(resolved.symbol) if self.driver else None
        return round(lots * terms.contract_size, 8) if terms else 0.0

    def refused(
        self, key: str, symbol: str, direction: int, units: float, why: OnefillError
    ) -> ExecutionConfirmation:
        """An answer to what was never taken."""
        return refusal(self.session, key, symbol, direction, units, why, self._clock.now_ms())


def refusal(
    session: PooledSession,
    key: str,
    symbol: str,
    direction: int,
    units: float,
    why: OnefillError,
    now_ms: int,
) -> ExecutionConfirmation:
    """An answer to what was never taken; it needs no journal."""
    return ExecutionConfirmation(
        execution_id=intent_id(TENANT, account_name(session), key),
        order_id=key,
        status="rejected",
        symbol=symbol,
        direction=direction,
        intended_units=units,
        rejection_reason=_reason(why),
        rejection_details=f"{why.code}: {why.message}",
        timestamp=moment(now_ms),
        session=session.name,
    )


def account_name(session: PooledSession) -> str:
    """An account's name in the journal."""
    return f"{session.config.login}@{session.config.server}"


def _direction(intent: OrderIntent) -> int:
    return -1 if intent.side is Side.SELL else 1


def _reason(why: OnefillError) -> str:
    return published(why.code) or (why.code if why.code in REJECTIONS else "unknown")


def _not_connected(session: PooledSession, why: str = "") -> OnefillError:
    reason = why or session.why_not_trading or "its terminal does not show the account"
    return OnefillError(
        "NOT_CONNECTED", f"session {session.name!r} cannot trade now: {reason}; nothing was sent"
    )
