"""What every store of the journal must do; a store is added to `STORES` and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onefill.journal.errors import JournalFailed, StaleEpoch
from onefill.journal.record import Row
from onefill.journal.sqlite_store import SqliteStore
from onefill.journal.store import Batch, InboxRow, Snapshot, Store

Open = Callable[[], Store]


def open_sqlite(directory: Path) -> Store:
    return SqliteStore.open(directory / "journal.sqlite", create=True)


STORES: dict[str, Callable[[Path], Store]] = {"sqlite": open_sqlite}


@pytest.fixture(params=STORES.keys())
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the store, which is the same one every time."""
    return lambda: STORES[request.param](tmp_path)


@pytest.fixture
def store(open_again: Open) -> Iterator[Store]:
    store = open_again()
    yield store
    store.close()


def row(seq: int, account: str = "a", number: int | None = 1) -> Row:
    return Row(seq, account, 1_000 + seq, number, b"body %d" % seq, bytes([seq]) * 32)


def key(number: int, name: str = "k", account: str = "a") -> InboxRow:
    return InboxRow(account, name, bytes([number]) * 16, number)


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.last_seq() == 0
    assert store.rows(0, 10) == []
    assert store.find_key("a", "k") is None
    assert list(store.inbox(10)) == []
    assert store.accounts() == []
    assert list(store.snapshots()) == []
    assert (store.epochs(), store.cursors(), store.faults()) == ({}, {}, [])


def test_what_is_written_is_read_back_after_opening_again(open_again: Open) -> None:
    rows = [row(1), row(2, number=None), row(3, "b", 3), row(4)]
    keys = [key(1), key(3, account="b")]
    store = open_again()
    store.write(Batch(rows, keys, cursors={"f": 2}, snapshot=Snapshot(4, b"s", b"h" * 32)))
    for _ in range(2):
        assert store.last_seq() == 4
        assert store.rows(0, 10) == rows
        assert store.rows(1, 2) == rows[1:3]
        assert store.rows(0, 10, "b") == [rows[2]]
        assert store.rows(0, 10, "nobody") == []
        assert store.order_rows(1, 0, 10) == [rows[0], rows[3]]
        assert store.order_rows(1, 1, 10) == [rows[3]]
        assert store.find_key("a", "k") == keys[0]
        assert store.find_key("b", "k") == keys[1]
        assert store.find_key("a", "other") is None
        assert store.accounts() == ["a", "b"]
        assert store.cursors() == {"f": 2}
        assert list(store.snapshots()) == [Snapshot(4, b"s", b"h" * 32)]
        store.close()
        store = open_again()
    store.close()


def test_the_inbox_comes_whole_in_chunks_and_is_counted_up_to_a_record(store: Store) -> None:
    keys = [key(n, f"k{n % 7}-{n}", "ab"[n % 2]) for n in range(1, 31)]
    store.write(Batch([row(n, "ab"[n % 2], n) for n in range(1, 31)], keys))
    chunks = list(store.inbox(4))
    assert all(len(chunk) <= 4 for chunk in chunks)
    assert sorted(one for chunk in chunks for one in chunk) == sorted(keys)
    assert store.count_keys(30) == 30
    assert store.count_keys(12) == 12


@pytest.mark.parametrize(
    "twice",
    [
        Batch([row(3), row(2)]),
        Batch([row(3)], [key(3)]),
        Batch([row(3), row(4)], [key(3, "n"), key(4, "n")]),
    ],
    ids=["a record", "a key", "a key within the group"],
)
def test_nothing_is_written_twice_and_a_refused_group_leaves_no_trace(
    open_again: Open, twice: Batch
) -> None:
    store = open_again()
    store.write(Batch([row(1), row(2)], [key(1)]))
    with pytest.raises(JournalFailed):
        store.write(twice)
    store.close()
    store = open_again()
    assert store.rows(0, 10) == [row(1), row(2)]
    assert [one for chunk in store.inbox(10) for one in chunk] == [key(1)]
    store.close()


def test_epochs_go_up_by_one_and_last(open_again: Open) -> None:
    store = open_again()
    assert [store.take_epoch("a"), store.take_epoch("a"), store.take_epoch("b")] == [1, 2, 1]
    store.close()
    store = open_again()
    assert store.epochs() == {"a": 2, "b": 1}
    store.close()


@pytest.mark.parametrize("named", [{1}, {3}, {1, 2}, {2, 3}])
def test_a_group_that_names_another_epoch_than_the_one_in_force_is_refused(
    open_again: Open, named: set[int]
) -> None:
    store = open_again()
    store.take_epoch("a")
    store.take_epoch("a")
    store.write(Batch([row(1)], epochs={"a": {2}}))
    with pytest.raises(StaleEpoch):
        store.write(Batch([row(2)], epochs={"a": named}))
    store.close()
    store = open_again()
    assert store.last_seq() == 1
    store.close()


def test_an_account_without_an_epoch_cannot_send(store: Store) -> None:
    with pytest.raises(StaleEpoch, match="no epoch was ever taken"):
        store.write(Batch([row(1)], epochs={"a": {0}}))


def test_a_cursor_moves_and_the_last_place_holds(store: Store) -> None:
    store.write(Batch([row(1), row(2)], cursors={"f": 1, "g": 1}))
    store.write(Batch(cursors={"f": 2}))
    assert store.cursors() == {"f": 2, "g": 1}


def test_several_snapshots_are_kept_newest_first_and_old_ones_go(store: Store) -> None:
    for seq in range(1, 11):
        store.write(Batch([row(seq)], snapshot=Snapshot(seq, b"%d" % seq, b"h" * 32)))
    kept = [snapshot.seq for snapshot in store.snapshots()]
    assert 2 <= len(kept) <= 5
    assert kept == list(range(10, 10 - len(kept), -1))


def test_keys_of_any_text_are_told_apart(store: Store) -> None:
    names = ["", " ", "k", "K", "k ", "ключ", "k\x00", "k\x00l", "'; DROP TABLE records; --", "🙂"]
    keys = [key(n, name) for n, name in enumerate(names, start=1)]
    store.write(Batch([row(n, number=n) for n in range(1, len(names) + 1)], keys))
    assert [store.find_key("a", name) for name in names] == keys
    assert [one for chunk in store.inbox(3) for one in chunk] == sorted(
        keys, key=lambda one: one.key.encode()
    )


def test_a_reading_that_was_not_finished_hides_nothing_later(store: Store) -> None:
    store.write(Batch([row(1), row(2)], [key(1)]))
    begun = store.inbox(1)
    next(begun)
    snapshots = store.snapshots()
    next(snapshots, None)
    store.write(Batch([row(3)], [key(3, "fresh")]))
    assert store.find_key("a", "fresh") == key(3, "fresh")
    assert store.last_seq() == 3
