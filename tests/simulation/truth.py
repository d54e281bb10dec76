"""What really happened, from the broker's own book: which request of which order made what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from onefill.model.intent import intent_id, token_of
from onefill.terminal import port
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Dealt, Entry, Held, Ordered, Requested, Scheduled
from tests.simulation.watch import ACCOUNT, TENANT

_PLACING = (port.ACTION_DEAL, port.ACTION_PENDING)
TOKEN_LENGTH = 16


def token(key: str) -> str:
    """The token that begins the comment of an order as it was sent."""
    return token_of(intent_id(TENANT, ACCOUNT, key))


@dataclass(slots=True)
class Truth:
    """The broker's side of a run. Orders and positions are as they stand at the end."""

    DONE = 10009

    entries: list[Entry]
    requests: list[Requested] = field(default_factory=list)
    orders: dict[int, Ordered] = field(default_factory=dict)
    deals: list[Dealt] = field(default_factory=list)
    positions: dict[int, Held] = field(default_factory=dict)
    scheduled: dict[int, Scheduled] = field(default_factory=dict)
    #: Order ticket to the token its comment had as it was sent.
    sent_as: dict[int, str] = field(default_factory=dict)
    #: Token to the tickets of orders the broker took for it, in order.
    tickets: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def orders_of(self, key: str) -> list[Ordered]:
        """The broker's orders that are this order's."""
        return [self.orders[ticket] for ticket in self.tickets.get(token(key), ())]

    def deals_of(self, key: str) -> list[Dealt]:
        """The deals of those orders."""
        mine = set(self.tickets.get(token(key), ()))
        return [deal for deal in self.deals if deal.order in mine]

    def is_scheduled(self, key: str) -> bool:
        """Whether the broker will still carry out a request of this order."""
        mine = token(key)
        return any(late.request.comment.startswith(mine) for late in self.scheduled.values())

    def trades(self) -> list[Dealt]:
        """All deals that are trades (the balance's own are not)."""
        return [deal for deal in self.deals if deal.type <= 1]

    def opener(self, deal: Dealt) -> int:
        """The order that opened the position which a deal belongs to."""
        return next(d.order for d in self.deals if d.position_id == deal.position_id)

    def token_shows(self, ticket: int) -> bool:
        """Whether the broker's books still have the token that an order was sent with."""
        return self.orders[ticket].comment[:TOKEN_LENGTH] == self.sent_as.get(ticket)


def read_truth(directory: Path) -> Truth:
    """The truth in a run's directory."""
    return truth_of(read_book(directory / "broker.log"))


def truth_of(entries: list[Entry]) -> Truth:
    """The truth that a book's entries tell."""
    truth = Truth(entries)
    for entry in entries:
        _take(truth, entry)
    return truth


def _take(truth: Truth, entry: Entry) -> None:
    if isinstance(entry, Requested):
        truth.requests.append(entry)
        truth.scheduled.pop(entry.late, None)
        if entry.order and entry.request.action in _PLACING:
            tag = entry.request.comment[:TOKEN_LENGTH]
            truth.sent_as[entry.order] = tag
            truth.tickets[tag].append(entry.order)
    elif isinstance(entry, Ordered):
        truth.orders[entry.ticket] = entry
    elif isinstance(entry, Dealt):
        truth.deals.append(entry)
    elif isinstance(entry, Held):
        if entry.volume:
            truth.positions[entry.ticket] = entry
        else:
            truth.positions.pop(entry.ticket, None)
    elif isinstance(entry, Scheduled):
        truth.scheduled[entry.late] = entry


def moments(entries: Iterable[Entry]) -> Iterator[tuple[dict[int, Ordered], dict[int, Held]]]:
    """Working orders and open positions after each entry that changed them; not to be kept."""
    orders: dict[int, Ordered] = {}
    positions: dict[int, Held] = {}
    for entry in entries:
        if isinstance(entry, Ordered):
            if entry.state in (port.STATE_PLACED, port.STATE_PARTIAL):
                orders[entry.ticket] = entry
            else:
                orders.pop(entry.ticket, None)
        elif isinstance(entry, Held):
            if entry.volume:
                positions[entry.ticket] = entry
            else:
                positions.pop(entry.ticket, None)
        else:
            continue
        yield orders, positions
