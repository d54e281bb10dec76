"""The disk is full, or an fsync fails, in the middle of a run: it says so, and goes on later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from onefill.journal.errors import JournalFailed
from onefill.replay.run import RunResult
from tests.simulation.machine import Machine
from tests.simulation.powercut import PowerCutLayer
from tests.simulation.scenario import QUIET

PLACES = (1, 2, 5, 8, 20, 45)
"""At which write or sync of the run it happens; the first few make the file."""


@pytest.fixture
def layer() -> Iterator[PowerCutLayer]:
    layer = PowerCutLayer()
    yield layer
    layer.unregister()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """The fills of a run that nothing disturbs."""
    return fills(Machine(tmp_path_factory.mktemp("undisturbed") / "run", QUIET).run())


def fills(result: RunResult | None) -> list[list[Any]]:
    assert result is not None
    return [
        [one.client_key, one.status, one.fill_price, one.filled_volume, one.deal_tickets]
        for one in result.answers
    ]


def trouble(layer: PowerCutLayer, kind: str, nth: int, result: int) -> None:
    """From the nth write or sync on, everything of that kind fails with SQLite's result code."""
    counted = 0

    def fail(what: str, name: str) -> None:
        nonlocal counted
        counted += what == kind
        if what == kind and counted >= nth:
            raise apsw.exception_for(result)

    layer.on_io = fail


def mended(layer: PowerCutLayer) -> None:
    layer.on_io = lambda what, name: None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # apsw tells twice
@pytest.mark.parametrize("power", ["stays", "goes"])
@pytest.mark.parametrize("nth", PLACES)
@pytest.mark.parametrize(
    ("kind", "result", "said"),
    [
        ("write", apsw.SQLITE_FULL, "the disk is full"),
        ("sync", apsw.SQLITE_IOERR_FSYNC, "the disk or the file reports an error"),
    ],
    ids=["full", "fsync"],
)
def test_a_disk_that_fails_loses_nothing_that_was_told(
    kind: str,
    result: int,
    said: str,
    nth: int,
    power: str,
    layer: PowerCutLayer,
    expected: list[list[Any]],
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path / "run", QUIET)
    trouble(layer, kind, nth, result)
    with pytest.raises(JournalFailed, match=rf"journal\.sqlite could not be written: {said}"):
        machine.run(layer=layer)
    assert machine.judged(None) == []

    mended(layer)
    ended = machine.run(layer=layer) if power == "stays" else machine.run(seed=nth)
    assert machine.judged(ended) == []
    assert fills(ended) == expected


@pytest.mark.parametrize("nth", [1, 4, 9, 25])
def test_an_fsync_that_fails_once_is_not_believed_later(
    nth: int, layer: PowerCutLayer, tmp_path: Path
) -> None:
    """The kernel forgets what it owed, and the next fsync succeeds without it."""
    machine = Machine(tmp_path / "run", QUIET)
    synced = 0

    def fail_once(what: str, name: str) -> None:
        nonlocal synced
        synced += (what, name[-4:]) == ("sync", "-wal")
        if synced == nth:
            layer.fsync_fails_once("-wal")
            layer.on_io(what, name)

    layer.on_io = fail_once
    with pytest.raises(JournalFailed, match="reports an error"):
        machine.run(layer=layer)
    assert machine.run(("tell:confirm:after", 3), seed=3, layer=layer) is None
    assert machine.judged(None) == []
    assert machine.judged(machine.run(seed=4)) == []
