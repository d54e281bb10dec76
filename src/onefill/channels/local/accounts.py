"""The accounts of an engine, found by the key of an order first, then by its session."""

from __future__ import annotations

import asyncio

from onefill.channels.local.account import TradedAccount
from onefill.channels.local.config import ExecutionEngineConfig
from onefill.channels.local.driven import account_name
from onefill.channels.local.pool import MT5ConnectionPool
from onefill.channels.local.session import PooledSession
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.risk.limits import Limits


class Accounts:
    """One for each session of the pool, made when it is first needed. Belongs to the pool's
    loop."""

    def __init__(
        self,
        pool: MT5ConnectionPool,
        journal: Journal,
        writer: GroupWriter,
        limits: Limits | None,
        config: ExecutionEngineConfig,
    ) -> None:
        self.pool = pool
        self.config = config
        self._journal = journal
        self._writer = writer
        self._limits = limits
        self._made: dict[str, TradedAccount] = {}

    @property
    def first(self) -> PooledSession:
        """Where a decision goes that names no session."""
        return next(iter(self.pool.sessions.values()))

    def account_for(self, key: str, session: str) -> TradedAccount:
        """The account that knows the key already, else the one asked for, else the first.

        Raises `OnefillError` (`SESSION_UNKNOWN`).
        """
        known = self._holder(key)
        if known is not None:
            return self._account(known)
        if not session:
            return self._account(self.first)
        if session not in self.pool.sessions:
            raise OnefillError(
                "SESSION_UNKNOWN",
                f"the pool has no session {session!r}; there are {', '.join(self.pool.sessions)}",
            )
        return self._account(self.pool.sessions[session])

    def knows(self, key: str) -> bool:
        """Whether an order of that key was ever taken, on any session's account."""
        return self._holder(key) is not None

    async def close(self, patience_s: float) -> None:
        """Wait for what is under way on all of them; then raises what ended one of them."""
        closing = [account.close(patience_s) for account in self._made.values()]
        for ended in await asyncio.gather(*closing, return_exceptions=True):
            if ended is not None:
                raise ended

    def _holder(self, key: str) -> PooledSession | None:
        for one in self.pool.sessions.values():
            if self._journal.find(account_name(one), key) is not None:
                return one
        return None

    def _account(self, session: PooledSession) -> TradedAccount:
        found = self._made.get(session.name)
        if found is None:
            found = self._made[session.name] = TradedAccount(
                session, self._journal, self._writer, self._limits, self.config, self.pool.clock
            )
        return found
