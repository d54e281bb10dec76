"""Cancelling an order: at once where it waits still, else by a command to its client."""

from __future__ import annotations

from onefill.gateway.desk.book import Book
from onefill.gateway.desk.dispatch import Dispatch
from onefill.gateway.desk.intake import CANCEL_KEYS, Intake
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.identity.model import Caller, Right
from onefill.model.errors import OnefillError
from onefill.model.intent import Action, OrderIntent
from onefill.model.order import OrderState
from onefill.model.states import State

MOST_CANCELS = 1_000
"""How many times one order may be asked to be cancelled."""


class Cancelling:
    """Cancels orders for callers."""

    def __init__(self, ledger: Ledger, dispatch: Dispatch, intake: Intake) -> None:
        self._ledger = ledger
        self._dispatch = dispatch
        self._intake = intake

    async def cancel(self, caller: Caller, name: str, key: str) -> OrderState:
        """See `Directing.cancel`."""
        account = await self._intake.account(caller, name, Right.TRADE)
        book = self._ledger.book(account.id)
        order = self._ledger.find(book, key)
        if order is None:
            raise OnefillError("ORDER_UNKNOWN", f"account {name} has no order {key!r}")
        if order.state is State.ACCEPTED and key in book.waiting:
            self._intake.withdraw(book, key)
        elif not order.is_final:
            order = self._command(book, order, account.user)
        stands = await self._ledger.told(book, order)
        await self._dispatch.settle(book)
        return stands

    def _command(self, book: Book, target: OrderState, user: str) -> OrderState:
        """The cancel that is under way, or a new one."""
        for n in range(1, MOST_CANCELS):
            key = f"{target.key}{CANCEL_KEYS}" + (f"-{n}" if n > 1 else "")
            found = self._ledger.find(book, key)
            if found is not None and found.is_final:
                continue
            if found is None:
                self._dispatch.issue(book, cancel_of(target, key, user))
            order = self._ledger.find(book, key)
            assert order is not None
            return order
        raise OnefillError("TOO_MANY_CANCELS", f"order {target.key!r} was cancelled too often")


def cancel_of(target: OrderState, key: str, user: str, reason: str = "") -> OrderIntent:
    """A command to cancel a pending order; it names all by which a client may find it."""
    return OrderIntent(
        client_key=key,
        action=Action.CANCEL,
        symbol=target.intent.symbol,
        side=target.intent.side,
        target=target.key,
        target_order=target.order_ticket or None,
        magic=target.intent.magic,
        user_id=user,
        reason=reason,
    )
