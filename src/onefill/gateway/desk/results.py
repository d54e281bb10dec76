"""What a client tells of its commands: taken once, believed with its evidence, never lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from onefill.contracts.messages import Ack, Result, Status, WireError
from onefill.contracts.results import contradiction, is_part, state_of
from onefill.gateway.desk.book import Book
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.desk.news import book_fill, stale
from onefill.gateway.desk.steps import steps
from onefill.model.errors import OnefillError
from onefill.model.events import Reopened, Reported
from onefill.model.intent import Action
from onefill.model.order import OrderState
from onefill.model.states import LATE_FROM, State
from onefill.model.volume import to_e8

#: A sentence's code; before it, of an order that is over, the word for what `state` says too.
_CODE = re.compile(
    r"(?:(?:cancelled|expired|proven not executed): )?([A-Z][A-Z0-9_]{2,63}): ", re.ASCII
)
_FILLS = frozenset({State.PARTIALLY_FILLED, State.FILLED})
_SHOWN = 64


class Results:
    """Takes results into the journal; `moved` is told of every order that a result moved,
    `doubted` of one that is over here and in quarantine at the client."""

    def __init__(
        self,
        ledger: Ledger,
        moved: Callable[[Book, OrderState], None],
        doubted: Callable[[Book, OrderState], None],
    ) -> None:
        self._ledger = ledger
        self._moved = moved
        self._doubted = doubted

    async def heard(self, book: Book, result: Result) -> Ack:
        """See `Hears.heard`."""
        order = self._ledger.find(book, result.command_id)
        if order is None:
            raise OnefillError(
                "COMMAND_UNKNOWN",
                f"account {book.name} was never sent a command {result.command_id[:_SHOWN]!r}",
            )
        self._gap(book, result)
        taken = self._take(book, order, result)
        if not taken and result.sequence > book.state.heard:
            # Said again under a new number: the number is heard, and nothing else.
            self._ledger.append(
                book,
                Reported(key=order.key, to=order.state, sequence=result.sequence, part=True),
            )
        await self._ledger.durable(book)
        return Ack(result.command_id, result.sequence, duplicate=not taken)

    async def warned(self, book: Book, error: WireError) -> None:
        """See `Hears.warned`."""
        order = self._ledger.find(book, error.id) if error.id else None
        to = State.QUARANTINED if error.code == "QUARANTINED" else State.UNKNOWN
        doubtful = error.code in ("QUARANTINED", "OUTCOME_UNKNOWN")
        way = steps(order.state, to) if order is not None and doubtful else None
        if order is not None and doubtful and (order.state is to or order.is_final):
            if order.state is not to and to is State.QUARANTINED:
                self._doubted(book, order)
            return  # known, or over: what is proven stays
        said = error.message.removeprefix(f"{error.code}: ")  # the code has a place of its own
        if way:
            self._ledger.append(
                book,
                Reported(key=error.id, to=way[-1], through=way[:-1], code=error.code, message=said),
            )
        level = "critical" if way else "warning"
        key = order.key if order is not None else ""
        about = f"order {key!r}: " if key else f"the client of account {book.name}: "
        message = f"{about}{said}"
        self._ledger.alert(
            book, error.code[:_SHOWN] or "CLIENT_ERROR", message, key=key, level=level
        )
        await self._ledger.durable()

    def _gap(self, book: Book, result: Result) -> None:
        heard = book.state.heard
        if heard and result.sequence > heard + 1:
            message = (
                f"results {heard + 1} to {result.sequence - 1} of account {book.name} are missing; "
                f"the client tells them again when it connects"
            )
            self._ledger.alert(book, "RESULT_GAP", message)

    def _take(self, book: Book, order: OrderState, result: Result) -> bool:
        """Record a result; False where it says nothing new."""
        intent = order.intent
        why = contradiction(result, intent)
        if why:
            return self._contradicts(book, order, why)
        to = state_of(result, intent)
        if is_part(result, intent):
            part = (order.key, result.position_ticket, to.value, result.volume, result.sequence)
            if not book.first_heard(part) or self._heard_before(book, order, result):
                return False
            self._ledger.append(book, self._report(order, order.state, result, part=True))
            return True
        volume_e8 = to_e8(result.volume)
        if to is State.FILLED and not volume_e8:
            volume_e8 = order.asked_e8 or order.filled_e8
        if stale(order, to, volume_e8, result):
            return False
        if order.is_final:
            return self._late(book, order, to, volume_e8, result)
        way = steps(order.state, to)
        if way is None and to is State.DENIED:
            # Its outcome was in doubt: the client proves that it was not executed.
            to = State.NOT_EXECUTED
            way = steps(order.state, to)
        if way is None:
            return self._contradicts(book, order, f"{to.name} after {order.state.name}")
        if order.state is State.ACCEPTED:
            book.waiting.pop(order.key, None)
            message = f"order {order.key!r}: the client tells of it and was never handed it"
            self._ledger.alert(book, "RESULT_UNASKED", message, key=order.key, level="critical")
        self._walk(book, order, way, volume_e8, result)
        return True

    def _heard_before(self, book: Book, order: OrderState, result: Result) -> bool:
        """Whether the gateway before this one recorded a part: what it remembered is gone."""
        if not 0 < result.sequence <= book.state.heard:
            return False
        return self._ledger.has_result(book, order.key, result.sequence)

    def _walk(
        self,
        book: Book,
        order: OrderState,
        way: tuple[State, ...],
        volume_e8: int,
        result: Result,
        *,
        late: bool = False,
    ) -> None:
        """Record what the client told, and the steps that lead there, as one."""
        report = self._report(
            order, way[-1], result, through=way[:-1], volume_e8=volume_e8, late=late
        )
        self._ledger.append(book, report)
        if volume_e8:
            book_fill(book, order, volume_e8, result.sequence)
        if way[-1] is State.DONE and order.intent.action is Action.CLOSE_ALL:
            book.all_closed(order.intent, complete=result.status is Status.SUCCESS)
        self._moved(book, order)

    def _late(
        self, book: Book, order: OrderState, to: State, volume_e8: int, result: Result
    ) -> bool:
        """Evidence about an order that was over: it is taken up again, with a critical alert."""
        way: tuple[State, ...] | None = None
        if order.state in LATE_FROM:
            way = steps(order.state, to)
            if to in LATE_FROM and volume_e8 > order.filled_e8:
                way = (State.PARTIALLY_FILLED, *(steps(State.PARTIALLY_FILLED, to) or ()))
            if way is not None and way[0] not in (*_FILLS, State.WORKING):
                way = None
        if way is None:
            return self._contradicts(book, order, f"{to.name} after {order.state.name}")
        why = f"late: the client told {to.name} of an order that was {order.state.name}"
        self._ledger.append(book, Reopened(order=msgspec.structs.replace(order), why=why))
        live = book.state.orders[order.key]
        self._walk(book, live, way, volume_e8, result, late=True)
        self._ledger.alert(
            book, "LATE_RESULT", f"order {order.key!r}: {why}", key=order.key, level="critical"
        )
        return True

    def _contradicts(self, book: Book, order: OrderState, why: str) -> bool:
        """Not to be believed: the outcome of a live order is unknown from here on."""
        message = f"order {order.key!r}: a result contradicts what is known ({why})"
        code = "RESULT_CONTRADICTS"
        taken = False
        if order.state not in (State.UNKNOWN, State.QUARANTINED) and not order.is_final:
            book.waiting.pop(order.key, None)
            way = steps(order.state, State.UNKNOWN)
            if way:
                self._ledger.append(
                    book,
                    Reported(
                        key=order.key, to=way[-1], through=way[:-1], code=code, message=message
                    ),
                )
                taken = True
        self._ledger.alert(book, code, message, key=order.key, level="critical")
        return taken

    def _report(
        self,
        order: OrderState,
        to: State,
        result: Result,
        *,
        through: tuple[State, ...] = (),
        volume_e8: int = 0,
        late: bool = False,
        part: bool = False,
    ) -> Reported:
        found = _CODE.match(result.error)
        return Reported(
            key=order.key,
            to=to,
            code=found.group(1) if found else "",
            message=result.error[found.end() :] if found else result.error,
            retcode=result.retcode,
            order_ticket=result.order_ticket,
            position_ticket=result.position_ticket,
            price=result.price,
            volume_e8=volume_e8 or (to_e8(result.volume) if part else 0),
            sequence=result.sequence,
            client_ms=result.at_ms,
            late=late,
            part=part,
            through=through,
            requested_price=result.requested_price,
            slippage_pips=result.slippage_pips,
        )
