"""The simulated terminal: MT5's calls, answered by the broker behind it, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Pending, Reply, Request
from onefill.terminal.simulator.arguments import trade_request, wrong_arguments
from onefill.terminal.simulator.book import Book
from onefill.terminal.simulator.broker import Broker
from onefill.terminal.simulator.faults import NO_MISHAP, FaultPlan, plan_of
from onefill.terminal.simulator.in_flight import InFlight
from onefill.terminal.simulator.market import Quotes
from onefill.terminal.simulator.mishaps import (
    IPC_TIMEOUT,
    OFFLINE,
    carried_out,
    refused_by_terminal,
)
from onefill.terminal.simulator.other_account import as_other_account
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.queries import CALL_FAILED, Queries

_STALE = Reply(None, (port.STALE_EPOCH, "a newer engine has taken over; nothing was sent"))
_TOO_LATE = Reply(None, (port.TOO_LATE, "the order's time had passed; nothing was sent"))


def _no_hook(_: str) -> None:
    return None


class SimulatedTerminal:
    """`terminal.port.Terminal` over a simulated broker that keeps its own book.

    The market moves only by `advance`, and by a call that is made at a later time.
    """

    def __init__(
        self,
        profile: Profile,
        series: Quotes,
        *,
        currency: str = "USD",
        balance: float = 10_000.0,
        leverage: int | None = None,
        book: Path | None = None,
        faults: FaultPlan | None = None,
        hook: Callable[[str], None] | None = None,
        lazily: bool = False,
    ) -> None:
        """`book` None keeps nothing. `hook` is told "broker:before" when a request is about to be
        looked at, and "broker:executed" when the book has it and no answer was given yet.
        `lazily`: a symbol that cannot be converted to `currency` is only refused when it is first
        traded or asked for.

        Raises `OnefillError`: an unknown symbol, a currency that cannot be converted, a book that
        is broken or of another run.
        """
        settings = profile.broker
        self.login, self.server = settings.login, settings.server
        self._latency_ms = settings.latency_ms
        self._faults = plan_of(profile.faults, settings.seed) if faults is None else faults
        self._hook = hook or _no_hook
        self._file = Book(book)
        try:
            self.broker = Broker(
                profile,
                series,
                currency=currency,
                balance=balance,
                leverage=leverage or settings.leverage,
                book=self._file,
                hook=self._hook,
                lazily=lazily,
            )
        except BaseException:
            self._file.close()
            raise
        self._account = self.broker.account
        self._queries = Queries(self._account, profile)
        self._by_name = self._queries.by_name
        self._in_flight = InFlight()
        #: When the last call was made, and how many were made in that millisecond before it.
        self._called_ms, self._calls = -1, 0

    @property
    def now_ms(self) -> int:
        """The time reached, Unix ms."""
        return self._account.now_ms

    def close(self) -> None:
        """Let go of the book."""
        self._file.close()

    @property
    def fenced(self) -> int:
        """The newest epoch it has listened to; 0: none yet."""
        return self._account.ledger.epoch

    def fence(self, epoch: int) -> None:
        """Refuse requests of engines older than `epoch`, for ever."""
        self.broker.fence(epoch)

    # The port.

    def call(self, request: Request, now_ms: int) -> Reply | Pending:
        """Make a call at a time, after all ticks up to it."""
        if now_ms > self._account.now_ms:
            self._run(now_ms, stop=False)
        name, arguments = request.name, request.arguments
        if name == "order_send":
            return self._send(request)
        if name == "ready":
            return self._ready()
        outage = self.outage(name)
        if outage is not None:
            return outage
        query = self._by_name.get(name)
        if query is None:
            return CALL_FAILED
        if name == "order_check":
            trade = trade_request(arguments, self.broker.profile.broker.comment_accepted)
            if isinstance(trade, Reply):
                return trade
            arguments = {"request": trade}
        wrong = wrong_arguments(name, arguments)
        if wrong is not None:
            return wrong
        if self._account.trouble("wrong_account") is not None:
            return as_other_account(name, arguments, lambda: query(arguments))
        return query(arguments)

    def outage(self, name: str) -> Reply | None:
        """What a call of this name is answered when nothing can be asked now: no connection, or a
        time-out that faults drew for it. None where it can."""
        account = self._account
        if account.now_ms < account.ledger.offline_until_ms:
            return OFFLINE
        if self._faults is None:
            return None
        self._calls = self._calls + 1 if account.now_ms == self._called_ms else 0
        self._called_ms = account.now_ms
        times_out = self._faults.times_out(name, account.now_ms, self._calls)
        return IPC_TIMEOUT if times_out else None

    def _ready(self) -> Reply:
        reply = self._queries.ready()
        if self._account.trouble("wrong_account") is not None:
            reply = as_other_account("ready", {}, lambda: reply)
        if reply.value.connected and self.outage("ready") is not None:
            cut_off = msgspec.structs.replace(reply.value, connected=False, synchronised=False)
            return Reply(cut_off)
        return reply

    def collect(self) -> list[tuple[int, Reply]]:
        """Replies that have come since the last look, in order."""
        return self._in_flight.collect()

    def advance(self, to_ms: int) -> int:
        """Run to a time, or to the first at which the account changed, a reply came, or history
        or the connection came back."""
        return self._run(to_ms, stop=True)

    def next_due_ms(self) -> int | None:
        """When a reply, a scheduled execution, late history or the connection is due. Expirations
        are not counted: like triggers, they happen when time gets there."""
        late_ms = self.broker.next_late_ms
        own_ms = self._next_own_ms()
        if late_ms is None or own_ms is None:
            return own_ms if late_ms is None else late_ms
        return min(late_ms, own_ms)

    def has_changes(self, cursor: int) -> bool:
        """Whether `changes` would tell something new."""
        account = self._account
        if account.now_ms < account.ledger.offline_until_ms:
            return False
        return account.history.end > cursor and account.trouble("wrong_account") is None

    # Time.

    def _run(self, to_ms: int, *, stop: bool) -> int:
        broker, account = self.broker, self._account
        while True:
            own_ms = self._next_own_ms()
            limit_ms = to_ms if own_ms is None else min(to_ms, own_ms)
            at_ms = broker.next_ms(max(limit_ms, account.now_ms))
            if at_ms is None:
                if own_ms is None or own_ms > to_ms:
                    broker.rest(max(to_ms, account.now_ms))
                    return account.now_ms
                at_ms = max(own_ms, account.now_ms)
            happened = account.happened
            trouble_ms = self._next_relief_ms()
            broker.step(at_ms)
            news = account.history.reveal(at_ms)
            news |= trouble_ms is not None and at_ms >= trouble_ms
            for number, request, trade in self._in_flight.arrivals(at_ms):
                reply = self._at_broker(request, trade)
                if reply is not None:
                    self._in_flight.reply(at_ms + self._latency_ms, number, reply)
            news |= self._in_flight.deliver(at_ms)
            if stop and (news or account.happened != happened):
                return at_ms

    def _next_own_ms(self) -> int | None:
        """When something is due on this side of the broker."""
        found = self._in_flight.next_ms()
        for due_ms in (self._account.history.next_reveal_ms(), self._next_relief_ms()):
            if due_ms is not None and (found is None or due_ms < found):
                found = due_ms
        return found

    def _next_relief_ms(self) -> int | None:
        """When the connection comes back, or the next fault that lasts is over."""
        ledger, now_ms = self._account.ledger, self._account.now_ms
        offline_ms = ledger.offline_until_ms
        found = offline_ms if offline_ms > now_ms else None
        for trouble in ledger.troubles.values():
            if trouble.until_ms > now_ms and (found is None or trouble.until_ms < found):
                found = trouble.until_ms
        return found

    # Sending.

    def _send(self, request: Request) -> Reply | Pending:
        account = self._account
        if request.epoch < account.ledger.epoch:
            return _STALE
        if request.epoch > account.ledger.epoch:
            self.fence(request.epoch)
        if request.not_after_ms is not None and account.now_ms > request.not_after_ms:
            return _TOO_LATE
        outage = self.outage(request.name)
        if outage is not None:
            return outage
        trade = trade_request(request.arguments, self.broker.profile.broker.comment_accepted)
        if isinstance(trade, Reply):
            return trade
        refused = refused_by_terminal(self.broker, trade)
        if refused is not None:
            return refused
        if not self._latency_ms:
            reply = self._at_broker(request, trade)
            return self._in_flight.expect(request.deadline_ms) if reply is None else reply
        waiting = self._in_flight.expect(request.deadline_ms)
        arrival_ms = account.now_ms + self._latency_ms
        self._in_flight.send(arrival_ms, waiting.number, request, trade)
        return waiting

    def _at_broker(self, request: Request, trade: BrokerRequest) -> Reply | None:
        """What becomes of a request at the broker; None where no answer will ever come."""
        broker, faults = self.broker, self._faults
        self._hook("broker:before")
        mishap, keyless = NO_MISHAP, not request.key
        if faults is not None:
            ledger = broker.account.ledger
            key = f"{ledger.requests}.{ledger.mishaps}" if keyless else request.key
            mishap = faults.mishap(trade, key, request.attempt)
        if mishap.kind == "terminal_restart":
            self._in_flight.break_off(broker.account.now_ms)
        decided = broker.account.ledger.requests
        reply = carried_out(broker, trade, mishap, keyless=keyless)
        if broker.account.ledger.requests != decided:
            self._hook("broker:executed")
        return reply
