"""Steps 7 and 8: an ambiguous outcome is searched for until it is proven, or set aside."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.effects import Commit, Sleep, Steps, Tell
from onefill.execution.evidence import Absent, Evidence, Several, weigh
from onefill.execution.outcome import Outcome
from onefill.execution.told import Alarm
from onefill.model.events import Alerted
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.terminal.classify import BY_RETCODE
from onefill.terminal.classify import Outcome as Class
from onefill.terminal.port import Ready, Reply

_LONGEST_WAIT_MS = 5_000

#: Retcodes by which the broker answered that what was meant had changed (10023, 10036, 10041):
#: nothing of it can come late, but what is there must be looked at.
ANSWERED = frozenset(code for code, outcome in BY_RETCODE.items() if outcome is Class.LOOK)


def settle_unknown(desk: Desk, order: OrderState) -> Steps:
    """Look until found, until absence is proven, or until it must wait for an operator.

    Absence is proven only after the lateness bound, by several equal looks in a row at a
    synchronised history. Nothing is ever sent again from here.
    """
    config = desk.config
    answered = order.retcode in ANSWERED
    late_ms = 0 if answered else config.call_deadline_ms + config.lateness_bound_ms
    bound_ms = order.submitted_ms + late_ms
    give_up_ms = order.unknown_since_ms + config.quarantine_after_ms
    consistent, wait_ms = 0, config.poll_interval_ms
    while True:
        seen = yield from look_everywhere(desk, order)
        found = weigh(desk, order, seen) if seen is not None else None
        if isinstance(found, Outcome):
            return found
        now_ms = desk.now_ms
        proves = isinstance(found, Absent) and now_ms >= bound_ms
        consistent = consistent + 1 if proves else 0
        if consistent >= config.snapshots:
            return _refused(order) if answered else _not_executed(consistent)
        if now_ms >= give_up_ms or (isinstance(found, Several) and now_ms >= bound_ms):
            return (yield from _quarantine(order, found))
        if proves:
            yield Sleep(now_ms + config.snapshot_interval_ms)
        else:
            yield Sleep(now_ms + wait_ms)
            wait_ms = min(wait_ms * 2, _LONGEST_WAIT_MS)


def look_everywhere(desk: Desk, order: OrderState) -> Steps:
    """Open orders, positions, finished orders and deals, from one moment; None where any of it
    could not be had or is not known to be complete."""
    resolved = order.order
    assert resolved is not None
    reply: Reply = yield desk.call("ready", order)
    ready: Ready | None = reply.value
    if ready is None or not desk.shows_account(ready):
        return None
    window = {
        "from_ms": order.server_ms - desk.config.history_window_ms,
        "to_ms": ready.server_ms + desk.config.history_window_ms,
    }
    rows = []
    for name, arguments in (
        ("orders_get", {"symbol": resolved.symbol}),
        ("positions_get", {"symbol": resolved.symbol}),
        ("history_orders_get", window),
        ("history_deals_get", window),
    ):
        reply = yield desk.call(name, order, **arguments)
        if reply.value is None:
            return None
        rows.append(reply.value)
    return Evidence(ready, *rows)


def _refused(order: OrderState) -> Outcome:
    return Outcome(
        to=State.REJECTED,
        code=order.code,
        message=order.message.removeprefix("the outcome is not known yet: "),
        retcode=order.retcode,
        evidence="looked up",
    )


def _not_executed(looks: int) -> Outcome:
    return Outcome(
        to=State.NOT_EXECUTED,
        code="NOT_EXECUTED",
        message=f"proven not executed: {looks} equal looks at a synchronised history, after the "
        "time in which the broker could still have carried it out; send it again under a new key",
        evidence="snapshots",
    )


def _quarantine(order: OrderState, found: object) -> Steps:
    reason = (
        f"orders {', '.join(map(str, found.tickets))} at the broker fit, and nothing tells whose "
        "they are"
        if isinstance(found, Several)
        else "the broker could not be looked into long enough to prove it either way"
    )
    alert = Alerted(
        code="QUARANTINED",
        message=f"order {order.key!r}: {reason}; decide it with `onefill journal resolve`",
        level="critical",
        key=order.key,
    )
    yield Commit((alert,), "quarantine")
    yield Tell(Alarm(alert), "alert")
    return Outcome(
        to=State.QUARANTINED,
        code="QUARANTINED",
        message=f"{reason}; an operator must decide",
        evidence="none",
    )
