"""Which halt covers an order. A halt of a strategy covers a change of what that strategy holds too,
whoever asks for the change."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from onefill.gateway.desk.book import Book
from onefill.model.halt import Halt
from onefill.model.intent import Action, OrderIntent
from onefill.model.order import OrderState

Find = Callable[[Book, str], OrderState | None]


def covering(halts: Iterable[Halt], book: Book, intent: OrderIntent, find: Find) -> Halt | None:
    """The first halt that covers an order. `find`: an order of the account by its key."""
    found = [halt for halt in halts if concerns(halt, book)]
    if not found:
        return None
    magics = _magics(book, intent, find)
    for halt in found:
        if magics is None or any(halt.covers(book.tenant, book.name, one) for one in magics):
            return halt
    return None


def concerns(halt: Halt, book: Book) -> bool:
    """Whether a halt concerns an account, or a strategy of it."""
    return halt.tenant in ("", book.tenant) and halt.account in ("", book.name)


def _magics(book: Book, intent: OrderIntent, find: Find) -> set[int] | None:
    """Its own, and for a change that of what it changes; None: whose that is, is not known here,
    so that it may be any strategy's."""
    if intent.action is not Action.MODIFY:
        return {intent.magic}
    if intent.target is not None:
        target = find(book, intent.target)
        return {intent.magic, target.intent.magic} if target is not None else None
    if intent.target_order is not None:
        live = book.state.orders.values()
        found = [one.intent.magic for one in live if one.order_ticket == intent.target_order]
    elif intent.target_ticket is not None:
        held = (book.profile.positions if book.profile is not None else None) or ()
        found = [one.magic for one in held if one.ticket == intent.target_ticket]
    else:  # what fits its magic number, where it has one
        found = [intent.magic] if intent.magic else []
    return {intent.magic, *found} if found else None
