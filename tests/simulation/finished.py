"""A run that has come to its end: the journal's side of it, read again from the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from onefill.journal.journal import Journal
from onefill.journal.record import Record
from onefill.journal.verify import verify
from onefill.model.account import AccountState, state_hash
from onefill.model.deal import Deal
from onefill.model.events import Accepted, Denied, Moved, PositionDealt, Sending, key_of
from onefill.model.fold import apply
from onefill.model.intent import Action
from onefill.model.order import OrderState
from onefill.model.states import State
from tests.simulation.truth import Truth, read_truth
from tests.simulation.watch import ACCOUNT
from tests.simulation.world import World


@dataclass(slots=True)
class Booked:
    """A deal in the journal: under which key, and whether that order asked for it."""

    deal: Deal
    key: str
    asked_for: bool


@dataclass(slots=True)
class Finished:
    """Everything that is judged."""

    world: World
    truth: Truth
    records: list[Record]
    state: AccountState
    #: Every order that was ever accepted or denied, as it stands.
    orders: dict[str, OrderState]
    accepted: dict[str, Accepted] = field(default_factory=dict)
    sendings: list[tuple[int, Sending]] = field(default_factory=list)
    booked: list[Booked] = field(default_factory=list)
    #: Steps of the table that were taken.
    steps: list[tuple[State, State]] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    #: Orders of which a person said what became of them.
    settled: set[str] = field(default_factory=set)
    #: What is wrong with the journal itself.
    broken: list[str] = field(default_factory=list)


def finish(world: World) -> Finished:
    """Read a finished world's journal and book; fold everything anew on the way."""
    options = world.journal_options
    with Journal.open(world.directory, create=False, **options) as journal:
        records = list(journal.records())
        state = journal.state(ACCOUNT)
        keys = dict.fromkeys(key for r in records if (key := key_of(r.event)))
        orders = {key: order for key in keys if (order := journal.find(ACCOUNT, key)) is not None}
    finished = Finished(world, read_truth(world.directory), records, state, orders)
    _fold(finished)
    if not options:
        finished.broken += [f"verify: {one}" for one in verify(world.directory).breaks]
    return finished


def _fold(finished: Finished) -> None:
    fresh = AccountState(account=ACCOUNT)
    for record in finished.records:
        event = record.event
        before = fresh.orders.get(key_of(event))
        was = before.state if before is not None else State.RECEIVED
        apply(fresh, event, record.seq, record.at_ms)
        _note(finished, record, was)
    if state_hash(fresh) != state_hash(finished.state):
        finished.broken.append("folding all records gives another state than opening")


def _note(finished: Finished, record: Record, was: State) -> None:
    event = record.event
    if isinstance(event, Accepted):
        finished.accepted[event.key] = event
        finished.steps.append((was, State.ACCEPTED))
    elif isinstance(event, Sending):
        finished.sendings.append((record.at_ms, event))
        finished.steps.append((was, State.SENDING))
    elif isinstance(event, Moved):
        finished.steps.append((was, event.to))
        if event.late:
            finished.late.add(event.key)
        if event.by:
            finished.settled.add(event.key)
        intent = finished.accepted[event.key].intent
        if intent.action is not Action.CLOSE_ALL:
            finished.booked += [Booked(deal, event.key, True) for deal in event.deals]
    elif isinstance(event, PositionDealt):
        finished.booked += [Booked(deal, event.key, False) for deal in event.deals]
    elif isinstance(event, Denied):
        finished.steps.append((was, State.DENIED))
