"""The kill switch (control 1): durable first, then every queue, working order and agent it covers.

Halts live in the directory; whatever looks at an order before it leaves asks there. So what is done
here after a halt is in force can be cut short anywhere and done again.
"""

from __future__ import annotations

from onefill.gateway.desk.book import Book
from onefill.gateway.desk.cancelling import cancel_of
from onefill.gateway.desk.configuring import Configuring
from onefill.gateway.desk.dispatch import Dispatch
from onefill.gateway.desk.endings import Endings
from onefill.gateway.desk.intake import OWN_KEYS
from onefill.gateway.desk.judging import PASSES, told_halt
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.desk.reach import concerns, covering
from onefill.gateway.ports import Directory
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action, OrderType
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.at_gateway_reasons import GatewayCode, refuse

_LIVE = frozenset({State.WORKING, State.PARTIALLY_FILLED})


class Halting:
    """Puts halts in force and ends them."""

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        dispatch: Dispatch,
        endings: Endings,
        configuring: Configuring,
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._dispatch = dispatch
        self._endings = endings
        self._configuring = configuring

    def covered(self, halt: Halt) -> list[Book]:
        """The books of all accounts that a halt concerns."""
        ids = dict.fromkeys(self._ledger.recorded())
        ids.update(dict.fromkeys(book.id for book in self._ledger))
        if halt.tenant:
            accounts = self._directory.accounts(halt.tenant)
            ids.update(dict.fromkeys(account.id for account in accounts))
        books = (self._ledger.book(id) for id in ids if "/" in id)
        return [book for book in books if concerns(halt, book)]

    def begin(self, halt: Halt) -> list[tuple[Book, int, int]]:
        """In force from here on. Each covered book, with how many orders were denied and how many
        cancelled."""
        self._directory.add_halt(halt)
        message = f"killed: {told_halt(halt)}"
        self._ledger.alert_gateway("KILLED", message, level="critical")
        done = []
        for book in self.covered(halt):
            denied, cancels = self.deny_waiting(book), self.cancel_working(book)
            self._configuring.configure(book)
            done.append((book, denied, cancels))
        return done

    def end(self, id: str, by: str, reason: str) -> None:
        """A person ends a halt; agents are told, and what waits goes on. Raises `OnefillError`."""
        before = [halt for halt in self._directory.halts() if halt.id == id]
        self._directory.end_halt(id, by, reason)
        self._ledger.alert_gateway("RESUMED", f"halt {id} was ended by {by}: {reason}")
        for halt in before:
            for book in self.covered(halt):
                self._configuring.configure(book)
                self._dispatch.pump(book)

    def stop_strategy(self, book: Book, magic: int, why: str) -> None:
        """Control 7: a strategy of an account is halted until a named person resumes it."""
        halt = Halt(
            id=f"repeats-{book.name}-{magic}-{self._ledger.now_ms()}",
            scope=Scope.STRATEGY,
            tenant=book.tenant,
            account=book.name,
            strategy=magic,
            reason=why,
            by="control 7",
            at_ms=self._ledger.now_ms(),
        )
        self.begin(halt)

    def deny_waiting(self, book: Book) -> int:
        """Orders that wait and that a halt covers are denied; how many."""
        denied = 0
        halts = self._halts(book)
        for key in list(book.waiting) if halts else ():
            order = book.state.orders.get(key)
            if order is None or order.state is not State.ACCEPTED:
                continue
            halt = self._covering(halts, book, order)
            if order.intent.action not in PASSES and halt is not None:
                refused = refuse(GatewayCode.KILLED, halt=told_halt(halt))
                self._endings.deny(book, key, refused)
                denied += 1
        return denied

    def cancel_working(self, book: Book) -> int:
        """Working orders that a halt covers get a cancel each, once a halt; how many."""
        halts = self._halts(book)
        if not halts:
            return 0
        live = [order for order in book.state.orders.values() if _cancellable(order)]
        return sum(self._cancel(book, halts, order) for order in live)

    def now_working(self, book: Book, order: OrderState) -> None:
        """A result moved an order: one that works now and is covered by a halt is cancelled."""
        if _cancellable(order) and (halts := self._halts(book)):
            self._cancel(book, halts, order)

    def _cancel(self, book: Book, halts: list[Halt], order: OrderState) -> bool:
        halt = self._covering(halts, book, order)
        if halt is None:
            return False
        key = f"{OWN_KEYS}{halt.id}-cancel-{order.number}"
        if self._ledger.find(book, key) is not None:
            return False
        reason = f"killed: {told_halt(halt)}"
        self._dispatch.issue(book, cancel_of(order, key, order.intent.user_id, reason))
        return True

    def _covering(self, halts: list[Halt], book: Book, order: OrderState) -> Halt | None:
        return covering(halts, book, order.intent, self._ledger.find)

    def _halts(self, book: Book) -> list[Halt]:
        return [halt for halt in self._directory.halts() if concerns(halt, book)]


def _cancellable(order: OrderState) -> bool:
    intent = order.intent
    return (
        order.state in _LIVE
        and intent.action is Action.OPEN
        and intent.order_type is not OrderType.MARKET
    )
