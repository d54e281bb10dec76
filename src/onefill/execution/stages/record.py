"""Stage 3: the connection is verified and SENDING is durable, before the broker hears of it."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Sleep, Steps, Tell, Until
from onefill.execution.gate import stopped, waits
from onefill.execution.stages.validate import denied, must_wait, still_wanted
from onefill.execution.target import magics
from onefill.execution.told import Settled
from onefill.model.events import Moved, Sending
from onefill.model.intent import Action
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest
from onefill.model.states import State
from onefill.risk.throttle import sends_wait_until
from onefill.terminal.port import Ready, Reply


class LookAgain:
    """It had to be waited for: whether the order may be sent now is asked anew."""


def record(desk: Desk, order: OrderState, request: BrokerRequest) -> Steps:
    """True once SENDING is durable; False where the order ended unsent; or `LookAgain`."""
    unsent = order.intent.action is Action.CANCEL and not request.order
    ready: Ready | LookAgain | None = yield from _connected(desk, order)
    if not unsent and not desk.is_first(order):
        yield Until(lambda _: desk.is_first(order), number=order.number)
    if ready is None or not (yield from still_wanted(desk, order)):
        return False
    if isinstance(ready, LookAgain) or must_wait(desk, order):
        return LookAgain()
    if (yield from _paced(desk, order)):
        return LookAgain()
    refused = stopped(desk.gate, order.intent, magics(desk, order.intent, order.order))
    if refused is not None:
        yield from denied(order, refused.code, refused.message)
        return False
    if unsent:
        yield from _cancel_unsent(desk, order)
        return False
    sending = Sending(
        key=order.key,
        attempt=order.attempts + 1,
        epoch=desk.epoch,
        server_ms=ready.server_ms,
        baseline_ticket=ready.last_ticket,
        request=request,
    )
    desk.leave_line(order)  # sends begin in the order in which they were recorded
    yield Commit((sending,), "sending")
    return True


def _paced(desk: Desk, order: OrderState) -> Steps:
    """Control 6 once more: True where the order had to wait, so as not to leave in a burst."""
    symbol = order.order.symbol if order.order else ""
    caps = desk.limits.caps(order.intent.magic, symbol)
    until_ms = sends_wait_until(desk.state, order.intent.action, caps, desk.now_ms)
    if not until_ms:
        return False
    desk.hold(order)
    yield Sleep(until_ms)
    desk.let_go(order)
    return True


def _connected(desk: Desk, order: OrderState) -> Steps:
    """A terminal that is fit to send, or `LookAgain` once it is after a while; None where the
    order ended meanwhile.

    A failure leaves the order where it is: nothing was sent.
    """
    began_ms, waited = desk.now_ms, False
    while True:
        reply: Reply = yield desk.call("ready", order)
        ready: Ready | None = reply.value
        trouble = _trouble(desk, ready) or waits(desk.gate, order.intent)
        if not trouble:
            return LookAgain() if waited else ready
        if desk.now_ms - began_ms >= desk.config.connection_patience_ms:
            yield from _give_up(order, trouble)
            return None
        desk.hold(order)
        yield Sleep(desk.now_ms + desk.config.connection_retry_ms)
        desk.let_go(order)
        waited = True
        if not (yield from still_wanted(desk, order)):
            return None


def _trouble(desk: Desk, ready: Ready | None) -> str:
    """Why nothing may be sent now, in words; empty where all is well."""
    if ready is None or not ready.connected:
        return "the terminal is not connected"
    if (ready.login, ready.server) != (desk.login, desk.server):
        return (
            f"the terminal is logged in as {ready.login} at {ready.server!r}, "
            f"not as {desk.login} at {desk.server!r}"
        )
    if not ready.trade_allowed:
        return "trading is not allowed (AutoTrading is off, or the account may not trade)"
    return "" if ready.synchronised else "the terminal's history is not synchronised"


def _give_up(order: OrderState, trouble: str) -> Steps:
    expired = Moved(
        key=order.key,
        to=State.EXPIRED,
        code="NOT_CONNECTED",
        message=f"{trouble}; the order expired unsent",
        evidence="never sent",
    )
    yield Commit((expired,), "expire")
    yield Tell(Settled(order), "expired")


def _cancel_unsent(desk: Desk, order: OrderState) -> Steps:
    """A cancel of an order that is held back: both end here, the broker never hears of them."""
    target = desk.state.orders.get(order.order.target) if order.order else None
    if target is None or target.state is not State.ACCEPTED:
        lost = Moved(
            key=order.key,
            to=State.CANCELLED,
            code="TARGET_NOT_WORKING",
            message="the order meant was no longer held back when its cancel came",
            evidence="never sent",
        )
        yield Commit((lost,), "cancel_unsent")
    else:
        gone = Moved(
            key=target.key,
            to=State.CANCELLED,
            code="CANCELLED",
            message=f"cancelled by {order.key!r} before it was sent",
            evidence="never sent",
        )
        done = Moved(key=order.key, to=State.DONE, evidence="never sent")
        yield Commit((gone, done), "cancel_unsent")
        yield Tell(Settled(target), "cancelled")
    yield Tell(Settled(order), "done")
