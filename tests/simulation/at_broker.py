"""What must hold between the journal and the broker's own book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from onefill.model.intent import Action
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from onefill.terminal.simulator.entries import Ordered
from tests.simulation.finished import Finished
from tests.simulation.people import BY_HAND
from tests.simulation.truth import moments, token
from tests.simulation.world import World

Breaches = Iterator[str]
_WORKING = (port.STATE_PLACED, port.STATE_PARTIAL)
_NEVER_LEFT = (port.TOO_LATE, port.STALE_EPOCH)
#: Fills may be dearer than the quote that was reserved at.
_SLIPPED = 1.01


def nothing_was_sent_twice(finished: Finished) -> Breaches:
    """At most one broker order per intent that was not proven refused; never more than asked."""
    for key, order in finished.orders.items():
        rows = finished.truth.orders_of(key)
        if len(rows) > 1:
            yield f"{key} became orders {[row.ticket for row in rows]}"
        executed = sum(to_e8(deal.volume) for deal in finished.truth.deals_of(key))
        if executed > order.asked_e8:
            yield f"{key}: {to_lots(executed)} lots executed, {to_lots(order.asked_e8)} asked"


def nothing_was_sent_unrecorded(finished: Finished) -> Breaches:
    """What the broker was asked for is in a SENDING record."""
    recorded = Counter(
        (sending.request.comment, sending.request.action) for _, sending in finished.sendings
    )
    for one in finished.truth.requests:
        what = (one.request.comment, one.request.action)
        if one.request.comment and one.request.comment != BY_HAND:
            recorded[what] -= 1
            if recorded[what] < 0:
                yield f"{one.request} has no SENDING of its own"


def nothing_was_sent_after_expiry(finished: Finished) -> Breaches:
    """An expired order is never sent."""
    for send in finished.world.watch.sends:
        order = finished.orders.get(send.request.key)
        refused = send.answered is not None and send.answered.error[0] in _NEVER_LEFT
        if order is None or order.intent.expires_at_ms is None or refused:
            continue
        if send.at_ms > order.intent.expires_at_ms:
            yield f"{order.key} was sent at {send.at_ms}, expired {order.intent.expires_at_ms}"


def old_engines_change_nothing(finished: Finished) -> Breaches:
    """None is sent from an old epoch."""
    for send in finished.world.watch.sends:
        fenced = send.answered is not None and send.answered.error[0] == port.STALE_EPOCH
        if send.stale and not fenced:
            yield f"{send.request.key} was sent by epoch {send.request.epoch}, which was over"


def every_deal_is_attributed(finished: Finished) -> Breaches:
    """Each deal at the broker is in the journal, once, and none that is not at the broker. One that
    was nobody's before a person said whose its order is, comes again under that order."""
    real = {deal.ticket: deal for deal in finished.truth.trades()}
    given = {
        booked.deal.ticket
        for booked in finished.booked
        if booked.asked_for and booked.key in finished.settled
    }
    counted = Counter(
        booked.deal.ticket
        for booked in finished.booked
        if booked.asked_for or booked.key or booked.deal.ticket not in given
    )
    for ticket in sorted(real.keys() | counted.keys()):
        if ticket not in real:
            yield f"deal {ticket} is in the journal only"
        elif counted[ticket] != 1:
            yield f"deal {ticket} ({real[ticket].comment!r}) is in the journal {counted[ticket]}x"
    for booked in finished.booked:
        broker = real.get(booked.deal.ticket)
        if broker is not None and (
            booked.deal.volume_e8 != to_e8(broker.volume)
            or booked.deal.price != broker.price
            or booked.deal.profit != broker.profit
        ):
            yield f"deal {broker.ticket} is {booked.deal} in the journal"


def every_deal_is_attributed_rightly(finished: Finished) -> Breaches:
    """Under the order whose token was sent; stops under the order that opened their position. What
    the broker took the token from, and a stranger's, is flagged external instead."""
    truth = finished.truth
    owners = {token(key): key for key in finished.orders}
    real = {deal.ticket: deal for deal in truth.trades()}
    if _nothing_tells_apart(finished):
        return
    for booked in finished.booked:
        deal = real.get(booked.deal.ticket)
        if deal is None:
            continue
        opener = truth.opener(deal)
        opened_by = owners.get(truth.sent_as.get(opener, ""), "")
        asked_by = owners.get(truth.sent_as.get(deal.order, ""), "")
        if booked.asked_for:
            right = booked.key == asked_by
        elif asked_by in finished.settled:  # it was told filled before that was seen
            right = booked.key in ("", asked_by, opened_by)
        elif asked_by:  # ours, and flagged external
            right = not truth.token_shows(deal.order) and booked.key in ("", opened_by)
        else:
            right = booked.key == opened_by or (not booked.key and not truth.token_shows(opener))
        if not right:
            yield (
                f"deal {deal.ticket} was asked for by {asked_by!r} on a position of {opened_by!r}, "
                f"and is under {booked.key!r} (asked for: {booked.asked_for})"
            )


def _nothing_tells_apart(finished: Finished) -> bool:
    """A broker that takes the tokens away and carries out orders long after they were proven not
    executed leaves nothing by which two orders that look alike could be told apart."""
    return not finished.world.plan.honest and not finished.world.plan.comments_kept


def positions_are_the_brokers(finished: Finished) -> Breaches:
    """Positions open in the journal are those open at the broker."""
    ours = {
        p.ticket: (p.symbol, p.side.sign, p.volume_e8) for p in finished.state.positions.values()
    }
    theirs = {
        p.ticket: (p.symbol, 1 - 2 * p.type, to_e8(p.volume))
        for p in finished.truth.positions.values()
    }
    for ticket in sorted(ours.keys() | theirs.keys()):
        if ours.get(ticket) != theirs.get(ticket):
            yield f"position {ticket} is {ours.get(ticket)}, at the broker {theirs.get(ticket)}"


def working_orders_are_the_brokers(finished: Finished) -> Breaches:
    """What works in the journal works at the broker, and the other way round."""
    known = finished.state.tickets
    for row in finished.truth.orders.values():
        if row.state not in _WORKING:
            continue
        doubtful = any(
            row.ticket in finished.truth.tickets.get(token(order.key), ())
            for order in finished.state.orders.values()
        )
        if row.ticket not in known and not doubtful and not _came_late(finished, row):
            yield f"order {row.ticket} ({row.comment!r}) works at the broker, unknown to us"
    for order in finished.state.orders.values():
        if order.state not in (State.WORKING, State.PARTIALLY_FILLED) or order.by:
            continue
        there = finished.truth.orders.get(order.order_ticket)
        if there is None or there.state not in _WORKING:
            yield f"{order.key} is {order.state}; at the broker it is {there and there.state}"


def _came_late(finished: Finished, row: Ordered) -> bool:
    """A dishonest broker placed it after all: with a comment that nobody knows, or so late that
    nothing happened on the account any more which would have made the engine look."""
    if finished.world.plan.honest:
        return False
    after = any(deal.time_ms > row.setup_ms for deal in finished.truth.trades())
    return not after or not finished.truth.token_shows(row.ticket)


def what_is_final_is_true(finished: Finished) -> Breaches:
    """A proven state agrees with the broker's order; an operator may have erred."""
    if _nothing_tells_apart(finished):
        return
    for order in finished.orders.values():
        if order.intent.action is Action.CLOSE_ALL or order.key in finished.settled:
            continue
        rows = finished.truth.orders_of(order.key)
        if order.makes_deals:
            yield from _placed(order, [row.state for row in rows], finished.world)
        elif order.state is State.NOT_EXECUTED and _was_carried_out(finished, order):
            if finished.world.plan.honest:
                yield f"{order.key} is {order.state}, and the broker did it"
        elif order.state is State.DONE and order.request is not None:
            if _was_carried_out(finished, order) or _had_no_effect(finished, order):
                continue
            yield f"{order.key} is DONE, and the broker did nothing"


def _placed(order: OrderState, states: list[int], world: World) -> Breaches:
    never = (State.NOT_EXECUTED, State.DENIED, State.REJECTED, State.EXPIRED, State.CANCELLED)
    ends = {
        State.CANCELLED: port.STATE_CANCELED,
        State.EXPIRED: port.STATE_EXPIRED,
        State.REJECTED: port.STATE_REJECTED,
        State.FILLED: port.STATE_FILLED,
    }
    state = order.state
    if not states:
        if state not in (*never, State.QUARANTINED):
            yield f"{order.key} is {state}, and the broker never had it"
    elif state in (State.NOT_EXECUTED, State.DENIED):
        if world.plan.honest or (world.plan.comments_kept and port.STATE_FILLED in states):
            yield f"{order.key} is {state}, and the broker has it ({states})"
    elif state in ends and states != [ends[state]]:
        yield f"{order.key} is {state}, at the broker it is {states}"


def _was_carried_out(finished: Finished, order: OrderState) -> bool:
    return any(
        one.request == order.request and one.retcode == finished.truth.DONE
        for one in finished.truth.requests
    )


def _had_no_effect(finished: Finished, order: OrderState) -> bool:
    """The broker had nothing to change: it was so already, or somebody else had done it."""
    request = order.request
    assert request is not None
    if request.action == port.ACTION_REMOVE:
        row = finished.truth.orders.get(request.order)
        return row is not None and row.state == port.STATE_CANCELED
    return True


def caps_were_never_overshot(finished: Finished) -> Breaches:
    """At no moment did the broker hold more of ours than the limits allow."""
    world = finished.world
    if not world.plan.honest or finished.late:
        return
    most_positions, most_orders, most_value = world.plan.caps
    sent_as = finished.truth.sent_as
    owners = {token(key) for key in finished.orders}

    def ours(ticket: int) -> bool:
        return sent_as.get(ticket, "") in owners

    for orders, positions in moments(finished.truth.entries):
        pending = sum(ours(ticket) for ticket in orders)
        both = {*orders, *positions}
        held = sum(ours(ticket) for ticket in both)
        value = sum(
            to_lots(to_e8(p.volume)) * _worth(p.symbol, p.price_open)
            for p in positions.values()
            if ours(p.ticket)
        )
        if pending > most_orders or held > most_positions or value > most_value * _SLIPPED:
            yield f"{held} positions and orders, {pending} pending, worth {value:.0f}"
            return


def _worth(symbol: str, price: float) -> float:
    return 100_000.0 if symbol.startswith("USD") else 100_000.0 * price


CHECKS: tuple[Callable[[Finished], Breaches], ...] = (
    nothing_was_sent_twice,
    nothing_was_sent_unrecorded,
    nothing_was_sent_after_expiry,
    old_engines_change_nothing,
    every_deal_is_attributed,
    every_deal_is_attributed_rightly,
    positions_are_the_brokers,
    working_orders_are_the_brokers,
    what_is_final_is_true,
    caps_were_never_overshot,
)
