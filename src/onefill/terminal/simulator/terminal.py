"""The simulated terminal: MT5's calls, answered by the broker behind it, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Pending, Reply, Request, SendResult
from onefill.terminal.simulator import retcodes
from onefill.terminal.simulator.book import Book
from onefill.terminal.simulator.broker import Broker
from onefill.terminal.simulator.faults import NO_MISHAP, FaultPlan
from onefill.terminal.simulator.in_flight import InFlight
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.queries import CALL_FAILED, Queries
from onefill.terminal.simulator.ticks import TickSeries

_OFFLINE = Reply(None, (-10004, "No IPC connection"))
_LOST = Reply(None, (-10002, "IPC recv failed"))
_IPC_TIMEOUT = Reply(None, (-10005, "IPC timeout"))
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
        series: Mapping[str, TickSeries],
        *,
        currency: str = "USD",
        balance: float = 10_000.0,
        leverage: int | None = None,
        book: Path | None = None,
        faults: FaultPlan | None = None,
        hook: Callable[[str], None] | None = None,
    ) -> None:
        """`book` None keeps nothing. `hook` is told "broker:before" when a request is about to be
        looked at, and "broker:executed" when the book has it and no answer was given yet.

        Raises `OnefillError`: an unknown symbol, a currency that cannot be converted, a book that
        is broken or of another run.
        """
        settings = profile.broker
        self.login, self.server = settings.login, settings.server
        self._latency_ms = settings.latency_ms
        self._faults = faults
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
            )
        except BaseException:
            self._file.close()
            raise
        self._account = self.broker.account
        self._queries = Queries(self._account, profile)
        self._by_name = self._queries.by_name
        self._in_flight = InFlight()

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
        name = request.name
        if name == "order_send":
            return self._send(request)
        if name == "ready":
            return self._queries.ready()
        if self._account.now_ms < self._account.ledger.offline_until_ms:
            return _OFFLINE
        query = self._by_name.get(name)
        return CALL_FAILED if query is None else query(request.arguments)

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
        return account.history.end > cursor and account.now_ms >= account.ledger.offline_until_ms

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
            was_offline = account.now_ms < account.ledger.offline_until_ms
            broker.step(at_ms)
            news = account.history.reveal(at_ms)
            news |= was_offline and at_ms >= account.ledger.offline_until_ms
            for number, request, trade in self._in_flight.arrivals(at_ms):
                reply = self._at_broker(request, trade)
                if reply is not None:
                    self._in_flight.reply(at_ms + self._latency_ms, number, reply)
            news |= self._in_flight.deliver(at_ms)
            if stop and (news or account.happened != happened):
                return at_ms

    def _next_own_ms(self) -> int | None:
        """When something is due on this side of the broker."""
        account = self._account
        offline_ms = account.ledger.offline_until_ms
        dues = (
            self._in_flight.next_ms(),
            account.history.next_reveal_ms(),
            offline_ms if offline_ms > account.now_ms else None,
        )
        return min((due for due in dues if due is not None), default=None)

    # Sending.

    def _send(self, request: Request) -> Reply | Pending:
        account = self._account
        if request.epoch < account.ledger.epoch:
            return _STALE
        if request.not_after_ms is not None and account.now_ms > request.not_after_ms:
            return _TOO_LATE
        if account.now_ms < account.ledger.offline_until_ms:
            return _OFFLINE
        trade = _trade_request(request.arguments, self.broker.profile.broker.comment_accepted)
        if isinstance(trade, Reply):
            return trade
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
        mishap = NO_MISHAP
        if faults is not None:
            mishap = faults.mishap(trade, request.key, request.attempt)
        kind = mishap.kind
        if kind == "disconnect":
            broker.go_offline(mishap.delay_ms)
            return _OFFLINE if mishap.other else _unexecuted(retcodes.CONNECTION)
        if kind == "late_execution":
            broker.schedule(trade, mishap.fate, mishap.delay_ms)
            return _IPC_TIMEOUT if mishap.other else _unexecuted(retcodes.TIMEOUT)
        if kind == "hang" and not mishap.carried_out:
            return None
        if kind == "requote":
            result = broker.refuse(trade, retcodes.REQUOTE)
        elif kind == "reject":
            result = broker.refuse(trade, retcodes.REJECT)
        else:
            result = broker.execute(trade, mishap.fate)
        self._hook("broker:executed")
        if mishap.silent:
            return None
        return _LOST if kind == "lost_reply" else Reply(result)


def _unexecuted(retcode: int) -> Reply:
    return Reply(SendResult(retcode=retcode, comment=retcodes.COMMENTS[retcode]))


def _trade_request(arguments: Mapping[str, Any], letters: int) -> BrokerRequest | Reply:
    """The trade request in a call's arguments, or the error where it is none. A comment of more
    than `letters` never leaves the machine."""
    asked: object = arguments.get("request", arguments)
    if not isinstance(asked, BrokerRequest):
        assert isinstance(asked, Mapping), type(asked)
        unknown = sorted(set(asked) - set(BrokerRequest.__struct_fields__))
        if unknown:
            return Reply(None, (-2, f'Invalid "{unknown[0]}" argument'))
        try:
            asked = msgspec.convert(dict(asked), BrokerRequest)
        except msgspec.ValidationError as wrong:
            return Reply(None, (-2, f"Invalid arguments: {wrong}"))
    if not isfinite(asked.volume + asked.price + asked.stoplimit + asked.sl + asked.tp):
        return Reply(None, (-2, "Invalid arguments: a price or the volume is no finite number"))
    if len(asked.comment) > letters or not _is_text(asked.comment):
        return Reply(None, (-2, 'Invalid "comment" argument'))
    return asked


def _is_text(comment: str) -> bool:
    """Whether it can be written at all: half a surrogate pair cannot."""
    return comment.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in comment)
