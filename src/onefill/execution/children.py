"""A close_all: which positions (and, where so configured, working orders) it means, a child intent
for each, and its end when all ended."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Start, Steps, Tell, Until
from onefill.execution.told import Settled
from onefill.model.account import AccountState
from onefill.model.deal import Deal
from onefill.model.events import Moved
from onefill.model.intent import Action, OrderIntent, OrderType, child_key
from onefill.model.order import NOT_ALL_CLOSED, OTHERS_LEFT, OrderState
from onefill.model.resolved import ResolvedOrder
from onefill.model.states import State
from onefill.model.wording import counted


def resolve_close_all(desk: Desk, intent: OrderIntent) -> Steps:
    """The positions of ours that are open once orders already on their way have arrived, and what
    else the operator wants to be meant.

    An order whose outcome is UNKNOWN is not waited for: what is known is closed at once.
    """
    symbol = intent.symbol

    def arrived(state: AccountState) -> bool:
        return not any(
            order.intent.action is Action.OPEN
            and order.state in (State.ACCEPTED, State.SENDING)
            and order.key not in desk.held
            and (not symbol or order.intent.symbol == symbol)
            for order in state.orders.values()
        )

    yield Until(arrived, intent.expires_at_ms)
    tickets = tuple(
        position.ticket
        for position in sorted(desk.state.positions.values(), key=lambda held: held.ticket)
        if (position.key or desk.config.close_all_manual)
        and (not symbol or position.symbol == symbol)
        and (not intent.magic or position.magic == intent.magic)
    )
    cancels = tuple(_working(desk, intent)) if desk.config.close_all_pending else ()
    return ResolvedOrder(action=Action.CLOSE_ALL, symbol=symbol, tickets=tickets, cancels=cancels)


def _working(desk: Desk, intent: OrderIntent) -> list[int]:
    """The tickets of our pending orders, also of those that filled in part: their rest goes."""
    return sorted(
        order.order_ticket
        for order in desk.state.orders.values()
        if order.state in (State.WORKING, State.PARTIALLY_FILLED)
        and order.intent.action is Action.OPEN
        and order.intent.order_type is not OrderType.MARKET
        and order.order_ticket
        and (not intent.symbol or order.intent.symbol == intent.symbol)
        and (not intent.magic or order.intent.magic == intent.magic)
    )


def close_all(desk: Desk, order: OrderState) -> Steps:
    """Start a cancel for every working order meant, and a close for every position; DONE when each
    of them is final. The cancels come first: what a cancelled rest filled meanwhile is closed with
    its position, whose close waits for that cancel as for any earlier one of the same order."""
    assert order.order is not None
    children = [_child(order, ticket, Action.CANCEL) for ticket in order.order.cancels]
    children += [_child(order, ticket, Action.CLOSE) for ticket in order.order.tickets]
    for child in children:
        yield Start(child)
    keys = [child.client_key for child in children]
    yield Until(lambda state: _all_final(desk, state, keys))
    ended = [found for key in keys if (found := desk.find(key)) is not None]
    yield Commit((_done(order, ended, _not_ours(desk, order)),), "outcome")
    yield Tell(Settled(order), "confirm")


def _child(order: OrderState, ticket: int, action: Action) -> OrderIntent:
    assert order.order is not None
    intent, closes = order.intent, action is Action.CLOSE
    # An order that filled in part has its ticket in common with its position.
    rest = not closes and ticket in order.order.tickets
    return OrderIntent(
        client_key=child_key(f"{order.key}/rest" if rest else order.key, ticket),
        action=action,
        target_ticket=ticket if closes else None,
        target_order=None if closes else ticket,
        parent=order.key,
        magic=intent.magic,
        comment=intent.comment,
        deviation=intent.deviation if closes else None,
        expires_at_ms=intent.expires_at_ms,
    )


def _all_final(desk: Desk, state: AccountState, keys: list[str]) -> bool:
    if any(key in state.orders or key in desk.taking for key in keys):
        return False
    return all(desk.find(key) is not None for key in keys)


def _not_ours(desk: Desk, order: OrderState) -> int:
    """How many open positions it left alone, because no order of ours opened them."""
    if desk.config.close_all_manual:
        return 0
    symbol = order.intent.symbol
    return sum(
        not position.key and (not symbol or position.symbol == symbol)
        for position in desk.state.positions.values()
    )


def _done(order: OrderState, children: list[OrderState], not_ours: int) -> Moved:
    """The parent's last record; it carries its children's deals, which they have booked."""
    deals: tuple[Deal, ...] = tuple(deal for child in children for deal in child.deals)
    ended_well = (State.FILLED, State.DONE)
    failed = [child for child in children if child.state not in ended_well]
    message = "".join(
        f"{child.key} is {child.state} ({child.code}: {child.message}); " for child in failed[:5]
    )
    if failed:
        message = f"{len(children) - len(failed)} of {len(children)} closed; {message}".rstrip("; ")
    if not_ours:
        were = "was" if not_ours == 1 else "were"
        left = f"{counted(not_ours, 'position')} that no order of ours opened {were} left alone"
        message = f"{message}; {left}" if message else left
    return Moved(
        key=order.key,
        to=State.DONE,
        code=NOT_ALL_CLOSED if failed else OTHERS_LEFT if not_ours else "",
        message=message,
        deals=deals,
        evidence="children",
    )
