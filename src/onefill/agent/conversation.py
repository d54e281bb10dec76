"""What an account and its gateway say to each other, over whichever connection there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from onefill.agent.commands import Commands
from onefill.agent.equity import EquityMarks
from onefill.agent.gateway_clock import GatewayClock, apart
from onefill.agent.lease import Lease
from onefill.agent.lines import Say
from onefill.agent.profile import Profiles
from onefill.agent.troubles import Troubles
from onefill.channels.local.driven import DrivenAccount
from onefill.channels.local.names import broker_name
from onefill.channels.local.terminals_file import Terminals
from onefill.channels.websocket.connection import Connection
from onefill.channels.websocket.outbox import Outbox
from onefill.contracts.messages import (
    Ack,
    Command,
    ConfigUpdate,
    Message,
    Profile,
    Result,
    WireError,
)
from onefill.contracts.refusals import FrameRefused
from onefill.execution.drivers.live import LiveDriver
from onefill.journal.errors import JournalFailed
from onefill.model.errors import OnefillError
from onefill.model.intent import OrderIntent
from onefill.model.order import OrderState
from onefill.runtime.clock import Clock

#: What a gateway says of a result that it will not take, however often it comes.
_NEVER_TAKEN = frozenset({"COMMAND_UNKNOWN", "RESULT_INVALID"})


class Conversation:
    """One account's (implements `websocket.connection.Peer`)."""

    def __init__(
        self,
        driven: DrivenAccount,
        driver: LiveDriver,
        lease: Lease,
        outbox: Outbox,
        marks: EquityMarks,
        terminals: Terminals,
        offered: tuple[str, ...],
        clock: Clock,
        say: Say,
        failed: Callable[[BaseException], None],
    ) -> None:
        """`offered`: the broker's symbols; `failed` hears what the account cannot go on after."""
        self._driven = driven
        self._driver = driver
        self._lease = lease
        self._outbox = outbox
        self._offered = offered
        self._mapped = terminals.symbol_map
        self._say = say
        self._failed = failed
        #: Whom the gateway knows this client as.
        self.user: Callable[[], str] = lambda: ""
        self._connection: Connection | None = None
        self._gateway_clock = GatewayClock()
        #: Whether the gateway of this connection knows whose it is.
        self._greeted = False
        self._configuring: asyncio.Task[None] | None = None
        #: Why the terminal does not trade, as last said; empty where it does.
        self._why_not = ""
        login = driven.session.config.login
        self.commands = Commands(driver, login, outbox, self._reply, self._named, failed, clock)
        self.profiles = Profiles(
            driven.session,
            driver,
            marks,
            terminals,
            self._as_of,
            self._tell_profile,
            clock,
            lambda: self.user(),
        )
        self.troubles = Troubles(driver.desk.state, driven.durable, self._reply)

    # What the connection tells.

    def opened(self, connection: Connection) -> None:
        """A new connection: what was not acknowledged goes out again, in order."""
        self._connection = connection
        self._lease.connected(connection.gateway, bare=not connection.enveloped)
        self._outbox.connected()
        self.profiles.connected()
        if not connection.enveloped:
            self._greet()

    def closed(self) -> None:
        """The connection is no more; the lease runs on."""
        self._connection = None
        self._greeted = False
        self.profiles.disconnected()

    def contact(self, sent_ns: int) -> None:
        """The gateway answered a heartbeat."""
        held = self._lease.holds
        self._lease.contact(sent_ns)
        if not held and self._lease.holds:
            self._say("in_contact")

    def clock(self, ahead_ms: int, within_ms: int) -> None:
        """The gateway told its clock, by which its commands expire."""
        news = self._gateway_clock.seen(ahead_ms, within_ms)
        self._driver.desk.ahead_ms = self._gateway_clock.ahead_ms
        if news and self._gateway_clock.differs:
            why = apart(ahead_ms)
            self._say("clock_differs", ahead_s=round(ahead_ms / 1_000, 1), why=why)
            self._reply(WireError("CLOCK_DIFFERS", why))
        elif news:
            self._say("clock_agrees")

    def clock_untold(self) -> None:
        """The gateway tells no clock: what another one told of its own does not hold here."""
        self._gateway_clock = GatewayClock()
        self._driver.desk.ahead_ms = 0

    def written(self, result: Result) -> None:
        """A plain dialect acknowledges nothing: what was written counts as told."""
        self._has(result.sequence)

    def refused(self, refused: FrameRefused) -> None:
        """A frame that cannot be read."""
        self._say("frame_refused", code=refused.code, why=refused.message, command=refused.id)
        self.commands.refused(refused)

    def hear(self, message: Message) -> None:
        """A message of the gateway."""
        try:
            self._heed(message)
        except JournalFailed as failure:
            self._failed(failure)

    def _heed(self, message: Message) -> None:
        if isinstance(message, Command | ConfigUpdate):
            self._greet()
        if isinstance(message, Command):
            self.commands.take(message)
        elif isinstance(message, Ack):
            self._has(message.sequence)
        elif isinstance(message, ConfigUpdate):
            self._configure(message)
        elif isinstance(message, WireError):
            self._warned(message)
        else:
            self._reply(WireError("NOT_FOR_CLIENTS", "a gateway sends no such message"))

    def _greet(self) -> None:
        """The gateway knows which account this is, by its profile at the latest: what is told of
        its orders before that would be told of nobody's."""
        if not self._greeted:
            self._greeted = True
            self.troubles.connected()
            self.pump()

    def _configure(self, update: ConfigUpdate) -> None:
        try:
            if not self._lease.configure(update):
                self._reply(Ack(f"config/{self._lease.version}"))  # what it holds to already
                return
        except OnefillError as wrong:
            self._say("config_refused", code=wrong.code, why=wrong.message)
            self._reply(WireError(wrong.code, wrong.message, f"config/{update.version}"))
            return
        trading, halts = str(self._lease.trading), self._lease.halts
        self._say("config", version=update.version, trading=trading, halts=halts)
        if self._connection is not None:
            self._connection.beat_within(self._lease.length_s)  # it counts from now on
        if self._configuring is None or self._configuring.done():
            self._configuring = asyncio.create_task(self._in_force())

    async def _in_force(self) -> None:
        """Acknowledge what holds once no send that it forbids can begin any more: the gate holds
        already, and those that had passed it are waited for."""
        held = None
        # Where a newer one came meanwhile, or another gateway's, sends since are its own.
        while held != (now := (self._connection, self._lease.version)):
            held = now
            await self._settle()
            await self._driver.quiet()
        if self._lease.version >= 0:
            self._reply(Ack(f"config/{self._lease.version}"))

    async def _settle(self) -> None:
        """Settle orders in quarantine that the gateway's operators decided about. One that is in
        quarantine here no longer, or not yet, is left as it is; the latter is told of again."""
        for one in self._lease.settled:
            by, reason = f"{one.by} at the gateway", one.reason or "settled at the gateway"
            try:
                await self._driven.settle(one.key, one.to, by=by, reason=reason, ticket=one.ticket)
            except OnefillError as wrong:
                if isinstance(wrong, JournalFailed):
                    self._failed(wrong)
                    return
                self._say("not_settled", command=one.key, why=wrong.message)
            else:
                self._say("settled", command=one.key, by=by, to=one.to.value)

    def _warned(self, error: WireError) -> None:
        self._say("gateway_error", code=error.code, why=error.message, command=error.id)
        if error.code in _NEVER_TAKEN and error.id:
            # It will not take that result, and those after it must not wait for ever: it stays in
            # the journal here.
            self._has(self._outbox.unacknowledged_of(error.id))

    # What the engine tells.

    def records_came(self) -> None:
        """The account's journal has grown, durably."""
        self.pump()
        self.profiles.look_at_positions()
        if self._greeted:
            self.troubles.look()

    def pump(self) -> None:
        """Results out, as many as may be on their way."""
        connection = self._connection
        if connection is None or not self._greeted:
            return
        try:
            while (result := self._outbox.next()) is not None:
                if not connection.send(result):
                    return
        except JournalFailed as failure:
            self._failed(failure)

    def _has(self, sequence: int) -> None:
        """The gateway has a result, for good."""
        if sequence:
            self._outbox.acknowledged(sequence)
            self.pump()

    def _as_of(self) -> int:
        self.pump()
        return self._outbox.sequence

    def _tell_profile(self, profile: Profile) -> None:
        if profile.why_not != self._why_not:
            self._why_not = profile.why_not
            self._say("terminal_not_trading" if self._why_not else "trading", why=self._why_not)
        self._reply(profile)
        if self._connection is not None:
            self._greet()

    def _reply(self, message: Message) -> None:
        if self._connection is not None:
            self._connection.send(message)

    def _named(self, intent: OrderIntent, known: OrderState | None) -> OrderIntent:
        """The intent under the broker's name of its symbol; a repeat under the one it had."""
        if not intent.symbol:
            return intent
        offered = self._offered if known is None else (known.intent.symbol,)
        with suppress(OnefillError):  # the engine refuses it then, on the record
            name = broker_name(intent.symbol, offered, self._mapped)
            return msgspec.structs.replace(intent, symbol=name)
        return intent
