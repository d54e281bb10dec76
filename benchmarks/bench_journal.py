"""The journal: what an append and a flush cost, how fast it verifies, how long opening takes.

The sizes grow tenfold: appending, flushing and opening should not grow with them, and verifying
should keep its records per second. The full run writes 10 million records (5 GB) to a temporary
directory.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import apsw

from benchmarks.report import Row, print_rows
from onefill.journal.files import reading, sqlite_file
from onefill.journal.journal import Journal
from onefill.journal.loading import all_rows
from onefill.journal.verify import verify
from onefill.model.events import Event, decode_event, encode_event
from tests.builders import ACCOUNT, START_MS, life

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
GROUPS = (1, 10, 100, 500)
SNAPSHOT_EVERY = 50_000
TAIL = 40_000
"""Records after the last snapshot, where a crash is opened after."""


T = TypeVar("T")


def run(quick: bool) -> list[Row]:
    """Measure flushes, then one journal as it grows; `quick` leaves out the largest size."""
    with tempfile.TemporaryDirectory() as folder:
        rows = _append_and_find(Path(folder) / "append")
        rows += _flushes(Path(folder))
        journal = Path(folder) / "journal"
        written = 0
        for size in SIZES[:-1] if quick else SIZES:
            written = _grow(journal, written, size)
            rows += _opened(journal, size, f"open, {size:,} records")
            rows.append(_verified(journal, size))
            written = _grow(journal, written, written + TAIL, crash=True)
            rows += _opened(journal, written, f"open after a crash, {written:,} records")
    return rows


def order_events(number: int) -> list[Event]:
    """An order that fills and is stopped out: four records, and the state is as before."""
    key = f"order-{number:09d}"
    return [step for step in life("stopped_out", key, 10 * number) if not callable(step)]


def _steps(group: int, first: int = 1) -> Iterator[list[Event]]:
    """Groups of events: of so many orders in flight together, one step each."""
    while True:
        yield from map(list, zip(*map(order_events, range(first, first + group)), strict=True))
        first += group


def _grow(directory: Path, written: int, size: int, *, crash: bool = False) -> int:
    """Append until the journal has `size` records; a crash leaves it without a last snapshot."""
    journal = Journal.open(directory, snapshot_every=SNAPSHOT_EVERY)
    if not written:
        journal.take_epoch(ACCOUNT)
    for events in _steps(500, 1 + written // 4):
        for event in events:
            journal.append(ACCOUNT, event, START_MS)
        journal.flush()
        if journal.durable_seq >= size:
            break
    written = journal.durable_seq
    journal.abandon() if crash else journal.close()
    return written


def _opened(directory: Path, size: int, name: str) -> list[Row]:
    def whole() -> None:
        journal = Journal.open(directory)
        assert journal.durable_seq >= size
        journal.abandon()

    def bare() -> None:
        connection = apsw.Connection(str(sqlite_file(directory)))
        assert connection.execute("SELECT max(seq) FROM records").get >= size
        connection.close()

    times, floor = _times(whole, 5), _times(bare, 5)
    note = f"worst of 5: {max(times) * 1e3:,.1f} ms"
    return [Row(name, _middle(times) * 1e3, "ms", "SQLite + SELECT", _middle(floor) * 1e3, note)]


def _verified(directory: Path, size: int) -> Row:
    runs = 3 if size <= 1_000_000 else 1
    times = _times(lambda: _verify(directory), runs)
    floor = _times(lambda: _hash_and_decode(directory), runs)
    return Row(
        f"fold and verify {size:,} records",
        size / _middle(times),
        "records/s",
        "read, sha256, decode",
        size / _middle(floor),
        f"worst of {runs}: {size / max(times):,.0f}",
    )


def _verify(directory: Path) -> None:
    assert verify(directory).intact


def _hash_and_decode(directory: Path) -> None:
    with reading(directory) as store:
        for row in all_rows(store):
            hashlib.sha256(row.body).digest()
            decode_event(row.body)


def _append_and_find(directory: Path) -> list[Row]:
    """One append and one look for a new key, in a journal that is being written."""
    appends, floors, finds, selects = [], [], [], []
    with Journal.open(directory, snapshot_every=10**9) as journal:
        journal.take_epoch(ACCOUNT)
        bare = apsw.Connection(str(sqlite_file(directory)))
        select = _selecting(bare)
        for round_, events in zip(range(400), _steps(100), strict=False):
            appends.append(_each(events, lambda event: journal.append(ACCOUNT, event, START_MS)))
            floors.append(_each(events, _encode_and_hash))
            journal.flush()
            keys = [f"new-{round_}-{n}" for n in range(100)]
            finds.append(_each(keys, lambda key: journal.find(ACCOUNT, key)))
            selects.append(_each(keys, select))
        bare.close()
    return [
        Row(
            "append (encode, hash, fold)",
            _middle(appends),
            "µs",
            "encode, sha256",
            _middle(floors),
            _p99(appends, "µs"),
        ),
        Row("find a new key", _middle(finds), "µs", "SELECT", _middle(selects), _p99(finds, "µs")),
    ]


def _selecting(connection: apsw.Connection) -> Callable[[str], object]:
    execute = connection.cursor().execute
    sql = "SELECT number FROM inbox WHERE account = 1 AND key = ?"
    return lambda key: execute(sql, (key,)).get


def _encode_and_hash(event: Event) -> None:
    hashlib.sha256(encode_event(event)).digest()


def _flushes(folder: Path) -> list[Row]:
    rows = []
    for group in GROUPS:
        times, floor = _flush_times(folder, group)
        name = f"flush {group} records" if group > 1 else "flush 1 record"
        value, least = _middle(times) * 1e6, _middle(floor) * 1e6
        note = f"p99 {_late(times) * 1e6:,.0f} µs, the floor's {_late(floor) * 1e6:,.0f}"
        rows.append(Row(name, value, "µs", "SQLite commit", least, note))
    return rows


def _flush_times(folder: Path, group: int) -> tuple[list[float], list[float]]:
    """Seconds of each flush, and of each bare commit of the same bodies."""
    bare = apsw.Connection(str(folder / f"bare-{group}"))
    bare.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, body BLOB)")
    times, floor = [], []
    with Journal.open(folder / f"flush-{group}", snapshot_every=10**9) as journal:
        journal.take_epoch(ACCOUNT)
        for events, _ in zip(_steps(group), range(400), strict=False):
            rows = [
                (journal.append(ACCOUNT, event, START_MS), encode_event(event)) for event in events
            ]
            times += _times(journal.flush, 1)
            floor += _times(partial(_commit, bare, rows), 1)
    bare.close()
    return times, floor


def _commit(connection: apsw.Connection, rows: list[tuple[int, bytes]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO records VALUES (?, ?)", rows)
    connection.execute("COMMIT")


def _each(items: list[T], work: Callable[[T], object]) -> float:
    """Microseconds for one of them, in the mean of this round."""
    begin = perf_counter()
    for item in items:
        work(item)
    return (perf_counter() - begin) / len(items) * 1e6


def _times(work: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each run."""
    found = []
    for _ in range(runs):
        begin = perf_counter()
        work()
        found.append(perf_counter() - begin)
    return found


def _middle(times: list[float]) -> float:
    return statistics.median(times)


def _late(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def _p99(times: list[float], unit: str) -> str:
    return f"p99 {_late(times):,.1f} {unit}"


if __name__ == "__main__":
    print_rows(run(quick="quick" in sys.argv))
