"""Verification finds every edit of a journal, and says where."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.journal.errors import JournalMissing
from onefill.journal.followers import Follower
from onefill.journal.journal import Journal
from onefill.journal.loading import Standing, make_snapshot
from onefill.journal.record import link
from onefill.journal.verify import REPORTED, Verdict, verify
from onefill.model.errors import OnefillError
from onefill.model.events import encode_event
from tests.builders import ACCOUNT, START_MS, accepted, epochs, lives, play

OTHER = "demo-2"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A journal of two accounts with snapshots at records 50, 100 and the last."""
    home = tmp_path / "journal"
    with Journal.open(home, snapshot_every=50) as journal:
        epochs(journal, ACCOUNT, OTHER)
        play(journal, lives(3, 40, accounts=(ACCOUNT, OTHER)), group=10)
        Follower(journal, "alerts").advance(journal.durable_seq)
    return home


def edit(home: Path, *statements: str) -> int:
    """Edit the file behind Onefill's back; how many rows that changed."""
    connection = sqlite3.connect(home / "journal.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    changed = connection.total_changes
    connection.close()
    return changed


def look(home: Path, question: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(home / "journal.sqlite")
    found = connection.execute(question).fetchall()
    connection.close()
    return found


def whats(verdict: Verdict) -> str:
    return "\n".join(f"{found.seq} {found.account} {found.what}" for found in verdict.breaks)


@given(seed=st.integers(0, 1 << 32), snapshot_every=st.integers(1, 50))
def test_every_life_there_is_verifies(
    tmp_path_factory: pytest.TempPathFactory, seed: int, snapshot_every: int
) -> None:
    home = tmp_path_factory.mktemp("j")
    with Journal.open(home, snapshot_every=snapshot_every) as journal:
        epochs(journal, ACCOUNT, OTHER)
        play(journal, lives(seed, 15, accounts=(ACCOUNT, OTHER)))
        heads = {name: journal.head(name) for name in journal.accounts()}
    verdict = verify(home)
    assert verdict.breaks == ()
    assert verdict.heads == heads


def test_an_empty_journal_is_intact(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    assert verify(tmp_path).intact
    assert verify(tmp_path).records == 0


COLUMN_EDITS = {
    "time": "UPDATE records SET at_ms = at_ms + 1 WHERE seq = 20",
    "account": "UPDATE records SET account = 3 - account WHERE seq = 20",
    "order number": "UPDATE records SET order_number = order_number + 1 WHERE seq = 20",
    "no order number": "UPDATE records SET order_number = NULL WHERE seq = 20",
    "body": "UPDATE records SET body = CAST(substr(body, 1, length(body) - 1) || x'01' AS BLOB)"
    " WHERE seq = 20",
    "hash": "UPDATE records SET hash = zeroblob(32) WHERE seq = 20",
}


@pytest.mark.parametrize("statement", COLUMN_EDITS.values(), ids=COLUMN_EDITS.keys())
def test_a_change_of_any_column_is_found_where_it_was_made(home: Path, statement: str) -> None:
    assert edit(home, statement) == 1
    verdict = verify(home)
    assert any(found.seq == 20 for found in verdict.breaks), whats(verdict)


def test_a_removed_record_is_found(home: Path) -> None:
    edit(home, "DELETE FROM records WHERE seq = 20")
    assert "20  record 20 is missing" in whats(verify(home))


def test_records_that_changed_places_are_found(home: Path) -> None:
    edit(
        home,
        "UPDATE records SET seq = -1 WHERE seq = 20",
        "UPDATE records SET seq = 20 WHERE seq = 21",
        "UPDATE records SET seq = 21 WHERE seq = -1",
    )
    assert {20, 21} <= {found.seq for found in verify(home).breaks}


def test_a_renamed_account_is_found(home: Path) -> None:
    edit(home, "UPDATE accounts SET name = 'mine' WHERE id = 1")
    assert "its hash does not follow" in whats(verify(home))


def test_an_account_without_its_name_is_found(home: Path) -> None:
    edit(home, "DELETE FROM accounts WHERE id = 1")
    assert "misses the names of accounts [1]" in whats(verify(home))


def test_a_cut_tail_is_found_by_what_refers_to_it(home: Path) -> None:
    last = verify(home).records
    edit(home, f"DELETE FROM records WHERE seq > {last - 5}")
    found = whats(verify(home))
    assert f"{last}  a snapshot was taken after it" in found
    assert f"{last}  follower 'alerts' has read it" in found


def test_a_tail_cut_with_care_is_found_by_the_head_told_before(home: Path) -> None:
    before = verify(home)
    last = before.records
    (number,) = look(home, f"SELECT account FROM records WHERE seq = {last}")[0]
    (name,) = look(home, f"SELECT name FROM accounts WHERE id = {number}")[0]
    edit(
        home,
        f"DELETE FROM records WHERE seq = {last}",
        f"DELETE FROM inbox WHERE number = {last}",
        f"DELETE FROM snapshots WHERE seq = {last}",
        "DELETE FROM cursors",
    )
    assert verify(home).intact, "the chain alone cannot show it"
    verdict = verify(home, before.heads[str(name)])
    assert "the tail was cut or rewritten" in whats(verdict)


def test_a_head_told_before_is_found_and_what_follows_it_is_counted(home: Path) -> None:
    verdict = verify(home)
    for account, head in verdict.heads.items():
        assert verify(home, head.upper()).head_found == (account, 0)
    with Journal.open(home) as journal:
        for key in ("x", "y", "z"):
            journal.append(ACCOUNT, accepted(key), START_MS)
        journal.append(OTHER, accepted("x"), START_MS)
    again = verify(home, verdict.heads[ACCOUNT])
    assert again.intact
    assert again.head_found == (ACCOUNT, 3)


def test_the_first_digits_of_a_head_are_enough_and_fewer_are_refused(home: Path) -> None:
    head = verify(home).heads[ACCOUNT]
    assert verify(home, head[:16]).head_found == (ACCOUNT, 0)
    for wrong in (head[:15], head + "0", "", "not a hash at all"):
        with pytest.raises(OnefillError, match="is not a head"):
            verify(home, wrong)


INBOX_EDITS = {
    "a key removed": (
        "DELETE FROM inbox WHERE number = (SELECT min(number) FROM inbox)",
        "is not in the inbox",
    ),
    "a content changed": (
        "UPDATE inbox SET content = zeroblob(16) WHERE number = (SELECT min(number) FROM inbox)",
        "has another content in the inbox",
    ),
    "a key renamed": (
        "UPDATE inbox SET key = 'mine' WHERE number = (SELECT min(number) FROM inbox)",
        "is not in the inbox",
    ),
    "a key added": (
        "INSERT INTO inbox VALUES (1, 'mine', zeroblob(16), 5)",
        "the key 'mine' does not begin there",
    ),
    "a number changed": (
        "UPDATE inbox SET number = number + 1 WHERE number = (SELECT min(number) FROM inbox)",
        "in the inbox",
    ),
}


@pytest.mark.parametrize(("statement", "what"), INBOX_EDITS.values(), ids=INBOX_EDITS.keys())
def test_a_change_of_the_inbox_is_found(home: Path, statement: str, what: str) -> None:
    assert edit(home, statement) == 1
    assert what in whats(verify(home))


def test_a_damaged_snapshot_is_told(home: Path) -> None:
    edit(home, "UPDATE snapshots SET body = zeroblob(10) WHERE seq = 50")
    assert "50  the snapshot after it is damaged" in whats(verify(home))


def test_a_snapshot_of_another_state_is_told_although_its_own_hash_is_right(home: Path) -> None:
    forged = make_snapshot(50, {ACCOUNT: Standing.empty(ACCOUNT)})
    connection = sqlite3.connect(home / "journal.sqlite", isolation_level=None)
    connection.execute("UPDATE snapshots SET body = ?, hash = ? WHERE seq = ?", (*forged[1:], 50))
    connection.close()
    found = whats(verify(home))
    assert f"50 {ACCOUNT} the snapshot after it ends the chain elsewhere" in found


def test_an_epoch_put_back_is_found(home: Path) -> None:
    edit(home, f"UPDATE epochs SET epoch = 0 WHERE account = '{ACCOUNT}'")
    assert "epoch 1 has sent, but 0 is in force" in whats(verify(home))


def test_a_rewritten_chain_that_breaks_the_order_table_is_found(tmp_path: Path) -> None:
    """Somebody who recomputes every hash still cannot make an impossible life."""
    with Journal.open(tmp_path) as journal:
        journal.append(ACCOUNT, accepted("k"), START_MS)
        journal.append(ACCOUNT, accepted("l"), START_MS)
    standing = Standing.empty(ACCOUNT)
    rows = look(tmp_path, "SELECT seq, at_ms, order_number FROM records ORDER BY seq")

    connection = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    head = standing.head
    for seq, at_ms, _ in rows:
        assert isinstance(seq, int)
        assert isinstance(at_ms, int)
        body = encode_event(accepted("k"))
        head = link(head, seq, standing.name, at_ms, 1, body)
        connection.execute(
            "UPDATE records SET body = ?, order_number = 1, hash = ? WHERE seq = ?",
            (body, head, seq),
        )
    connection.execute("DELETE FROM snapshots")
    connection.close()
    found = whats(verify(tmp_path))
    assert "was accepted before" in found
    assert "hash does not follow" not in found


def test_an_index_that_misses_a_record_is_found(home: Path) -> None:
    edit(
        home,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, 'IS NOT NULL', 'IS NOT NULL ')"
        " WHERE name = 'records_by_order'",
    )
    with pytest.raises(Exception, match="has other tables than a journal"):
        verify(home)


def test_a_garbled_page_is_reported_and_does_not_crash(home: Path) -> None:
    path = home / "journal.sqlite"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = bytes([0xA5]) * 4096
    path.write_bytes(content)
    assert not verify(home).intact


def test_many_breaks_are_counted_and_the_first_ones_told(home: Path) -> None:
    edit(home, "UPDATE records SET hash = zeroblob(32)")
    verdict = verify(home)
    assert len(verdict.breaks) == REPORTED
    assert verdict.further >= verdict.records - REPORTED


def test_verifying_where_there_is_no_journal_says_so(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(JournalMissing, match="there is no journal in"):
            verify(place)
    assert list(tmp_path.iterdir()) == []
