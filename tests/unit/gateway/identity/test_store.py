"""The store: nothing half done, nothing untold, and a trail that shows what was done to it."""

from __future__ import annotations

import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from onefill.gateway.identity.model import Account, Right, Tenant, User
from onefill.gateway.identity.opening import Identity, open_identity
from onefill.gateway.identity.schema import MIGRATIONS, TABLES, VERSION
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt, Scope
from onefill.runtime.clock import VirtualClock

WRITER = """
import sys
from pathlib import Path
from onefill.gateway.identity.opening import open_identity
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt, Scope
from onefill.runtime.clock import SystemClock

identity = open_identity(Path(sys.argv[1]), SystemClock())
try:
    identity.admin.people.create_tenant("t", by=sys.argv[2])
except OnefillError as wrong:
    assert wrong.code == "TENANT_EXISTS", wrong
for number in range(int(sys.argv[3])):
    identity.admin.people.create_user("t", f"u{sys.argv[2]}.{number}", by=sys.argv[2])
identity.close()
"""


def edit(directory: Path, *statements: str) -> None:
    """What an insider with the database file does."""
    file = apsw.Connection(str(directory / "identity.sqlite"))
    file.execute("DROP TRIGGER IF EXISTS audit_is_never_changed")
    file.execute("DROP TRIGGER IF EXISTS audit_is_never_deleted")
    for statement in statements:
        file.execute(statement)
    file.close()


def test_an_untouched_trail_is_intact_and_tells_all(identity: Identity) -> None:
    verdict = identity.store.verify()
    assert verdict.breaks == ()
    entries = identity.store.entries()
    assert verdict.entries == len(entries) == entries[-1].seq
    assert verdict.head == entries[-1].hash.hex()
    assert [one.what for one in entries[-3:]] == ["tenant.create", "user.create", "account.create"]
    (row,) = json.loads(entries[-1].detail)["rows"]
    assert row[:2] == ["accounts", ["other", "2002"]]
    assert row[2]["user"] == "oskar"
    assert identity.store.verify(entries[3].hash.hex()).breaks == ()


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE audit SET who = 'somebody' WHERE seq = 4",),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 4",),
        ("UPDATE audit SET detail = '{}' WHERE seq = 4",),
        ("UPDATE audit SET reason = 'none' WHERE seq = 4",),
        ("UPDATE audit SET login = 'root' WHERE seq = 4",),
        ("UPDATE audit SET hash = zeroblob(32) WHERE seq = 4",),
        ("DELETE FROM audit WHERE seq = 4",),
        ("DELETE FROM audit WHERE seq = 4", "UPDATE audit SET seq = seq - 1 WHERE seq > 4"),
        ("DELETE FROM audit WHERE seq = 1",),
        ("UPDATE audit SET seq = 100 WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5",
         "UPDATE audit SET seq = 5 WHERE seq = 100"),
        ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",),
        ("DELETE FROM audit WHERE seq > 3",),
        ("DELETE FROM audit",),
        ("INSERT INTO audit SELECT max(seq) + 1, 0, 'x', 'x', '{}', zeroblob(32), '', ''"
         " FROM audit",),
    ],
)  # fmt: skip
def test_an_edited_shortened_or_reordered_trail_is_found(
    tmp_path: Path, identity: Identity, statements: tuple[str, ...]
) -> None:
    edit(tmp_path, *statements)
    assert identity.store.verify().breaks


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET auto_trading = 0 WHERE id = 'anna'",
        "DELETE FROM accounts WHERE name = '1001'",
        "INSERT INTO tenants VALUES ('ghost', 'ghost', 0, 1)",
        "UPDATE accounts SET live = 1",
    ],
)
def test_a_table_that_was_changed_behind_the_trails_back_is_found(
    tmp_path: Path, identity: Identity, statement: str
) -> None:
    edit(tmp_path, statement)
    assert any("without an entry" in one for one in identity.store.verify().breaks)


def test_a_trail_that_was_cut_off_and_went_on_is_found(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    """Even where what the last entry told was undone with it, so that the tables agree."""
    told = identity.store.verify().head
    identity.close()
    edit(
        tmp_path,
        "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
        "DELETE FROM accounts WHERE tenant = 'other'",
    )
    again = open_identity(tmp_path, clock)
    try:
        again.admin.people.create_tenant("new", by="test")
        assert again.store.verify(told).breaks
        assert again.store.verify().breaks
    finally:
        again.close()


def test_without_the_note_beside_it_a_trail_is_not_called_whole(
    tmp_path: Path, identity: Identity
) -> None:
    (tmp_path / "secrets" / "audit.head").unlink()
    assert identity.store.verify().breaks


def test_the_database_refuses_to_edit_the_trail(tmp_path: Path, identity: Identity) -> None:
    file = apsw.Connection(str(tmp_path / "identity.sqlite"))
    for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit"):
        with pytest.raises(apsw.ConstraintError, match="only grows"):
            file.execute(statement)
    file.close()


def test_a_change_that_fails_leaves_neither_rows_nor_an_entry(identity: Identity) -> None:
    entries = identity.store.last_entry()
    with pytest.raises(ZeroDivisionError), identity.store.change("test", "half") as change:
        change.put(Tenant(id="half", name=str(1 // 0)))
    with pytest.raises(OnefillError), identity.store.change("test", "wrong") as change:
        change.put(User(tenant="nowhere", id="x"))  # the database knows no such tenant
    assert identity.directory.tenant("half") is None
    assert identity.directory.user("nowhere", "x") is None
    assert identity.store.last_entry() == entries
    assert identity.store.verify().breaks == ()


def test_no_secret_is_in_the_trail(identity: Identity) -> None:
    credentials = identity.admin.credentials
    rights = frozenset({Right.READ})
    _, key = credentials.create_key("acme", "anna", rights, by="test")
    _, token = credentials.issue_token("acme", "anna", rights, by="test")
    credentials.rotate(by="test")
    told = "".join(one.detail for one in identity.store.entries())
    assert key.split("_")[2] not in told
    assert token not in told
    assert token.split(".")[2] not in told
    assert "PRIVATE" not in told


def test_processes_that_write_at_once_lose_nothing_and_make_one_store(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """They begin together, on a directory where nothing is yet."""
    directory = tmp_path / "new"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory), str(number), "8"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=100)
        assert writer.returncode == 0, errors
    identity = open_identity(directory, clock)
    try:
        verdict = identity.store.verify()
        assert verdict.breaks == ()
        assert len(identity.store.all(User)) == 32
        whats = [one.what for one in identity.store.entries()]
        assert whats.count("signing-key.create") == 1
        assert whats.count("store.create") == 1
        assert whats.count("tenant.create") == 1
        assert len(whats) == 35
    finally:
        identity.close()


def test_two_processes_cannot_both_make_the_same(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    elsewhere = open_identity(tmp_path, clock)
    try:
        elsewhere.admin.people.create_account("acme", "5", user="anna", by="first")
        with pytest.raises(OnefillError) as told:
            identity.admin.people.create_account("acme", "5", user="anna", by="second")
        assert told.value.code == "ACCOUNT_EXISTS"
    finally:
        elsewhere.close()


def test_columns_are_the_fields_of_what_they_keep(tmp_path: Path, identity: Identity) -> None:
    file = apsw.Connection(str(tmp_path / "identity.sqlite"))
    assert file.pragma("user_version") == VERSION == len(MIGRATIONS)
    assert file.pragma("journal_mode") == "wal"
    for table in TABLES:
        columns = [row[1] for row in file.execute(f"PRAGMA table_info({table.name})")]
        assert columns == list(table.fields), table.name
    file.close()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.write_bytes(b"no database" * 99), "IDENTITY_DAMAGED"),
        (lambda path: _run(path, "PRAGMA user_version = 99"), "IDENTITY_TOO_NEW"),
        (lambda path: _run(path, "PRAGMA application_id = 7"), "IDENTITY_DAMAGED"),
        (lambda path: _run(path, "UPDATE accounts SET standing = 'odd'"), "IDENTITY_DAMAGED"),
    ],
)
def test_a_file_that_is_not_ours_or_too_new_is_told_in_a_sentence(
    tmp_path: Path,
    identity: Identity,
    clock: VirtualClock,
    spoil: Callable[[Path], None],
    code: str,
) -> None:
    identity.close()
    spoil(tmp_path / "identity.sqlite")
    with pytest.raises(OnefillError) as told:
        open_identity(tmp_path, clock)
    assert told.value.code == code
    assert "identity.sqlite" in told.value.message


def _run(path: Path, statement: str) -> None:
    file = apsw.Connection(str(path))
    file.execute(statement)
    file.close()


def test_all_is_there_after_opening_again(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    identity.admin.limits.set({"max_orders": "3"}, by="test")
    held = [dict(identity.store.all(table.kind)) for table in TABLES]
    identity.close()
    again = open_identity(tmp_path, clock)
    try:
        assert [dict(again.store.all(table.kind)) for table in TABLES] == held
        assert again.store.get(Account, "acme", "1001") is not None
    finally:
        again.close()


def as_written_before(directory: Path, version: int) -> None:
    """Make a store what an older Onefill would have written: without the columns since, the trail
    telling and sealing no more than it knew."""
    pepper = (directory / "secrets" / "pepper").read_bytes()
    key = hmac.digest(pepper, b"onefill/audit", "sha256")
    file = apsw.Connection(str(directory / "identity.sqlite"))
    file.execute("DROP TRIGGER audit_is_never_changed")
    since = {"asked_login", "approved_login"} | ({"statuses"} if version < 2 else set())
    before, seq = bytes(32), 0
    entries: Any = file.execute("SELECT seq, at_ms, who, what, detail FROM audit ORDER BY seq")
    for seq, at_ms, who, what, detail in entries.fetchall():
        told = json.loads(detail)
        told["login"] = "root"
        for _, _, row in told.get("rows", []):
            for name in since & (row or {}).keys():
                del row[name]
        told = json.dumps(told)
        before = hmac.digest(
            key, before + json.dumps([seq, at_ms, who, what, told]).encode(), "sha256"
        )
        change = "UPDATE audit SET detail = ?, hash = ? WHERE seq = ?"
        file.execute(change, (told, before, seq))
    for name in ("reason", "login"):
        file.execute(f"ALTER TABLE audit DROP COLUMN {name}")
    for name in ("asked_login", "approved_login"):
        file.execute(f"ALTER TABLE overrides DROP COLUMN {name}")
    if version < 2:
        file.execute("ALTER TABLE accounts DROP COLUMN statuses")
    file.execute(
        "CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit"
        " BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END"
    )
    file.execute(f"PRAGMA user_version = {version}")
    file.close()
    head = json.dumps({"seq": seq, "hash": before.hex()})
    (directory / "secrets" / "audit.head").write_text(head)


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_store_is_brought_up_to_date_and_its_trail_still_fits_and_goes_on(
    tmp_path: Path, identity: Identity, clock: VirtualClock, version: int
) -> None:
    asked = identity.admin.limits.ask_override(
        "acme", "1001", "max_orders", "9", reason="roll", lasts_ms=60_000, by="anna"
    )
    identity.close()
    as_written_before(tmp_path, version)
    again = open_identity(tmp_path, clock)
    try:
        account = again.store.get(Account, "acme", "1001")
        assert account is not None
        assert account.statuses == ""
        assert all((one.reason, one.login) == ("", "") for one in again.store.entries())
        assert again.store.verify().breaks == ()
        again.store.login = "ops"
        again.admin.limits.approve_override(asked.id, by="bert", reason="seen")
        last = again.store.entries()[-1]
        assert (last.who, last.reason, last.login) == ("bert", "seen", "ops")
        assert again.store.verify().breaks == ()
    finally:
        again.close()


@pytest.mark.parametrize("login", ["", "ops"])
def test_author_login_and_reason_are_fields_that_the_seal_covers(
    tmp_path: Path, identity: Identity, login: str
) -> None:
    identity.store.login = login
    identity.directory.add_halt(Halt(id="h", scope=Scope.FIRM, by="anna", reason="wrong prices"))
    identity.directory.end_halt("h", by="bert", reason="the feed is back: seen")
    begun, ended = identity.store.entries()[-2:]
    assert (begun.who, begun.reason, begun.login) == ("anna", "wrong prices", login)
    assert (ended.who, ended.reason, ended.login) == ("bert", "the feed is back: seen", login)
    assert identity.store.verify().breaks == ()
    for change in ("reason = ''", "reason = login, login = reason", "reason = '', login = ''"):
        edit(tmp_path, f"UPDATE audit SET {change} WHERE seq = {ended.seq}")
        assert identity.store.verify().breaks, change
        back = (ended.reason, ended.login, ended.seq)
        file = apsw.Connection(str(tmp_path / "identity.sqlite"))
        file.execute("UPDATE audit SET reason = ?, login = ? WHERE seq = ?", back)
        file.close()
        assert identity.store.verify().breaks == ()
