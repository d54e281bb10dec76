"""Stage 1: may this order be sent now? Market, quote, spread and margin, right before sending."""

from __future__ import annotations

from onefill.execution.breach import consequences, loss_marks, tell_alerts
from onefill.execution.denial import unknown_symbol
from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Steps, Tell, Until
from onefill.execution.looking import look
from onefill.execution.told import Settled
from onefill.model.account import AccountState
from onefill.model.events import Denied, Event, Moved
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.model.symbol import Symbol
from onefill.risk.stage1 import validate as check
from onefill.terminal.port import Reply


def validate(desk: Desk, order: OrderState) -> Steps:
    """True where the order may go on; otherwise it has ended, durably and told."""
    yield from _wait_for_unknown(desk, order)
    if not (yield from still_wanted(desk, order)):
        return False
    resolved = order.order
    assert resolved is not None
    symbol: Symbol | None = yield from desk.symbol(resolved.symbol)
    if symbol is None:
        unknown = unknown_symbol(resolved.symbol)
        return (yield from denied(order, unknown.code, unknown.message))
    reply: Reply = yield from look(desk, resolved.symbol, order)
    if reply.value is None:
        return True  # not connected: the recording stage waits for the connection
    marks = loss_marks(desk, order.intent, symbol.name, reply.value)
    verdict = check(order, symbol, reply.value, desk.limits, desk.state, desk.now_ms, marks)
    if verdict is None:
        return True
    after = consequences(desk, order.intent, verdict, marks)
    return (yield from denied(order, verdict.code, verdict.message, after))


def denied(order: OrderState, code: str, message: str, after: tuple[Event, ...] = ()) -> Steps:
    """An accepted order ends unsent, with a reason and what follows from that; False."""
    yield Commit((Denied(key=order.key, code=code, message=message), *after), "deny_late")
    yield Tell(Settled(order), "denied")
    yield from tell_alerts(after)
    return False


def must_wait(desk: Desk, order: OrderState) -> bool:
    """Orders that would raise risk wait while an outcome of their symbol is UNKNOWN."""
    symbol = order.order.symbol if order.order else ""
    return order.intent.raises_risk and symbol in desk.state.unknown


def _wait_for_unknown(desk: Desk, order: OrderState) -> Steps:
    if not must_wait(desk, order):
        return

    def clear(_: AccountState) -> bool:
        return not must_wait(desk, order) or order.state is not State.ACCEPTED

    desk.hold(order)
    yield Until(clear, desk.not_after_ms(order.intent), number=order.number)
    desk.let_go(order)


def still_wanted(desk: Desk, order: OrderState) -> Steps:
    """False where the order was cancelled meanwhile or has expired (then recorded and told)."""
    if order.state is not State.ACCEPTED:
        return False
    if not desk.expired(order.intent):
        return True
    expired = Moved(
        key=order.key,
        to=State.EXPIRED,
        code="EXPIRED",
        message="the order expired before it could be sent; it was not sent",
        evidence="never sent",
    )
    yield Commit((expired,), "expire")
    yield Tell(Settled(order), "expired")
    return False
