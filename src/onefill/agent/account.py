"""One account of the agent: its terminal, its engine, its gate, and its way to the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onefill.agent.commands import is_own
from onefill.agent.conversation import Conversation
from onefill.agent.deserted import Deserted
from onefill.agent.equity import EquityMarks
from onefill.agent.kept_halts import Held, KeptHalts
from onefill.agent.lease import Lease
from onefill.agent.lines import Say
from onefill.channels.local.driven import DrivenAccount
from onefill.channels.local.terminals_file import Terminals
from onefill.channels.websocket.connection import Peer
from onefill.channels.websocket.link import Link
from onefill.channels.websocket.outbox import Outbox
from onefill.channels.websocket.repeated import Repeated
from onefill.execution.drivers.live import LiveDriver
from onefill.execution.told import Alarm
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.events import Alerted
from onefill.runtime.clock import Clock

RETRY_S = 2.0
"""Between two looks at a terminal that is not there yet."""

SLOW_S = 5.0
"""A terminal that takes longer to show what is open is told of."""


@dataclass(frozen=True, slots=True)
class Halts:
    """What an account's gateways halted, and who lifts it. Gateways are named by their address."""

    kept: KeptHalts
    #: Those that tell this agent what they lift.
    told_by: frozenset[str]
    #: Those whose halts the agent's operator lifts.
    lifted: tuple[str, ...] = ()


class AgentAccount:
    """Belongs to the agent's loop."""

    def __init__(
        self,
        driven: DrivenAccount,
        journal: Journal,
        marks: EquityMarks,
        halts: Halts,
        terminals: Terminals,
        make_link: Callable[[Peer], Link],
        clock: Clock,
        say: Say,
    ) -> None:
        self.name = driven.name
        self.login = driven.session.config.login
        self._driven = driven
        self._terminals = terminals
        self._marks = marks
        self._make_link = make_link
        self._clock = clock
        self._say = say
        self._halts = halts
        self._lease = driven.gate = Lease(halts.kept)
        driven.equity_marks = marks
        driven.close_all_manual = terminals.close_all_manual
        driven.close_all_pending = terminals.close_all_pending
        driven.max_risk_per_trade = terminals.risk.max_risk_per_trade
        driven.hear = self._told
        self._outbox = Outbox(journal, self.name, is_own)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parts: list[asyncio.Task[Any]] = []
        self._missing = Repeated()
        # Once the terminal is there.
        self._conversation: Conversation | None = None
        self._link: Link | None = None

    async def run(self) -> None:
        """Connect the terminal, then the gateway, and serve. Comes back where it is stopped; raises
        what the engine cannot go on after."""
        try:
            await self._lift()
            self._tell_what_is_kept()
            driver, offered = await self._opened()
            if not self._over.done():
                self._begin(driver, offered)
            await self._over
        finally:
            for part in self._parts:
                part.cancel()
            await asyncio.gather(*self._parts, return_exceptions=True)

    async def stop(self, patience_s: float) -> None:
        """Take nothing new, wait so long for what is under way, tell its results, and let go."""
        if self._conversation is not None:
            self._conversation.commands.stop()
        try:
            await self._driven.close(patience_s)
        finally:
            if self._conversation is not None and self._link is not None:
                self._conversation.pump()
                await self._link.close()
            if not self._over.done():
                self._over.set_result(None)

    def records_came(self, accounts: frozenset[str]) -> None:
        """The journal's durable part has grown, by records of these accounts."""
        if self.name in accounts and self._conversation is not None:
            # In the next turn: who waited for the commit speaks first (an Ack before a result).
            asyncio.get_running_loop().call_soon(self._conversation.records_came)

    async def _lift(self) -> None:
        """The operator lifts what gateways halted that are gone; on the account's record first."""
        for gateway in self._halts.lifted:
            held = self._halts.kept.of(gateway)
            if held == Held():
                self._say("nothing_to_lift", gateway=gateway)
                continue
            why = f"the agent's operator lifted what gateway {gateway} held back ({held})"
            await self._driven.record(Alerted(code="HALTS_LIFTED", message=why))
            self._halts.kept.keep(gateway, Held())
            self._say("halts_lifted", gateway=gateway, trading=held.tightest, halts=held.ids)

    def _tell_what_is_kept(self) -> None:
        for gateway, held in self._halts.kept.gateways.items():
            why = "it holds until this gateway tells otherwise"
            if gateway not in self._halts.told_by:
                why = (
                    "this gateway tells the agent nothing any more, so it holds until the agent is "
                    f"started with --lift-halts-of {gateway}"
                )
            trading, halts = held.tightest, held.ids
            self._say("halts_kept", gateway=gateway, trading=trading, halts=halts, why=why)

    async def _opened(self) -> tuple[LiveDriver, tuple[str, ...]]:
        """The engine's driver and the broker's symbols, once the terminal is there; what is missing
        is said."""
        session = self._driven.session
        while True:
            if not session.usable:
                await session.start()
            why = session.trouble
            if session.usable:
                try:
                    driver = await self._ready()
                    return driver, (await session.call_soon("symbols")).value or ()
                except OnefillError as wrong:
                    if wrong.code != "NOT_CONNECTED":
                        raise
                    why = wrong.message
            if self._missing.due("there", why):
                self._say("terminal_missing", why=why)
            await asyncio.sleep(RETRY_S)

    async def _ready(self) -> LiveDriver:
        """The engine's driver. It looks at the terminal until it has seen all; why that takes long
        is said. Raises `OnefillError`."""
        ready = asyncio.create_task(self._driven.ready())
        try:
            while not (await asyncio.wait({ready}, timeout=SLOW_S))[0]:
                why = self._driven.session.why_not_trading or "it is slow to tell what is open"
                if self._missing.due("ready", why):
                    self._say("terminal_missing", why=why)
            return await ready
        finally:
            ready.cancel()

    def _begin(self, driver: LiveDriver, offered: tuple[str, ...]) -> None:
        limits = driver.desk.limits.fingerprint()
        zone = self._driven.session.config.time_zone or "UTC (the session names no time_zone)"
        self._say("terminal_ready", server=driver.desk.server, limits=limits, day=zone)
        conversation = self._conversation = Conversation(
            self._driven,
            driver,
            self._lease,
            self._outbox,
            self._marks,
            self._terminals,
            offered,
            self._clock,
            self._say,
            self._failed,
        )
        link = self._link = self._make_link(conversation)
        conversation.user = lambda: link.subject
        after_s = self._terminals.cancel_after_disconnect_s
        deserted = Deserted(driver, self._lease, after_s, self._clock, self._say)
        for work in (link.run(), conversation.profiles.run(), deserted.run()):
            part = asyncio.create_task(work)
            part.add_done_callback(self._part_over)
            self._parts.append(part)

    def _part_over(self, part: asyncio.Task[Any]) -> None:
        error = None if part.cancelled() else part.exception()
        if error is not None:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        if not self._over.done():
            self._over.set_exception(error)

    def _told(self, what: Any) -> None:
        if self._conversation is not None:
            self._conversation.commands.hear(what)
        if isinstance(what, Alarm):
            self._say("alert", code=what.alert.code, why=what.alert.message, command=what.alert.key)
