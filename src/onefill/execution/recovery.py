"""Boot: what was being sent becomes UNKNOWN, and the broker is looked at before anything new."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Sleep, Steps, Tell
from onefill.execution.follow import Following, follow, follow_once
from onefill.execution.older import take_in_older
from onefill.execution.other_book import refuse_other_book
from onefill.execution.told import Alarm
from onefill.model.events import Alerted, Moved
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.terminal import port
from onefill.terminal.port import AccountRow, Ready, Reply


def boot(desk: Desk, following: Following) -> Steps:
    """Reconcile after a start; comes back with the orders to take up again, oldest first.

    `SENDING` becomes UNKNOWN: the process may have died before, in or after the call. So does what
    worked and is nowhere to be seen. Comes back only once the terminal could be looked into.
    Raises `OnefillError` (`BROKER_BOOK_DIFFERS`) before anything of a reset book is believed.
    """
    sending = [order for order in desk.state.orders.values() if order.state is State.SENDING]
    if sending:
        yield from _declare_unknown(
            sending, "the engine stopped while the order was being sent; it is looked up"
        )
    ready: Ready = yield from _until_online(desk)
    yield from refuse_other_book(desk, ready.last_ticket)
    desk.netting = yield from _nets(desk)
    while not (yield from follow(desk, following)):
        yield from _until_online(desk)
    yield from take_in_older(desk)
    lost = yield from _nowhere(desk)
    if lost:
        yield from _declare_unknown(
            lost, "the order was working, and the broker shows it nowhere; it is looked up"
        )
    for name in dict.fromkeys(order.order.symbol for order in _live(desk) if order.order):
        if name and (yield from desk.symbol(name)) is None:
            yield from _until_online(desk)
            yield from desk.symbol(name)
    return [o for o in _live(desk) if o.state in (State.ACCEPTED, State.UNKNOWN)]


def _live(desk: Desk) -> list[OrderState]:
    return sorted(desk.state.orders.values(), key=lambda order: order.number)


def _until_online(desk: Desk) -> Steps:
    """Wait for a terminal that shows the account whole; what it said of itself."""
    while True:
        reply: Reply = yield desk.call("ready")
        if desk.shows_account(reply.value):
            return reply.value
        yield Sleep(desk.now_ms + desk.config.connection_retry_ms)


def _nets(desk: Desk) -> Steps:
    """Whether the account nets (MT5's margin modes 0 and 1)."""
    while True:
        reply: Reply = yield desk.call("account_info")
        account: AccountRow | None = reply.value
        if account is not None:
            return account.margin_mode != port.HEDGING
        yield from _until_online(desk)


def _nowhere(desk: Desk) -> Steps:
    """Orders that worked when the engine stopped and are neither open nor ended at the broker."""
    reply: Reply = yield desk.call("orders_get")
    if reply.value is None:
        return []
    working = {row.ticket for row in reply.value}
    lost: list[OrderState] = []
    for order in _live(desk):
        worked = order.state in (State.WORKING, State.PARTIALLY_FILLED) and order.order_ticket
        if not worked or order.order_ticket in working:
            continue
        if not (yield from follow_once(desk, order)):
            lost.append(order)
    return lost


def _declare_unknown(orders: list[OrderState], why: str) -> Steps:
    alerts = [
        Alerted(
            code="OUTCOME_UNKNOWN",
            message=f"order {order.key!r}: {why}",
            level="critical",
            key=order.key,
        )
        for order in orders
    ]
    steps = [
        Moved(
            key=order.key,
            to=State.UNKNOWN,
            code="RESTART",
            message=why,
            attempt=order.attempts,
            evidence="boot",
        )
        for order in orders
    ]
    yield Commit((*steps, *alerts), "boot_unknown")
    for alert in alerts:
        yield Tell(Alarm(alert), "alert")
