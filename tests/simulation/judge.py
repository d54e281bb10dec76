"""The judge of a run: the broker's own book against the journal and the answers, breach by breach.

Knows nothing of the engine: it reads the book's JSON lines and the journal's export.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from tests.simulation.witnesses import (
    REMOVE,
    SUCCESS,
    WORKING,
    Book,
    Chronicle,
    Json,
    Life,
    comment,
    lots_e8,
)

FINAL = frozenset({"denied", "filled", "done", "rejected", "cancelled", "expired", "not_executed"})
AT_REST = FINAL | {"working", "partially_filled", "quarantined"}
_NEVER = frozenset({"denied", "rejected", "not_executed"})


def judge_cut(book: Book, told: Chronicle, heard: Iterable[Json]) -> list[str]:
    """What must hold at any instant, also right after a process died."""
    return [
        *_sent_once(book, told),
        *_only_what_was_recorded(book, told),
        *_sends(book, told),
        *_no_invented_deals(book, told),
        *_heard(told, heard),
    ]


def judge_end(
    book: Book, told: Chronicle, heard: Iterable[Json], answers: list[Json], summary: Json
) -> list[str]:
    """What must hold once a run has come to its end."""
    return [
        *judge_cut(book, told, heard),
        *_all_deals_booked(book, told),
        *_nothing_forgotten(book, told),
        *_answers(book, told, answers),
        *_balance(book, summary),
    ]


def _sent_once(book: Book, told: Chronicle) -> Iterator[str]:
    """At most one broker order an intent, and never more volume than asked."""
    for life in told.lives.values():
        carried_out = [one for one in book.requests_of(life.token) if one["retcode"] in SUCCESS]
        orders = book.orders_of(life.token)
        alive = [o for o in orders if o["state"] in WORKING or book.deals_of([o])]
        if len(carried_out) > 1 or len(alive) > 1:
            tickets = [order["ticket"] for order in alive]
            yield f"{life.key}: the broker has it {len(carried_out)} times (orders {tickets})"
        executed = sum(lots_e8(deal["volume"]) for deal in book.deals_of(orders))
        if executed > life.asked_e8:
            yield f"{life.key}: executed {executed} of {life.asked_e8} asked (1e-8 lots)"
        asked = life.intent.get("volume")
        if asked is not None and executed > lots_e8(asked):
            yield f"{life.key}: executed {executed}, but the decision said {asked} lots"


def _only_what_was_recorded(book: Book, told: Chronicle) -> Iterator[str]:
    """SENDING was durable before the broker heard of it; a withdrawal belongs to an order."""
    recorded = Counter(
        _spelled(send["request"]) for life in told.lives.values() for send in life.sends
    )
    for one in book.requests:
        spelled = _spelled(one["request"])
        recorded[spelled] -= 1
        withdrawal = one["request"]["action"] == REMOVE and not comment(one["request"])
        if recorded[spelled] < 0 and not withdrawal:
            yield f"the broker was sent {spelled}, which no SENDING record tells"


def _spelled(request: Json) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(_set(request)))


def _set(request: Json) -> Iterator[tuple[str, object]]:
    for name, value in request.items():
        if value:
            yield name, float(value) if isinstance(value, Decimal | int) else value


def _sends(book: Book, told: Chronicle) -> Iterator[str]:
    """No send after expiry, attempts one by one, and no older epoch after a newer one."""
    for life in told.lives.values():
        expires_ms = life.intent.get("expires_at_ms")
        for one in book.requests_of(life.token):
            if expires_ms is not None and book.sent_ms(one) > expires_ms:
                yield f"{life.key}: sent at {book.sent_ms(one)}, but it expired at {expires_ms}"
        attempts = [send["attempt"] for send in life.sends]
        if attempts != list(range(1, len(attempts) + 1)):
            yield f"{life.key}: attempts {attempts}"
    if told.epochs != sorted(told.epochs):
        yield f"an older epoch sent after a newer one: {told.epochs}"


def _no_invented_deals(book: Book, told: Chronicle) -> Iterator[str]:
    """The journal's deals are the broker's, each once, each under the order that asked for it."""
    counted = Counter(deal["ticket"] for deal, _, _ in told.booked)
    for ticket, times in counted.items():
        if times > 1:
            yield f"deal {ticket} is in the journal {times} times"
    owners = {life.token: life.key for life in told.lives.values()}
    for deal, key, asked_for in told.booked:
        real = book.deals.get(deal["ticket"])
        if real is None:
            yield f"{key}: deal {deal['ticket']} is in the journal, but not at the broker"
            continue
        yield from _differing(key, deal, real)
        asker = owners.get(book.token(real["order"]))
        opener = _opener(told, real["position_id"])
        right = [(opener, False) if asker is None else (asker, True)]
        if asker is not None and _cannot_be_told(book, told.lives[asker], real["order"]):
            right.append((opener, False))
        if (key, asked_for) not in right:
            yield f"deal {deal['ticket']} belongs to {right[0][0]!r}, but {key!r} has it"


def _cannot_be_told(book: Book, life: Life, ticket: int) -> bool:
    """The broker rewrote the comment, and the order waits for a person because of it: its deals
    are flagged external until then."""
    return life.state == "quarantined" and book.lost_its_token(ticket)


def _opener(told: Chronicle, position: int) -> str:
    """Who opened a position, as the journal has it; empty: nobody of us."""
    for deal, key, asked_for in told.booked:
        if deal["position"] == position and deal["entry"] == "in" and asked_for:
            return key
    return ""


def _differing(key: str, deal: Json, real: Json) -> Iterator[str]:
    pairs = [
        ("order", deal["order"], real["order"]),
        ("position", deal["position"], real["position_id"]),
        ("volume", deal["volume_e8"], lots_e8(real["volume"])),
        ("side", deal["side"], "sell" if real["type"] else "buy"),
        ("time", deal["time_ms"], real["time_ms"]),
    ]
    pairs += [
        (name, float(deal.get(name, 0)), float(real.get(name, 0)))
        for name in ("price", "profit", "commission", "swap", "fee")
    ]
    for name, journal, broker in pairs:
        if journal != broker:
            yield f"{key}: deal {deal['ticket']}: {name} is {journal}, at the broker {broker}"


def _heard(told: Chronicle, heard: Iterable[Json]) -> Iterator[str]:
    """Whoever was told something finds it in the journal, and what was final has stayed."""
    for word in heard:
        life = told.lives.get(word["key"])
        if life is None:
            yield f"{word['key']}: it was told {word['state']}, but the journal has no such order"
        elif word["final"] and life.state != word["state"] and not life.reopened:
            yield f"{life.key}: it was told {word['state']}, and is {life.state} now"


def _all_deals_booked(book: Book, told: Chronicle) -> Iterator[str]:
    booked = {deal["ticket"] for deal, _, _ in told.booked}
    for ticket, deal in book.deals.items():
        if ticket not in booked:
            yield f"deal {ticket} ({deal['volume']} {deal['symbol']}) is not in the journal"


def _nothing_forgotten(book: Book, told: Chronicle) -> Iterator[str]:
    """Every order is at rest, and the broker's working orders are known to be so."""
    for life in told.lives.values():
        if life.state not in AT_REST and not _waits_for_child(told, life):
            yield f"{life.key}: it was left {life.state}"
    owners = {life.token: life for life in told.lives.values()}
    for order in book.orders.values():
        owner = owners.get(book.token(order["ticket"]))
        if order["state"] not in WORKING:
            continue
        if owner is None:
            yield f"order {order['ticket']} works at the broker, and nobody knows of it"
        elif owner.state not in ("working", "partially_filled", "quarantined"):
            yield f"{owner.key}: it is {owner.state}, but order {order['ticket']} works"


def _waits_for_child(told: Chronicle, life: Life) -> bool:
    """A close_all is not over while one of its closes waits for an operator."""
    children = told.children(life)
    return life.state == "accepted" and any(one.state == "quarantined" for one in children)


def _answers(book: Book, told: Chronicle, answers: list[Json]) -> Iterator[str]:
    """Every decision has its answer, and the book agrees with it."""
    for answer in answers:
        reason = answer["reason"]
        if reason is not None and reason["code"] == "KEY_REUSED":
            continue
        life = told.lives.get(answer["client_key"])
        if life is None:
            yield f"{answer['client_key']}: it was answered, but the journal has no such order"
        elif life.state != answer["status"]:
            yield f"{life.key}: told {answer['status']}, in the journal {life.state}"
        else:
            yield from _answer(book, told, life, answer)
    asked = {answer["client_key"] for answer in answers}
    for key in told.lives:
        if key not in asked and key.rsplit("/", 1)[0] not in asked:
            yield f"{key}: it is in the journal, but nobody was answered"


def _answer(book: Book, told: Chronicle, life: Life, answer: Json) -> Iterator[str]:
    """The answer's own words against the broker's rows."""
    if _waits_for_child(told, life):
        return
    tokens = [life.token, *(child.token for child in told.children(life))]
    orders = [order for token in tokens for order in book.orders_of(token)]
    if any(_cannot_be_told(book, life, order["ticket"]) for order in orders):
        return
    deals = book.deals_of(orders)
    volume = sum(lots_e8(deal["volume"]) for deal in deals)
    told_volume = lots_e8(answer["filled_volume"])
    if sorted(answer["deal_tickets"]) != sorted(deal["ticket"] for deal in deals):
        yield f"{life.key}: told deals {answer['deal_tickets']}, the broker has {len(deals)}"
    if told_volume != volume:
        yield f"{life.key}: told a volume of {told_volume}, the broker has {volume}"
    if life.action in ("open", "close"):
        yield from _fill(life, answer, deals, volume)
    yield from _state(book, life, orders, volume)
    tickets = {order["ticket"] for order in orders}
    ticket = answer["order_ticket"] if life.action in ("open", "close") else None
    if ticket and ticket not in tickets:
        yield f"{life.key}: told order {ticket}, the broker has {tickets}"
    if answer["attempts"] != len(life.sends):
        yield f"{life.key}: told {answer['attempts']} attempts, recorded {len(life.sends)}"


def _fill(life: Life, answer: Json, deals: list[Json], volume: int) -> Iterator[str]:
    price = answer["fill_price"]
    if deals:
        total = sum(Decimal(deal["price"]) * lots_e8(deal["volume"]) for deal in deals)
        average = float(total / volume)
        if price is None or abs(float(price) - average) > 1e-9 * average:
            yield f"{life.key}: told a price of {price}, the broker has {average}"
    elif price is not None:
        yield f"{life.key}: told a price of {price}, the broker has no deal"
    if (life.state == "filled") != (volume == life.asked_e8 and volume > 0):
        yield f"{life.key}: it is {life.state} with {volume} of {life.asked_e8} executed"


def _state(book: Book, life: Life, orders: list[Json], volume: int) -> Iterator[str]:
    """Whether the broker's last word on it fits the state."""
    states = {order["state"] for order in orders}
    unsent = not life.sends and life.action != "close_all"
    if unsent and (book.requests_of(life.token) or orders):
        yield f"{life.key}: it is {life.state} and was never sent, but the broker had it"
    if life.state in _NEVER and (volume or states & WORKING):
        yield f"{life.key}: it is {life.state}, but the broker executed or has it"
    if life.state == "working" and not states & WORKING:
        yield f"{life.key}: it is working, but at the broker {states or 'unknown'}"
    if life.state in ("cancelled", "expired") and states & WORKING:
        yield f"{life.key}: it is {life.state}, but works at the broker"
    if life.state == "done" and life.action in ("modify", "cancel") and life.sends:
        yield from _done(book, life)


def _done(book: Book, life: Life) -> Iterator[str]:
    """A change or a cancel that succeeded: the broker said so, or its rows do."""
    request = life.sends[-1]["request"]
    said = any(
        one["retcode"] in SUCCESS and _spelled(one["request"]) == _spelled(request)
        for one in book.requests
    )
    if not said:
        yield f"{life.key}: it is done, but the broker never carried it out"


def _balance(book: Book, summary: Json) -> Iterator[str]:
    told = Decimal(str(summary["balance"]))
    if told != book.balance:
        yield f"the summary has a balance of {told}, the book one of {book.balance}"
