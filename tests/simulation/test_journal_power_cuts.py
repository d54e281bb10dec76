"""The journal on a disk that forgets what was not synced."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.journal.errors import JournalFailed
from onefill.journal.journal import Journal
from onefill.journal.sqlite_store import SqliteStore
from onefill.journal.verify import verify_store
from tests.builders import ACCOUNT, START_MS, epochs, lives, play
from tests.simulation.powercut import Disk, PowerCutLayer

SEEDS = st.integers(0, 1 << 32)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("power")


def open_on(layer: PowerCutLayer, directory: Path, synchronous: str = "FULL") -> Journal:
    return Journal.open(
        directory, vfs=layer.name, exclusive=True, snapshot_every=15, synchronous=synchronous
    )


def found_on(disk: Disk, directory: Path) -> tuple[int, str, list[str]]:
    """What a journal on that disk holds: its last record, its head, and what is broken."""
    layer = PowerCutLayer(disk)
    with open_on(layer, directory) as journal:
        durable, head = journal.durable_seq, journal.head(ACCOUNT)
    store = SqliteStore.open(
        directory / "journal.sqlite", create=False, vfs=layer.name, exclusive=True
    )
    broken = [found.what for found in verify_store(store).breaks]
    store.close()
    layer.unregister()
    return durable, head, broken


def lost_in_a_cut(directory: Path, seed: int, synchronous: str) -> int:
    """Run some orders, flush, cut the power: how many flushed records are gone."""
    layer = PowerCutLayer()
    journal = open_on(layer, directory, synchronous)
    epochs(journal, ACCOUNT)
    play(journal, islice(lives(seed, 12), 10 + seed % 40), group=1 + seed % 5)
    durable, head = journal.durable_seq, journal.head(ACCOUNT)
    disk = layer.cut(seed)
    journal.abandon()
    layer.unregister()
    kept, kept_head, broken = found_on(disk, directory)
    assert not broken
    assert kept <= durable
    assert kept < durable or kept_head == head
    return durable - kept


@given(seed=SEEDS)
def test_what_was_flushed_survives_a_power_cut(directory: Path, seed: int) -> None:
    assert lost_in_a_cut(directory, seed, "FULL") == 0


def test_without_full_synchronisation_flushed_records_are_lost(directory: Path) -> None:
    assert any(lost_in_a_cut(directory, seed, "NORMAL") for seed in range(10))


@given(seed=SEEDS, cut_at=st.integers(0, 400))
def test_a_cut_in_the_middle_of_anything_keeps_what_was_flushed_before(
    directory: Path, seed: int, cut_at: int
) -> None:
    layer = PowerCutLayer()
    flushed: list[tuple[int, str]] = [(0, "00" * 32)]
    found: list[tuple[Disk, int, str]] = []
    left = iter(range(cut_at))

    def maybe_cut(what: str, name: str) -> None:
        """The power goes right before this write or sync; that the run goes on changes nothing."""
        if not found and next(left, None) is None:
            found.append((layer.cut(seed), *flushed[-1]))

    layer.on_io = maybe_cut
    journal = open_on(layer, directory)
    epochs(journal, ACCOUNT)
    steps = lives(seed, 20)
    while group := list(islice(steps, 3)):
        play(journal, group, group=3)
        flushed.append((journal.durable_seq, journal.head(ACCOUNT)))
    journal.close()
    layer.unregister()

    for disk, durable, head in found:
        kept, kept_head, broken = found_on(disk, directory)
        assert not broken
        assert kept >= durable
        assert kept > durable or kept_head == head


def test_an_epoch_taken_survives_a_power_cut(directory: Path) -> None:
    layer = PowerCutLayer()
    journal = open_on(layer, directory)
    epochs(journal, ACCOUNT)
    disk = layer.cut(1)
    journal.abandon()
    layer.unregister()
    after = PowerCutLayer(disk)
    with open_on(after, directory) as journal:
        assert journal.take_epoch(ACCOUNT) == 2
    after.unregister()


@pytest.mark.parametrize("seed", range(5))
def test_after_a_failed_fsync_nothing_flushed_later_is_lost(directory: Path, seed: int) -> None:
    """The kernel shows pages that it no longer owes to the disk; the next writer must not build
    on them."""
    layer = PowerCutLayer()
    journal = open_on(layer, directory)
    epochs(journal, ACCOUNT)
    steps = lives(seed, 20)
    play(journal, islice(steps, 6), group=2)
    durable = journal.durable_seq
    layer.fsync_fails_once("-wal")
    account, _, step = next(steps)
    assert not callable(step)
    journal.append(account, step, START_MS)
    with pytest.raises(JournalFailed):
        journal.flush()
    assert journal.durable_seq == durable
    journal.abandon()

    journal = open_on(layer, directory)
    assert journal.durable_seq >= durable
    epoch = journal.take_epoch(ACCOUNT)
    play(journal, islice(lives(seed + 1, 20, accounts=("other",), epoch=1), 1))
    durable = journal.durable_seq
    disk = layer.cut(seed)
    journal.abandon()
    layer.unregister()

    kept, _, broken = found_on(disk, directory)
    assert (kept, broken, epoch) == (durable, [], 2)


def test_a_failed_fsync_while_the_wal_is_folded_in_loses_nothing(directory: Path) -> None:
    layer = PowerCutLayer()
    journal = open_on(layer, directory)
    epochs(journal, ACCOUNT)
    layer.fsync_fails_once(".sqlite")
    with pytest.raises(JournalFailed):
        play(journal, lives(7, 150), group=1)
    durable = journal.durable_seq
    journal.abandon()

    journal = open_on(layer, directory)
    assert journal.durable_seq >= durable
    play(journal, lives(8, 10, accounts=("other",), epoch=journal.take_epoch("other")), group=1)
    durable = journal.durable_seq
    disks = [layer.cut(seed) for seed in range(5)]
    journal.abandon()
    layer.unregister()
    for disk in disks:
        kept, _, broken = found_on(disk, directory)
        assert (kept, broken) == (durable, [])
