"""An operator's word on an order whose outcome nobody else can prove."""

from __future__ import annotations

from onefill.gateway.desk.book import Book
from onefill.gateway.desk.configuring import Configuring
from onefill.gateway.desk.intake import Intake
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.identity.model import Caller, Right
from onefill.model.errors import OnefillError
from onefill.model.events import Reported
from onefill.model.order import OrderState
from onefill.model.states import SETTLED, State, may_follow

_GOES_ON = (State.WORKING, State.PARTIALLY_FILLED)


class Settling:
    """Settles orders that are UNKNOWN or QUARANTINED."""

    def __init__(self, ledger: Ledger, intake: Intake, configuring: Configuring) -> None:
        self._ledger = ledger
        self._intake = intake
        self._configuring = configuring

    async def settle(
        self, caller: Caller, name: str, key: str, to: State, why: str, ticket: int = 0
    ) -> OrderState:
        """See `Directing.settle`."""
        account = await self._intake.account(caller, name, Right.OPERATE)
        book = self._ledger.book(account.id)
        order = self._ledger.find(book, key)
        if order is None:
            raise OnefillError("ORDER_UNKNOWN", f"account {name} has no order {key!r}")
        if order.state not in (State.UNKNOWN, State.QUARANTINED):
            raise OnefillError(
                "NOT_IN_DOUBT", f"order {key!r} is {order.state.value}: its outcome is not in doubt"
            )
        if to not in SETTLED or not may_follow(order.state, to):
            outcomes = ", ".join(state.value for state in SETTLED)
            raise OnefillError(
                "NOT_AN_OUTCOME", f"an order cannot be settled as {to.value}; there are {outcomes}"
            )
        if to in _GOES_ON and not (ticket or order.order_ticket):
            raise OnefillError(
                "TICKET_MISSING",
                f"an order that is {to.value} has a ticket at the broker: name it",
            )
        self._ledger.append(
            book,
            Reported(
                key=key,
                to=to,
                code="SETTLED",
                message=why,
                by=caller.user,
                order_ticket=ticket,
            ),
        )
        message = f"order {key!r} was settled as {to.value} by {caller.user}: {why}"
        self._ledger.alert(book, "SETTLED", message, key=key)
        settled = await self._ledger.told(book, order)
        self._configuring.settle(book, settled)
        return settled

    def settled_before(self, book: Book, order: OrderState) -> None:
        """Its agent has it in quarantine still, or again: it did not hear of the decision."""
        if order.by and order.code == "SETTLED":
            self._configuring.settle(book, order)
