"""What the broker's book and the journal's export say, read without the engine: the judge's files.

Volumes are whole 1e-8 lots, money is `Decimal`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from onefill.model.intent import token_of

Json = dict[str, Any]

SUCCESS = frozenset({10008, 10009, 10010, 10025})
"""Return codes after which the broker has carried a request out, at least in part."""
WORKING = frozenset({1, 3})
PLACING = frozenset({1, 5})
REMOVE = 8


@dataclass
class Book:
    """The broker's side: what it was asked, what it has and what it executed."""

    requests: list[Json] = field(default_factory=list)
    #: What was asked in the order in which the broker heard of it; it may carry it out later.
    heard: list[Json] = field(default_factory=list)
    #: Orders by ticket, as they stand at the end.
    orders: dict[int, Json] = field(default_factory=dict)
    #: Deals by ticket, but for those that only move the balance.
    deals: dict[int, Json] = field(default_factory=dict)
    balance: Decimal = Decimal(0)
    #: Tokens by the order that came of a request.
    tokens: dict[int, str] = field(default_factory=dict)
    #: Late requests by number: when they were sent.
    sent_late: dict[int, int] = field(default_factory=dict)

    def orders_of(self, token: str) -> list[Json]:
        """The orders that came of an intent's requests, whatever the broker made of the comment."""
        return [order for order in self.orders.values() if self.token(order["ticket"]) == token]

    def token(self, ticket: int) -> str:
        """The token of the request that an order came of; empty: the broker made it by itself."""
        return self.tokens.get(ticket, "")

    def lost_its_token(self, ticket: int) -> bool:
        """Whether the broker wrote another comment in the place of the token."""
        return not comment(self.orders[ticket]).startswith(self.token(ticket))

    def requests_of(self, token: str) -> list[Json]:
        """The requests whose comment begins with a token."""
        return [one for one in self.requests if comment(one["request"]).startswith(token)]

    def deals_of(self, orders: Iterable[Json]) -> list[Json]:
        """The executions of some orders, oldest first."""
        tickets = {order["ticket"] for order in orders}
        return [deal for deal in self.deals.values() if deal["order"] in tickets]

    def sent_ms(self, request: Json) -> int:
        """When a request reached the broker, which may have carried it out later."""
        return self.sent_late.get(request.get("late", 0)) or int(request["at_ms"])


def comment(row: Json) -> str:
    """A row's comment, which may be left out."""
    return str(row.get("comment", ""))


def read_book(path: Path) -> Book:
    """The book, without what was torn off by a crash: everything after the last `end`."""
    book, open_entries = Book(), list[Json]()
    if not path.exists():
        return book
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = json.loads(line, parse_float=Decimal)
        except ValueError:
            break  # torn
        open_entries.append(entry)
        if entry["what"] == "end":
            for one in open_entries:
                _enter(book, one)
            open_entries.clear()
    return book


def _enter(book: Book, entry: Json) -> None:
    what = entry["what"]
    if what == "request":
        book.requests.append(entry)
        if not entry.get("late"):
            book.heard.append(entry)
        if entry.get("order") and entry["request"]["action"] in PLACING:
            book.tokens[entry["order"]] = comment(entry["request"])[:16]
    elif what == "late":
        book.sent_late[entry["late"]] = entry["at_ms"]
        book.heard.append(entry)
    elif what == "order":
        book.orders[entry["ticket"]] = entry
    elif what == "deal":
        for name in ("profit", "commission", "swap", "fee"):
            book.balance += Decimal(entry.get(name, 0))
        if entry["type"] <= 1:
            assert entry["ticket"] not in book.deals, f"the broker booked {entry} twice"
            book.deals[entry["ticket"]] = entry


@dataclass
class Life:
    """One order as its records tell it."""

    key: str
    intent_id: str
    intent: Json
    state: str
    asked_e8: int = 0
    sends: list[Json] = field(default_factory=list)
    deals: dict[int, Json] = field(default_factory=dict)
    steps: list[Json] = field(default_factory=list)
    reopened: bool = False

    @property
    def token(self) -> str:
        """What its orders' comments begin with."""
        return token_of(self.intent_id)

    @property
    def action(self) -> str:
        """open, close, modify, cancel or close_all."""
        return str(self.intent["action"])


@dataclass
class Chronicle:
    """The journal's side: lives by key, and which key booked a deal."""

    lives: dict[str, Life] = field(default_factory=dict)
    #: (deal, key that booked it, whether its order asked for it), as often as it was booked.
    booked: list[tuple[Json, str, bool]] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    def children(self, life: Life) -> list[Life]:
        """The closes that a close_all began."""
        return [one for one in self.lives.values() if one.intent.get("parent") == life.key]


def read_chronicle(lines: Iterable[str]) -> Chronicle:
    """The journal, from `onefill journal export --format jsonl`."""
    told = Chronicle()
    for record in _records(lines):
        event, at_ms = record["event"], record["at_ms"]
        kind, key = event["type"], event.get("key", "")
        if kind == "accepted" or (kind == "denied" and key not in told.lives):
            told.lives[key] = Life(
                key=key,
                intent_id=event["intent_id"],
                intent=event["intent"],
                state=kind,
                asked_e8=event.get("order", {}).get("volume_e8", 0),
            )
        elif kind == "denied":
            told.lives[key].state = kind
        elif kind == "sending":
            told.lives[key].state = kind
            told.lives[key].sends.append(event | {"at_ms": at_ms})
            told.epochs.append(event["epoch"])
        elif kind == "moved":
            _move(told, told.lives[key], event)
        elif kind == "dealt":
            told.booked += [(deal, key, False) for deal in event["deals"]]
        elif kind == "reopened":
            told.lives[event["order"]["key"]].reopened = True
    return told


def _records(lines: Iterable[str]) -> Iterator[Json]:
    for line in lines:
        yield json.loads(line, parse_float=Decimal)


def _move(told: Chronicle, life: Life, event: Json) -> None:
    life.state = event["to"]
    life.steps.append(event)
    for deal in event.get("deals", []):
        life.deals[deal["ticket"]] = deal
        if life.action != "close_all":  # its children have booked them
            told.booked.append((deal, life.key, True))


def lots_e8(lots: object) -> int:
    """Lots as whole 1e-8 lots."""
    return round(Decimal(str(lots)) * 10**8)
