"""From accepted to the client's queue: in order, judged right before, recorded before it leaves."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

from onefill.contracts.messages import Command
from onefill.gateway.desk.book import Book, Leaving
from onefill.gateway.desk.endings import Endings
from onefill.gateway.desk.judging import Judging, told_halt
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.desk.resolving import complete, reservation, resolved
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.desk.timers import Timers
from onefill.gateway.ports import Post
from onefill.model.events import Accepted, Dispatched
from onefill.model.intent import OrderIntent, content_hash, intent_id
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.at_gateway_reasons import GatewayCode, refuse
from onefill.risk.reasons import Denial


class Dispatch:
    """Every account's way out. `advance` and `hand` do one thing each and never wait; `settle` and
    `pump` put them in their order around the commit."""

    def __init__(
        self,
        ledger: Ledger,
        judging: Judging,
        endings: Endings,
        timers: Timers,
        settings: DeskSettings,
    ) -> None:
        self._ledger = ledger
        self._judging = judging
        self._endings = endings
        self._timers = timers
        self._settings = settings
        self.post: Post | None = None

    def wait(self, book: Book, key: str, *, fresh: bool = False) -> None:
        """An accepted order takes its place behind the others; `fresh`: it was judged just now."""
        book.waiting[key] = None
        if fresh:
            self.advance(book, fresh=key)
        if key in book.waiting:
            self.watch(book, key)

    def watch(self, book: Book, key: str) -> None:
        """A waiting order expires when its time comes, wherever in the queue it is."""
        order = book.state.orders.get(key)
        if order is not None and order.intent.expires_at_ms is not None:
            self._timers.at(order.intent.expires_at_ms + 1, partial(self._expire, book, key))

    def issue(self, book: Book, intent: OrderIntent) -> None:
        """An order of the gateway's own; one whose key is known is not issued again."""
        if self._ledger.find(book, intent.client_key) is not None:
            return
        now_ms = self._ledger.now_ms()
        whole = complete(intent, None, now_ms, self._settings.market_life_ms)
        self._ledger.append(
            book,
            Accepted(
                key=intent.client_key,
                intent_id=intent_id(book.tenant, book.name, intent.client_key),
                content=content_hash(intent),
                intent=whole,
                order=resolved(whole),
                reservation=reservation(whole),
            ),
        )
        self.wait(book, intent.client_key)
        self.pump(book)

    def advance(self, book: Book, *, fresh: str = "") -> None:
        """Record what may leave now as dispatched; what may not any more is denied or expired."""
        while book.waiting:
            key = next(iter(book.waiting))
            order = book.state.orders.get(key)
            if order is None or order.state is not State.ACCEPTED:
                del book.waiting[key]
            elif self._endings.expired(order):
                self._endings.never_sent(book, order)
            elif not self._may_leave(book, order):
                return
            elif key != fresh and (denial := self._judged(book, order)) is not None:
                self._endings.deny(book, key, denial)
            else:
                del book.waiting[key]
                seq = self._ledger.append(book, Dispatched(key=key))
                book.leaving.append(Leaving(seq, key, again=False))

    def hand(self, book: Book) -> None:
        """Put what is durably dispatched on the client's queue, in order."""
        while book.leaving and book.leaving[0].seq <= self._ledger.durable_seq:
            one = book.leaving[0]
            order = book.state.orders.get(one.key)
            if (
                order is None
                or order.state is not State.SENDING
                or self._endings.too_late(book, one)
            ):
                book.leaving.popleft()
                continue
            why = self._hand_one(book, order) if self.reaches(book) else "AWAY"
            if why in ("AWAY", "QUEUE_FULL"):
                if why == "AWAY":
                    self.take_back(book)
                book.full = True
                at_ms = self._ledger.now_ms() + self._settings.full_retry_ms
                self._timers.at(at_ms, partial(self._try_again, book))
                return
            book.leaving.popleft()
            if why:
                self._endings.not_expressible(book, one, order, why)

    def again(self, book: Book) -> None:
        """A client came: what was dispatched and not answered is handed over again, before what
        waits."""
        fresh = {one.key: one for one in book.leaving if not one.again}
        sending = [order for order in book.state.orders.values() if order.state is State.SENDING]
        sending.sort(key=lambda order: order.number)
        book.leaving = deque(
            fresh.get(order.key) or Leaving(0, order.key, again=True) for order in sending
        )
        book.full = False

    def take_back(self, book: Book) -> None:
        """The client is gone: what never left waits again, before the others."""
        leaving, book.leaving = book.leaving, deque()
        for one in reversed(leaving):
            order = book.state.orders.get(one.key)
            if one.again or order is None or order.state is not State.SENDING:
                continue
            self._endings.back(book, one.key)
            book.waiting[one.key] = None
            book.waiting.move_to_end(one.key, last=False)
            self.watch(book, one.key)

    def reaches(self, book: Book) -> bool:
        """Whether a client takes commands now."""
        return book.here and self.post is not None and self.post.present(book.id)

    async def settle(self, book: Book) -> None:
        """Commit what was recorded of an account, then hand over and tell."""
        try:
            await self._ledger.durable(book)
        except asyncio.CancelledError:
            self.pump(book)  # whoever asked is gone; what was recorded goes on
            raise
        if not book.leaving and not book.waiting:
            return
        mark = book.appended
        self.hand(book)
        if book.appended != mark or (not book.leaving and self._more(book)):
            self.pump(book)

    def pump(self, book: Book) -> None:
        """Hand on what waits, in the background, commit by commit."""
        if not book.pumping:
            book.pumping = True
            self._ledger.spawn(self._pump(book))

    async def _pump(self, book: Book) -> None:
        try:
            while True:
                mark = book.appended
                self.advance(book)
                await self._ledger.durable(book)
                self.hand(book)
                if book.appended == mark and not self._more(book):
                    return
        finally:
            book.pumping = False

    def _more(self, book: Book) -> bool:
        """Whether something could leave at once."""
        if book.full or not self.reaches(book):
            return False
        if book.leaving:
            return True
        if not book.waiting:
            return False
        order = book.state.orders.get(next(iter(book.waiting)))
        return order is None or not self._awaits_profile(book, order)

    def _may_leave(self, book: Book, order: OrderState) -> bool:
        if book.full or len(book.leaving) >= self._settings.dispatch_batch:
            return False
        if not self.reaches(book):
            return False
        if not self._awaits_profile(book, order):
            return True
        at_ms = book.arrived_ms + self._settings.profile_patience_ms
        self._timers.at(at_ms, partial(self.pump, book))
        return False

    def _awaits_profile(self, book: Book, order: OrderState) -> bool:
        return self._judging.awaits_profile(book, order.intent, self._ledger.now_ms())

    def _judged(self, book: Book, order: OrderState) -> Denial | None:
        halt = self._judging.halt(book, order.intent)
        if halt is not None:
            return refuse(GatewayCode.KILLED, halt=told_halt(halt))
        now_ms = self._ledger.now_ms()
        return self._judging.judge(book, order.intent, now_ms, order.reservation)

    def _hand_one(self, book: Book, order: OrderState) -> str:
        assert self.post is not None
        command = Command(
            intent=order.intent,
            account=book.name,
            user_id=order.intent.user_id,
            made_ms=order.received_ms,
        )
        return self.post.hand(book.id, command)

    def _expire(self, book: Book, key: str) -> None:
        order = book.state.orders.get(key)
        if order is None or order.state is not State.ACCEPTED or key not in book.waiting:
            return
        if self._endings.expired(order):
            self._endings.never_sent(book, order)
            self.pump(book)
        else:
            self.watch(book, key)

    def _try_again(self, book: Book) -> None:
        book.full = False
        self.pump(book)
