"""Stage 4: the one call of `order_send`, and what its answer proves."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Call, Commit, Sleep, Steps, Tell
from onefill.execution.gate import may_be_stopped, stopped, waits
from onefill.execution.outcome import Outcome
from onefill.execution.target import magics
from onefill.execution.told import Alarm
from onefill.model.errors import OnefillError
from onefill.model.events import Alerted, Moved
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.terminal import port
from onefill.terminal.classify import Classified, classify
from onefill.terminal.classify import Outcome as Class
from onefill.terminal.port import Reply, Request, SendResult


class Fenced(OnefillError):
    """A newer engine holds the account: this one must not go on."""


def fenced(desk: Desk) -> Fenced:
    """What is told of every order from then on."""
    return Fenced(
        "FENCED",
        f"another engine has taken over account {desk.account!r} (this one's epoch, {desk.epoch}, "
        "is over); nothing was sent, and this engine stops",
    )


class SendAgain:
    """It is proven that nothing was executed; the order is ACCEPTED again for another attempt."""


def submit(desk: Desk, order: OrderState) -> Steps:
    """An `Outcome` that the reply proves, None where it is UNKNOWN now, or `SendAgain`."""
    request = order.request
    assert request is not None
    assert order.state is State.SENDING
    reach = magics(desk, order.intent, order.order)
    if stopped(desk.gate, order.intent, reach) is not None or waits(desk.gate, order.intent):
        yield from _step_back(order)
        return SendAgain()
    reply: Reply = yield Call(
        Request(
            "order_send",
            {"request": request},
            desk.epoch,
            _not_after_ms(desk, order),
            desk.now_ms + desk.config.call_deadline_ms,
            order.key,
            order.attempts,
        ),
        "order_send",
    )
    answer = classify(request.action, reply)
    if answer.code == port.STALE_EPOCH:
        raise fenced(desk)
    if answer.outcome in (Class.DONE, Class.PARTLY, Class.PLACED):
        return _accepted(order, reply.value, answer)
    if answer.code == port.TOO_LATE and _outlived_the_gate(desk, order):
        yield from _step_back(order)
        return SendAgain()
    if answer.outcome in (Class.RETRY, Class.NEVER_SENT) and _may_retry(desk, order, answer):
        yield from _back_off(desk, order, answer)
        return SendAgain()
    if answer.outcome in (Class.REFUSED, Class.RETRY, Class.NEVER_SENT):
        return _refused(answer)
    yield from declare_unknown(order, answer.name, answer.text, answer.code)
    return None


def _not_after_ms(desk: Desk, order: OrderState) -> int | None:
    """The last moment to begin: the call may wait for its turn, and whoever counts on the lease
    must not find that it began after the lease ran out."""
    expires_ms = desk.not_after_ms(order.intent)
    closes_in_ms = desk.gate.closes_in_ms() if may_be_stopped(order.intent) else None
    if closes_in_ms is None:
        return expires_ms
    closes_ms = desk.now_ms + closes_in_ms
    return closes_ms if expires_ms is None else min(expires_ms, closes_ms)


def _outlived_the_gate(desk: Desk, order: OrderState) -> bool:
    """Whether it was the lease that passed while the call waited, and not the order's own time."""
    return (
        may_be_stopped(order.intent)
        and desk.gate.closes_in_ms() is not None
        and not desk.expired(order.intent)
        and order.attempts < desk.config.max_attempts
    )


def _accepted(order: OrderState, result: SendResult, answer: Classified) -> Outcome:
    """What a good reply proves. A deal's own evidence is its row, which monitoring fetches."""
    request = order.request
    assert request is not None
    if request.action in (port.ACTION_SLTP, port.ACTION_MODIFY, port.ACTION_REMOVE):
        return Outcome(to=State.DONE, retcode=answer.code, order_ticket=0)
    return Outcome(
        to=State.WORKING,
        retcode=answer.code,
        order_ticket=result.order,
        ended=False,
    )


def _may_retry(desk: Desk, order: OrderState, answer: Classified) -> bool:
    return answer.code != port.TOO_LATE and order.attempts < desk.config.max_attempts


def _refused(answer: Classified) -> Outcome:
    expired = answer.code == port.TOO_LATE
    return Outcome(
        to=State.EXPIRED if expired else State.REJECTED,
        code="EXPIRED" if expired else answer.name,
        message=answer.text,
        retcode=answer.code,
    )


def _step_back(order: OrderState) -> Steps:
    """The gate closed while SENDING was written: nothing was sent, the order waits or is denied."""
    again = Moved(
        key=order.key,
        to=State.ACCEPTED,
        code="GATE_CLOSED",
        message="sending was stopped right before it began; nothing was sent",
        attempt=order.attempts,
        evidence="never sent",
    )
    yield Commit((again,), "step_back")


def _back_off(desk: Desk, order: OrderState, answer: Classified) -> Steps:
    again = Moved(
        key=order.key,
        to=State.ACCEPTED,
        code=answer.name,
        message=answer.text,
        retcode=answer.code,
        attempt=order.attempts,
        evidence="reply",
    )
    yield Commit((again,), "again")
    desk.hold(order)
    yield Sleep(desk.now_ms + desk.config.backoff_ms * 2 ** (order.attempts - 1))
    desk.let_go(order)


def declare_unknown(
    order: OrderState, code: str, text: str, retcode: int, ticket: int = 0
) -> Steps:
    """Step 7: the outcome is ambiguous; recorded, with an alert, before anything is looked up.

    `ticket` is the broker's order, where a reply told it.
    """
    unknown = Moved(
        key=order.key,
        to=State.UNKNOWN,
        code=code,
        message=f"the outcome is not known yet: {text}",
        retcode=retcode,
        attempt=order.attempts,
        order_ticket=ticket,
        evidence="reply",
    )
    alert = Alerted(
        code="OUTCOME_UNKNOWN",
        message=f"order {order.key!r}: {text}; its outcome is being looked up",
        level="critical",
        key=order.key,
    )
    yield Commit((unknown, alert), "unknown")
    yield Tell(Alarm(alert), "alert")
