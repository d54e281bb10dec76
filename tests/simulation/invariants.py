"""What must hold of every run once it is over (design: exactly_once): breach by breach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from onefill.model.events import Alerted, Moved
from onefill.model.intent import Action, OrderIntent, OrderType, content_hash
from onefill.model.order import OrderState
from onefill.model.states import FINAL, State
from onefill.model.volume import to_e8
from tests.simulation import at_broker
from tests.simulation.finished import Finished
from tests.simulation.watch import exposure_breaches

Breaches = Iterator[str]
_AT_REST = FINAL | {State.WORKING, State.PARTIALLY_FILLED, State.QUARANTINED}


def breaches(finished: Finished) -> list[str]:
    """Everything that is wrong with a run; nothing, if all is well."""
    found = list(finished.world.watch.breaches)
    for check in (*CHECKS, *at_broker.CHECKS):
        name = check.__name__.replace("_", " ").strip()
        found += [f"{name}: {breach}" for breach in check(finished)]
    return found


def chain_verifies_and_folds(finished: Finished) -> Breaches:
    """The chain, the inbox and the projections; the fold of all records is the live state."""
    yield from finished.broken


def every_order_ends(finished: Finished) -> Breaches:
    """Every accepted order is final, working, or visibly quarantined."""
    for order in finished.orders.values():
        if order.state not in _AT_REST and order.intent.action is not Action.CLOSE_ALL:
            yield f"{order.key} is {order.state}"
    closing = [o for o in finished.state.orders.values() if o.intent.action is Action.CLOSE_ALL]
    quarantined = {o.intent.parent for o in finished.orders.values()
                   if o.state is State.QUARANTINED}  # fmt: skip
    for parent in closing:
        if parent.key not in quarantined:
            yield f"{parent.key} still waits, and none of its children does"


def filled_means_deals(finished: Finished) -> Breaches:
    """FILLED exactly where deals for the whole volume exist; never more than asked."""
    for order in finished.orders.values():
        if not order.makes_deals or order.order is None:
            continue
        whole = order.filled_e8 == order.asked_e8
        if order.filled_e8 > order.asked_e8:
            yield f"{order.key} filled {order.filled_e8} of {order.asked_e8}"
        if whole != (order.state is State.FILLED) and order.key not in finished.settled:
            yield f"{order.key} is {order.state} with {order.filled_e8} of {order.asked_e8}"
        if order.filled_e8 != sum(deal.volume_e8 for deal in order.deals):
            yield f"{order.key} counts {order.filled_e8}, its deals say otherwise"


def exposure_adds_up(finished: Finished) -> Breaches:
    """What is reserved is what live orders may still add, and positions are what is open."""
    yield from exposure_breaches(finished.state)


def unknown_is_alarmed(finished: Finished) -> Breaches:
    """With every UNKNOWN, and with every late fill, comes a critical alert, at once."""
    records = finished.records
    for place, record in enumerate(records):
        event = record.event
        if not isinstance(event, Moved) or not (event.to is State.UNKNOWN or event.late):
            continue
        after = [r.event for r in records[place : place + 60] if r.at_ms == record.at_ms]
        if not any(
            isinstance(alert, Alerted) and alert.level == "critical" and alert.key == event.key
            for alert in after
        ):
            yield f"{event.key} became {event.to} (late: {event.late}) without a critical alert"


def honest_brokers_are_never_late(finished: Finished) -> Breaches:
    """Where the broker keeps to what it was measured to, what was proven stays so."""
    late = finished.late - finished.settled  # a person may have been hasty
    if finished.world.plan.honest and late:
        yield f"late fills of {sorted(late)}"


def nobody_invents_orders(finished: Finished) -> Breaches:
    """Every order is a decision that came, or the child of a close_all that did."""
    known = {decision.intent.client_key for decision in finished.world.plan.decisions}
    for order in finished.orders.values():
        if order.key not in known and order.intent.parent not in known:
            yield f"nobody decided {order.key}"


def what_was_said_is_what_holds(finished: Finished) -> Breaches:
    """The first content of a key is the one carried out; others are refused, repeats answered."""
    watch = finished.world.watch
    first: dict[str, OrderIntent] = {}
    for decision in finished.world.plan.decisions:
        intent = decision.intent
        known = first.setdefault(intent.client_key, intent)
        order = finished.orders.get(intent.client_key)
        if order is None or order.content != content_hash(known):
            yield f"{intent.client_key} is not what it first came with"
        elif not watch.is_answered(intent, known):
            yield f"{intent.client_key} was never answered"
    reused = {key for key, content in watch.answered if not content}
    contents: dict[str, set[bytes]] = {}
    for decision in finished.world.plan.decisions:
        key = decision.intent.client_key
        contents.setdefault(key, set()).add(content_hash(decision.intent))
    for key in sorted(reused):
        if len(contents.get(key, ())) < 2:
            yield f"{key} was refused as reused, and came with one content only"


def epochs_never_fall(finished: Finished) -> Breaches:
    """An older engine records no send after a newer one; attempts count one by one."""
    epochs = [sending.epoch for _, sending in finished.sendings]
    if epochs != sorted(epochs):
        yield f"epochs {epochs}"
    attempts: Counter[str] = Counter()
    for _, sending in finished.sendings:
        attempts[sending.key] += 1
        if sending.attempt != attempts[sending.key]:
            yield f"{sending.key} attempt {sending.attempt} is its {attempts[sending.key]}th"


def order_of_arrival_is_kept(finished: Finished) -> Breaches:
    """Market orders of one symbol that were not held back are sent as they were accepted. One that
    a stopped engine left to the next was held back."""
    numbers = {key: order.number for key, order in finished.orders.items()}
    received = {key: order.received_ms for key, order in finished.orders.items()}
    last: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for at_ms, sending in finished.sendings:
        order = finished.orders[sending.key]
        straight = sending.attempt == 1 and at_ms == received[sending.key]
        if straight and order.intent.action is Action.OPEN:
            place = sending.request.symbol, sending.epoch
            last.setdefault(place, []).append((numbers[sending.key], sending.key))
    for (symbol, _), sent in last.items():
        for (before, one), (after, other) in pairwise(sent):
            if before > after:
                yield f"{symbol}: {one} was sent before {other}, which came first"


def quarantine_is_for_doubt(finished: Finished) -> Breaches:
    """Where comments are kept and there was time to look, evidence settles everything."""
    plan = finished.world.plan
    if not plan.comments_kept or plan.config.quarantine_after_ms < 30_000:
        return
    for order in finished.orders.values():
        if order.state is State.QUARANTINED:
            yield f"{order.key} is quarantined: {order.message}"


def _is_pending(order: OrderState) -> bool:
    return order.order is not None and order.order.order_type is not OrderType.MARKET


def working_orders_have_volume_left(finished: Finished) -> Breaches:
    """Only pending orders work, and only while something of them is missing."""
    for order in finished.orders.values():
        if order.state in (State.WORKING, State.PARTIALLY_FILLED):
            if not _is_pending(order):
                yield f"{order.key} is a market order, and {order.state}"
            if order.filled_e8 >= order.asked_e8:
                yield f"{order.key} is {order.state} with nothing left"
            if order.filled_e8 and order.state is State.WORKING:
                yield f"{order.key} is working with {to_e8(1)} filled"


CHECKS: tuple[Callable[[Finished], Breaches], ...] = (
    chain_verifies_and_folds,
    every_order_ends,
    filled_means_deals,
    exposure_adds_up,
    unknown_is_alarmed,
    honest_brokers_are_never_late,
    nobody_invents_orders,
    what_was_said_is_what_holds,
    epochs_never_fall,
    order_of_arrival_is_kept,
    quarantine_is_for_doubt,
    working_orders_have_volume_left,
)
