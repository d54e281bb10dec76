"""The account as the broker's book tells it: changed by applying entries, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from onefill.terminal import port
from onefill.terminal.simulator.entries import (
    AccountOpened,
    DayBegun,
    Dealt,
    Entry,
    Fenced,
    Held,
    Missed,
    Ordered,
    Requested,
    Scheduled,
    Troubled,
    WentOffline,
)

FIRST_ORDER, FIRST_DEAL = 1_000_001, 1
WORKING = frozenset({port.STATE_PLACED, port.STATE_PARTIAL})


@dataclass(slots=True)
class Ledger:
    """Money is in the account currency's smallest unit (cents). Times are Unix ms."""

    account: AccountOpened | None = None
    last_ms: int = 0
    epoch: int = 0
    offline_until_ms: int = 0
    #: The last server day that has begun; -1: none yet.
    day: int = -1
    deposit_minor: int = 0
    balance_minor: int = 0
    #: What rollovers have put on open positions.
    swap_minor: int = 0
    #: Minor units in one unit of the account currency.
    unit: int = 1
    requests: int = 0
    #: What faults did beside refusing: with `requests` it numbers those that came without a key.
    mishaps: int = 0
    #: The last fault of each kind that lasts for a while.
    troubles: dict[str, Troubled] = field(default_factory=dict)
    next_order: int = FIRST_ORDER
    next_deal: int = FIRST_DEAL
    #: Working orders by ticket.
    orders: dict[int, Ordered] = field(default_factory=dict)
    #: Open positions by ticket.
    positions: dict[int, Held] = field(default_factory=dict)
    #: The same by symbol, then ticket.
    by_symbol: dict[str, dict[int, Held]] = field(default_factory=dict)
    #: Finished orders and deals, oldest first: what `changes` counts.
    history: list[Ordered | Dealt] = field(default_factory=list)
    #: Places in `history`: of a finished order, of an order's deals, of a position's rows.
    finished: dict[int, int] = field(default_factory=dict)
    deals_of: dict[int, list[int]] = field(default_factory=dict)
    of_position: dict[int, list[int]] = field(default_factory=dict)
    #: Requests to be carried out later, by number.
    late: dict[int, Scheduled] = field(default_factory=dict)
    last_late: int = 0

    def apply(self, entry: Entry) -> None:
        """Take one entry in."""
        if entry.at_ms > self.last_ms:
            self.last_ms = entry.at_ms
        if isinstance(entry, Requested):
            self.requests += 1
            if entry.late:
                del self.late[entry.late]
        elif isinstance(entry, Ordered):
            self._ordered(entry)
        elif isinstance(entry, Dealt):
            self._dealt(entry)
        elif isinstance(entry, Held):
            self._held(entry)
        else:
            self._rare(entry)

    def _ordered(self, entry: Ordered) -> None:
        ticket = entry.ticket
        if ticket >= self.next_order:
            self.next_order = ticket + 1
        if entry.state in WORKING:
            self.orders[ticket] = entry
            return
        self.orders.pop(ticket, None)
        place = len(self.history)
        assert ticket not in self.finished, f"order {ticket} ended twice"
        self.finished[ticket] = place
        self._note(place, entry.position_id)
        self.history.append(entry)

    def _dealt(self, entry: Dealt) -> None:
        place = len(self.history)
        self.next_deal = entry.ticket + 1
        money = entry.profit + entry.commission + entry.swap + entry.fee
        self.balance_minor += round(money * self.unit)
        if entry.order:
            self.deals_of.setdefault(entry.order, []).append(place)
            self._note(place, entry.position_id)
        elif not place:
            self.deposit_minor = self.balance_minor
        self.history.append(entry)

    def _note(self, place: int, position: int) -> None:
        if position:
            self.of_position.setdefault(position, []).append(place)

    def _held(self, entry: Held) -> None:
        before = self.positions.get(entry.ticket)
        if before is not None:
            self.swap_minor -= round(before.swap * self.unit)
        if entry.volume:
            self.positions[entry.ticket] = entry
            self.by_symbol.setdefault(entry.symbol, {})[entry.ticket] = entry
            self.swap_minor += round(entry.swap * self.unit)
        else:
            del self.positions[entry.ticket]
            del self.by_symbol[entry.symbol][entry.ticket]

    def _rare(self, entry: Entry) -> None:
        if isinstance(entry, Scheduled):
            self.late[entry.late] = entry
            self.last_late = entry.late
            self.mishaps += 1
        elif isinstance(entry, DayBegun):
            self.day = entry.day
        elif isinstance(entry, WentOffline):
            self.offline_until_ms = entry.until_ms
            self.mishaps += 1
        elif isinstance(entry, Troubled):
            self.troubles[entry.kind] = entry
            self.mishaps += 1
        elif isinstance(entry, Missed):
            self.mishaps += 1
        elif isinstance(entry, Fenced):
            self.epoch = entry.epoch
        elif isinstance(entry, AccountOpened):
            self.account = entry
            self.unit = 10**entry.currency_digits
