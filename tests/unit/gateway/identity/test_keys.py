"""API keys: long, told once, kept as a keyed hash (check 16)."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from onefill.gateway.identity.errors import Unauthenticated
from onefill.gateway.identity.model import Right
from onefill.gateway.identity.opening import Identity, open_identity
from onefill.model.errors import OnefillError
from onefill.runtime.clock import VirtualClock
from tests.unit.gateway.identity.conftest import NOW_MS

READ = frozenset({Right.READ})


def files_of(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_key_proves_its_user_with_and_without_the_word(identity: Identity) -> None:
    row, key = identity.admin.credentials.create_key(
        "acme", "anna", READ, accounts=("1001",), by="test"
    )
    for shown in (key, f"Bearer {key}"):
        caller = identity.tokens.authenticate(shown)
        assert (caller.tenant, caller.user, caller.accounts) == ("acme", "anna", ("1001",))
        assert caller.rights == READ
        assert caller.key == row.id


def test_a_keys_secret_has_256_bits_and_lies_nowhere(tmp_path: Path, identity: Identity) -> None:
    row, key = identity.admin.credentials.create_key("acme", "anna", READ, by="test")
    word, key_id, secret = key.split("_")
    assert (word, key_id) == ("of", row.id)
    assert len(bytes.fromhex(secret)) * 8 >= 256
    held = files_of(tmp_path)
    assert any(row.id.encode() in content for content in held.values())
    for name, content in held.items():
        assert secret.encode() not in content, name
        assert bytes.fromhex(secret) not in content, name


def test_without_the_servers_pepper_the_stored_hash_is_worth_nothing(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    """A dump of the database, brought into another installation, opens nothing."""
    identity.admin.credentials.create_key("acme", "anna", READ, by="test")
    identity.close()
    (tmp_path / "secrets" / "pepper").write_bytes(b"x" * 32)
    with pytest.raises(OnefillError) as told:
        open_identity(tmp_path, clock)
    assert told.value.code == "SECRETS_MISSING"
    (tmp_path / "secrets" / "pepper").unlink()
    with pytest.raises(OnefillError) as told:
        open_identity(tmp_path, clock)
    assert told.value.code == "SECRETS_MISSING"


@pytest.mark.parametrize("wrong", ["secret", "id", "cut", "long", "case", "swapped"])
def test_a_key_that_is_nearly_right_is_wrong(identity: Identity, wrong: str) -> None:
    create = identity.admin.credentials.create_key
    key, other = (create("acme", "anna", READ, by="test")[1] for _ in range(2))
    _, key_id, secret = key.split("_")
    shown = {
        "secret": f"of_{key_id}_{'0' * len(secret)}",
        "id": f"of_{'0' * len(key_id)}_{secret}",
        "cut": key[:-1],
        "long": f"{key}0",
        "case": key.upper(),
        "swapped": f"of_{key_id}_{other.split('_')[2]}",
    }[wrong]
    with pytest.raises(Unauthenticated) as told:
        identity.tokens.authenticate(shown)
    assert told.value.message == Unauthenticated().message


def test_a_key_ends_when_it_is_revoked_or_expires(identity: Identity, clock: VirtualClock) -> None:
    row, key = identity.admin.credentials.create_key("acme", "anna", READ, by="test")
    _, short = identity.admin.credentials.create_key(
        "acme", "anna", READ, lifetime_ms=60_000, by="test"
    )
    caller = identity.tokens.authenticate(key)
    identity.tokens.authenticate(short)
    identity.admin.credentials.revoke_key(row.id, by="test")
    assert not identity.tokens.holds(caller)
    clock.advance(NOW_MS + 60_000)
    for shown in (key, short):
        with pytest.raises(Unauthenticated):
            identity.tokens.authenticate(shown)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of another kind there")
def test_what_lies_on_the_disk_is_the_owners_alone(tmp_path: Path, identity: Identity) -> None:
    identity.admin.credentials.create_key("acme", "anna", READ, by="test")
    for name in files_of(tmp_path):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of another kind there")
def test_secrets_that_others_can_read_are_not_used(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    identity.close()
    (tmp_path / "secrets" / "pepper").chmod(0o644)
    with pytest.raises(OnefillError) as told:
        open_identity(tmp_path, clock)
    assert told.value.code == "SECRETS_EXPOSED"
    assert "chmod 600" in told.value.message


def test_no_secret_is_in_what_python_shows_of_them(identity: Identity) -> None:
    from onefill.gateway.identity.setup import first_setup

    made = first_setup(identity, by="test")
    shown = f"{made!r} {identity.tokens!r} {identity!r} {identity.tokens.authenticate(made.key)!r}"
    assert made.key not in shown
    assert made.key.split("_")[2] not in shown
    assert made.client_token not in shown


def test_keys_are_made_only_for_who_and_what_is_there(identity: Identity) -> None:
    create = identity.admin.credentials.create_key
    for arguments, code in (
        (("nowhere", "anna", READ), "TENANT_UNKNOWN"),
        (("other", "anna", READ), "USER_UNKNOWN"),
        (("acme", "anna", frozenset[Right]()), "RIGHTS_MISSING"),
    ):
        with pytest.raises(OnefillError) as told:
            create(*arguments, by="test")
        assert told.value.code == code
    with pytest.raises(OnefillError) as told:
        create("acme", "anna", READ, accounts=("2002",), by="test")
    assert told.value.code == "ACCOUNT_UNKNOWN"


def test_a_token_lives_ninety_days_at_most(identity: Identity) -> None:
    for lifetime_ms in (0, -1, 90 * 86_400_000 + 1):
        with pytest.raises(OnefillError) as told:
            identity.admin.credentials.issue_token(
                "acme", "anna", READ, lifetime_ms=lifetime_ms, by="test"
            )
        assert told.value.code == "LIFETIME_INVALID"
    _, longest = identity.admin.credentials.issue_token(
        "acme", "anna", READ, lifetime_ms=90 * 86_400_000, by="test"
    )
    assert identity.tokens.authenticate(longest).user == "anna"
