"""An operator's word on an order whose outcome nobody else can prove."""

from __future__ import annotations

from onefill.gateway.desk.intake import Intake
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.identity.model import Caller, Right
from onefill.model.errors import OnefillError
from onefill.model.events import Reported
from onefill.model.order import OrderState
from onefill.model.states import SETTLED, State, may_follow


class Settling:
    """Settles orders that are UNKNOWN or QUARANTINED."""

    def __init__(self, ledger: Ledger, intake: Intake) -> None:
        self._ledger = ledger
        self._intake = intake

    async def settle(self, caller: Caller, name: str, key: str, to: State, why: str) -> OrderState:
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
        self._ledger.append(
            book, Reported(key=key, to=to, code="SETTLED", message=why, by=caller.user)
        )
        message = f"order {key!r} was settled as {to.value} by {caller.user}: {why}"
        self._ledger.alert(book, "SETTLED", message, key=key)
        return await self._ledger.told(book, order)
