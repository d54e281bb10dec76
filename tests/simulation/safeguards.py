"""The safeguards of the protocol, each with a way to take it away, and a world in which that hurts.

What is taken away is the engine's own doing; the broker, its faults and the judge stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from onefill.execution import evidence, intake
from onefill.execution.desk import Desk
from onefill.execution.drivers import stepwise
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.execution.effects import Commit, Steps, Until
from onefill.execution.intake import take as real_take
from onefill.execution.stages import record, submit, validate
from onefill.journal.journal import Journal
from onefill.journal.sqlite_store import SqliteStore
from onefill.model.intent import OrderIntent, OrderType
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.approved import SEAL, RiskApproved
from onefill.risk.review import review as real_review
from onefill.terminal.classify import Classified
from onefill.terminal.classify import Outcome as Class
from onefill.terminal.classify import classify as real_classify
from onefill.terminal.port import Request
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.simulation.plan import Aim, Plan, changed, plan_of, with_faults

Patch = pytest.MonkeyPatch
_AMBIGUOUS = (Class.AMBIGUOUS, Class.LOOK)


@dataclass(frozen=True, slots=True)
class Safeguard:
    """`remove` takes it away; `weaken` does so where it is a setting. `plan` is a seed's world."""

    name: str
    #: What the judge says without it, among other things.
    missed_by: str
    remove: Callable[[Patch], None] = lambda patch: None
    weaken: Callable[[Plan], Plan] = lambda plan: plan
    plan: Callable[[int], Plan] = plan_of
    #: The journal's `synchronous`, with it and without; empty: deaths are no power cuts.
    synchronous: tuple[str, str] = ("", "")


def _inbox_key(patch: Patch) -> None:
    """Nobody remembers the keys of orders that are over, and nothing keeps them unique."""
    first = Journal._first

    def take_again(desk: Desk, intent: OrderIntent) -> Steps:
        forgotten = [intent.client_key] if intent.client_key not in desk.state.orders else []

        def find(key: str) -> OrderState | None:
            if key in forgotten:
                forgotten.remove(key)
                return None
            return desk.find(key)

        yield from real_take(replace(desk, find=find), intent)

    def first_again(journal: Journal, account: str, event: Any, *when: int) -> Any:
        order = first(journal, account, event, *when)
        if journal._store.find_key(account, event.key) is not None:
            journal._batch.inbox.pop()
        return order

    patch.setattr(stepwise, "take", take_again)
    patch.setattr(Journal, "_first", first_again)


def _content_hash(patch: Patch) -> None:
    """A key that comes again is the same order, whatever it says."""
    patch.setattr(intake, "same_content", lambda known, intent: True)


def _epoch(patch: Patch) -> None:
    """Neither the terminal nor the journal looks at the epoch."""
    patch.setattr(SimulatedTerminal, "fence", lambda terminal, epoch: None)
    patch.setattr(SqliteStore, "_fence", lambda store, epochs: None)


def _without_waiting_for_the_disk(patch: Patch, *points: str) -> None:
    append = StepwiseDriver._append

    def append_and_go_on(driver: StepwiseDriver, steps: Steps, commit: Commit) -> None:
        append(driver, steps, commit)
        if commit.point in points:
            driver._committing.pop()
            driver._ready.append((steps, None))

    patch.setattr(StepwiseDriver, "_append", append_and_go_on)


def _sending_first(patch: Patch) -> None:
    """The order is sent while its SENDING is still on its way to the disk."""
    _without_waiting_for_the_disk(patch, "sending")


def _commit_first(patch: Patch) -> None:
    """Acceptance is told while it is still on its way to the disk."""
    _without_waiting_for_the_disk(patch, "accept", "deny")


def _unknown(patch: Patch) -> None:
    """No answer counts as a refusal."""

    def classify_boldly(action: int, reply: Any) -> Classified:
        answer = real_classify(action, reply)
        return answer._replace(outcome=Class.REFUSED) if answer.outcome in _AMBIGUOUS else answer

    patch.setattr(submit, "classify", classify_boldly)


def _baseline(patch: Patch) -> None:
    """Orders that were there before the send may be taken for it."""
    fits = evidence._fits

    def fits_anyway(order: OrderState, row: Any) -> bool:
        return fits(msgspec.structs.replace(order, baseline_ticket=0), row)

    patch.setattr(evidence, "_fits", fits_anyway)


def _token(patch: Patch) -> None:
    """Nobody looks for the token in a comment."""
    for module in ("evidence", "attribute"):
        patch.setattr(f"onefill.execution.{module}.token_of", lambda identity: "no token at all!")


def _expiry(patch: Patch) -> None:
    """Neither the engine nor the terminal looks at the clock."""

    def still_accepted(desk: Desk, order: OrderState) -> Generator[Any, Any, bool]:
        yield from ()
        return order.state is State.ACCEPTED

    def wait_on(desk: Desk, order: OrderState) -> Generator[Any, Any, None]:
        if validate.must_wait(desk, order):
            desk.held.add(order.key)
            yield Until(
                lambda _: not validate.must_wait(desk, order) or order.state is not State.ACCEPTED
            )
            desk.held.discard(order.key)

    send = SimulatedTerminal._send

    def send_anyway(terminal: SimulatedTerminal, request: Request) -> Any:
        return send(terminal, request._replace(not_after_ms=None))

    patch.setattr(validate, "_wait_for_unknown", wait_on)
    for module in (validate, record):
        patch.setattr(module, "still_wanted", still_accepted)
    patch.setattr(Desk, "expired", lambda desk, intent: False)
    patch.setattr(SimulatedTerminal, "_send", send_anyway)


def _reservation(patch: Patch) -> None:
    """Risk approves, and nothing is set aside for it."""

    def review_only(*arguments: Any) -> Any:
        verdict = real_review(*arguments)
        if isinstance(verdict, RiskApproved):
            return RiskApproved(verdict.thing, None, verdict.repeat, verdict.repeat_window_ms, SEAL)
        return verdict

    patch.setattr(intake, "review", review_only)


def _boot(patch: Patch) -> None:
    """A new engine goes on where the old one stopped, without a look at anything."""

    def boot_blindly(desk: Desk, following: Any) -> Generator[Any, Any, list[OrderState]]:
        yield from ()
        return [o for o in desk.state.orders.values() if o.state in (State.ACCEPTED, State.UNKNOWN)]

    patch.setattr(stepwise, "boot", boot_blindly)


def _gate(patch: Patch) -> None:
    """Nobody looks at the gate in the moment before the send."""
    patch.setattr(submit, "stopped", lambda gate, intent, magics: None)
    patch.setattr(submit, "waits", lambda gate, intent: "")


def _never_late(plan: Plan) -> Plan:
    """Absence proves at once, or so it believes."""
    return replace(plan, config=changed(plan.config, lateness_bound_ms=0))


def _one_look(plan: Plan) -> Plan:
    """One look that finds nothing is enough."""
    return replace(plan, config=changed(plan.config, snapshots=1))


def _stale_and_late(seed: int) -> Plan:
    """Many orders are carried out late, and history shows them later still."""
    return with_faults(plan_of(seed * 8), {"late_execution": 0.5, "stale_history": 0.9})


def _among_twins(seed: int) -> Plan:
    """Another program does the same right before every send; what we send often never arrives."""
    plan = with_faults(plan_of(seed * 8), {"disconnect": 0.3, "hang": 0.3})
    first_ms, apart_ms = plan.decisions[0].at_ms, 15_000
    opening = [d for d in plan.decisions if d.intent.order_type is OrderType.MARKET]
    markets = [d.intent for d in opening if d.intent.side is not None]
    decisions = [
        replace(
            plan.decisions[0],
            at_ms=first_ms + number * apart_ms,
            intent=msgspec.structs.replace(
                intent, client_key=f"t{number}", volume=(number + 1) / 100, expires_at_ms=None
            ),
        )
        for number, intent in enumerate(markets[:14])
    ]
    return replace(plan, decisions=decisions, twins=True, aims=(), rare=(), strangers=())


def _stalling(seed: int) -> Plan:
    """Engines stall right before they send, and others take over."""
    stall = Aim(("call:order_send:before",), nth=1 + seed % 5, stalls=True)
    return replace(plan_of(seed * 8), aims=(stall, replace(stall, nth=2)))


def _dying_around_sends(seed: int) -> Plan:
    """Engines die right after the broker has heard of an order."""
    points = ("broker:executed", "call:order_send:after")
    aims = tuple(Aim((points[n % 2],), nth=1 + (seed + n) % 6) for n in range(6))
    return replace(plan_of(seed * 8), aims=aims)


SAFEGUARDS = (
    Safeguard("inbox key", "nothing was sent twice", _inbox_key),
    Safeguard("content hash", "never answered", _content_hash),
    Safeguard("epoch", "old engines change nothing", _epoch, plan=_stalling),
    Safeguard(
        "SENDING before sending",
        "nothing was sent twice",
        _sending_first,
        plan=_dying_around_sends,
    ),
    Safeguard("UNKNOWN", "honest brokers are never late", _unknown),
    Safeguard("baseline tickets", "deal is attributed rightly", _baseline, plan=_among_twins),
    Safeguard("token", "quarantine is for doubt", _token),
    Safeguard("lateness bound", "honest brokers are never late", weaken=_never_late),
    Safeguard(
        "repeated snapshots",
        "honest brokers are never late",
        weaken=_one_look,
        plan=_stale_and_late,
    ),
    Safeguard("expiry", "nothing was sent after expiry", _expiry),
    Safeguard("reservation", "caps were never overshot", _reservation),
    Safeguard("boot reconciliation", "every order ends", _boot, plan=_dying_around_sends),
    Safeguard("commit before acknowledgement", "was told of before it was durable", _commit_first),
    Safeguard("gate", "through a closed gate", _gate),
    Safeguard("FULL", "was durable, and is gone", synchronous=("FULL", "NORMAL")),
)
