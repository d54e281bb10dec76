"""`onefill journal ...` as a user calls it."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from onefill.cli.journal import app
from onefill.journal.errors import JournalDamaged, JournalInUse, JournalMissing
from onefill.journal.journal import Journal
from onefill.journal.verify import verify
from onefill.model.errors import OnefillError
from onefill.model.events import Alerted, Began, StrategyStopped
from onefill.model.states import SETTLED, State
from tests.builders import ACCOUNT, KINDS, START_MS, denied, epochs, life, play

OTHER = "demo-2"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A journal with an order of every kind, its kind being its key; `filled` in two accounts."""
    home = tmp_path / "journal"
    with Journal.open(home) as journal:
        epochs(journal, ACCOUNT, OTHER)
        journal.append(ACCOUNT, Began(made_from={"ticks": "generated"}), START_MS)
        for n, kind in enumerate(KINDS):
            steps = [(ACCOUNT, kind, step) for step in life(kind, kind, 1_000 + 10 * n)]
            play(journal, steps, start=10 * n)
        play(journal, [(OTHER, "filled", step) for step in life("filled", "filled", 5_000)])
    return home


def call(*words: object) -> Result:
    """A call that works; its standard output, or what it raised."""
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)


def works(*words: object) -> str:
    result = call(*words)
    assert result.exception is None, result.output
    return result.stdout


def refused(*words: object) -> OnefillError:
    result = call(*words)
    assert isinstance(result.exception, OnefillError), result.output
    assert "\n" not in result.exception.message
    return result.exception


def test_verify_says_that_a_journal_is_intact_and_where_each_account_ends(home: Path) -> None:
    told = works("verify", home)
    verdict = verify(home)
    assert told.splitlines()[0] == f"intact: {verdict.records} records"
    for account, head in verdict.heads.items():
        assert f"account {account}: head {head}" in told


def test_verify_ends_with_1_and_says_where_and_how(home: Path) -> None:
    with sqlite3.connect(home / "journal.sqlite") as connection:
        connection.execute("UPDATE records SET at_ms = 0 WHERE seq = 7")
    connection.close()
    result = call("verify", home)
    assert result.exit_code == 1
    assert result.stdout.startswith("broken: 1 break in")
    assert f"record 7 (account {ACCOUNT}): its hash does not follow" in result.stdout


def test_verify_of_a_file_that_is_no_journal_ends_with_1(home: Path) -> None:
    (home / "journal.sqlite").write_bytes(b"x" * 10_000)
    result = call("verify", home)
    assert result.exit_code == 1
    assert "is not a journal" in result.stdout


def test_verify_with_a_head_told_before(home: Path) -> None:
    head = verify(home).heads[ACCOUNT]
    assert "it is the last record" in works("verify", home, "--head", head)
    with Journal.open(home) as journal:
        journal.append(ACCOUNT, Alerted(code="A", message="m"), START_MS)
    assert "1 record follows it" in works("verify", home, "--head", head)
    result = call("verify", home, "--head", "ab" * 32)
    assert result.exit_code == 1
    assert "the tail was cut or rewritten" in result.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_show_tells_an_orders_life_event_by_event(home: Path, kind: str) -> None:
    told = works("show", home, "--order", kind, "--account", ACCOUNT)
    with Journal.open(home) as journal:
        order = journal.find(ACCOUNT, kind)
        assert order is not None
        assert str(order.state) in told
        assert order.intent_id in told
        for record in journal.records(account=ACCOUNT, order=kind):
            line = next(line for line in told.splitlines() if line.split()[:1] == [str(record.seq)])
            assert type(record.event).__name__.lower()[:5] in line.replace("dealt", "positiondealt")


def test_show_tells_who_has_a_key_in_several_accounts(home: Path) -> None:
    told = works("show", home, "--order", "filled")
    assert told.count("order filled") == 2
    assert ACCOUNT in told
    assert OTHER in told


def test_show_as_json_lines(home: Path) -> None:
    lines = works("show", home, "--order", "in_parts", "--json").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["event"]["type"] for record in records] == [
        *("accepted", "sending", "moved", "moved")
    ]
    assert {record["order_number"] for record in records} == {records[0]["seq"]}


def test_show_of_the_whole_journal(home: Path) -> None:
    told = works("show", home)
    for word in (ACCOUNT, OTHER, "quarantined", "filled", "last records"):
        assert word in told
    first = json.loads(works("show", home, "--json").splitlines()[0])
    assert first["account"] == ACCOUNT
    assert first["head"] == verify(home).heads[ACCOUNT]
    assert first["orders"]["quarantined"] == 1
    assert first["live"] == ["working", "quarantined"]


def test_show_of_an_order_that_does_not_exist(home: Path) -> None:
    assert "there is no order 'never'" in refused("show", home, "--order", "never").message


def test_text_from_outside_cannot_steer_the_terminal(home: Path) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\n[red]gone[/red]"
    with Journal.open(home) as journal:
        journal.append(ACCOUNT, Alerted(code=evil, message=evil), START_MS)
        journal.append(ACCOUNT, denied(evil), START_MS)
    for told in (works("show", home), works("show", home, "--order", evil)):
        assert "\x1b" not in told
        assert "\x07" not in told
        assert "[red]gone[/red]" in told


def decide(home: Path, key: str, state: str = "not_executed", *more: object) -> tuple[object, ...]:
    return ("resolve", home, key, "--as", state, "--by", "A. Mayer", "--reason", "statement", *more)


@pytest.mark.parametrize("state", SETTLED)
def test_a_quarantined_order_is_settled_by_a_person_and_recorded(home: Path, state: State) -> None:
    ticket = ("--ticket", 1000077) if state in (State.WORKING, State.PARTIALLY_FILLED) else ()
    assert f"order quarantined is {state}" in works(*decide(home, "quarantined", state, *ticket))
    with Journal.open(home) as journal:
        order = journal.find(ACCOUNT, "quarantined")
        assert order is not None
        assert (order.state, order.by, order.message) == (state, "A. Mayer", "statement")
        last = list(journal.records(order="quarantined"))[-1]
        assert last.at_ms == list(journal.records(account=ACCOUNT))[-2].at_ms, (
            "a replay has its market's time"
        )
    assert "decided by A. Mayer" in works("show", home, "--order", "quarantined")
    assert verify(home).intact


@pytest.mark.parametrize(
    ("key", "state", "why"),
    [
        ("filled", "rejected", "exists in accounts"),
        ("working", "filled", "is working, not quarantined"),
        ("rejected", "filled", "is rejected, not quarantined"),
        ("denied", "filled", "is denied, not quarantined"),
        ("never", "filled", "there is no order 'never'"),
        ("quarantined", "accepted", "cannot be settled as accepted"),
        ("quarantined", "denied", "cannot be settled as denied"),
        ("quarantined", "working", "without the broker's order: give --ticket"),
    ],
)
def test_a_decision_that_cannot_be_is_refused_and_leaves_no_trace(
    home: Path, key: str, state: str, why: str
) -> None:
    before = verify(home).heads
    assert why in refused(*decide(home, key, state)).message
    assert verify(home).heads == before


def test_a_decision_needs_an_author_and_a_reason(home: Path) -> None:
    words = ("resolve", home, "quarantined", "--as", "rejected", "--by", " ", "--reason", "r")
    assert "who took it and why" in refused(*words).message


def test_a_decision_for_one_of_several_accounts(home: Path) -> None:
    why = refused(*decide(home, "filled", "rejected", "--account", OTHER)).message
    assert f"of account {OTHER!r} is filled" in why


def resume(home: Path, *more: object) -> tuple[object, ...]:
    return ("resume", home, "--strategy", 7, "--by", "A. Mayer", "--reason", "loop mended", *more)


def stop(home: Path, *accounts: str) -> None:
    with Journal.open(home) as journal:
        for account in accounts:
            journal.append(account, StrategyStopped(magic=7, why="2 orders alike"), START_MS)


def test_a_stopped_strategy_goes_on_by_a_persons_decision_which_is_recorded(home: Path) -> None:
    stop(home, ACCOUNT)
    assert "strategy 7 is stopped: 2 orders alike" in works("show", home)
    assert "strategy 7 goes on: record" in works(*resume(home))
    with Journal.open(home) as journal:
        assert journal.state(ACCOUNT).stopped == {}
        before, last = list(journal.records(account=ACCOUNT))[-2:]
        assert last.at_ms >= before.at_ms, "a replay has its market's time"
        assert last.at_ms == journal.state(ACCOUNT).last_ms
    assert "strategy 7 goes on, by A. Mayer: loop mended" in works("show", home)
    assert verify(home).intact
    assert "strategy 7 is not stopped in any account" in refused(*resume(home)).message


def test_a_strategy_stopped_in_several_accounts_is_resumed_in_the_one_that_is_named(
    home: Path,
) -> None:
    stop(home, ACCOUNT, OTHER)
    assert f"in accounts {ACCOUNT}, {OTHER}: name one" in refused(*resume(home)).message
    works(*resume(home, "--account", OTHER))
    with Journal.open(home) as journal:
        assert journal.state(ACCOUNT).stopped == {7: "2 orders alike"}
        assert journal.state(OTHER).stopped == {}
    why = refused(*resume(home, "--account", OTHER)).message
    assert f"not stopped in account {OTHER!r}" in why


def test_resuming_needs_an_author_and_a_reason(home: Path) -> None:
    stop(home, ACCOUNT)
    words = ("resume", home, "--strategy", 7, "--by", "A. Mayer", "--reason", " ")
    assert "who took it and why" in refused(*words).message
    assert not verify(home).breaks


def test_a_decision_waits_until_the_writer_has_gone(home: Path) -> None:
    with Journal.open(home):
        assert isinstance(refused(*decide(home, "quarantined")), JournalInUse)


def test_export_writes_every_record_as_json_lines(home: Path) -> None:
    lines = works("export", home, "--format", "jsonl").splitlines()
    with Journal.open(home) as journal:
        records = list(journal.records())
    assert len(lines) == len(records)
    for line, record in zip(map(json.loads, lines), records, strict=True):
        assert (line["seq"], line["hash"]) == (record.seq, record.hash.hex())
        assert line["account"] == record.account


def test_export_writes_every_record_as_csv_and_defuses_formulas(home: Path) -> None:
    formula = '=HYPERLINK("http://example.com","x")'
    with Journal.open(home) as journal:
        journal.append(ACCOUNT, denied(formula), START_MS)
    rows = list(csv.DictReader(io.StringIO(works("export", home, "--format", "csv"))))
    assert len(rows) == verify(home).records
    assert rows[-1]["key"] == f"'{formula}"
    assert json.loads(rows[-1]["event"])["key"] == formula
    assert rows[1]["time"] == "2014-05-13 16:53:20.001"
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+@" and cell]


def test_export_beside_a_running_writer(home: Path) -> None:
    with Journal.open(home):
        assert works("export", home, "--format", "jsonl")


def test_a_backup_is_a_whole_journal_taken_beside_the_writer(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "journal.sqlite"
    copy.parent.mkdir()
    with Journal.open(home) as journal:
        journal.append(ACCOUNT, Alerted(code="A", message="m"), START_MS)
        journal.flush()
        heads = {name: journal.head(name) for name in journal.accounts()}
        assert f"{len(list(journal.records()))} records, verified" in works("backup", home, copy)
        assert list(copy.parent.iterdir()) == [copy]
        journal.append(ACCOUNT, Alerted(code="A", message="later"), START_MS)
    assert verify(copy.parent).heads == heads
    with Journal.open(copy.parent, create=False) as journal:
        assert {name: journal.head(name) for name in journal.accounts()} == heads


def test_a_backup_overwrites_nothing(home: Path, tmp_path: Path) -> None:
    there = tmp_path / "precious"
    there.write_text("mine")
    assert "exists and is not overwritten" in refused("backup", home, there).message
    assert there.read_text() == "mine"
    assert "no directory" in refused("backup", home, tmp_path / "no" / "where").message


def test_a_backup_that_does_not_verify_is_refused_and_removed(home: Path, tmp_path: Path) -> None:
    with sqlite3.connect(home / "journal.sqlite") as connection:
        connection.execute("UPDATE records SET at_ms = 0 WHERE seq = 7")
    connection.close()
    assert "does not verify (record 7" in refused("backup", home, tmp_path / "copy").message
    assert [path for path in tmp_path.iterdir() if "copy" in path.name] == []


COMMANDS = {
    "verify": (),
    "show": (),
    "resolve": ("k", "--as", "filled", "--by", "w", "--reason", "r"),
    "resume": ("--strategy", 7, "--by", "w", "--reason", "r"),
    "export": ("--format", "csv"),
    "backup": ("copy",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_journal_is_a_sentence_and_nothing_is_made(tmp_path: Path, command: str) -> None:
    nowhere = tmp_path / "nowhere"
    wrong = refused(command, nowhere, *COMMANDS[command])
    assert isinstance(wrong, JournalMissing)
    assert str(nowhere) in wrong.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["show", "export", "backup", "resolve", "resume"])
def test_a_damaged_file_is_a_sentence(home: Path, command: str) -> None:
    (home / "journal.sqlite").write_bytes(b"x" * 10_000)
    assert isinstance(refused(command, home, *COMMANDS[command]), JournalDamaged)


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_every_help_has_an_example(command: tuple[str, ...]) -> None:
    assert "Example: onefill journal" in works(*command, "--help")
