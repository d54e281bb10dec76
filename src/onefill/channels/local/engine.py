"""The published engine: a decision in, a confirmation out; nine stages and a journal between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, TypeVar

from onefill.channels.local.account import TradedAccount, account_name, refusal
from onefill.channels.local.broker import BrokerInterface
from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.confirmation import ExecutionConfirmation
from onefill.channels.local.database import ExecutionDatabase
from onefill.channels.local.group import GroupConfirmation, execute_legs, read_legs
from onefill.channels.local.names import broker_name
from onefill.channels.local.rpm import Decided, read_decision, read_trade
from onefill.channels.local.session import PooledSession
from onefill.execution.intake import same_content
from onefill.journal.group_writer import GroupWriter
from onefill.model.errors import OnefillError
from onefill.model.intent import OrderIntent
from onefill.model.order import OrderState
from onefill.risk.limits import Limits, load_limits
from onefill.runtime.secret import new_secret

T = TypeVar("T")


def create_execution_engine(
    broker: BrokerInterface,
    database: ExecutionDatabase | None = None,
    config: ExecutionEngineConfig | None = None,
    limits: Limits | str | Path | None = None,
) -> ExecutionEngine:
    """An engine over a broker's pool. `limits` names a limits file; without one the shipped limits
    hold on a demo account, and a real one denies every order.

    Raises `OnefillError`: limits that cannot be read, a journal that another engine writes.
    """
    held = load_limits(Path(limits)) if isinstance(limits, str | Path) else limits
    engine = ExecutionEngine(
        broker, database or ExecutionDatabase(), config or ExecutionEngineConfig(), held
    )
    broker.engine = engine
    return engine


class ExecutionEngine:
    """Executes what was decided, exactly once each. Any thread may call it."""

    def __init__(
        self,
        broker: BrokerInterface,
        database: ExecutionDatabase,
        config: ExecutionEngineConfig,
        limits: Limits | None,
    ) -> None:
        self.broker = broker
        self.database = database
        self.config = config
        self._limits = limits
        self._loop = broker.pool.loop
        self._accounts: dict[str, TradedAccount] = {}
        self._asked: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._closing = threading.Lock()
        self._journal = database.open()
        try:
            self._writer = self._loop.ask(self._open())
        except BaseException:
            database.close()
            raise
        broker.pool.close_first(self.close)

    async def _open(self) -> GroupWriter:
        return GroupWriter(self._journal)

    # What callers ask.

    def execute(self, rpm_output: Any, *, session: str | None = None) -> ExecutionConfirmation:
        """Carry a decision out and say what became of it; blocks until that is proven (or waits at
        the broker as a pending order). The same `decision.order_id` again gets the same answer.

        `session` picks the account; else the decision's, else the pool's first.
        """
        return self._ask(read_decision(rpm_output), session)

    async def execute_async(
        self, rpm_output: Any, *, session: str | None = None
    ) -> ExecutionConfirmation:
        """The same for callers in an event loop of their own. Cancelling the wait cancels nothing
        of the order."""
        decided = read_decision(rpm_output)
        if self._closed:
            return self._too_late(decided)
        begun = self._begin(self.carry_out(decided, session))
        return await asyncio.shield(asyncio.wrap_future(begun))

    def execute_group(
        self, rpm_outputs: Sequence[Any], *, group_id: str = "", session: str | None = None
    ) -> GroupConfirmation:
        """Several legs, all or none: every leg is validated first, they are sent in the order
        given, and where one fails the ones that filled are closed again. The same group again
        (by its `group_id`, or by its legs' order ids) goes on where it was.

        Raises `OnefillError` (`GROUP_INVALID`, `ENGINE_CLOSED`).
        """
        return self._begin_group(rpm_outputs, group_id, session).result()

    async def execute_group_async(
        self, rpm_outputs: Sequence[Any], *, group_id: str = "", session: str | None = None
    ) -> GroupConfirmation:
        """The same for callers in an event loop of their own."""
        begun = self._begin_group(rpm_outputs, group_id, session)
        return await asyncio.shield(asyncio.wrap_future(begun))

    def _begin_group(
        self, rpm_outputs: Sequence[Any], group_id: str, session: str | None
    ) -> Future[GroupConfirmation]:
        if self._closed:
            raise _engine_closed()
        legs = read_legs(rpm_outputs, group_id or new_key())
        return self._begin(execute_legs(self, legs, session))

    def place(
        self,
        symbol: str,
        direction: int,
        units: float,
        stop_loss: float | None = None,
        take_profit: float | None = None,
        *,
        order_id: str | None = None,
        session: str | None = None,
    ) -> ExecutionConfirmation:
        """A market order of `units` of the base currency; `direction` 1 long, -1 short."""
        trade = SimpleNamespace(
            symbol=symbol,
            direction=direction,
            position_units=units,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        return self._ask(read_trade(order_id or "", trade), session)

    def close(self, patience_s: float = 60.0) -> None:
        """Wait for what is under way and let go of the journal; the pool stays its owner's.

        What is not done within the patience goes on in the next engine over this journal, and
        those who wait for it here are told how it stands. Again: nothing.
        """
        with self._closing:
            if not self._closed:
                self._closed = True
                self._loop.ask(self._close(patience_s))

    async def _close(self, patience_s: float) -> None:
        try:
            closing = [account.close(patience_s) for account in self._accounts.values()]
            await asyncio.gather(*closing)
            if self._asked:  # their orders have ended; they only have to say so
                await asyncio.wait(self._asked, timeout=1.0)
        finally:
            try:
                await self._writer.close()
            finally:
                self.database.close()

    def __enter__(self) -> ExecutionEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # On the pool's loop.

    async def carry_out(self, decided: Decided, session: str | None) -> ExecutionConfirmation:
        """One decision that was read, to its confirmation."""
        decided = replace(decided, order_id=decided.order_id or new_key())
        key = decided.order_id
        try:
            account = self.account_for(key, session or decided.session)
        except OnefillError as wrong:
            return self._refused(self._first, decided, wrong)
        if decided.rejected is not None:
            return self._refused(account.session, decided, Refusal(*decided.rejected))
        known = account.known(key)
        if known is not None and not self.same(known, decided):
            return self._refused(account.session, decided, _reused(key))
        try:
            if known is not None and known.is_final:
                await account.durable()  # it may have ended just now
                order: OrderState | None = known
            else:
                driver = await account.ready()
                order = await driver.execute(
                    await self._intent(account, known, decided), to_the_end=True
                )
        except OnefillError as wrong:
            return self._interrupted(account, decided, wrong)
        if order is None:
            return self._refused(account.session, decided, _reused(key))
        return account.confirmation(order, units=decided.units, symbol=decided.symbol)

    async def _intent(
        self, account: TradedAccount, known: OrderState | None, decided: Decided
    ) -> OrderIntent:
        if known is not None:
            return known.intent
        name = await account.symbol(decided.symbol, self.broker.pool.symbol_map)
        return decided.intent(decided.order_id, name, self.config.magic)

    def same(self, known: OrderState, decided: Decided) -> bool:
        """Whether a key that is known comes with what it came with before."""
        try:
            name = broker_name(decided.symbol, [known.intent.symbol], self.broker.pool.symbol_map)
        except OnefillError:
            return False
        return same_content(known, decided.intent(known.key, name, known.intent.magic))

    def _interrupted(
        self, account: TradedAccount, decided: Decided, wrong: OnefillError
    ) -> ExecutionConfirmation:
        """Something is wrong here, not with the order: one that was taken is told as it stands."""
        order = account.known(decided.order_id)
        if order is None:
            return self._refused(account.session, decided, wrong)
        account.session.log.warning(wrong.code, wrong.message)
        stands = account.confirmation(order, units=decided.units, symbol=decided.symbol)
        if order.is_final:
            return stands
        return replace(
            stands,
            status="error",
            rejection_reason="unknown",
            rejection_details=f"{wrong.code}: {wrong.message}; the order was taken before and is "
            f"{order.state}: give it again under its order_id to hear what became of it",
        )

    def _refused(
        self, session: PooledSession, decided: Decided, why: OnefillError
    ) -> ExecutionConfirmation:
        """An answer to what was not taken, noted in the session's log."""
        key = decided.order_id
        session.log.warning(why.code, f"order {key!r} was not taken: {why.message}")
        now_ms = self.broker.pool.clock.now_ms()
        return refusal(session, key, decided.symbol, decided.direction, decided.units, why, now_ms)

    def _too_late(self, decided: Decided) -> ExecutionConfirmation:
        decided = replace(decided, order_id=decided.order_id or new_key())
        return self._refused(self._first, decided, _engine_closed())

    def _ask(self, decided: Decided, session: str | None) -> ExecutionConfirmation:
        if self._closed:
            return self._too_late(decided)
        return self._begin(self.carry_out(decided, session)).result()

    def _begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin work on the loop; closing waits for it."""

        async def asked() -> T:
            task = asyncio.current_task()
            assert task is not None
            self._asked.add(task)
            try:
                return await work
            finally:
                self._asked.discard(task)

        return self._loop.begin(asked())

    @property
    def _first(self) -> PooledSession:
        return next(iter(self.broker.pool.sessions.values()))

    async def run(self, account: TradedAccount, intent: OrderIntent) -> ExecutionConfirmation:
        """An intent of the engine's own (a group's unwinding) on an account."""
        driver = await account.ready()
        order = await driver.execute(intent, to_the_end=True)
        if order is None:
            raise _reused(intent.client_key)
        return account.confirmation(order, units=0.0, symbol=order.intent.symbol)

    def account_for(self, key: str, session: str) -> TradedAccount:
        """The account that knows the key already, else the one asked for, else the first.

        Raises `OnefillError` (`SESSION_UNKNOWN`).
        """
        pool = self.broker.pool
        known = self._holder(key)
        if known is not None:
            return self._account(known)
        if session and session not in pool.sessions:
            raise OnefillError(
                "SESSION_UNKNOWN",
                f"the pool has no session {session!r}; there are {', '.join(pool.sessions)}",
            )
        return self._account(pool.sessions[session or next(iter(pool.sessions))])

    def knows(self, key: str) -> bool:
        """Whether an order of that key was ever taken, on any session's account."""
        return self._holder(key) is not None

    def _holder(self, key: str) -> PooledSession | None:
        for one in self.broker.pool.sessions.values():
            if self._journal.find(account_name(one), key) is not None:
                return one
        return None

    def _account(self, session: PooledSession) -> TradedAccount:
        found = self._accounts.get(session.name)
        if found is None:
            found = self._accounts[session.name] = TradedAccount(
                session,
                self._journal,
                self._writer,
                self._limits,
                self.config,
                self.broker.pool.clock,
            )
        return found


class Refusal(OnefillError):
    """A decision that is answered without asking the broker; its code is the published reason."""


def _reused(key: str) -> OnefillError:
    return OnefillError(
        "KEY_REUSED", f"order_id {key!r} was used before for another order; it was not taken"
    )


def _engine_closed() -> OnefillError:
    return OnefillError("ENGINE_CLOSED", "this engine was closed; nothing was sent: make another")


def new_key() -> str:
    """An order id for a decision that names none."""
    return f"auto-{new_secret(12).hex()}"
