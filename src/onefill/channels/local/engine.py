"""The published engine as any thread calls it: a decision in, a confirmation out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, TypeVar

from onefill.channels.local.accounts import Accounts
from onefill.channels.local.broker import BrokerInterface
from onefill.channels.local.carry import carry_out, new_key, refused
from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.confirmation import ExecutionConfirmation
from onefill.channels.local.database import ExecutionDatabase
from onefill.channels.local.group import GroupConfirmation, execute_legs, read_legs
from onefill.channels.local.rpm import Decided, read_decision, read_trade
from onefill.journal.group_writer import GroupWriter
from onefill.model.errors import OnefillError
from onefill.risk.limits import Limits, load_limits

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
        self._loop = broker.pool.loop
        self._asked: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._closing = threading.Lock()
        self._journal = database.open()
        try:
            self._writer = self._loop.ask(self._open())
        except BaseException:
            database.close()
            raise
        self._accounts = Accounts(broker.pool, self._journal, self._writer, limits, config)
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
        begun = self._begin(carry_out(self._accounts, decided, session))
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
        return self._begin(execute_legs(self._accounts, legs, session))

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
            await self._accounts.close(patience_s)
        finally:
            if self._asked:  # their orders have ended; they only have to say so
                await asyncio.wait(self._asked, timeout=1.0)
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

    def _too_late(self, decided: Decided) -> ExecutionConfirmation:
        decided = replace(decided, order_id=decided.order_id or new_key())
        return refused(self._accounts, self._accounts.first, decided, _engine_closed())

    def _ask(self, decided: Decided, session: str | None) -> ExecutionConfirmation:
        if self._closed:
            return self._too_late(decided)
        return self._begin(carry_out(self._accounts, decided, session)).result()

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


def _engine_closed() -> OnefillError:
    return OnefillError("ENGINE_CLOSED", "this engine was closed; nothing was sent: make another")
