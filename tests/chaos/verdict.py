"""The judge: each broker's own book against the agent's journal, the agent's journal against the
gateway's, the gateway's against what its callers were told. Knows nothing of engine and gateway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tests.chaos.evidence import AtGateway, Evidence, Gateway, gather, verified
from tests.chaos.fleet import Fleet
from tests.chaos.strategy import Strategy
from tests.simulation.judge import judge_end
from tests.simulation.witnesses import Book, Chronicle, Json, Life, comment, lots_e8

#: How long a request may be on its way from the look at the clock to the broker's book.
_ON_ITS_WAY_MS = 1_500
#: By its own clock an agent sends what nothing holds back within so long of taking it.
_AT_ONCE_MS = 100
_NEVER = frozenset({"denied", "rejected", "not_executed"})
_DOUBT = frozenset({"unknown", "quarantined"})
_FINAL = frozenset({"denied", "filled", "done", "rejected", "cancelled", "expired", "not_executed"})
_AT_REST = _FINAL | {"working", "partially_filled"} | _DOUBT


@dataclass
class Verdict:
    """Breaches, and orders by the state in which they ended."""

    breaches: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    #: Orders that were not held back, whose order at the broker was looked at.
    straight: int = 0
    evidence: list[Evidence] = field(default_factory=list)


def judge(fleet: Fleet, strategies: list[Strategy]) -> Verdict:
    """After the fleet was closed."""
    journals = (fleet.home / "gateway" / "journal", fleet.home / "agent" / "journal")
    verdict = Verdict([breach for journal in journals for breach in verified(journal)])
    for strategy in strategies:
        verdict.breaches += strategy.breaches
    verdict.evidence = gather(fleet, strategies)
    for evidence in verdict.evidence:
        verdict.breaches += [f"{evidence.account}: {one}" for one in breaches_in(evidence)]
        verdict.states.update(order.state for order in evidence.gateway.orders.values())
        verdict.sent += len(evidence.book.requests)
        verdict.straight += len(straight_orders(evidence))
    return verdict


def breaches_in(left: Evidence) -> list[str]:
    """What does not hold of one account."""
    unexpiring = _expiring_never(left.chronicle)
    return [
        *judge_end(left.book, unexpiring, [], left.answers, {"balance": left.book.balance}),
        *_never_after_expiry(left),
        *_acknowledged(left),
        *_agree(left.gateway, left.chronicle, left.book),
        *_taken_in_order(left),
        *_sent_in_order(left),
        *_gapless(left.gateway),
    ]


def _expiring_never(chronicle: Chronicle) -> Chronicle:
    """For the judge of the kill sweeps, who knows one clock: here there are several."""
    lives = {
        key: replace(life, intent={**life.intent, "expires_at_ms": None})
        for key, life in chronicle.lives.items()
    }
    return replace(chronicle, lives=lives)


def _never_after_expiry(left: Evidence) -> Iterator[str]:
    """By the clock of the agent's machine, wrong as it may be: no other is there."""
    for life in left.chronicle.lives.values():
        expires_ms = life.intent.get("expires_at_ms")
        if expires_ms is None:
            continue
        for request in left.book.requests_of(life.token):
            at_ms = left.broker_clock.real_of(left.book.sent_ms(request))
            if left.agent_clock.least_at(at_ms, _ON_ITS_WAY_MS) > expires_ms:
                yield f"{life.key}: at the broker at {at_ms}, but it expired at {expires_ms}"


def _acknowledged(left: Evidence) -> Iterator[str]:
    """What was acknowledged is known, and is at rest or visibly in doubt."""
    for key, answers in left.acknowledged.items():
        order = left.gateway.orders.get(key)
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
        elif order.state == "quarantined" and any(
            child.state == "quarantined" for child in chronicle.children(found)
        ):
            continue  # one of its closes waits for a person
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


def _taken_in_order(left: Evidence) -> Iterator[str]:
    """Market orders come to the agent in the order of their acceptance at the gateway, but for
    those that the wire swapped."""
    orders = left.gateway.orders
    came = [
        key
        for key, life in left.chronicle.lives.items()
        if key in orders and _is_market(life.intent)
    ]
    for one, other in pairwise(key for key in came if key not in left.swapped):
        if orders[other].accepted < orders[one].accepted:
            yield f"{other} came to the agent after {one}, and was accepted before it"


def straight_orders(left: Evidence) -> list[str]:
    """Market orders that were not held back before their first send (an outcome was unknown, the
    terminal or the gateway away), in the order in which the agent accepted them."""
    taken_ms: dict[str, int] = {}
    unknown: set[str] = set()
    unsent: set[str] = set()
    held: set[str] = set()
    for record in left.records:
        event, key = record["event"], record["event"].get("key", "")
        if event["type"] == "accepted":
            taken_ms[key] = record["at_ms"]
            unsent.add(key)
        elif event["type"] == "sending":
            unsent.discard(key)
        elif event["type"] == "moved":
            (unknown.add if event["to"] == "unknown" else unknown.discard)(key)
            if event["to"] == "accepted" and not event.get("retcode"):
                held.add(key)  # on its way it was stopped, and the broker did not hear of it
        if unknown:
            held |= unsent
    return [
        key
        for key, life in left.chronicle.lives.items()
        if _is_market(life.intent)
        and life.sends
        and key not in held
        and abs(life.sends[0]["at_ms"] - taken_ms[key]) <= _AT_ONCE_MS
    ]


def _sent_in_order(left: Evidence) -> Iterator[str]:
    """The broker heard of them in that order."""
    first: dict[str, int] = {}
    for number, request in enumerate(left.book.heard):
        first.setdefault(comment(request["request"])[:16], number)
    sent = [(first.get(left.chronicle.lives[key].token), key) for key in straight_orders(left)]
    known = [(number, key) for number, key in sent if number is not None]
    for (before, one), (after, other) in pairwise(known):
        if after < before:
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
