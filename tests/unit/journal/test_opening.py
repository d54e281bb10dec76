"""What stands in the way of opening a journal, each with a sentence."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from onefill.journal.errors import JournalDamaged, JournalInUse, JournalMissing, JournalTooNew
from onefill.journal.files import reading
from onefill.journal.journal import Journal
from onefill.journal.verify import verify
from onefill.model.events import Alerted
from tests.builders import ACCOUNT, START_MS, accepted


def edit(home: Path, *statements: str) -> None:
    connection = sqlite3.connect(home / "journal.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "journal"
    with Journal.open(home) as journal:
        for n in range(5):
            journal.append(ACCOUNT, accepted(f"k{n}"), START_MS)
    return home


def test_a_journal_is_made_with_the_directories_above_it(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "a" / "b") as journal:
        assert journal.durable_seq == 0


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_where_there_is_no_journal_none_is_made_unasked(tmp_path: Path, place: str) -> None:
    with pytest.raises(JournalMissing, match="there is no journal in"):
        Journal.open(tmp_path / place, create=False)
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "journal.sqlite").exists()


def test_a_second_writer_is_told_who_has_it(home: Path) -> None:
    with Journal.open(home):
        with pytest.raises(JournalInUse, match=f"process {os.getpid()}:") as refusal:
            Journal.open(home)
        assert str(home) in refusal.value.message
    Journal.open(home).close()


def test_a_failed_opening_lets_the_next_writer_in(home: Path) -> None:
    edit(home, "PRAGMA user_version = 99")
    for _ in range(2):
        with pytest.raises(JournalTooNew):
            Journal.open(home)


def test_a_newer_journal_is_refused_by_writers_and_readers(home: Path) -> None:
    edit(home, "PRAGMA user_version = 2")
    for attempt in (Journal.open, verify):
        with pytest.raises(JournalTooNew, match="version 2 and this Onefill reads up to version 1"):
            attempt(home)


def test_a_file_that_is_no_database_is_refused(home: Path) -> None:
    (home / "journal.sqlite").write_bytes(b"orders, orders, orders\n" * 500)
    for attempt in (Journal.open, verify):
        with pytest.raises(JournalDamaged, match="is not a journal"):
            attempt(home)


def test_somebody_elses_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    edit(tmp_path, "CREATE TABLE cheese (name)")
    before = (tmp_path / "journal.sqlite").read_bytes()
    with pytest.raises(JournalDamaged, match="is a database, but not a journal"):
        Journal.open(tmp_path)
    assert (tmp_path / "journal.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER mine AFTER INSERT ON records BEGIN DELETE FROM records; END",
        "DROP INDEX records_by_order",
        "CREATE TABLE more (a)",
    ],
)
def test_tables_that_promise_something_else_are_refused(home: Path, statement: str) -> None:
    edit(home, statement)
    for attempt in (Journal.open, verify):
        with pytest.raises(JournalDamaged, match="other tables than a journal"):
            attempt(home)


def test_a_file_where_the_directory_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("")
    with pytest.raises(JournalDamaged, match="is a file"):
        Journal.open(tmp_path / "journal")


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE records SET at_ms = 0 WHERE seq = 3", "changed at record 3"),
        ("DELETE FROM records WHERE seq = 3", "misses record 3"),
        ("UPDATE records SET body = x'00' WHERE seq = 3", "changed at record 3"),
    ],
)
def test_records_that_do_not_link_are_not_built_upon(home: Path, statement: str, what: str) -> None:
    edit(home, "DELETE FROM snapshots", statement)
    with pytest.raises(JournalDamaged, match=what):
        Journal.open(home)


def test_a_cut_tail_is_not_built_upon(home: Path) -> None:
    edit(home, "DELETE FROM records WHERE seq = 5")
    with pytest.raises(JournalDamaged, match="ends at record 4, but went on to 5"):
        Journal.open(home)


def test_an_empty_file_left_by_a_crash_at_creation_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    with Journal.open(tmp_path) as journal:
        journal.append(ACCOUNT, Alerted(code="A", message="m"), START_MS)
    assert verify(tmp_path).records == 1


def test_reading_beside_the_writer_sees_what_is_durable(home: Path) -> None:
    with Journal.open(home) as journal, reading(home) as store:
        journal.append("another", accepted("fresh"), START_MS)
        assert store.last_seq() == 5
        assert store.find_key("another", "fresh") is None
        journal.flush()
        assert store.last_seq() == 6
        found = store.find_key("another", "fresh")
        assert found is not None
        assert found.number == 6
        assert store.accounts() == [ACCOUNT, "another"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_a_new_journal_is_its_owners_alone(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "runs" / "first"):
        pass
    assert stat.S_IMODE((tmp_path / "runs" / "first").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "runs").stat().st_mode) != 0o700
