"""What the stages may know of their account: its state, limits, clock and epoch."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from onefill.execution.config import ExecutionConfig
from onefill.execution.effects import Call, Steps
from onefill.execution.gate import Gate, OpenGate
from onefill.model.account import AccountState
from onefill.model.intent import OrderIntent
from onefill.model.order import OrderState
from onefill.model.symbol import Symbol
from onefill.risk.limits import Limits
from onefill.runtime.clock import Clock
from onefill.terminal.port import Ready, Reply, Request


class EquityMarks(Protocol):
    """Equity in account currency; 0: not known yet."""

    @property
    def day(self) -> int:
        """The broker's day that it was last seen on, as `Desk.day_of` counts them."""
        ...

    @property
    def day_start(self) -> float:
        """At the start of that day."""
        ...

    @property
    def peak(self) -> float:
        """The highest ever seen."""
        ...


def utc_day(now_ms: int) -> int:
    """The day where the broker's clock is not known."""
    return now_ms // 86_400_000


class Look(NamedTuple):
    """A look at a symbol, when it was asked for (Unix ms), and the latest deal known then."""

    reply: Reply
    at_ms: int
    deal: int


@dataclass(slots=True)
class Desk:
    """One account's desk. `state` is the journal's live state: read here, changed by commits."""

    tenant: str
    account: str
    login: int
    server: str
    state: AccountState
    #: The inbox: an order by its key, live or over.
    find: Callable[[str], OrderState | None]
    limits: Limits
    clock: Clock
    epoch: int = 0
    #: Whether the broker keeps one position a symbol; told by the terminal at boot.
    netting: bool = False
    #: What may stop or hold back what raises risk, beside the limits.
    gate: Gate = field(default_factory=OpenGate)
    #: Who looks at the equity more often than the orders do; None: nobody.
    equity_marks: EquityMarks | None = None
    #: The broker's day (counted from 1970-01-01) at a time, Unix ms UTC.
    day_of: Callable[[int], int] = utc_day
    config: ExecutionConfig = field(default_factory=ExecutionConfig)
    symbols: dict[str, Symbol] = field(default_factory=dict)
    #: The latest look at each symbol (`looking`).
    looks: dict[str, Look] = field(default_factory=dict)
    #: Keys whose intake is under way, in order of arrival: a repeat waits for the first.
    taking: dict[str, None] = field(default_factory=dict)
    #: Those of them whose turn is kept: none overtakes another on the way to its acceptance.
    turns: dict[str, None] = field(default_factory=dict)
    #: Milliseconds that never step, where the machine's clock may be set; None: it never is.
    steady_ms: Callable[[], int] | None = None
    #: When orders under way expire on that clock, by key.
    expiries: dict[str, int] = field(default_factory=dict)
    #: How far the clock that sets expiries is ahead of `clock`, at least; 0: perhaps not at all.
    ahead_ms: int = 0
    #: Accepted orders that wait (for an UNKNOWN to be settled, a back-off, a connection).
    held: set[str] = field(default_factory=set)
    #: The others on their way to the broker, by their numbers, lowest first: none overtakes.
    line: list[int] = field(default_factory=list)

    @property
    def now_ms(self) -> int:
        """The time, Unix ms UTC."""
        return self.clock.now_ms()

    def note_expiry(self, intent: OrderIntent) -> None:
        """An order came: a clock that is set back from here on does not lengthen its life."""
        if self.steady_ms is not None and intent.expires_at_ms is not None:
            expires_ms = self.steady_ms() + intent.expires_at_ms - self.now_ms
            self.expiries.setdefault(intent.client_key, expires_ms)

    def not_after_ms(self, intent: OrderIntent) -> int | None:
        """When an order expires, Unix ms UTC as the clock tells it now; None: never."""
        if intent.expires_at_ms is None:
            return None
        expires_ms = intent.expires_at_ms - self.ahead_ms
        if self.steady_ms is None or intent.client_key not in self.expiries:
            return expires_ms
        left_ms = self.expiries[intent.client_key] - self.steady_ms()
        return min(expires_ms, self.now_ms + left_ms)

    def expired(self, intent: OrderIntent) -> bool:
        """Whether an order may not be sent any more, for its age."""
        not_after_ms = self.not_after_ms(intent)
        return not_after_ms is not None and self.now_ms > not_after_ms

    def line_up(self, order: OrderState) -> None:
        """An order is on its way: those that came after it let it go first."""
        place = bisect_left(self.line, order.number)
        if self.line[place : place + 1] != [order.number]:
            self.line.insert(place, order.number)

    def leave_line(self, order: OrderState) -> None:
        """It was recorded as being sent, is over, or waits: nobody waits for it."""
        place = bisect_left(self.line, order.number)
        if self.line[place : place + 1] == [order.number]:
            del self.line[place]

    def is_first(self, order: OrderState) -> bool:
        """Whether all that came before it have gone, or wait."""
        return not self.line or self.line[0] >= order.number

    def hold(self, order: OrderState) -> None:
        """It waits for something; others may overtake it."""
        self.held.add(order.key)
        self.leave_line(order)

    def let_go(self, order: OrderState) -> None:
        """It waits no longer."""
        self.held.discard(order.key)
        self.line_up(order)

    def shows_account(self, ready: Ready | None) -> bool:
        """Whether the terminal shows this desk's account, whole: another account's orders and
        history prove nothing of ours."""
        return (
            ready is not None
            and ready.connected
            and ready.synchronised
            and (ready.login, ready.server) == (self.login, self.server)
        )

    def call(self, name: str, order: OrderState | None = None, /, **arguments: Any) -> Call:
        """The effect that calls the terminal, with the house's deadline."""
        return Call(
            Request(
                name,
                arguments,
                self.epoch,
                None,
                self.clock.now_ms() + self.config.call_deadline_ms,
                order.key if order else "",
                order.attempts if order else 0,
            ),
            name,
        )

    def symbol(self, name: str) -> Steps:
        """The symbol's specification, asked once; None where the terminal has no such symbol."""
        known = self.symbols.get(name)
        if known is None:
            reply: Reply = yield self.call("symbol_info", symbol=name)
            if reply.value is None:
                return None
            known = self.symbols[name] = reply.value
        return known
