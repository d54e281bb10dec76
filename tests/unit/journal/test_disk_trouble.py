"""A disk that is full or fails: a sentence, nothing told that is not durable, and a way on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from onefill.journal.errors import JournalFailed
from onefill.journal.journal import Journal
from onefill.model.events import Alerted
from tests.builders import ACCOUNT, START_MS, epochs, life, play
from tests.simulation.powercut import PowerCutLayer


@pytest.fixture
def layer() -> Iterator[PowerCutLayer]:
    layer = PowerCutLayer()
    yield layer
    layer.unregister()


def open_on(layer: PowerCutLayer, home: Path) -> Journal:
    return Journal.open(home, vfs=layer.name, exclusive=True)


FAILURES = {
    "disk full": ("write", apsw.FullError, "the disk is full"),
    "write error": ("write", apsw.IOError, "reports an error"),
    "fsync error": ("sync", apsw.IOError, "reports an error"),
}


@pytest.mark.parametrize(("what", "error", "sentence"), FAILURES.values(), ids=FAILURES.keys())
def test_a_flush_that_the_disk_refuses_fails_once_and_for_all(
    tmp_path: Path, layer: PowerCutLayer, what: str, error: type[apsw.Error], sentence: str
) -> None:
    journal = open_on(layer, tmp_path)
    epochs(journal, ACCOUNT)
    play(journal, [(ACCOUNT, "k", step) for step in life("filled", "k", 100)])
    durable, head = journal.durable_seq, journal.head(ACCOUNT)
    tries: list[str] = []

    def refuse(io: str, name: str) -> None:
        if io == what:
            tries.append(name)
            raise error("no")

    layer.on_io = refuse
    journal.append(ACCOUNT, Alerted(code="A", message="m"), START_MS)
    with pytest.raises(JournalFailed, match=sentence) as failure:
        journal.flush()
    assert "start again" in failure.value.message
    assert journal.durable_seq == durable
    tried = len(tries)
    for call in (journal.flush, journal.snapshot):
        with pytest.raises(JournalFailed):
            call()
    journal.close()
    assert len(tries) == tried, "a failed write or fsync is never tried again"

    layer.on_io = lambda io, name: None
    with open_on(layer, tmp_path) as again:
        assert again.durable_seq >= durable
        if again.durable_seq == durable:
            assert again.head(ACCOUNT) == head
        play(again, [(ACCOUNT, "l", step) for step in life("denied", "l", 200)])


def test_an_epoch_that_cannot_be_made_durable_is_not_told(
    tmp_path: Path, layer: PowerCutLayer
) -> None:
    journal = open_on(layer, tmp_path)

    def refuse(io: str, name: str) -> None:
        if io == "sync":
            raise apsw.IOError("no")

    layer.on_io = refuse
    with pytest.raises(JournalFailed):
        journal.take_epoch(ACCOUNT)
    with pytest.raises(JournalFailed):
        journal.take_epoch(ACCOUNT)
    layer.on_io = lambda io, name: None
    journal.close()
    with open_on(layer, tmp_path) as again:
        assert again.take_epoch(ACCOUNT) >= 1
