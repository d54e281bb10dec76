"""One account, one engine: a second one is refused, and one that was overtaken cannot send."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from onefill.execution.desk import Desk
from onefill.execution.drivers.stepwise import StepwiseDriver
from onefill.execution.stages.submit import Fenced
from onefill.journal.errors import StaleEpoch
from onefill.journal.files import reading, sqlite_file
from onefill.journal.journal import Journal
from onefill.journal.loading import records
from onefill.journal.sqlite_store import SqliteStore
from onefill.model.events import Sending
from onefill.model.intent import Action, OrderIntent, Side
from onefill.model.states import State
from onefill.replay.inputs import RunSettings, read_inputs
from onefill.replay.run import ACCOUNT, BOOK_NAME, TENANT
from onefill.runtime.clock import VirtualClock
from onefill.terminal.simulator.terminal import SimulatedTerminal
from tests.simulation.processes import Nursery
from tests.simulation.scenario import QUIET, START_MS
from tests.simulation.sweep import request
from tests.simulation.witnesses import read_book

assert sys.platform != "win32", "there is no SIGKILL to die of"

PAUSES = (
    ("commit:sending:before", 2),
    ("flush:in_transaction", 9),
    ("commit:sending:after", 3),
    ("call:order_send:before", 1),
    ("broker:executed", 4),
    ("tell:acknowledge:before", 5),
)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.mark.parametrize(("point", "nth"), PAUSES)
def test_a_stopped_engine_keeps_others_out_and_goes_on_as_if_nothing_had_been(
    point: str, nth: int, nursery: Nursery, tmp_path: Path
) -> None:
    plan = QUIET.write(tmp_path)
    homes = [tmp_path / name for name in ("undisturbed", "paused", "second")]
    for home in homes:
        home.mkdir()
    assert nursery.start(request(plan, homes[0])).wait() == 0
    first = nursery.start(request(plan, homes[1], [point, nth, signal.SIGSTOP]))
    wait_until(first.is_stopped)

    second = request(plan, homes[2]) | {"journal": str(homes[1] / "journal")}
    assert nursery.start(second).wait() == 2
    complaint = (homes[2] / "err").read_text()
    assert complaint.startswith("JOURNAL_IN_USE: ")
    assert f"process {first.pid}" in complaint

    first.send(signal.SIGCONT)
    assert first.wait() == 0
    assert (homes[1] / "out").read_bytes() == (homes[0] / "out").read_bytes()
    books = [(home / "journal" / "broker.log").read_bytes() for home in homes[:2]]
    assert books[0] == books[1]


def wait_until(holds: Callable[[], bool]) -> None:
    """Look until it holds; the test's own time limit is the only one."""
    while not holds():
        time.sleep(0.01)


class Engine:
    """An engine put together by hand, so that a test holds its terminal too."""

    def __init__(self, folder: Path) -> None:
        plan = QUIET.write(folder)
        settings = RunSettings(
            ticks=plan["ticks"], orders=Path(plan["orders"]), journal=folder / "journal"
        )
        inputs = read_inputs(settings)
        self.journal = Journal.open(settings.journal)
        self.book = settings.journal / BOOK_NAME
        self.terminal = SimulatedTerminal(
            inputs.profile,
            inputs.ticks.series,
            currency="USD",
            balance=10_000.0,
            leverage=100,
            book=self.book,
            faults=None,
            hook=None,
        )
        clock = VirtualClock(START_MS)
        epoch = self.journal.take_epoch(ACCOUNT)
        self.terminal.fence(epoch)
        self.desk = Desk(
            tenant=TENANT,
            account=ACCOUNT,
            login=self.terminal.login,
            server=self.terminal.server,
            state=self.journal.state(ACCOUNT),
            find=lambda key: self.journal.find(ACCOUNT, key),
            limits=inputs.limits,
            clock=clock,
            epoch=epoch,
        )
        self.hook: Callable[[str], None] = lambda point: None
        self.driver = StepwiseDriver(
            self.desk, self.journal, self.terminal, clock, hook=lambda point: self.hook(point)
        )
        self.driver.boot()

    def decide(self, key: str) -> None:
        """A market buy arrives, and is carried out as far as it goes."""
        intent = OrderIntent(
            client_key=key, action=Action.OPEN, symbol="EURUSD", side=Side.BUY, volume=0.1
        )
        self.driver.run([(self.desk.now_ms, intent)])

    def be_overtaken(self) -> None:
        """A newer engine takes the account over, past the lock, as after a lease that ran out."""
        store = SqliteStore.open(sqlite_file(self.book.parent), create=False)
        epoch = store.take_epoch(ACCOUNT)
        store.close()
        assert epoch == self.desk.epoch + 1

    def requests(self) -> list[dict[str, Any]]:
        """What reached the broker."""
        return read_book(self.book).requests

    def close(self) -> None:
        self.journal.abandon()
        self.terminal.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    engine.close()


def test_an_overtaken_engine_cannot_record_that_it_sends(engine: Engine) -> None:
    engine.decide("before")
    engine.be_overtaken()
    with pytest.raises(StaleEpoch, match="epoch 2 is in force"):
        engine.decide("after")
    assert len(engine.requests()) == 1
    with reading(engine.book.parent) as store:
        events = [record.event for record in records(store)]
    assert [event.key for event in events if isinstance(event, Sending)] == ["before"]


def test_an_overtaken_engine_is_not_listened_to_by_the_terminal(engine: Engine) -> None:
    engine.decide("before")

    def overtake(point: str) -> None:
        """SENDING is durable, and in the moment before the call a newer engine fences this one."""
        if point == "call:order_send:before":
            engine.terminal.fence(engine.desk.epoch + 1)

    engine.hook = overtake
    with pytest.raises(Fenced, match="nothing was sent"):
        engine.decide("after")
    assert len(engine.requests()) == 1
    order = engine.journal.find(ACCOUNT, "after")
    assert order is not None
    assert order.state is State.SENDING, "the newer engine looks it up"
