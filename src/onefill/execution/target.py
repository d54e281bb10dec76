"""Which position or pending order an intent means, waiting for it where it is under way."""

from __future__ import annotations

from onefill.execution.denial import (
    Refused,
    target_is_many,
    target_not_open,
    target_not_working,
    target_unknown,
)
from onefill.execution.desk import Desk
from onefill.execution.effects import Steps, Until
from onefill.model.account import AccountState, Position
from onefill.model.intent import Action, OrderIntent
from onefill.model.order import TARGET_CLOSED, OrderState
from onefill.model.resolved import ResolvedOrder
from onefill.model.states import State

#: States in which nobody knows yet what there is to close, change or cancel.
_UNDER_WAY = frozenset({State.ACCEPTED, State.SENDING, State.UNKNOWN})


def target_meant(state: AccountState, intent: OrderIntent) -> str | Position:
    """What a change or a cancel means: the key of an order of ours, or a position of nobody's.

    Named by key, by ticket, or by symbol, side and magic where they fit one. Raises `Refused`.
    """
    if intent.target is not None:
        return intent.target
    if intent.target_order is not None:
        key = state.tickets.get(intent.target_order)
        if key is None:
            raise Refused(
                "TARGET_UNKNOWN", f"no working order of ours has the ticket {intent.target_order}"
            )
        return key
    if intent.target_ticket is not None:
        position = state.positions.get(intent.target_ticket)
        if position is None:
            raise _not_held(intent.target_ticket)
        return position.key or position
    found = _that_fit(state, intent)
    if len(found) == 1:
        return found[0]
    wanted = "working order" if intent.action is Action.CANCEL else "position or working order"
    if not found:
        raise Refused("TARGET_UNKNOWN", f"no {wanted} in {intent.symbol or 'any symbol'} fits")
    raise Refused(
        "SEVERAL_TARGETS",
        f"{len(found)} fit: name the {wanted} meant by its command or by its ticket",
    )


def _that_fit(state: AccountState, intent: OrderIntent) -> list[str | Position]:
    """Working orders, and for a change open positions too, of the symbol, side and magic."""
    keys = [
        order.key
        for order in state.orders.values()
        if order.state in (State.WORKING, State.PARTIALLY_FILLED)
        and order.intent.action is Action.OPEN
        and (not intent.symbol or order.intent.symbol == intent.symbol)
        and (intent.side is None or order.intent.side is intent.side)
        and (not intent.magic or order.intent.magic == intent.magic)
    ]
    if intent.action is Action.CANCEL:
        return [*keys]
    positions = _open_that_fit(state, intent)
    named = dict.fromkeys([*keys, *(held.key for held in positions if held.key)])
    return [*named, *(held for held in positions if not held.key)]


def magics(desk: Desk, intent: OrderIntent, order: ResolvedOrder | None) -> tuple[int, ...]:
    """The magic numbers that a halt of a strategy covers an order by: its own, and for a change
    that of what it changes too."""
    if intent.action is not Action.MODIFY or order is None:
        return (intent.magic,)
    if order.target:
        target = desk.find(order.target)
        return (intent.magic, target.intent.magic) if target is not None else (intent.magic,)
    ticket = order.position_ticket
    held = desk.state.positions.values()
    return (intent.magic, *(one.magic for one in held if ticket in (one.ticket, one.reopened_as)))


def settled_target(desk: Desk, intent: OrderIntent, key: str) -> Steps:
    """The order of that key, which the intent means, once it is no longer under way.

    A cancel does not wait for an order that is held back: that one is cancelled unsent.
    Raises `Refused` where no order has that key, and where it is a close_all: its children may need
    the turn of whoever would wait for it.
    """
    waited = False
    found = desk.find(key)
    if found is None and key in desk.taking and key not in desk.turns:
        yield Until(lambda _: key not in desk.taking)
        found = desk.find(key)
    if found is None:
        raise target_unknown(key)
    if found.intent.action is Action.CLOSE_ALL:
        raise target_is_many(key)
    cancels_held = intent.action is Action.CANCEL and key in desk.held
    if found.state in _UNDER_WAY and not cancels_held:

        def settled(state: AccountState) -> bool:
            live = state.orders.get(key)
            held = intent.action is Action.CANCEL and key in desk.held
            return live is None or live.state not in _UNDER_WAY or held

        def settled_or_long(state: AccountState) -> bool:
            live = state.orders.get(key)
            return settled(state) or key in desk.held or live is None or live.state is State.UNKNOWN

        yield Until(settled_or_long, intent.expires_at_ms)
        if not settled(desk.state):
            desk.turns.pop(intent.client_key, None)  # what takes long does not hold up the others
            yield Until(settled, intent.expires_at_ms)
        waited = True
    waited = (yield from _in_turn(desk, intent, key)) or waited
    if waited:
        found = desk.find(key)
        assert found is not None
    return found


def _in_turn(desk: Desk, intent: OrderIntent, key: str) -> Steps:
    """Wait while an earlier close, change or cancel of the same order is on its way, so that this
    one is resolved against what that one leaves. One whose outcome is UNKNOWN is not waited for.
    True where it had to wait."""

    def clear(state: AccountState) -> bool:
        return not any(
            order.order is not None
            and order.order.target == key
            and order.state in (State.ACCEPTED, State.SENDING)
            and order.key not in desk.held
            for order in state.orders.values()
        )

    if not key or clear(desk.state):
        return False
    yield Until(clear, intent.expires_at_ms)
    return True


def position_meant(desk: Desk, intent: OrderIntent) -> Steps:
    """The open position a close or a change means. Raises `Refused` where there is none, or
    several."""
    if intent.target_ticket is not None:
        meant = desk.state.positions.get(intent.target_ticket)
        if meant is not None:
            yield from _in_turn(desk, intent, meant.key)
        position = desk.state.positions.get(intent.target_ticket)
        if position is None:
            raise _not_held(intent.target_ticket)
        return position
    if intent.target is not None:
        order: OrderState = yield from settled_target(desk, intent, intent.target)
        position = desk.state.positions.get(order.position_ticket)
        if position is None or order.intent.action is not Action.OPEN:
            raise target_not_open(order.key, str(order.state))
        return position
    yield from _in_turn(desk, intent, _only_one(desk.state, intent).key)
    return _only_one(desk.state, intent)


def _not_held(ticket: int) -> Refused:
    return Refused(
        TARGET_CLOSED,
        f"no open position {ticket} is known here: it is closed, or older than this engine's "
        "journal and could not be taken into it; look at the broker",
    )


def _open_that_fit(state: AccountState, intent: OrderIntent) -> list[Position]:
    return [
        position
        for position in state.positions.values()
        if (not intent.symbol or position.symbol == intent.symbol)
        and (intent.side is None or position.side is intent.side)
        and (not intent.magic or position.magic == intent.magic)
    ]


def _only_one(state: AccountState, intent: OrderIntent) -> Position:
    found = _open_that_fit(state, intent)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused("NO_POSITION", f"no position in {intent.symbol} is open")
    tickets = ", ".join(str(position.ticket) for position in found[:5])
    raise Refused(
        "SEVERAL_POSITIONS",
        f"{len(found)} positions in {intent.symbol} fit ({tickets}); name one by its target",
    )


def pending_meant(order: OrderState) -> OrderState:
    """The working pending order a cancel or a change means; `Refused` where it is none."""
    if order.state not in (State.WORKING, State.PARTIALLY_FILLED):
        raise target_not_working(order.key, str(order.state))
    return order
