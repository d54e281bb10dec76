"""The outbox: numbers without gaps that always mean the same, whatever is lost on the way."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefill.channels.websocket.outbox import Outbox
from onefill.contracts.messages import Result, Status
from onefill.journal.journal import Journal
from onefill.model.events import Moved, Reopened
from onefill.model.states import State
from tests.builders import ACCOUNT, START_MS, accepted, denied, epochs, filled, lives, play, sending

OTHER = "demo-2"


def drained(outbox: Outbox) -> list[Result]:
    told = []
    while (result := outbox.next()) is not None:
        told.append(result)
    return told


def an_order(journal: Journal, key: str, ticket: int) -> None:
    for event in (accepted(key), sending(key, ticket), filled(key, ticket)):
        journal.append(ACCOUNT, event, START_MS)


def test_only_what_is_durable_is_given_out(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        epochs(journal, ACCOUNT)
        outbox = Outbox(journal, ACCOUNT)
        an_order(journal, "a", 1_000)
        assert drained(outbox) == []
        journal.flush()
        assert [result.sequence for result in drained(outbox)] == [1]


def test_no_more_than_the_window_is_on_its_way(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        outbox = Outbox(journal, ACCOUNT, window=3)
        for number in range(5):
            journal.append(ACCOUNT, denied(f"k-{number}"), START_MS)
        journal.flush()
        assert [result.sequence for result in drained(outbox)] == [1, 2, 3]
        outbox.acknowledged(2)
        assert drained(outbox) == []  # the first is still missing
        outbox.acknowledged(1)
        assert [result.sequence for result in drained(outbox)] == [4, 5]


@pytest.mark.parametrize("ended", [State.CANCELLED, State.EXPIRED, State.REJECTED])
def test_a_fill_after_the_end_goes_out_as_a_success_with_the_next_number(
    tmp_path: Path, ended: State
) -> None:
    with Journal.open(tmp_path) as journal:
        epochs(journal, ACCOUNT)
        for event in (accepted("a"), sending("a", 1_000), Moved(key="a", to=ended, message="no")):
            journal.append(ACCOUNT, event, START_MS)
        over = journal.find(ACCOUNT, "a")
        assert over is not None
        reopened = Reopened(order=msgspec.structs.replace(over), why="late")
        journal.append(ACCOUNT, reopened, START_MS)
        journal.append(ACCOUNT, filled("a", 1_000), START_MS)
        journal.flush()
        failed, late = drained(Outbox(journal, ACCOUNT))
    assert (failed.sequence, failed.status, failed.state) == (1, Status.FAILED, ended)
    assert (late.sequence, late.status, late.state) == (2, Status.SUCCESS, State.FILLED)
    assert late.order_ticket
    assert late.price


def test_orders_that_the_agent_made_itself_have_no_number(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        outbox = Outbox(journal, ACCOUNT, lambda key: key.startswith("own"))
        for key in ("a", "own-1", "b"):
            journal.append(ACCOUNT, denied(key), START_MS)
        journal.flush()
        told = [(result.command_id, result.sequence) for result in drained(outbox)]
        assert told == [("a", 1), ("b", 2)]


def test_what_was_told_and_acknowledged_of_an_order_is_known(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        epochs(journal, ACCOUNT)
        outbox = Outbox(journal, ACCOUNT)
        an_order(journal, "a", 1_000)
        journal.flush()
        assert not outbox.has_told("a")
        (result,) = drained(outbox)
        assert outbox.unacknowledged_of("a") == result.sequence
        outbox.acknowledged(result.sequence)
        assert outbox.has_told("a")
        assert outbox.unacknowledged_of("a") == 0


def test_an_acknowledgement_of_what_was_never_given_out_changes_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        outbox = Outbox(journal, ACCOUNT)
        for sequence in (-1, 0, 1, 99):
            outbox.acknowledged(sequence)
        journal.append(ACCOUNT, denied("a"), START_MS)
        journal.flush()
        assert [result.sequence for result in drained(outbox)] == [1]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    acknowledged=st.lists(st.integers(1, 40), max_size=60),
    reopen_every=st.integers(1, 30),
    window=st.integers(1, 20),
)
def test_the_same_number_says_the_same_whatever_is_acknowledged_and_when_it_restarts(
    seed: int, acknowledged: list[int], reopen_every: int, window: int
) -> None:
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home) / "j"
        with Journal.open(directory) as journal:
            epochs(journal, ACCOUNT, OTHER)
            play(journal, lives(seed, 12, accounts=(ACCOUNT, OTHER)))
            journal.flush()
            truth = {
                result.sequence: result
                for result in drained(Outbox(journal, ACCOUNT, window=10_000))
            }
        assert sorted(truth) == list(range(1, len(truth) + 1))
        heard: set[int] = set()
        acks = iter(acknowledged)
        for _ in range(40):
            with Journal.open(directory) as journal:
                outbox = Outbox(journal, ACCOUNT, window=window)
                low = outbox.acknowledged_sequence
                assert set(range(1, low + 1)) <= heard
                for _ in range(reopen_every):
                    outbox.connected()
                    for result in drained(outbox):
                        assert truth[result.sequence] == result
                        heard.add(result.sequence)
                    outbox.acknowledged(next(acks, outbox.acknowledged_sequence + 1))
                    journal.flush()
            if outbox.acknowledged_sequence == len(truth):
                break
        assert heard == set(truth)
