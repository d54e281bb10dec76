"""From records to state: the one function that changes an account, live and in replay alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import msgspec

from onefill.model import events as ev
from onefill.model.account import AccountState, LossMarks
from onefill.model.booking import book, remember
from onefill.model.deal import Deal
from onefill.model.intent import Action, token_of
from onefill.model.order import OrderState
from onefill.model.states import FINAL, LATE_FROM, State, may_follow
from onefill.model.throttle import add_alike, add_moment, forget_strategy, kind_of_order


class BrokenRecord(AssertionError):
    """A record that cannot follow what came before: the journal or the code is wrong."""


def apply(state: AccountState, event: ev.Event, number: int, at_ms: int) -> None:
    """Take one record into the account's state.

    `number` is the journal's number of the record, `at_ms` when it was appended (Unix ms).
    Raises `BrokenRecord` where the order-status table does not allow the step.
    """
    state.records += 1
    if at_ms > state.last_ms:
        state.last_ms = at_ms
    _APPLY[type(event)](state, event, number, at_ms)


def order_of(records: Iterable[tuple[int, int, ev.Event]]) -> OrderState | None:
    """One order's life from its own records alone: (number, Unix ms, event), oldest first.

    None where no record accepts or denies an order.
    """
    scratch = AccountState(account="")
    order: OrderState | None = None
    for number, at_ms, event in records:
        key = ev.key_of(event)
        apply(scratch, event, number, at_ms)
        order = scratch.orders.get(key, order)
        if isinstance(event, ev.Denied) and event.intent is not None and order is None:
            order = OrderState(
                key=key,
                intent_id=event.intent_id,
                number=number,
                state=State.DENIED,
                intent=event.intent,
                received_ms=at_ms,
                content=event.content,
                code=event.code,
                message=event.message,
            )
    return order


def _began(state: AccountState, event: ev.Began, number: int, at_ms: int) -> None:
    state.made_from = event.made_from
    state.began_ms = at_ms


def _concluded(state: AccountState, event: ev.Concluded, number: int, at_ms: int) -> None:
    state.concluded = event.summary


def _alerted(state: AccountState, event: ev.Alerted, number: int, at_ms: int) -> None:
    state.concluded = ""


def _accepted(state: AccountState, event: ev.Accepted, number: int, at_ms: int) -> None:
    state.concluded = ""
    if event.key in state.orders:
        raise BrokenRecord(f"record {number}: order {event.key!r} was accepted before")
    state.orders[event.key] = OrderState(
        key=event.key,
        intent_id=event.intent_id,
        number=number,
        state=State.ACCEPTED,
        intent=event.intent,
        received_ms=at_ms,
        content=event.content,
        order=event.order,
        reservation=event.reservation,
    )
    _count(state, State.ACCEPTED, +1)
    if event.reservation is not None:
        state.symbol_exposure(event.reservation.symbol).add(event.reservation, +1)
    if event.repeat_window_ms:
        _hold_repeats(state, event.repeat, at_ms, event.repeat_window_ms)
    if event.message_window_ms:
        state.message_window_ms = max(state.message_window_ms, event.message_window_ms)
        add_moment(state.messages, at_ms, state.message_window_ms)
    if event.alike_window_ms:
        state.alike_window_ms = max(state.alike_window_ms, event.alike_window_ms)
        add_alike(state.alike, kind_of_order(event.intent), at_ms, state.alike_window_ms)


def _denied(state: AccountState, event: ev.Denied, number: int, at_ms: int) -> None:
    state.concluded = ""
    order = state.orders.get(event.key)
    if order is None:
        if event.intent is None:
            raise BrokenRecord(f"record {number} denies order {event.key!r}, which is not live")
        _count(state, State.DENIED, +1)
        return
    order.code, order.message = event.code, event.message
    _step(state, order, State.DENIED)


def _sending(state: AccountState, event: ev.Sending, number: int, at_ms: int) -> None:
    order = _live(state, event.key, number)
    order.attempts = event.attempt
    order.epoch = event.epoch
    order.submitted_ms = at_ms
    order.server_ms = event.server_ms
    order.baseline_ticket = event.baseline_ticket
    order.request = event.request
    if state.message_window_ms:
        add_moment(state.sends, at_ms, state.message_window_ms)
    _step(state, order, State.SENDING)


def _moved(state: AccountState, event: ev.Moved, number: int, at_ms: int) -> None:
    state.concluded = ""
    order = _live(state, event.key, number)
    order.code, order.message, order.retcode = event.code, event.message, event.retcode
    if event.by:
        order.by = event.by
    if event.late:
        order.late = True
    if event.order_ticket and event.order_ticket != order.order_ticket:
        order.order_ticket = event.order_ticket
        state.tickets[event.order_ticket] = order.key
        remember(state.adopted, event.order_ticket, order.key)
    if event.position_ticket:
        order.position_ticket = event.position_ticket
    if event.deals:
        _fills(state, order, event.deals)
    if event.to is State.UNKNOWN:
        order.unknown_since_ms = at_ms
    _step(state, order, event.to)


def _dispatched(state: AccountState, event: ev.Dispatched, number: int, at_ms: int) -> None:
    order = _live(state, event.key, number)
    order.attempts += 1
    order.submitted_ms = at_ms
    _step(state, order, State.SENDING)


def _reported(state: AccountState, event: ev.Reported, number: int, at_ms: int) -> None:
    state.heard = max(state.heard, event.sequence)
    if event.part:
        return
    order = _live(state, event.key, number)
    order.code, order.message, order.retcode = event.code, event.message, event.retcode
    order.late = order.late or event.late
    order.by = event.by or order.by
    if event.order_ticket:
        order.order_ticket = event.order_ticket
    if event.position_ticket:
        order.position_ticket = event.position_ticket
    if event.volume_e8:
        order.filled_e8, order.told_price = event.volume_e8, event.price
        order.filled_ms, order.told_slippage_pips = event.client_ms, event.slippage_pips
    order.told_requested = event.requested_price or order.told_requested
    order.told_sequence = event.sequence or order.told_sequence
    if event.to is State.UNKNOWN:
        order.unknown_since_ms = at_ms
    for step in event.through:
        _step(state, order, step)
    _step(state, order, event.to)


def _fills(state: AccountState, order: OrderState, deals: tuple[Deal, ...]) -> None:
    order.deals = [*order.deals, *deals]
    for deal in deals:
        order.filled_e8 += deal.volume_e8
        order.filled_ms = max(order.filled_ms, deal.time_ms)
    if order.intent.action is Action.CLOSE_ALL:
        return  # its children booked these deals
    for deal in deals:
        book(state, deal, order)


def _amended(state: AccountState, event: ev.Amended, number: int, at_ms: int) -> None:
    position = state.positions.get(event.position_ticket)
    if position is not None:
        position.stop_loss, position.take_profit = event.stop_loss, event.take_profit
    order = state.orders.get(event.key)
    if event.order_ticket and order is not None and order.order is not None:
        order.order = msgspec.structs.replace(
            order.order,
            price=event.price,
            stop_limit_price=event.stop_limit_price,
            stop_loss=event.stop_loss,
            take_profit=event.take_profit,
            expiration_ms=event.expiration_ms,
            requested_price=event.stop_limit_price or event.price,
        )


def _dealt(state: AccountState, event: ev.PositionDealt, number: int, at_ms: int) -> None:
    state.concluded = ""
    for deal in event.deals:
        book(state, deal, None, event.key)


def _reopened(state: AccountState, event: ev.Reopened, number: int, at_ms: int) -> None:
    order = event.order
    if order.key in state.orders or order.state not in FINAL:
        raise BrokenRecord(f"record {number}: order {order.key!r} is live and cannot be reopened")
    state.orders[order.key] = msgspec.structs.replace(order)
    if order.order_ticket:
        state.tickets[order.order_ticket] = order.key


def _strategy_stopped(
    state: AccountState, event: ev.StrategyStopped, number: int, at_ms: int
) -> None:
    state.concluded = ""
    state.stopped[event.magic] = event.why
    forget_strategy(state.alike, event.magic)


def _strategy_resumed(
    state: AccountState, event: ev.StrategyResumed, number: int, at_ms: int
) -> None:
    state.concluded = ""
    if state.stopped.pop(event.magic, None) is None:
        raise BrokenRecord(f"record {number} resumes strategy {event.magic}, which is not stopped")


def _equity_marked(state: AccountState, event: ev.EquityMarked, number: int, at_ms: int) -> None:
    state.equity = LossMarks(event.day, event.day_start, event.peak)


def _breached(state: AccountState, event: ev.Breached, number: int, at_ms: int) -> None:
    for limit in [limit for limit, day in state.breached.items() if day != event.day]:
        del state.breached[limit]
    state.breached[event.limit] = event.day


def _live(state: AccountState, key: str, number: int) -> OrderState:
    order = state.orders.get(key)
    if order is None:
        raise BrokenRecord(f"record {number} speaks of order {key!r}, which is not live")
    return order


def _step(state: AccountState, order: OrderState, to: State) -> None:
    before = order.state
    if not may_follow(before, to):
        raise BrokenRecord(f"order {order.key!r} cannot go from {before} to {to}")
    order.state = to
    _count(state, before, -1)
    _count(state, to, +1)
    symbol = order.order.symbol if order.order else ""
    if to is State.UNKNOWN:
        state.unknown[symbol] = state.unknown.get(symbol, 0) + 1
    elif before is State.UNKNOWN:
        state.unknown[symbol] -= 1
        if not state.unknown[symbol]:
            del state.unknown[symbol]
    if to in FINAL:
        _over(state, order)


def _over(state: AccountState, order: OrderState) -> None:
    """A final order frees what it still holds and leaves the live ones."""
    if order.reservation is not None:
        state.symbol_exposure(order.reservation.symbol).add(order.reservation, -1)
        order.reservation = None
    unseen = order.state in LATE_FROM or (order.state is State.FILLED and not order.deals)
    if unseen and not order.order_ticket and order.request is not None:
        remember(state.watched, token_of(order.intent_id), order.key)
    del state.orders[order.key]
    if state.tickets.get(order.order_ticket) == order.key:
        del state.tickets[order.order_ticket]


def _count(state: AccountState, which: State, by: int) -> None:
    total = state.counts.get(which, 0) + by
    if total:
        state.counts[which] = total
    else:
        state.counts.pop(which, None)


def _hold_repeats(state: AccountState, content: bytes, at_ms: int, window_ms: int) -> None:
    """Keep the content until its window ends; what ended is forgotten, oldest first."""
    state.recent.pop(content, None)
    state.recent[content] = at_ms + window_ms
    for old in list(islice(state.recent, 2)):
        if state.recent[old] <= at_ms:
            del state.recent[old]


_APPLY: dict[type, Callable[[AccountState, Any, int, int], None]] = {
    ev.Began: _began,
    ev.Accepted: _accepted,
    ev.Denied: _denied,
    ev.Sending: _sending,
    ev.Moved: _moved,
    ev.Dispatched: _dispatched,
    ev.Reported: _reported,
    ev.Amended: _amended,
    ev.PositionDealt: _dealt,
    ev.Reopened: _reopened,
    ev.Alerted: _alerted,
    ev.StrategyStopped: _strategy_stopped,
    ev.StrategyResumed: _strategy_resumed,
    ev.EquityMarked: _equity_marked,
    ev.Breached: _breached,
    ev.Concluded: _concluded,
}
