"""The live journal: what is appended, what is durable, what is found, what survives opening."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.journal.errors import JournalFailed, StaleEpoch
from onefill.journal.journal import Journal
from onefill.model.account import state_hash
from onefill.model.events import Alerted, Began, Event, key_of
from onefill.model.fold import BrokenRecord
from onefill.model.states import State
from tests.builders import (
    ACCOUNT,
    KINDS,
    START_MS,
    accepted,
    deal,
    denied,
    epochs,
    filled,
    life,
    lives,
    moved,
    play,
    sending,
)

OTHER = "demo-2"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def standing(journal: Journal) -> dict[str, tuple[str, str]]:
    return {
        name: (state_hash(journal.state(name)), journal.head(name)) for name in journal.accounts()
    }


def test_numbers_are_gapless_over_all_accounts(home: Path) -> None:
    with Journal.open(home) as journal:
        numbers = [
            journal.append(account, Alerted(code="A", message="m"), START_MS)
            for account in (ACCOUNT, OTHER, ACCOUNT, OTHER)
        ]
        journal.flush()
        assert numbers == [1, 2, 3, 4]
        assert [record.seq for record in journal.records()] == [1, 2, 3, 4]
        assert [record.seq for record in journal.records(account=OTHER)] == [2, 4]
        assert [record.seq for record in journal.records(after=3)] == [4]


def test_what_is_appended_counts_at_once_and_is_durable_after_the_flush(home: Path) -> None:
    with Journal.open(home) as journal:
        journal.append(ACCOUNT, accepted("k"), START_MS)
        assert journal.state(ACCOUNT).orders["k"].state is State.ACCEPTED
        assert (journal.appended_seq, journal.durable_seq) == (1, 0)
        assert list(journal.records()) == []
        journal.flush()
        assert journal.durable_seq == 1


def test_a_flush_of_nothing_writes_nothing(home: Path) -> None:
    reached: list[str] = []
    with Journal.open(home, hook=reached.append) as journal:
        journal.flush()
        assert reached == []


@given(
    seed=st.integers(0, 1 << 32),
    group=st.integers(1, 30),
    snapshot_every=st.integers(1, 60),
    clean=st.booleans(),
)
def test_opening_again_gives_the_live_state(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    group: int,
    snapshot_every: int,
    clean: bool,
) -> None:
    home = tmp_path_factory.mktemp("j") / "journal"
    steps = lives(seed, 12, accounts=(ACCOUNT, OTHER))
    journal = Journal.open(home, snapshot_every=snapshot_every)
    epochs(journal, ACCOUNT, OTHER)
    play(journal, islice(steps, 25), group=group)
    live = standing(journal)
    journal.close() if clean else journal.abandon()

    again = Journal.open(home, snapshot_every=snapshot_every)
    assert standing(again) == live
    play(again, steps, group=group)
    live = standing(again)
    again.abandon()

    with sqlite3.connect(home / "journal.sqlite") as connection:
        connection.execute("DELETE FROM snapshots")  # everything is folded from the first record
    connection.close()
    with Journal.open(home) as folded:
        assert standing(folded) == live


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_is_found_alike_before_the_flush_after_it_and_after_opening(
    home: Path, kind: str
) -> None:
    def without_identity(journal: Journal) -> bytes:
        order = journal.find(ACCOUNT, "k")
        assert order is not None
        return msgspec.msgpack.encode(order)

    journal = Journal.open(home)
    epochs(journal, ACCOUNT)
    play(journal, [(ACCOUNT, "k", step) for step in life(kind, "k", 100)], group=1_000)
    durable = without_identity(journal)
    journal.close()
    with Journal.open(home) as journal:
        assert without_identity(journal) == durable

    with Journal.open(home / "unflushed") as journal:
        epochs(journal, ACCOUNT)
        for n, step in enumerate(life(kind, "k", 100), start=1):
            if callable(step):
                found = journal.find(ACCOUNT, "k")
                assert found is not None
                step = step(found)
            journal.append(ACCOUNT, step, START_MS + n)
        assert journal.durable_seq == 0
        assert without_identity(journal) == durable


def test_a_denied_order_is_found_with_its_reason(home: Path) -> None:
    with Journal.open(home) as journal:
        journal.append(ACCOUNT, denied("k"), START_MS)
        for _ in range(2):  # not yet durable, then durable
            order = journal.find(ACCOUNT, "k")
            assert order is not None
            assert (order.state, order.code) == (State.DENIED, "PRICE_COLLAR")
            assert order.message == denied("k").message
            assert order.content == denied("k").content
            assert order.number == 1
            journal.flush()


def test_a_key_is_new_until_it_is_accepted_or_denied_and_in_every_other_account(
    home: Path,
) -> None:
    with Journal.open(home) as journal:
        journal.append(ACCOUNT, Alerted(code="A", message="m", key="k"), START_MS)
        journal.flush()
        assert journal.find(ACCOUNT, "k") is None
        journal.append(ACCOUNT, accepted("k"), START_MS)
        journal.append(OTHER, accepted("x"), START_MS)
        journal.flush()
        assert journal.find(ACCOUNT, "k") is not None
        assert journal.find(OTHER, "k") is None
        assert journal.find("nobody", "k") is None


def test_an_orders_records_are_told_by_its_key(home: Path) -> None:
    with Journal.open(home) as journal:
        epochs(journal, ACCOUNT)
        for key, ticket in (("k", 100), ("other", 200)):
            play(journal, [(ACCOUNT, key, step) for step in life("stopped_out", key, ticket)])
        told = list(journal.records(order="k"))
        assert [type(record.event).__name__ for record in told] == [
            "Accepted",
            "Sending",
            "Moved",
            "PositionDealt",
        ]
        assert {key_of(record.event) for record in told} == {"k"}
        assert list(journal.records(order="never")) == []


@given(kept=st.integers(1, 6), counts=st.lists(st.integers(1, 4), max_size=5), after=st.integers(0))
def test_records_at_hand_are_those_on_disk(
    tmp_path_factory: pytest.TempPathFactory, kept: int, counts: list[int], after: int
) -> None:
    with (
        pytest.MonkeyPatch.context() as patched,
        Journal.open(tmp_path_factory.mktemp("journal")) as journal,
    ):
        patched.setattr(journal, "_lately", deque(maxlen=kept))
        for group, count in enumerate(counts):
            for number in range(count):
                account = ACCOUNT if number % 2 else OTHER
                journal.append(account, Alerted(code="A", message=f"{group}.{number}"), START_MS)
            if group < len(counts) - 1:
                journal.flush()
        after %= sum(counts) + 2
        told = list(journal.records(after=after))
        of_one = list(journal.records(after=after, account=ACCOUNT))
        stored = journal.read_after(after, 100)

    assert told == stored
    assert of_one == [record for record in stored if record.account == ACCOUNT]


def test_an_order_is_at_hand_under_the_record_that_ended_it_and_no_other(home: Path) -> None:
    with Journal.open(home) as journal:
        epochs(journal, ACCOUNT)
        first, _, last = (
            journal.append(ACCOUNT, event, START_MS)
            for event in (accepted("a"), sending("a", 1_000), filled("a", 1_000))
        )
        ended = journal.ended_by(ACCOUNT, "a", last)

        assert ended == journal.find(ACCOUNT, "a")
        assert journal.ended_by(ACCOUNT, "a", first) is None
        assert journal.ended_by(ACCOUNT, "b", last) is None


def test_a_key_used_twice_is_refused_by_the_store_and_nothing_of_the_group_is_written(
    home: Path,
) -> None:
    journal = Journal.open(home)
    epochs(journal, ACCOUNT)
    play(journal, [(ACCOUNT, "k", step) for step in life("filled", "k", 100)])
    durable = journal.durable_seq
    journal.append(ACCOUNT, accepted("fresh"), START_MS)
    journal.append(ACCOUNT, accepted("k"), START_MS)  # over, so folding alone does not refuse it
    with pytest.raises(JournalFailed, match="twice"):
        journal.flush()
    journal.abandon()
    with Journal.open(home) as again:
        assert again.durable_seq == durable
        assert again.find(ACCOUNT, "fresh") is None


def test_an_epoch_goes_up_with_every_taking_and_survives(home: Path) -> None:
    with Journal.open(home) as journal:
        assert [journal.take_epoch(ACCOUNT), journal.take_epoch(ACCOUNT)] == [1, 2]
        assert journal.take_epoch(OTHER) == 1
    with Journal.open(home) as journal:
        assert journal.take_epoch(ACCOUNT) == 3


@pytest.mark.parametrize("taken", [0, 2], ids=["none was taken", "a newer one was taken"])
def test_a_sending_under_an_epoch_not_in_force_is_not_written(home: Path, taken: int) -> None:
    journal = Journal.open(home)
    for _ in range(taken):
        journal.take_epoch(ACCOUNT)
    journal.append(ACCOUNT, accepted("k"), START_MS)
    journal.flush()
    journal.append(OTHER, accepted("bystander"), START_MS)
    journal.append(ACCOUNT, sending("k", 100, epoch=1), START_MS)
    with pytest.raises(StaleEpoch, match="epoch 1"):
        journal.flush()
    assert_refuses_everything(journal)
    journal.abandon()
    with Journal.open(home) as again:
        assert again.durable_seq == 1
        order = again.find(ACCOUNT, "k")
        assert order is not None
        assert order.state is State.ACCEPTED


def assert_refuses_everything(journal: Journal) -> None:
    calls: list[Callable[[], object]] = [
        lambda: journal.append(ACCOUNT, Alerted(code="A", message="m"), START_MS),
        journal.flush,
        journal.snapshot,
        lambda: journal.state(ACCOUNT),
        lambda: journal.head(ACCOUNT),
        lambda: journal.find(ACCOUNT, "k"),
        lambda: journal.take_epoch(ACCOUNT),
        lambda: journal.move_cursor("f", 0),
    ]
    for call in calls:
        with pytest.raises(JournalFailed):
            call()


def test_an_event_that_cannot_follow_stops_the_journal_and_leaves_no_trace(home: Path) -> None:
    journal = Journal.open(home)
    journal.append(ACCOUNT, accepted("k"), START_MS)
    journal.flush()
    with pytest.raises(BrokenRecord, match="cannot go"):
        journal.append(ACCOUNT, moved("k", State.WORKING), START_MS)
    assert_refuses_everything(journal)
    journal.close()
    with Journal.open(home) as again:
        assert again.durable_seq == 1


def test_an_ill_typed_event_is_refused_before_it_can_spoil_the_journal(home: Path) -> None:
    journal = Journal.open(home)
    with pytest.raises(BrokenRecord, match="ill-typed"):
        journal.append(ACCOUNT, Alerted(code="A", message=7), START_MS)  # type: ignore[arg-type]
    journal.close()
    with Journal.open(home) as again:
        assert again.appended_seq == 0


def test_a_whole_number_given_as_a_price_changes_no_hash(home: Path) -> None:
    with Journal.open(home) as journal:
        epochs(journal, ACCOUNT)
        whole = filled("k", 100, deals=(deal(101, 100, price=1),))
        play(journal, [(ACCOUNT, "k", e) for e in (accepted("k"), sending("k", 100), whole)])
        live = standing(journal)
        journal.abandon()
    with Journal.open(home) as again:
        assert standing(again) == live


def test_a_denial_without_its_intent_needs_a_live_order(home: Path) -> None:
    journal = Journal.open(home)
    with pytest.raises(BrokenRecord, match="not live"):
        journal.append(ACCOUNT, denied("k", after_acceptance=True), START_MS)
    journal.close()


def test_snapshots_are_taken_when_due_and_only_the_latest_are_kept(home: Path) -> None:
    reached: list[str] = []
    journal = Journal.open(home, snapshot_every=10, hook=reached.append)
    epochs(journal, ACCOUNT)
    play(journal, islice(lives(1, 40), 75), group=5)
    assert reached.count("snapshot:done") == 7
    assert kept_snapshots(home) == [50, 60, 70]
    journal.close()
    assert kept_snapshots(home) == [60, 70, 75]


def kept_snapshots(home: Path) -> list[int]:
    connection = sqlite3.connect(home / "journal.sqlite")
    found = [seq for (seq,) in connection.execute("SELECT seq FROM snapshots ORDER BY seq")]
    connection.close()
    return found


@pytest.mark.parametrize("damaged", [1, 2, 3])
def test_a_damaged_snapshot_is_passed_over(home: Path, damaged: int) -> None:
    journal = Journal.open(home, snapshot_every=10)
    epochs(journal, ACCOUNT)
    play(journal, islice(lives(1, 40), 75), group=5)
    live = standing(journal)
    journal.abandon()
    with sqlite3.connect(home / "journal.sqlite") as connection:
        connection.execute(
            "UPDATE snapshots SET body = CAST(x'00' || substr(body, 2) AS BLOB) WHERE seq IN"
            " (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)",
            (damaged,),
        )
    connection.close()
    with Journal.open(home) as again:
        assert standing(again) == live


def test_the_crash_points_come_in_order(home: Path) -> None:
    reached: list[str] = []
    journal = Journal.open(home, hook=reached.append)
    journal.take_epoch(ACCOUNT)
    journal.append(ACCOUNT, accepted("k"), START_MS)
    journal.snapshot()
    assert reached == [
        "epoch:before",
        "epoch:after",
        "flush:begin",
        "snapshot:begin",
        "snapshot:done",
        "flush:in_transaction",
        "flush:committed",
    ]
    journal.close()


@pytest.mark.parametrize("point", ["flush:begin", "flush:in_transaction", "flush:committed"])
def test_a_flush_that_is_cut_short_tells_nothing_and_the_journal_can_be_opened_again(
    home: Path, point: str
) -> None:
    def stop(reached: str) -> None:
        if reached == point:
            raise KeyboardInterrupt

    journal = Journal.open(home, hook=stop)
    journal.append(ACCOUNT, accepted("k"), START_MS)
    with pytest.raises(KeyboardInterrupt):
        journal.flush()
    assert journal.durable_seq == 0
    assert_refuses_everything(journal)
    journal.close()
    with Journal.open(home) as again:
        written = point == "flush:committed"
        assert again.durable_seq == (1 if written else 0)
        assert (again.find(ACCOUNT, "k") is not None) is written


def test_a_record_holds_the_event_as_it_was(home: Path) -> None:
    events: list[Event] = [Began(made_from={"seed": "1"}), accepted("k"), denied("l")]
    with Journal.open(home) as journal:
        for event in events:
            journal.append(ACCOUNT, event, START_MS)
        journal.flush()
        told = list(journal.records())
        assert told[-1].hash.hex() == journal.head(ACCOUNT)
    assert [record.event for record in told] == events
    assert [record.at_ms for record in told] == [START_MS] * 3


def test_closing_twice_does_no_harm(home: Path) -> None:
    journal = Journal.open(home)
    journal.close()
    journal.close()
    with Journal.open(home):
        pass
