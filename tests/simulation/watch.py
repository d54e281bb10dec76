"""What is seen of a run while it goes: every send, every word told, every record as it is appended.

What must hold at each of these instants is checked right here; what must hold of the whole run is
in `invariants`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from onefill.execution.told import Acknowledged, Alarm, KeyReused, Settled
from onefill.journal.journal import Journal
from onefill.model.account import AccountState, Exposure
from onefill.model.events import Event, Sending
from onefill.model.fold import order_of
from onefill.model.intent import Action, OrderIntent, content_hash
from onefill.model.order import OrderState
from onefill.runtime.clock import VirtualClock
from onefill.terminal.port import Pending, Reply, Request, Terminal

TENANT, ACCOUNT = "test", "sim"


@dataclass(frozen=True, slots=True)
class Send:
    """One `order_send` as the engine made it. `answered`: the reply, None where it came later."""

    at_ms: int
    #: A newer engine had taken over.
    stale: bool
    request: Request
    answered: Reply | None


@dataclass(slots=True)
class Watch:
    """Everything seen of one run, and what was wrong with it."""

    breaches: list[str] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    #: How often each crash point was reached, and where engines died.
    reached: Counter[str] = field(default_factory=Counter)
    died: Counter[str] = field(default_factory=Counter)
    #: (key, content) that somebody was answered about; KEY_REUSED is under an empty content.
    answered: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    alarms: Counter[str] = field(default_factory=Counter)
    #: The highest number known to be durable, and that record's hash.
    durable: tuple[int, bytes] = (0, b"")
    lives: int = 0
    #: The epoch in force.
    epoch: int = 0

    def breach(self, what: str) -> None:
        """Something that must never be."""
        self.breaches.append(what)

    def told(self, journal: Journal, what: Any) -> None:
        """A word to the door: it must be, or have been, true of what is durable."""
        if isinstance(what, Alarm):
            self.alarms[what.alert.code] += 1
            seen = [r.event for r in journal.records(order=what.alert.key or None)]
            if what.alert not in seen:
                self.breach(f"alarm {what.alert.code} of {what.alert.key!r} is not durable")
        elif isinstance(what, KeyReused):
            self.answered[what.key, b""] += 1
            if _durable_order(journal, what.key) is None:
                self.breach(f"{what.key!r} was refused as reused, but is not durable")
        else:
            assert isinstance(what, Acknowledged | Settled)
            self._told_of(journal, what.order)

    def _told_of(self, journal: Journal, order: OrderState | None) -> None:
        if order is None:
            self.breach("an order was told of that does not exist")
            return
        self.answered[order.key, order.content] += 1
        durable = _durable_order(journal, order.key)
        if durable is None:
            self.breach(f"{order.key!r} was told of before it was durable")
        elif durable != order and not _was(journal, order):
            self.breach(
                f"{order.key!r} was told to be {order.state} with {len(order.deals)} deals; "
                f"durable is {durable.state} with {len(durable.deals)}"
            )

    def is_answered(self, intent: OrderIntent, first: OrderIntent) -> bool:
        """Whether the door got its answer to a delivery; `first` is what the key came with."""
        same = content_hash(intent) == content_hash(first)
        return self.answered[intent.client_key, content_hash(intent) if same else b""] > 0

    def survived(self, journal: Journal) -> None:
        """After a start: all that was ever durable is still there, the very same."""
        number, link = self.durable
        if not number:
            return
        found = next(iter(journal.records(after=number - 1)), None)
        if found is None or found.seq != number:
            self.breach(f"record {number} was durable, and is gone")
        elif found.hash != link:
            self.breach(f"record {number} was durable, and is another now")

    def note_durable(self, journal: Journal) -> None:
        """Remember what the journal says is durable now."""
        number = journal.durable_seq
        if number > self.durable[0]:
            self.durable = (number, next(iter(journal.records(after=number - 1))).hash)


def _durable_order(journal: Journal, key: str) -> OrderState | None:
    return order_of((r.seq, r.at_ms, r.event) for r in journal.records(account=ACCOUNT, order=key))


def _was(journal: Journal, order: OrderState) -> bool:
    """Whether an order once stood so."""
    records = list(journal.records(account=ACCOUNT, order=order.key))
    lives = (records[:count] for count in range(1, len(records) + 1))
    return any(order_of((r.seq, r.at_ms, r.event) for r in life) == order for life in lives)


class WatchedLog:
    """The journal, each record looked at as it is appended (implements the driver's `Log`)."""

    def __init__(
        self, journal: Journal, watch: Watch, clock: VirtualClock, disk_ms: int = 0
    ) -> None:
        """`disk_ms`: how long the disk takes for a flush."""
        self.journal = journal
        self._watch = watch
        self._clock = clock
        self._disk_ms = disk_ms

    def append(self, account: str, event: Event, at_ms: int) -> int:
        """Append; what is sent must be free to go, and the exposure must add up afterwards."""
        state = self.journal.state(account)
        if isinstance(event, Sending):
            self._sending(state, event)
        number = self.journal.append(account, event, at_ms)
        for wrong in exposure_breaches(state):
            self._watch.breach(f"after record {number}: {wrong}")
        return number

    def flush(self) -> None:
        """Make it durable."""
        self.journal.flush()
        self._clock.advance(self._clock.now_ms() + self._disk_ms)
        self._watch.note_durable(self.journal)

    def _sending(self, state: AccountState, event: Sending) -> None:
        order = state.orders[event.key]
        if order.intent.action is Action.OPEN and event.request.symbol in state.unknown:
            self._watch.breach(
                f"{event.key!r} raises risk while an outcome in {event.request.symbol} is UNKNOWN"
            )


def exposure_breaches(state: AccountState) -> list[str]:
    """Where the running sums differ from what orders and positions add up to."""
    fresh: dict[str, Exposure] = {}
    for position in state.positions.values():
        sums = fresh.setdefault(position.symbol, Exposure())
        sums.positions += 1
        sums.value_minor += position.value_minor
        if position.side.sign > 0:
            sums.buy_e8 += position.volume_e8
        else:
            sums.sell_e8 += position.volume_e8
    for order in state.orders.values():
        if order.reservation is not None:
            fresh.setdefault(order.reservation.symbol, Exposure()).add(order.reservation, +1)
    return [
        f"the exposure of {symbol} is {state.exposure.get(symbol)}, live is {fresh.get(symbol)}"
        for symbol in sorted(state.exposure.keys() | fresh.keys())
        if state.exposure.get(symbol, Exposure()) != fresh.get(symbol, Exposure())
    ]


class WatchedTerminal:
    """One engine's way to a terminal that outlives it; hears only the replies to its own calls."""

    def __init__(
        self,
        terminal: Terminal,
        replies: dict[int, Reply],
        watch: Watch,
        before: Callable[[Request], None],
    ) -> None:
        """`before` is told of every call before it is made."""
        self._terminal = terminal
        self._replies = replies
        self._watch = watch
        self._before = before
        self._mine: set[int] = set()

    def call(self, request: Request, now_ms: int) -> Reply | Pending:
        """Make the call; sends are remembered."""
        self._before(request)
        reply = self._terminal.call(request, now_ms)
        if isinstance(reply, Pending):
            self._mine.add(reply.number)
        if request.name == "order_send":
            answered = None if isinstance(reply, Pending) else reply
            stale = request.epoch < self._watch.epoch
            self._watch.sends.append(Send(now_ms, stale, request, answered))
        return reply

    def collect(self) -> list[tuple[int, Reply]]:
        """Replies to this engine's calls; those to others stay for them."""
        self._replies.update(self._terminal.collect())
        mine = [number for number in self._replies if number in self._mine]
        return [(number, self._replies.pop(number)) for number in mine]

    def advance(self, to_ms: int) -> int:
        """Let time pass at the broker."""
        return self._terminal.advance(to_ms)

    def next_due_ms(self) -> int | None:
        """When the broker does something next."""
        return self._terminal.next_due_ms()

    def has_changes(self, cursor: int) -> bool:
        """Whether there is news."""
        return self._terminal.has_changes(cursor)
