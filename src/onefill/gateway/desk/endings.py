"""How an accepted order ends without its client's word: denied, expired, or in doubt."""

from __future__ import annotations

from onefill.gateway.desk.book import Book, Leaving
from onefill.gateway.desk.judging import Judging, told_halt
from onefill.gateway.desk.ledger import Ledger
from onefill.model.events import Denied, Moved, Reported
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.at_gateway_reasons import GatewayCode, refuse
from onefill.risk.reasons import Denial


class Endings:
    """Records them; nothing here waits."""

    def __init__(self, ledger: Ledger, judging: Judging) -> None:
        self._ledger = ledger
        self._judging = judging

    def deny(self, book: Book, key: str, denial: Denial) -> None:
        """An accepted order is not sent after all."""
        book.waiting.pop(key, None)
        self._ledger.append(book, Denied(key=key, code=denial.code, message=denial.message))
        self._ledger.alert(book, denial.code, f"order {key!r}: {denial.message}", key=key)

    def too_late(self, book: Book, one: Leaving) -> bool:
        """The last look before it leaves: what expired or was halted since is not handed over.

        What an enveloped client was handed before is handed again whatever the time: its inbox
        answers. A bare one might carry it out: the outcome is unknown.
        """
        order = book.state.orders[one.key]
        if one.again and book.enveloped:
            return False
        halt = self._judging.halt(book, order.intent)
        if halt is None and not self.expired(order):
            return False
        if one.again:
            why = "it expired" if halt is None else f"trading was halted ({told_halt(halt)})"
            self.unanswered(book, one.key, why)
        elif halt is not None:
            self.back(book, one.key)
            self.deny(book, one.key, refuse(GatewayCode.KILLED, halt=told_halt(halt)))
        else:
            self.back(book, one.key)
            self.never_sent(book, order)
        return True

    def not_expressible(self, book: Book, one: Leaving, order: OrderState, why: str) -> None:
        if one.again:
            self.unanswered(book, one.key, f"the client cannot be handed it again ({why})")
            return
        self.back(book, one.key)
        what = order.intent.action.value.replace("_", " ")
        denial = refuse(GatewayCode.NOT_EXPRESSIBLE, what=what)
        self.deny(book, one.key, denial)

    def unanswered(self, book: Book, key: str, why: str) -> None:
        code = "COMMAND_UNANSWERED"
        message = (
            f"order {key!r} was handed to the client, which never answered, and {why}: what became "
            f"of it is unknown; look at the terminal and settle it"
        )
        self._ledger.append(book, Reported(key=key, to=State.UNKNOWN, code=code, message=message))
        self._ledger.alert(book, code, message, key=key, level="critical")

    def back(self, book: Book, key: str) -> None:
        self._ledger.append(book, Moved(key=key, to=State.ACCEPTED, evidence="never left"))

    def never_sent(self, book: Book, order: OrderState) -> None:
        book.waiting.pop(order.key, None)
        code, message = refuse(GatewayCode.EXPIRED)
        self._ledger.append(
            book, Moved(key=order.key, to=State.EXPIRED, code=code, message=message)
        )

    def expired(self, order: OrderState) -> bool:
        expires_at_ms = order.intent.expires_at_ms
        return expires_at_ms is not None and self._ledger.now_ms() > expires_at_ms
