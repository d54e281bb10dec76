"""`onefill admin` as it is typed: a gateway's people, keys and limits, beside a running gateway."""

from __future__ import annotations

import io
import json
import stat
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import apsw
import pytest

from onefill.cli import main
from onefill.cli.admin_options import login
from onefill.gateway.identity.errors import Unauthenticated
from onefill.gateway.identity.model import Right
from onefill.gateway.identity.opening import Identity, open_identity
from onefill.runtime.clock import SystemClock
from tests.e2e.command import Ran, onefill


def admin(*words: object) -> Ran:
    """The command in this process: a test has dozens, and a process each takes a second."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(["admin", *map(str, words)])
    return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())


class Gateway:
    """A directory, and the command on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, *words: object) -> Ran:
        ran = admin(*words, "--data", self.directory)
        assert ran.status == 0, ran.err
        return ran

    def json(self, *words: object) -> list[dict[str, Any]]:
        """What `--json` says, an object a line."""
        return [json.loads(line) for line in self(*words, "--json").out.splitlines()]

    def refused(self, *words: object) -> str:
        """The one line that a wrong call leaves, with status 2."""
        ran = admin(*words, "--data", self.directory)
        assert (ran.status, ran.out) == (2, "")
        return ran.complaint

    def open(self) -> Identity:
        """The same directory, as a running gateway has it."""
        return open_identity(self.directory, SystemClock())


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """With a tenant acme, its user anna, and her account 1001."""
    made = Gateway(tmp_path / "gateway")
    identity = made.open()
    people = identity.admin.people
    people.create_tenant("acme", by="test")
    people.create_user("acme", "anna", auto_trading=True, min_confidence=0.6, by="test")
    people.create_account("acme", "1001", user="anna", server="Example-Demo", by="test")
    identity.close()
    return made


def test_setup_makes_all_that_a_first_run_needs(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "new")
    (made,) = gateway.json("setup", "--broker", "Onefill Simulated Broker")
    identity = gateway.open()
    try:
        engine = identity.tokens.authenticate(made["key"])
        agent = identity.tokens.authenticate(f"Bearer {made['client_token']}")
        assert engine.rights == {Right.READ, Right.TRADE, Right.OPERATE}
        assert agent.rights == {Right.CLIENT}
        account = identity.directory.account("demo", made["account"])
        assert account is not None
        assert identity.directory.limits(account).caps(0, "EURUSD").missing == ()
        assert identity.directory.broker_approved("demo", "Onefill Simulated Broker")
    finally:
        identity.close()
    again = gateway("setup", "--out", tmp_path / "secrets.json").out
    kept = json.loads((tmp_path / "secrets.json").read_text())
    assert kept["key"] not in again
    assert len(gateway.json("tenant", "list")) == 1
    assert len(gateway.json("key", "list")) == 2


def test_setup_puts_key_and_token_into_files_of_their_own(tmp_path: Path) -> None:
    gateway, keys = Gateway(tmp_path / "new"), tmp_path / "keys"
    told = onefill("admin", "setup", "--keys", keys, "--data", gateway.directory).out
    identity = gateway.open()
    try:
        for name, right in (("trader", Right.TRADE), ("agent", Right.CLIENT)):
            secret = (keys / name).read_text().strip()
            assert identity.tokens.authenticate(secret).may(right)
            assert secret not in told
            if sys.platform != "win32":
                assert stat.S_IMODE((keys / name).stat().st_mode) == 0o600
    finally:
        identity.close()
    assert "exists" in gateway.refused("setup", "--keys", keys)
    assert len(gateway.json("key", "list")) == 1
    (tmp_path / "file").touch()
    gateway.refused("setup", "--keys", tmp_path / "file")


def test_who_there_is_can_be_made_listed_shown_and_changed(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "gateway")
    gateway("tenant", "create", "acme", "--name", "Acme Capital")
    gateway("user", "create", "acme/anna", "--auto-trading", "--min-confidence", "0.6")
    gateway("account", "create", "acme/1001", "--user", "anna", "--server", "Example-Demo")
    assert [one["id"] for one in gateway.json("tenant", "list")] == ["acme"]
    (anna,) = gateway.json("user", "list", "acme")
    assert (anna["auto_trading"], anna["min_confidence"]) == (True, 0.6)
    gateway("user", "change", "acme/anna", "--no-auto-trading", "--min-confidence", 0)
    (anna,) = gateway.json("user", "show", "acme/anna")
    assert (anna["auto_trading"], anna["min_confidence"]) == (False, 0)
    gateway("account", "change", "acme/1001", "--standing", "disabled")
    assert gateway.json("account", "show", "acme/1001")[0]["standing"] == "disabled"
    gateway("account", "change", "acme/1001", "--statuses", "1,2,3")
    assert gateway.json("account", "show", "acme/1001")[0]["statuses"] == "1,2,3"
    gateway("tenant", "change", "acme", "--inactive")
    (acme,) = gateway.json("tenant", "show", "acme")
    assert (acme["active"], acme["users"], acme["accounts"]) == (False, 1, 1)
    for words in (["tenant"], ["user"], ["account"], ["broker"], ["key"], ["token"], ["override"]):
        assert gateway(*words, "list").out
    for words in (["signing-key", "list"], ["halt", "list"], ["limits", "show"], ["audit", "list"]):
        assert gateway(*words).out


def test_accounts_wait_for_their_broker(gateway: Gateway) -> None:
    (made,) = gateway.json(
        "account", "create", "acme/1002", "--user", "anna", "--broker", "Example Ltd"
    )
    assert made["standing"] == "pending"
    (told,) = gateway.json("broker", "approve", "acme", "EXAMPLE ltd")
    assert told["activated"] == ["1002"]
    gateway("broker", "withdraw", "acme", "Example Ltd")
    assert gateway.json("broker", "list") == []


def test_a_key_is_told_once_and_worthless_once_revoked(gateway: Gateway) -> None:
    ran = gateway("key", "create", "acme/anna", "--right", "read", "--right", "trade")
    key = ran.out.strip()
    assert key not in ran.err
    (listed,) = gateway.json("key", "list")
    assert listed["rights"] == ["read", "trade"]
    assert "digest" not in listed
    for words in (["key", "list"], ["key", "show", listed["id"]], ["audit", "list", "--json"]):
        assert key.split("_")[2] not in gateway(*words).out
    running = gateway.open()
    try:
        caller = running.tokens.authenticate(key)
        gateway("key", "revoke", listed["id"], "--reason", "left in a log")
        assert running.directory.refresh()
        assert not running.tokens.holds(caller)
        with pytest.raises(Unauthenticated):
            running.tokens.authenticate(key)
    finally:
        running.close()


def test_a_token_goes_to_a_file_of_its_own(gateway: Gateway, tmp_path: Path) -> None:
    out = tmp_path / "agent.token"
    words = ["token", "create", "acme/anna", "--right", "client", "--expires", "90d", "--out", out]
    ran = gateway(*words)
    token = out.read_text().strip()
    assert token not in ran.out + ran.err
    if sys.platform != "win32":
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "exists" in gateway.refused(*words)
    (listed,) = gateway.json("token", "list")
    assert listed["expires_ms"] - listed["created_ms"] == 90 * 86_400_000
    running = gateway.open()
    try:
        assert running.tokens.authenticate(token).key == listed["jti"]
        gateway("token", "revoke", listed["jti"])
        running.directory.refresh()
        with pytest.raises(Unauthenticated):
            running.tokens.authenticate(token)
    finally:
        running.close()


def test_signing_keys_rotate_under_a_running_gateway(gateway: Gateway) -> None:
    token = gateway("token", "create", "acme/anna", "--right", "read").out.strip()
    running = gateway.open()
    try:
        running.tokens.authenticate(token)
        (told,) = gateway.json("signing-key", "rotate", "--grace", "1h")
        assert told["tokens_ending"] == 1
        running.directory.refresh()
        running.tokens.authenticate(token)
        _, mine = running.tokens.issue("acme", "anna", frozenset({Right.READ}))
        keys = {one["state"]: one["kid"] for one in gateway.json("signing-key", "list")}
        assert keys["active"] == told["key"]
        assert "in force" in gateway.refused("signing-key", "retire", keys["active"])
        gateway("signing-key", "retire", keys["retiring"])
        running.directory.refresh()
        with pytest.raises(Unauthenticated):
            running.tokens.authenticate(token)
        assert running.tokens.authenticate(mine).user == "anna"
    finally:
        running.close()


def test_limits_are_set_shown_taken_away_and_approved(gateway: Gateway, tmp_path: Path) -> None:
    gateway("limits", "set", "max_order_volume=5", "symbols=EURUSD,GBPUSD", "--for", "acme")
    gateway("limits", "set", "max_order_volume=2", "--for", "acme/1001", "--level", "strategy.7")
    (held,) = gateway.json("limits", "show", "acme/1001")
    holds = {(one["level"], one["limit"]): one["value"] for one in held["holds"]}
    assert holds["tenant", "max_order_volume"] == "5"
    assert holds["strategy.7", "max_order_volume"] == "2"
    assert holds["tenant", "symbols"] == '["EURUSD", "GBPUSD"]'
    sources = {(one["level"], one["limit"]): one["source"] for one in held["holds"]}
    assert sources["tenant", "max_order_volume"] == "tenant"
    assert sources["strategy.7", "max_order_volume"] == "account"
    assert sources["account", "max_orders"] == "shipped"
    shown = gateway("limits", "show", "acme/1001").out
    assert "shipped: nobody set it" in shown
    gateway("limits", "unset", "symbols", "--for", "acme")
    file = tmp_path / "limits.toml"
    file.write_text("[firm]\nmax_orders = 5\n")
    gateway("limits", "set", "--file", file)
    assert [one["name"] for one in gateway.json("limits", "show")] == ["max_orders"]
    gateway("limits", "approve", "acme/1001", "ab" * 32)
    (account,) = gateway.json("account", "show", "acme/1001")
    assert len(account["approved_limits"]) == 64
    gateway("limits", "approve", "acme/1001", "any")
    assert "5" in gateway("limits", "show", "acme/1001").out


def test_an_override_is_asked_for_by_one_and_approved_by_another(gateway: Gateway) -> None:
    gateway("limits", "set", "max_order_volume=5")
    words = ["ask", "acme/1001", "max_order_volume=20", "--for", "2h", "--reason", "roll"]
    (asked,) = gateway.json("override", *words, "--by", "Anna")
    complaint = gateway.refused("override", "approve", asked["id"], "--by", "anna")
    assert "somebody else" in complaint
    assert asked["asked_login"] == login()
    approved = gateway("override", "approve", asked["id"], "--by", "Bert", "--reason", "agreed")
    assert f"from the login {login()}" in approved.out
    last = gateway.json("audit", "list", "--last", "1")[0]
    assert (last["who"], last["login"], last["reason"]) == ("Bert", login(), "agreed")
    (held,) = gateway.json("limits", "show", "acme/1001")
    holds = {(one["level"], one["limit"]): one["value"] for one in held["holds"]}
    assert holds["firm", "max_order_volume"] == "20"
    sources = {(one["level"], one["limit"]): one["source"] for one in held["holds"]}
    assert sources["firm", "max_order_volume"] == f"override {asked['id']}"
    gateway("override", "end", asked["id"], "--by", "Anna")
    (held,) = gateway.json("limits", "show", "acme/1001")
    row = {"level": "firm", "limit": "max_order_volume", "value": "5", "source": "firm"}
    assert row in held["holds"]


def test_the_trail_tells_who_did_what_and_shows_what_was_done_to_it(gateway: Gateway) -> None:
    gateway("user", "change", "acme/anna", "--inactive", "--by", "Bert Kurz")
    last = gateway.json("audit", "list", "--last", "1")[0]
    assert (last["who"], last["what"]) == ("Bert Kurz", "user.change")
    assert (last["login"], last["reason"]) == (login(), "")
    (verdict,) = gateway.json("audit", "verify")
    assert verdict["breaks"] == []
    assert gateway("audit", "verify", "--head", verdict["head"]).out.startswith("intact")
    file = apsw.Connection(str(gateway.directory / "identity.sqlite"))
    file.execute("DROP TRIGGER audit_is_never_deleted")
    file.execute("DELETE FROM audit WHERE what = 'user.change'")
    file.close()
    ran = onefill("admin", "audit", "verify", "--data", gateway.directory)
    assert ran.status == 1
    assert ran.out.startswith("broken")
    assert "cut off" in ran.out
    assert "users: acme/anna was changed without an entry" in ran.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tenant", "create", "acme"], "already"),
        (["tenant", "create", "a/b"], "cannot name"),
        (["user", "create", "anna"], "TENANT/USER"),
        (["user", "create", "nowhere/anna"], "no tenant"),
        (["user", "create", "acme/bob", "--min-confidence", "1.5"], "0 to 1"),
        (["user", "change", "acme/anna"], "nothing to change"),
        (["account", "create", "acme/5", "--user", "bob"], "no user"),
        (["account", "show", "acme/9"], "no account"),
        (["account", "change", "acme/1001", "--statuses", "1,2"], "numbering"),
        (["key", "create", "acme/anna"], "--right"),
        (["key", "create", "acme/anna", "--right", "everything"], "everything"),
        (["key", "create", "acme/anna", "--right", "read", "--expires", "soon"], "span"),
        (["key", "revoke", "0"], "no key"),
        (["token", "create", "acme/anna", "--right", "read", "--expires", "91d"], "90 days"),
        (["limits", "set", "max_order=5"], "did you mean max_orders"),
        (["limits", "set", "max_orders"], "NAME=VALUE"),
        (["limits", "set"], "NAME=VALUE"),
        (["limits", "set", "max_orders=5", "--for", "nowhere"], "no tenant"),
        (["limits", "approve", "acme/1001", "abc"], "64 hex"),
        (["override", "approve", "0"], "no override"),
        (["signing-key", "retire", "0"], "no signing key"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    gateway: Gateway, words: list[str], told: str
) -> None:
    assert told in gateway.refused(*words)


def test_a_directory_without_a_gateway_is_told_and_not_made(tmp_path: Path) -> None:
    complaint = Gateway(tmp_path / "typo").refused("user", "list")
    assert "onefill admin setup" in complaint
    assert not (tmp_path / "typo").exists()


def test_help_teaches_with_examples() -> None:
    for words in ([], ["setup"], ["key"], ["key", "create"], ["limits", "set"], ["override"]):
        ran = admin(*words, "--help")
        assert ran.status == 0
        assert "Example: onefill admin" in ran.out
