"""One account's terminal as the pool lends it: supervised, watched, logged."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from onefill.channels.local.session_log import SessionLog
from onefill.channels.local.terminals_file import with_token
from onefill.execution.drivers.loop_thread import LoopThread
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock
from onefill.terminal.port import NO_WORKER, Ready, Reply, Request
from onefill.terminal.session import Session
from onefill.terminal.worker.process import start_worker
from onefill.terminal.worker.remote import reach
from onefill.terminal.worker.terminal import Connection, WorkerTerminal

T = TypeVar("T")

CALL_DEADLINE_MS = 10_000
HEARTBEAT_S = 5.0
#: So many heartbeats in a row without a connection, and the worker is replaced: it logs in anew.
_MISSED = 3
_UNTOLD = "the terminal may not trade, and does not say why"


class PooledSession:
    """A session of the pool. `lock` is for callers that want several calls for themselves."""

    def __init__(
        self, config: Session, loop: LoopThread | None, logs: Path, fences: Path, clock: Clock
    ) -> None:
        """`loop` is the one of a pool, for callers that block; None: only `call_soon` is used."""
        self.name = config.name
        self.config = config
        self.lock = threading.RLock()
        self.log = SessionLog(config.name, logs)
        #: What was verified last; None before the first heartbeat.
        self.ready: Ready | None = None
        #: Why the terminal that answers may not trade, as sentences.
        self._forbidden: tuple[str, ...] = ()
        #: Why it cannot be used, as a sentence; empty where it can.
        self.trouble = "it is not connected yet"
        self._loop = loop
        self._fences = fences
        self._clock = clock
        self._heart: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[bool] | None = None
        self._starting = asyncio.Lock()
        self._started = False
        self.terminal: WorkerTerminal | None = None

    def __repr__(self) -> str:
        return f"PooledSession({self.name!r}, {self.config.login}@{self.config.server})"

    @property
    def usable(self) -> bool:
        """Whether its terminal answers and is logged in to the account that was configured."""
        return not self.trouble

    @property
    def wrong_account(self) -> str:
        """Why the account that was logged in at the last look is not the session's, as a sentence;
        empty where it is, or nothing is known."""
        ready = self.ready
        if ready is None or not ready.connected:
            return ""
        return self.other_account(ready.login, ready.server)

    @property
    def why_not_trading(self) -> str:
        """Why nothing may be sent now, as a sentence; empty where it may."""
        return self.trouble or "; ".join(self._forbidden)

    def call(self, name: str, **arguments: Any) -> Reply:
        """A call of the terminal's port (`positions_get` ...), for callers that block. Raises
        `OnefillError` (`LOOP_CLOSED`) once the pool is closed."""
        assert self._loop is not None, "no pool holds this session: use call_soon"
        return self._loop.ask(self.call_soon(name, **arguments))

    async def call_soon(self, name: str, **arguments: Any) -> Reply:
        """The same on the pool's loop."""
        if self.terminal is None:
            return Reply(None, (NO_WORKER, self.trouble))
        deadline_ms = self._clock.now_ms() + CALL_DEADLINE_MS
        return await self.terminal.call(Request(name, arguments, deadline_ms=deadline_ms))

    # On the loop.

    async def start(self) -> None:
        """Start the worker where none was, and look at the connection; `trouble` says why it
        cannot be used. A worker that ends later is replaced without being asked for."""
        async with self._starting:
            if self.terminal is None:
                self.terminal = self._make_terminal()
            if not self._started:
                try:
                    await self.terminal.start()
                except OnefillError as wrong:
                    self._heard(wrong.code, wrong.message)
                    self.trouble = wrong.message
                    return
                self._started = True
                self._heart = asyncio.create_task(self._keep_beating())
            await self._beat()

    def _make_terminal(self) -> WorkerTerminal:
        return WorkerTerminal(self._start_worker, self._clock, trouble=self._heard)

    async def stop(self) -> None:
        """End the worker and the log."""
        for task in (self._heart, self._beating):
            if task is not None:
                task.cancel()
        if self.terminal is not None:
            await self.terminal.close()
        self.trouble = "it was closed"
        self.log.info("closed")
        self.log.close()

    async def _start_worker(self) -> Connection:
        config = with_token(self.config)
        if config.remote is not None:
            return await reach(config)
        return await start_worker(config, self._fences, self.log.worker_output())

    def _heard(self, code: str, sentence: str) -> None:
        self.log.warning(code, sentence)
        if not self._started:
            return
        if code == "WORKER_BACK":
            self._beating = asyncio.create_task(self._beat())
        else:  # there is no worker, and this is why
            self.trouble = sentence

    async def _keep_beating(self) -> None:
        missed = 0
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            missed = 0 if await self._beat() else missed + 1
            if missed >= _MISSED and self.terminal is not None:
                self.log.warning("RECONNECT", "no connection for a while; logging in anew")
                self.terminal.replace()
                missed = 0

    async def _beat(self) -> bool:
        """Verify the connection; whether there is one."""
        reply = await self.call_soon("ready")
        forbidden = await self._why_forbidden(reply.value)
        before, self.ready = self.trouble, reply.value
        self.trouble = self._why_not(reply)
        if forbidden and not self.trouble and forbidden != self._forbidden:
            self.log.warning("NOT_TRADING", "; ".join(forbidden))
        self._forbidden = forbidden
        if self.trouble != before:
            who = f"account {self.config.login} on {self.config.server or 'its server'}"
            self.log.info(self.trouble or f"connected to {who}")
        return self.ready is not None and self.ready.connected

    async def _why_forbidden(self, ready: Ready | None) -> tuple[str, ...]:
        """What the terminal says that keeps it from trading; nothing is asked where it may."""
        if ready is None or not ready.connected or (ready.trade_allowed and ready.synchronised):
            return ()
        told: tuple[str, ...] | None = (await self.call_soon("troubles")).value
        return told or () if told is not None else (_UNTOLD,)

    def _why_not(self, reply: Reply) -> str:
        ready = self.ready
        if ready is None:
            return f"the terminal does not answer ({reply.error[1]}, {reply.error[0]})"
        if not ready.connected:
            return "the terminal is not connected to its broker"
        return self.other_account(ready.login, ready.server)

    def other_account(self, login: int, server: str) -> str:
        """Why an account is not the one that was configured, as a sentence; empty where it is."""
        wanted = self.config
        if login == wanted.login and (not wanted.server or server == wanted.server):
            return ""
        return (
            f"the terminal is logged in as {login} at {server!r}, not as {wanted.login} at "
            f"{wanted.server!r}; it refuses to trade"
        )


def together(*work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, list[T]]:
    """Several pieces of work at once."""

    async def gathered() -> list[T]:
        return list(await asyncio.gather(*work))

    return gathered()
