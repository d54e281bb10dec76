"""The judge: each broker's own book against the agent's journal, the agent's journal against the
gateway's, the gateway's against what its callers were told. Knows nothing of engine and gateway."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from onefill.channels.local.database import ExecutionDatabase
from tests.chaos.fleet import SERVER, Fleet
from tests.chaos.strategy import Strategy
from tests.simulation.judge import judge_end
from tests.simulation.witnesses import (
    Book,
    Chronicle,
    Json,
    Life,
    comment,
    lots_e8,
    read_book,
    read_chronicle,
)

TENANT = "demo"
#: How long a request may be on its way from the look at the clock to the broker's book.
_ON_ITS_WAY_MS = 1_500
#: By its own clock an agent sends what nothing holds back within so long of taking it.
_AT_ONCE_MS = 100
_NEVER = frozenset({"denied", "rejected", "not_executed"})
_DOUBT = frozenset({"unknown", "quarantined"})
_FINAL = frozenset({"denied", "filled", "done", "rejected", "cancelled", "expired", "not_executed"})
_AT_REST = _FINAL | {"working", "partially_filled"} | _DOUBT


@dataclass
class AtGateway:
    """One order as the gateway's journal tells it."""

    key: str
    intent: Json
    state: str
    accepted: int = 0
    dispatched: list[int] = field(default_factory=list)
    order_ticket: int = 0
    volume_e8: int = 0


@dataclass
class Gateway:
    """One account as the gateway's journal tells it."""

    orders: dict[str, AtGateway] = field(default_factory=dict)
    #: Numbers of the results that were recorded, and how often each.
    heard: Counter[int] = field(default_factory=Counter)


@dataclass
class Verdict:
    """Breaches, and orders by the state in which they ended."""

    breaches: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    #: Orders that were not held back, whose order at the broker was looked at.
    straight: int = 0


def judge(fleet: Fleet, strategies: list[Strategy]) -> Verdict:
    """After the fleet was closed."""
    journals = (fleet.home / "gateway" / "journal", fleet.home / "agent" / "journal")
    verdict = Verdict([breach for journal in journals for breach in verified(journal)])
    at_gateway, at_agent = (export(journal) for journal in journals)
    for strategy in strategies:
        verdict.breaches += strategy.breaches
        one = _account(fleet, strategy, at_gateway, at_agent)
        verdict.breaches += [f"{strategy.account}: {breach}" for breach in one.breaches]
        verdict.states += one.states
        verdict.sent += one.sent
        verdict.straight += one.straight
    return verdict


def _account(
    fleet: Fleet, strategy: Strategy, at_gateway: list[str], at_agent: list[str]
) -> Verdict:
    journal, name = fleet.home / "agent" / "journal", f"{strategy.account}@{SERVER}"
    book = read_book(fleet.book(strategy.account))
    lines = [line for line in at_agent if f'"{name}"' in line]
    chronicle = read_chronicle(lines)
    straight = _straight(lines, chronicle)
    gateway = read_gateway(at_gateway, f"{TENANT}/{strategy.account}")
    breaches = [
        *judge_end(
            book,
            _expiring_never(chronicle),
            [],
            _answers(journal, name, chronicle),
            {"balance": book.balance},
        ),
        *_never_after_expiry(fleet, book, chronicle),
        *_acknowledged(strategy, gateway),
        *_agree(gateway, chronicle, book),
        *_taken_in_order(fleet, gateway, chronicle),
        *_sent_in_order(straight, chronicle, book),
        *_gapless(gateway),
    ]
    states = Counter(order.state for order in gateway.orders.values())
    return Verdict(breaches, states, len(book.requests), len(straight))


def read_gateway(lines: list[str], account: str) -> Gateway:
    """One account of a gateway's journal, as `onefill journal export --format jsonl` tells it."""
    gateway = Gateway()
    for line in lines:
        record = json.loads(line)
        if record["account"] == account:
            _enter(gateway, record["seq"], record["event"])
    return gateway


def _enter(gateway: Gateway, seq: int, event: Json) -> None:
    kind, key = event["type"], event.get("key", "")
    order = gateway.orders.get(key)
    if kind == "accepted" or (kind == "denied" and order is None):
        assert order is None, f"{key} was accepted twice"
        gateway.orders[key] = AtGateway(key, event["intent"], kind, seq)
    elif order is None:
        return
    elif kind == "denied":
        order.state = kind
    elif kind == "dispatched":
        order.state = "sending"
        order.dispatched.append(seq)
    elif kind == "moved":
        order.state = event["to"]
        if event.get("evidence") == "never left":
            order.dispatched.pop()
    elif kind == "reported":
        if event.get("sequence"):
            gateway.heard[event["sequence"]] += 1
        if not event.get("part"):
            order.state = event["to"]
        order.order_ticket = event.get("order_ticket") or order.order_ticket
        order.volume_e8 = max(order.volume_e8, event.get("volume_e8", 0))


def _expiring_never(chronicle: Chronicle) -> Chronicle:
    """For the judge of the kill sweeps, who knows one clock: here there are several."""
    lives = {
        key: replace(life, intent={**life.intent, "expires_at_ms": None})
        for key, life in chronicle.lives.items()
    }
    return replace(chronicle, lives=lives)


def _answers(journal: Path, account: str, chronicle: Chronicle) -> list[Json]:
    """Every order's answer as the next engine over the journal would give it."""
    database = ExecutionDatabase(journal)
    database.open()
    try:
        found = [database.find(account, key) for key in chronicle.lives]
    finally:
        database.close()
    return [one for one in found if one is not None]


def _never_after_expiry(fleet: Fleet, book: Book, chronicle: Chronicle) -> Iterator[str]:
    """By the clock of the agent's machine, wrong as it may be: no other is there."""
    for life in chronicle.lives.values():
        expires_ms = life.intent.get("expires_at_ms")
        if expires_ms is None:
            continue
        for request in book.requests_of(life.token):
            at_ms = fleet.broker_clock.real_of(book.sent_ms(request))
            if fleet.agent_clock.least_at(at_ms, _ON_ITS_WAY_MS) > expires_ms:
                yield f"{life.key}: at the broker at {at_ms}, but it expired at {expires_ms}"


def _acknowledged(strategy: Strategy, gateway: Gateway) -> Iterator[str]:
    """What was acknowledged is known, and is at rest or visibly in doubt."""
    for key, answers in strategy.acknowledged.items():
        order = gateway.orders.get(key)
        if order is None:
            yield f"{key}: it was acknowledged, and the gateway's journal does not know it"
            continue
        if order.state not in _AT_REST:
            yield f"{key}: it was left {order.state}"
        for answer in answers:
            if answer.status in _FINAL and answer.status != order.state and not _late(order):
                yield f"{key}: it was told {answer.status}, and is {order.state}"


def _late(order: AtGateway) -> bool:
    return order.state in ("filled", "working", "partially_filled")


def _agree(gateway: Gateway, chronicle: Chronicle, book: Book) -> Iterator[str]:
    """The gateway says what the agent's journal and the broker's book say."""
    for key, life in chronicle.lives.items():
        if key not in gateway.orders and not life.intent.get("parent"):
            yield f"{key}: the agent has it, and the gateway never sent it"
    for key, order in gateway.orders.items():
        if (found := chronicle.lives.get(key)) is None:
            if order.state not in ("denied", "expired", "cancelled", "done"):
                yield f"{key}: it is {order.state} at the gateway, and the agent never had it"
        elif (order.state, found.state) == ("not_executed", "denied"):
            continue  # its outcome was in doubt at the gateway, until the agent denied it
        elif order.state != found.state:
            yield f"{key}: it is {order.state} at the gateway, and {found.state} at the agent"
        else:
            yield from _same_fill(order, found, book)


def _same_fill(order: AtGateway, life: Life, book: Book) -> Iterator[str]:
    rows = book.orders_of(life.token)
    executed = sum(lots_e8(deal["volume"]) for deal in book.deals_of(rows))
    if order.state in _DOUBT or life.action not in ("open", "close"):
        return
    if order.volume_e8 != executed:
        yield f"{order.key}: {order.volume_e8} filled at the gateway, {executed} at the broker"
    tickets = {row["ticket"] for row in rows}
    if order.state in ("filled", "working") and order.order_ticket not in tickets:
        yield f"{order.key}: ticket {order.order_ticket} at the gateway, {tickets} at the broker"
    if order.state in _NEVER and executed:
        yield f"{order.key}: it is {order.state}, and the broker executed {executed}"


def _taken_in_order(fleet: Fleet, gateway: Gateway, chronicle: Chronicle) -> Iterator[str]:
    """Market orders come to the agent in the order of their acceptance at the gateway, but for
    those that the wire swapped."""
    came = [
        key
        for key, life in chronicle.lives.items()
        if key in gateway.orders and _is_market(life.intent)
    ]
    for one, other in pairwise(key for key in came if key not in fleet.wire.swapped):
        if gateway.orders[other].accepted < gateway.orders[one].accepted:
            yield f"{other} came to the agent after {one}, and was accepted before it"


def _straight(lines: list[str], chronicle: Chronicle) -> list[str]:
    """Market orders that were not held back before their first send (an outcome was unknown, the
    terminal or the gateway away), in the order in which the agent accepted them."""
    taken_ms: dict[str, int] = {}
    unknown: set[str] = set()
    unsent: set[str] = set()
    held: set[str] = set()
    for record in map(json.loads, lines):
        event, key = record["event"], record["event"].get("key", "")
        if event["type"] == "accepted":
            taken_ms[key] = record["at_ms"]
            unsent.add(key)
        elif event["type"] == "sending":
            unsent.discard(key)
        elif event["type"] == "moved":
            (unknown.add if event["to"] == "unknown" else unknown.discard)(key)
        if unknown:
            held |= unsent
    return [
        key
        for key, life in chronicle.lives.items()
        if _is_market(life.intent)
        and life.sends
        and key not in held
        and abs(life.sends[0]["at_ms"] - taken_ms[key]) <= _AT_ONCE_MS
    ]


def _sent_in_order(straight: list[str], chronicle: Chronicle, book: Book) -> Iterator[str]:
    """The broker heard of them in that order."""
    first: dict[str, int] = {}
    for number, request in enumerate(book.requests):
        first.setdefault(comment(request["request"])[:16], number)
    known = [key for key in straight if chronicle.lives[key].token in first]
    for one, other in pairwise(known):
        if first[chronicle.lives[other].token] < first[chronicle.lives[one].token]:
            yield f"{other} was sent before {one}, which came first"


def _is_market(intent: Json) -> bool:
    return bool(intent["action"] == "open" and intent.get("order_type", "market") == "market")


def _gapless(gateway: Gateway) -> Iterator[str]:
    """Every result is recorded, once."""
    most = max(gateway.heard, default=0)
    missing = [number for number in range(1, most + 1) if number not in gateway.heard]
    if missing:
        yield f"results {missing[:10]} of {most} are not in the gateway's journal"
    again = [number for number, times in gateway.heard.items() if times > 1]
    if again:
        yield f"results {again[:10]} are in the gateway's journal more than once"


def export(journal: Path) -> list[str]:
    """A journal's records, a JSON object each, from a process that only reads."""
    status, text = _onefill("journal", "export", str(journal), "--format", "jsonl")
    assert status == 0, text
    return text.splitlines()


def verified(journal: Path) -> list[str]:
    """What `onefill journal verify` has to say against a journal."""
    status, text = _onefill("journal", "verify", str(journal))
    return [f"journal verify: {text}"] if status else []


def _onefill(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "onefill", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr * bool(done.returncode)
