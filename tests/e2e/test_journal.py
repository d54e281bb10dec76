"""`onefill journal ...` on the journal of a run: verify, show, export, back up, resolve."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import apsw
import pytest

from tests.e2e.command import Ran, book_lines, onefill, quote_at, write_orders
from tests.e2e.conftest import ORDERS

ZEROS = "0" * 64


@pytest.fixture
def journal(eurusd: Path, orders: Path, tmp_path: Path) -> Path:
    """The journal of a run."""
    directory = tmp_path / "journal"
    ran = onefill("run", "--ticks", eurusd, "--orders", orders, "--journal", directory, "--json")
    assert ran.status == 0
    (tmp_path / "answers.jsonl").write_text(ran.out)
    return directory


def told(tmp_path: Path) -> Ran:
    return Ran(0, (tmp_path / "answers.jsonl").read_text(), "")


def test_a_run_leaves_an_intact_journal_whose_head_it_told(journal: Path, tmp_path: Path) -> None:
    head = told(tmp_path).summary["head_hash"]
    bare = onefill("journal", "verify", journal)
    assert (bare.status, bare.err) == (0, "")
    assert bare.out.startswith("intact")
    assert head in bare.out
    assert onefill("journal", "verify", journal, "--head", head).status == 0
    wrong = onefill("journal", "verify", journal, "--head", ZEROS)
    assert wrong.status == 1
    assert "broken" in wrong.out


def test_a_head_told_earlier_is_still_there_after_the_run_went_on(
    journal: Path, eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    head = told(tmp_path).summary["head_hash"]
    write_orders(orders, *ORDERS, {"client_key": "more", "action": "close_all"})
    second = onefill("run", "--ticks", eurusd, "--orders", orders, "--journal", journal, "--json")
    assert second.status == 0
    assert second.summary["head_hash"] != head
    assert onefill("journal", "verify", journal, "--head", head).status == 0


def test_a_changed_byte_is_found_and_said_where(journal: Path) -> None:
    connection = apsw.Connection(str(journal / "journal.sqlite"))
    body = connection.execute("SELECT body FROM records WHERE seq = 2").get
    assert b"by hand" in body
    changed = body.replace(b"by hand", b"by HAND")
    connection.execute("UPDATE records SET body = ? WHERE seq = 2", (changed,))
    connection.close()
    ran = onefill("journal", "verify", journal)
    assert ran.status == 1
    assert "record 2 " in ran.out


def test_an_orders_life_is_shown_event_by_event(journal: Path) -> None:
    shown = onefill("journal", "show", journal, "--order", "buy")
    assert shown.status == 0
    for word in ("accepted", "sending", "filled", "by hand"):
        assert word in shown.out
    events = [
        json.loads(line)["event"]["type"]
        for line in onefill("journal", "show", journal, "--order", "buy", "--json").out.splitlines()
    ]
    assert events[:3] == ["accepted", "sending", "moved"]
    nobody = onefill("journal", "show", journal, "--order", "nobody")
    assert (nobody.status, nobody.out) == (2, "")
    assert "nobody" in nobody.complaint


def test_the_whole_is_shown_at_a_glance(journal: Path) -> None:
    shown = onefill("journal", "show", journal)
    assert shown.status == 0
    assert "filled" in shown.out
    first = json.loads(onefill("journal", "show", journal, "--json").out.splitlines()[0])
    assert first["orders"]["filled"] >= 4
    assert first["live"] == ["overnight"]


def test_an_export_holds_every_record_in_both_formats(journal: Path, tmp_path: Path) -> None:
    lines = onefill("journal", "export", journal, "--format", "jsonl").out.splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert records[-1]["hash"] == told(tmp_path).summary["head_hash"]
    rows = list(
        csv.DictReader(io.StringIO(onefill("journal", "export", journal, "--format", "csv").out))
    )
    assert [row["hash"] for row in rows] == [record["hash"] for record in records]


def test_a_backup_is_a_journal_of_its_own(journal: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    assert onefill("journal", "backup", journal, copy).status == 0
    (tmp_path / "restored").mkdir()
    copy.rename(tmp_path / "restored" / "journal.sqlite")
    head = told(tmp_path).summary["head_hash"]
    assert onefill("journal", "verify", tmp_path / "restored", "--head", head).status == 0
    over = onefill("journal", "backup", journal, tmp_path / "restored" / "journal.sqlite")
    assert over.status == 2
    assert "restored" in over.complaint


def two_alike(folder: Path, eurusd: Path) -> tuple[object, ...]:
    """Two orders alike, their replies lost and their comments rewritten: which is which?"""
    alike = {"at": ORDERS[0]["at"], "symbol": "EURUSD", "side": "buy", "volume": 0.1}
    write_orders(
        folder / "orders.jsonl", {"client_key": "one"} | alike, {"client_key": "other"} | alike
    )
    files = ("run", "--ticks", eurusd, "--orders", "orders.jsonl", "--journal", "journal")
    return (*files, "--json", "--faults", "lost_reply=1,rewritten_comment=1")


def test_quarantine_is_left_by_a_persons_decision_which_is_recorded(
    eurusd: Path, tmp_path: Path
) -> None:
    call = two_alike(tmp_path, eurusd)
    first = onefill(*call, cwd=tmp_path)
    assert first.status == 3
    assert {one["status"] for one in first.answers.values()} == {"quarantined"}
    assert "journal resolve" in onefill("journal", "show", "journal", cwd=tmp_path).out
    book = book_lines(tmp_path / "journal")

    decide = ("--by", "A. Mayer", "--reason", "agreed with the broker on the telephone")
    words = ("journal", "resolve", "journal")
    for key in first.answers:
        decided = onefill(*words, key, "--as", "not_executed", *decide, cwd=tmp_path)
        assert decided.status == 0, decided.err
    twice = onefill(*words, "other", "--as", "filled", *decide, cwd=tmp_path)
    assert (twice.status, twice.out) == (2, "")
    assert "'other'" in twice.complaint
    shown = onefill("journal", "show", "journal", "--order", "one", cwd=tmp_path)
    assert "A. Mayer" in shown.out
    assert "telephone" in shown.out

    second = onefill(*call, cwd=tmp_path)
    assert second.status == 0
    assert {one["status"] for one in second.answers.values()} == {"not_executed"}
    assert book_lines(tmp_path / "journal")[: len(book)] == book, "nothing was sent again"
    assert onefill("journal", "verify", "journal", cwd=tmp_path).status == 0


def test_what_a_person_found_at_the_broker_is_followed_again_and_booked_once(
    eurusd: Path, tmp_path: Path
) -> None:
    call = two_alike(tmp_path, eurusd)
    assert onefill(*call, cwd=tmp_path).status == 3
    decide = ("--by", "A. Mayer", "--reason", "seen in the terminal")
    for key, ticket in (("one", 1_000_001), ("other", 1_000_002)):
        words = ("journal", "resolve", "journal", key, "--as", "working", "--ticket", ticket)
        assert onefill(*words, *decide, cwd=tmp_path).status == 0
    found = onefill(*call, cwd=tmp_path)
    assert found.status == 0
    assert [one["status"] for one in found.answers.values()] == ["filled", "filled"]
    assert found.answers["one"]["order_ticket"] == 1_000_001
    assert found.answers["one"]["filled_volume"] == 0.1
    assert found.answers["one"]["fill_price"] == quote_at(eurusd, 1_399_539_600_000)[1]
    shown = onefill("journal", "show", "journal", "--json", cwd=tmp_path)
    assert json.loads(shown.out.splitlines()[0])["positions"] == 2

    with (tmp_path / "orders.jsonl").open("a") as file:
        file.write('{"client_key": "end", "action": "close_all"}\n')
    end = onefill(*call, cwd=tmp_path)
    assert end.answers["end"]["filled_volume"] == 0.2, "each position has its volume once"
    assert onefill("journal", "verify", "journal", cwd=tmp_path).status == 0
