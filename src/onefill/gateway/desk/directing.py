"""The desk: decisions in, commands out, results back; and the kill switch over all of it.

One object of the gateway's event loop. It wires the parts of this package and is what the API and
the delivery talk to (`gateway.ports.Hears`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from onefill.contracts.messages import Ack, HeldPosition, Profile, Result, WireError
from onefill.gateway.desk import breaches
from onefill.gateway.desk.book import Book
from onefill.gateway.desk.cancelling import Cancelling
from onefill.gateway.desk.configuring import Configuring
from onefill.gateway.desk.confirming import Confirming
from onefill.gateway.desk.dispatch import Dispatch
from onefill.gateway.desk.endings import Endings
from onefill.gateway.desk.flattening import Flattener
from onefill.gateway.desk.halting import Halting
from onefill.gateway.desk.intake import Intake
from onefill.gateway.desk.judging import Judging
from onefill.gateway.desk.kill_report import Flattening, KillReport
from onefill.gateway.desk.ledger import Ledger, Log
from onefill.gateway.desk.results import Results
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.desk.settling import Settling
from onefill.gateway.desk.timers import Timers
from onefill.gateway.identity.model import Account, Caller
from onefill.gateway.ports import Decision, Directory, Post
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt
from onefill.model.intent import Action, OrderType
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.runtime.clock import Clock


class Directing:
    """Make it on the running loop, with the journal's writer; `open` it once the post stands, and
    `close` it before the writer. Accounts are named by their journal name (`Account.id`)."""

    def __init__(
        self,
        journal: Journal,
        log: Log,
        directory: Directory,
        clock: Clock,
        settings: DeskSettings | None = None,
        steady_ms: Callable[[], int] | None = None,
    ) -> None:
        """`steady_ms`: the clock that leases are counted by, which never steps and which `contact`
        is told in; without one, the other."""
        settings = settings or DeskSettings()
        self._ledger = Ledger(journal, log, clock, steady_ms)
        self._directory = directory
        self._timers = Timers(clock, settings.look_ms)
        judging = Judging(directory, settings, self._ledger.find)
        endings = Endings(self._ledger, judging)
        self._dispatch = Dispatch(self._ledger, judging, endings, self._timers, settings)
        self._configuring = Configuring(self._ledger, directory, settings)
        self._halting = Halting(self._ledger, directory, self._dispatch, endings, self._configuring)
        self._confirming = Confirming(self._ledger, settings)
        self._flattener = Flattener(self._ledger, directory, self._dispatch, self._timers, settings)
        self._intake = Intake(
            self._ledger,
            directory,
            judging,
            self._dispatch,
            settings,
            self._halting.stop_strategy,
        )
        self._cancelling = Cancelling(self._ledger, self._dispatch, self._intake)
        self._settling = Settling(self._ledger, self._intake, self._configuring)
        self._results = Results(
            self._ledger, self._halting.now_working, self._settling.settled_before
        )

    async def open(self, post: Post) -> None:
        """Take up what the journal says waits; halts in force are put through."""
        self._dispatch.post = self._configuring.post = post
        for id in self._ledger.recorded():
            book = self._ledger.book(id)
            for order in book.state.orders.values():
                if order.state is State.ACCEPTED:
                    self._dispatch.wait(book, order.key)
            self._halting.deny_waiting(book)
            self._halting.cancel_working(book)
        await self._ledger.durable()

    async def close(self) -> None:
        """Nothing more is done; what waits is taken up from the journal after the next start."""
        self._timers.close()
        await self._ledger.rest()

    def due(self) -> None:
        """Do what has come due; the desk's own timer does so too."""
        self._timers.due()
        self._confirming.look_again()

    def directory_changed(self) -> None:
        """Somebody changed who may do what (another process too): halts are put through, clients
        are told, and what waits is judged anew."""
        for book in self._ledger.books():
            self._halting.deny_waiting(book)
            self._halting.cancel_working(book)
            self._configuring.configure(book)
            self._flattener.go_on(book)
            self._dispatch.pump(book)
        self._confirming.look_again()

    # Decisions and orders.

    async def decide(self, caller: Caller, decision: Decision) -> OrderState:
        """The order as it stands after its first commit: dispatched, waiting, or denied.

        A key that is known gets its stored order. Raises `OnefillError`: `FORBIDDEN`,
        `ACCOUNT_UNKNOWN`, `KEY_REUSED`, `KEY_RESERVED`.
        """
        self._ledger.refuse_after_failure()
        return await self._intake.decide(caller, decision)

    async def outcome(self, account_id: str, key: str, timeout_s: float) -> OrderState:
        """The order once it is final, working or quarantined; as it stands when the time is up.
        Raises `OnefillError` (`ORDER_UNKNOWN`)."""
        book = self._ledger.book(account_id)
        try:
            async with asyncio.timeout(timeout_s):
                while not _at_rest(order := self._found(book, key)):
                    await self._ledger.change(book, key)
        except TimeoutError:
            order = self._found(book, key)
        return await self._ledger.told(book, order)

    async def cancel(self, caller: Caller, account: str, key: str) -> OrderState:
        """`account` is its `mt5_account`. The order itself where it waited still (now cancelled)
        or is over; else the command that cancels it, to be followed by its own key.

        Raises `OnefillError`: `FORBIDDEN`, `ACCOUNT_UNKNOWN`, `ORDER_UNKNOWN`, `TOO_MANY_CANCELS`.
        """
        self._ledger.refuse_after_failure()
        return await self._cancelling.cancel(caller, account, key)

    async def settle(
        self, caller: Caller, account: str, key: str, to: State, why: str, ticket: int = 0
    ) -> OrderState:
        """A person says what became of an order whose outcome is unknown. Raises `OnefillError`:
        `FORBIDDEN`, `ACCOUNT_UNKNOWN`, `ORDER_UNKNOWN`, `NOT_IN_DOUBT`, `NOT_AN_OUTCOME`."""
        return await self._settling.settle(caller, account, key, to, why, ticket)

    async def order(self, account_id: str, key: str) -> OrderState | None:
        """An order as it stands, live or over; None where there is none of that key."""
        book = self._ledger.book(account_id)
        order = self._ledger.find(book, key)
        return None if order is None else await self._ledger.told(book, order)

    def profile(self, account_id: str) -> Profile | None:
        """What the account's client last told of it since the gateway began."""
        return self._ledger.book(account_id).profile

    def positions(self, account_id: str) -> tuple[HeldPosition, ...] | None:
        """The open positions of that profile; None: it does not say."""
        profile = self.profile(account_id)
        return None if profile is None else profile.positions

    def waiting(self, account_id: str) -> int:
        """How many orders wait for the account's client."""
        return len(self._ledger.book(account_id).waiting)

    # The kill switch.

    async def kill(self, halt: Halt) -> KillReport:
        """Halt, and come back once each covered account's agent confirmed, ran out of its lease,
        or cannot be reached. From the halt's commit on nothing that it covers is dispatched."""
        killed = self._halting.begin(halt)
        await self._ledger.durable()
        for book, _, _ in killed:
            self._dispatch.pump(book)
        if halt.flatten:
            for book, _, _ in killed:
                self._flattener.go_on(book)
        return KillReport(halt=halt, accounts=await self._confirming.confirmed(killed))

    async def resume(self, id: str, by: str, reason: str) -> None:
        """End a halt, by a person's name, and why. Raises `OnefillError` (`HALT_UNKNOWN`)."""
        self._halting.end(id, by, reason)
        await self._ledger.durable()

    def flattening(self, halt: Halt) -> list[Flattening]:
        """How far each account is from flat under a halt that flattens."""
        return self._flattener.told(halt)

    # What the clients say (`Hears`).

    async def arrived(self, account: Account, *, enveloped: bool) -> None:
        """See `Hears.arrived`."""
        book = self._ledger.book(account.id)
        book.here, book.enveloped = True, enveloped
        book.arrived_ms = self._ledger.now_ms()
        book.contact_ms = self._ledger.steady_ms()
        self._configuring.configure(book, anew=True)
        self._dispatch.again(book)
        self._halting.deny_waiting(book)
        self._halting.cancel_working(book)
        self._flattener.go_on(book)
        self._dispatch.pump(book)
        self._confirming.look_again()

    async def left(self, account: Account) -> None:
        """See `Hears.left`."""
        book = self._ledger.book(account.id)
        book.here = False
        self._dispatch.take_back(book)
        self._confirming.look_again()
        await self._ledger.durable(book)

    async def heard(self, account: Account, result: Result) -> Ack:
        """See `Hears.heard`."""
        book = self._ledger.book(account.id)
        ack = await self._results.heard(book, result)
        self._news(book)
        return ack

    async def profiled(self, account: Account, profile: Profile) -> None:
        """See `Hears.profiled`."""
        book = self._ledger.book(account.id)
        book.take_profile(profile, self._ledger.now_ms())
        breaches.look(book, self._ledger, self._directory)
        self._configuring.configure(book)
        self._halting.deny_waiting(book)
        self._news(book)
        await self._ledger.durable(book)

    async def acknowledged(self, account: Account, ack: Ack) -> None:
        """See `Hears.acknowledged`."""
        book = self._ledger.book(account.id)
        if self._configuring.acknowledged(book, ack):
            self._confirming.look_again()

    async def warned(self, account: Account, error: WireError) -> None:
        """See `Hears.warned`."""
        await self._results.warned(self._ledger.book(account.id), error)

    def contact(self, account: Account, at_ms: int) -> None:
        """See `Hears.contact`."""
        book = self._ledger.book(account.id)
        book.contact_ms = max(book.contact_ms or 0, at_ms)

    def _news(self, book: Book) -> None:
        """A result or a profile may let something go on."""
        self._flattener.go_on(book)
        if book.waiting:
            self._dispatch.pump(book)

    def _found(self, book: Book, key: str) -> OrderState:
        order = self._ledger.find(book, key)
        if order is None:
            raise OnefillError("ORDER_UNKNOWN", f"account {book.name} has no order {key!r}")
        return order


def _at_rest(order: OrderState) -> bool:
    """Whether nothing more is to be expected soon. What filled of a market order is not the end of
    it; a pending order works on."""
    if order.is_final or order.state in (State.WORKING, State.QUARANTINED):
        return True
    opens_pending = (
        order.intent.action is Action.OPEN and order.intent.order_type is not OrderType.MARKET
    )
    return order.state is State.PARTIALLY_FILLED and opens_pending
