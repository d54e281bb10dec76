"""Events and whole order lives for tests: legal, small, and every kind there is.

A life is a list of steps; a step is an event, or a function of the order as it stands (late
evidence names the order that it reopens). `lives` shuffles many of them together, by a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from onefill.journal.journal import Journal
from onefill.model.deal import Deal, DealReason, Entry
from onefill.model.events import (
    Accepted,
    Alerted,
    Amended,
    Began,
    Denied,
    Event,
    Moved,
    PositionDealt,
    Reopened,
    Sending,
)
from onefill.model.intent import Action, OrderIntent, Side, content_hash, intent_id, token_of
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest, Reservation, ResolvedOrder
from onefill.model.states import State

ACCOUNT = "demo-1"
START_MS = 1_400_000_000_000
LOT = 100_000_000
TENTH = LOT // 10
PRICE = 1.15

Step = Event | Callable[[OrderState], Event]
Life = list[Step]


def intent(key: str, **changes: Any) -> OrderIntent:
    """A market buy of 0.1 EURUSD."""
    plain: dict[str, Any] = {
        "action": Action.OPEN,
        "symbol": "EURUSD",
        "side": Side.BUY,
        "volume": 0.1,
    }
    return OrderIntent(client_key=key, **(plain | changes))


def accepted(key: str, *, volume_e8: int = TENTH, action: Action = Action.OPEN) -> Accepted:
    """The order passed risk; an opening one holds 1,150.00 of value and 11.50 of margin."""
    wanted = intent(key, action=action)
    opens = action is Action.OPEN
    return Accepted(
        key=key,
        intent_id=intent_id("tenant", ACCOUNT, key),
        content=content_hash(wanted),
        intent=wanted,
        order=ResolvedOrder(
            action=action,
            symbol="EURUSD",
            side=Side.BUY if opens else Side.SELL,
            volume_e8=volume_e8,
            requested_price=PRICE,
            pip_points=10,
            digits=5,
        ),
        reservation=Reservation("EURUSD", Side.BUY, volume_e8, 115_000, 1_150) if opens else None,
    )


def denied(key: str, *, after_acceptance: bool = False) -> Denied:
    """Refused by a control; with its intent where nothing accepted it before."""
    wanted = intent(key)
    if after_acceptance:
        return Denied(key=key, code="EXPIRED", message="its expiry passed before it was sent")
    return Denied(
        key=key,
        code="PRICE_COLLAR",
        message="1.2 is 4.3 % from 1.15; at most 1 %",
        intent_id=intent_id("tenant", ACCOUNT, key),
        content=content_hash(wanted),
        intent=wanted,
    )


def sending(key: str, ticket: int, *, attempt: int = 1, epoch: int = 1) -> Sending:
    """Durable before `order_send`."""
    return Sending(
        key=key,
        attempt=attempt,
        epoch=epoch,
        server_ms=START_MS,
        baseline_ticket=ticket - 1,
        request=BrokerRequest(
            action=1,
            symbol="EURUSD",
            volume=0.1,
            price=PRICE,
            comment=token_of(intent_id("tenant", ACCOUNT, key)),
        ),
    )


def deal(ticket: int, position: int, *, volume_e8: int = TENTH, **changes: Any) -> Deal:
    """A deal that opens (or adds to) a position."""
    plain: dict[str, Any] = {
        "order": position,
        "symbol": "EURUSD",
        "side": Side.BUY,
        "entry": Entry.IN,
        "price": PRICE,
        "time_ms": START_MS,
    }
    return Deal(ticket=ticket, position=position, volume_e8=volume_e8, **(plain | changes))


def filled(key: str, ticket: int, **changes: Any) -> Moved:
    """The broker's reply, with the one deal that proves it."""
    plain: dict[str, Any] = {
        "to": State.FILLED,
        "retcode": 10009,
        "order_ticket": ticket,
        "position_ticket": ticket,
        "deals": (deal(ticket + 1, ticket),),
        "evidence": "reply",
    }
    return Moved(key=key, **(plain | changes))


def moved(key: str, to: State, **fields: Any) -> Moved:
    """One step of the table."""
    return Moved(key=key, to=to, **fields)


def stopped_out(key: str, ticket: int) -> PositionDealt:
    """The stop loss of the position that the order opened."""
    out = deal(
        ticket + 5,
        ticket,
        side=Side.SELL,
        entry=Entry.OUT,
        profit=-10.0,
        reason=DealReason.STOP_LOSS,
    )
    return PositionDealt(deals=(out,), key=key)


def life(kind: str, key: str, ticket: int, *, epoch: int = 1) -> Life:
    """The steps of one order. `ticket` is its own; the nine above it are free for its deals."""
    begin: Life = [accepted(key), sending(key, ticket, epoch=epoch)]
    half = TENTH // 2
    first = (deal(ticket + 1, ticket, volume_e8=half),)
    second = (deal(ticket + 2, ticket, volume_e8=half),)
    unknown: Life = [*begin, moved(key, State.UNKNOWN, code="TIMED_OUT")]
    kinds: dict[str, Callable[[], Life]] = {
        "filled": lambda: [*begin, filled(key, ticket)],
        "denied": lambda: [denied(key)],
        "denied_later": lambda: [accepted(key), denied(key, after_acceptance=True)],
        "rejected": lambda: [*begin, moved(key, State.REJECTED, retcode=10006, message="no")],
        "requoted": lambda: [
            *begin,
            moved(key, State.ACCEPTED, retcode=10004),
            sending(key, ticket, attempt=2, epoch=epoch),
            filled(key, ticket),
        ],
        "working": lambda: [*begin, moved(key, State.WORKING, order_ticket=ticket)],
        "cancelled": lambda: [
            *begin,
            moved(key, State.WORKING, order_ticket=ticket),
            moved(key, State.CANCELLED),
        ],
        "in_parts": lambda: [
            *begin,
            moved(key, State.PARTIALLY_FILLED, order_ticket=ticket, deals=first),
            moved(key, State.FILLED, deals=second),
        ],
        "part_expired": lambda: [
            *begin,
            moved(key, State.PARTIALLY_FILLED, order_ticket=ticket, deals=first),
            moved(key, State.EXPIRED),
        ],
        "unknown_filled": lambda: [*unknown, filled(key, ticket, evidence="history")],
        "not_executed": lambda: [*unknown, moved(key, State.NOT_EXECUTED, evidence="snapshots")],
        "late": lambda: [
            *unknown,
            moved(key, State.NOT_EXECUTED, evidence="snapshots"),
            lambda order: Reopened(order=order, why="a deal with its token turned up"),
            Alerted(code="LATE_FILL", message="adopted", level="critical", key=key),
            filled(key, ticket, late=True, evidence="history"),
        ],
        "quarantined": lambda: [*unknown, moved(key, State.QUARANTINED, code="NO_EVIDENCE")],
        "stopped_out": lambda: [*begin, filled(key, ticket), stopped_out(key, ticket)],
        "amended": lambda: [
            *begin,
            filled(key, ticket),
            Amended(key=key, position_ticket=ticket, stop_loss=1.1),
        ],
        "changed": lambda: [
            accepted(key, action=Action.MODIFY),
            sending(key, ticket, epoch=epoch),
            moved(key, State.DONE),
        ],
    }
    return kinds[kind]()


KINDS = (
    *("filled", "denied", "denied_later", "rejected", "requoted", "working", "cancelled"),
    *("in_parts", "part_expired", "unknown_filled", "not_executed", "late", "quarantined"),
    *("stopped_out", "amended", "changed"),
)


def lives(
    seed: int, orders: int, *, accounts: tuple[str, ...] = (ACCOUNT,), epoch: int = 1
) -> Iterator[tuple[str, str, Step]]:
    """Account, key and step of many lives at once, shuffled by the seed; each begins with Began."""
    draw = random.Random(seed)
    for account in accounts:
        yield account, "", Began(made_from={"seed": str(seed)})
    waiting = [
        (draw.choice(accounts), f"{seed}-{n}", draw.choice(KINDS), 1_000 + 10 * n)
        for n in range(orders)
    ]
    under_way: list[tuple[str, str, Life]] = []
    while waiting or under_way:
        if waiting and (not under_way or (len(under_way) < 20 and draw.random() < 0.4)):
            account, key, kind, ticket = waiting.pop(0)
            under_way.append((account, key, life(kind, key, ticket, epoch=epoch)))
        account, key, steps = draw.choice(under_way)
        yield account, key, steps.pop(0)
        under_way = [one for one in under_way if one[2]]


def event_steps(journal: Journal, key: str, steps: Life, account: str = ACCOUNT) -> Iterator[Event]:
    """A life's events, each made when it is asked for: the order may have moved meanwhile."""
    for step in steps:
        if callable(step):
            order = journal.find(account, key)
            assert order is not None, key
            yield step(order)
        else:
            yield step


def play(
    journal: Journal, steps: Iterable[tuple[str, str, Step]], *, group: int = 7, start: int = 0
) -> None:
    """Append the steps, a millisecond apart, and flush after every `group` of them."""
    for n, (account, key, step) in enumerate(steps, start=start + 1):
        for event in event_steps(journal, key, [step], account):
            journal.append(account, event, START_MS + n)
        if n % group == 0:
            journal.flush()
    journal.flush()


def epochs(journal: Journal, *accounts: str) -> None:
    """Take the first epoch of each account, which `life` and `lives` send under."""
    for account in accounts:
        assert journal.take_epoch(account) == 1
