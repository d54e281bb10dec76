"""Who shows a token is believed only where nothing at all is wrong with it (checks 1 to 6)."""

from __future__ import annotations

import hashlib
import hmac
import socket
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from onefill.gateway.identity.errors import Unauthenticated
from onefill.gateway.identity.model import Caller, Right
from onefill.gateway.identity.opening import Identity, open_identity
from onefill.runtime.clock import VirtualClock
from tests.unit.gateway.identity import forge
from tests.unit.gateway.identity.conftest import NOW_MS

CLIENT = frozenset({Right.CLIENT})
DAY_MS = 86_400_000


@pytest.fixture
def stolen(tmp_path: Path, identity: Identity) -> Ed25519PrivateKey:
    """The real private key: so that only what a test changes is wrong with a token."""
    return forge.private_key(tmp_path, identity)


def refused(identity: Identity, shown: str) -> None:
    """It proves nobody, with or without the word, and the sentence teaches nothing."""
    for authorization in (shown, f"Bearer {shown}"):
        with pytest.raises(Unauthenticated) as told:
            identity.tokens.authenticate(authorization)
        assert told.value.message == Unauthenticated().message
        assert told.value.code == "UNAUTHENTICATED"


def issued(identity: Identity, **options: Any) -> str:
    """A token of anna's."""
    rights = options.pop("rights", CLIENT)
    return identity.admin.credentials.issue_token("acme", "anna", rights, by="test", **options)[1]


def test_a_token_made_by_an_administrator_proves_its_user(identity: Identity) -> None:
    shown = issued(identity, accounts=("1001",), rights=frozenset({Right.READ, Right.TRADE}))
    for authorization in (f"Bearer {shown}", f"bearer  {shown}", shown, f" {shown} "):
        caller = identity.tokens.authenticate(authorization)
        assert (caller.tenant, caller.user, caller.accounts) == ("acme", "anna", ("1001",))
        assert caller.rights == {Right.READ, Right.TRADE}
        assert caller.expires_ms == NOW_MS + 15 * 60_000


def test_a_token_made_by_hand_with_the_real_key_is_believed(
    identity: Identity, stolen: Ed25519PrivateKey
) -> None:
    """Else every test below would pass for the wrong reason."""
    shown = forge.token(forge.header(identity), forge.claims(NOW_MS), stolen.sign)
    assert identity.tokens.authenticate(shown).user == "anna"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 0, ["Ed25519"]])
def test_no_algorithm_is_no_proof(
    identity: Identity, stolen: Ed25519PrivateKey, alg: object
) -> None:
    head = {**forge.header(identity), "alg": alg}
    refused(identity, forge.token(head, forge.claims(NOW_MS), lambda text: b""))
    refused(identity, forge.token(head, forge.claims(NOW_MS), stolen.sign))


@pytest.mark.parametrize("alg", ["EdDSA", "ed25519", "Ed448", "ES256", "HS256", "RS256", "PS256"])
def test_another_algorithm_than_ours_is_refused_even_signed_by_our_key(
    identity: Identity, stolen: Ed25519PrivateKey, alg: str
) -> None:
    head = forge.header(identity, alg=alg)
    refused(identity, forge.token(head, forge.claims(NOW_MS), stolen.sign))


@pytest.mark.parametrize("alg", ["HS256", "Ed25519"])
def test_the_public_key_is_no_secret_to_sign_with(
    identity: Identity, stolen: Ed25519PrivateKey, alg: str
) -> None:
    public = stolen.public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    row = forge.active(identity)
    for secret in (raw, pem, pem.strip(), row.public.encode(), row.kid.encode(), b""):

        def sign(text: bytes, secret: bytes = secret) -> bytes:
            return hmac.digest(secret, text, hashlib.sha256)

        refused(identity, forge.token(forge.header(identity, alg=alg), forge.claims(NOW_MS), sign))


def test_a_key_of_another_kind_signs_nothing(identity: Identity) -> None:
    key = rsa.generate_private_key(65537, 2048)

    def sign(text: bytes) -> bytes:
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())

    for alg in ("RS256", "Ed25519"):
        refused(identity, forge.token(forge.header(identity, alg=alg), forge.claims(NOW_MS), sign))


@pytest.mark.parametrize(
    "kid",
    [
        "../../secrets/pepper", "/dev/null", "signing-{kid}.pem", "' OR '1'='1", "{kid}' --",
        "{kid}\x00", " {kid}", "{kid} ", "http://127.0.0.1:{port}/key", "", None, 7, ["{kid}"],
    ],
)  # fmt: skip
def test_a_key_id_is_looked_up_and_nothing_else(
    identity: Identity, stolen: Ed25519PrivateKey, kid: object
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        real = forge.active(identity).kid
        if isinstance(kid, str):
            kid = (
                kid.replace("{kid}", real)
                .replace("{kid} ", f"{real} ")
                .replace("{port}", f"{port}")
            )
        head = {**forge.header(identity), "kid": kid}
        refused(identity, forge.token(head, forge.claims(NOW_MS), stolen.sign))
        listening.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize("field", ["jku", "x5u", "jwk", "x5c", "crit", "cty", "b64", "zip", "x5t"])
def test_a_token_cannot_say_how_it_is_to_be_believed(
    identity: Identity, stolen: Ed25519PrivateKey, field: str
) -> None:
    """Neither with a key of the attacker's own, nor beside the real one; nothing is fetched."""
    own = Ed25519PrivateKey.generate()
    raw = own.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/keys"
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": forge.b64(raw), "kid": "mine"}
        value = {"jku": url, "x5u": url, "jwk": jwk, "x5c": [forge.b64(raw)], "crit": ["exp"],
                 "b64": False}.get(field, "JWT")  # fmt: skip
        for sign, kid in ((own.sign, "mine"), (own.sign, None), (stolen.sign, None)):
            head = forge.header(identity, **{field: value})
            head["kid"] = kid or head["kid"]
            refused(identity, forge.token(head, forge.claims(NOW_MS), sign))
        listening.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "AT+JWT", "application/at+jwt", "", "id+jwt"])
def test_a_token_of_another_type_is_refused(
    identity: Identity, stolen: Ed25519PrivateKey, typ: str | None
) -> None:
    head = forge.header(identity, typ=typ)
    refused(identity, forge.token(head, forge.claims(NOW_MS), stolen.sign))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": None}, {"iss": "someone"}, {"iss": ""}, {"iss": ["onefill"]}, {"iss": "onefill "},
        {"aud": None}, {"aud": "another"}, {"aud": ["onefill-gateway"]}, {"aud": ""},
        {"sub": None}, {"sub": ""}, {"sub": "nobody"}, {"sub": "oskar"}, {"sub": 7},
        {"tid": None}, {"tid": "other"}, {"tid": "nowhere"},
        {"jti": None}, {"jti": ""}, {"scope": None}, {"scope": "read root"}, {"scope": ["read"]},
        {"accounts": "1001"}, {"accounts": [1001]}, {"accounts": ["1"] * 65},
    ],
)  # fmt: skip
def test_a_claim_that_is_missing_or_wrong_is_refused(
    identity: Identity, stolen: Ed25519PrivateKey, changed: dict[str, Any]
) -> None:
    body = forge.claims(NOW_MS, **changed)
    refused(identity, forge.token(forge.header(identity), body, stolen.sign))


NOW = NOW_MS // 1000


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": None}, {"nbf": None}, {"iat": None},
        {"exp": NOW - 31}, {"exp": 0}, {"exp": -1}, {"exp": NOW}, {"exp": str(NOW + 900)},
        {"exp": NOW + 900.5}, {"exp": True}, {"exp": 10**30}, {"exp": NOW + 90 * 86_400 + 1},
        {"nbf": NOW + 31}, {"nbf": NOW + 901}, {"nbf": NOW - 10}, {"nbf": "now"},
        {"iat": NOW + 31, "nbf": NOW + 31}, {"iat": 0}, {"iat": -NOW}, {"iat": NOW * 1000},
        {"iat": NOW - 91 * 86_400},
    ],
)  # fmt: skip
def test_times_that_are_missing_skewed_or_absurd_are_refused(
    identity: Identity, stolen: Ed25519PrivateKey, changed: dict[str, Any]
) -> None:
    body = forge.claims(NOW_MS, **changed)
    refused(identity, forge.token(forge.header(identity), body, stolen.sign))


def test_clocks_may_be_off_by_thirty_seconds_and_no_more(
    identity: Identity, stolen: Ed25519PrivateKey, clock: VirtualClock
) -> None:
    body = forge.claims(NOW_MS, iat=NOW + 30, nbf=NOW + 30, exp=NOW + 60)
    shown = forge.token(forge.header(identity), body, stolen.sign)
    assert identity.tokens.authenticate(shown).user == "anna"
    clock.advance(NOW_MS + 89_999)
    assert identity.tokens.authenticate(shown).user == "anna"
    clock.advance(NOW_MS + 90_000)
    refused(identity, shown)


def test_a_token_that_was_changed_anywhere_is_refused(identity: Identity) -> None:
    shown = issued(identity)
    for place in range(0, len(shown), 7):
        other = "A" if shown[place] != "A" else "B"
        changed = shown[:place] + other + shown[place + 1 :]
        if forge_same_bytes(shown, changed):
            continue
        refused(identity, changed)


def forge_same_bytes(one: str, other: str) -> bool:
    """Whether two spellings are the same bytes: the last letter of a part has spare bits."""
    import base64

    def decoded(text: str) -> list[bytes]:
        return [base64.urlsafe_b64decode(part + "==") for part in text.split(".")]

    return one.count(".") == other.count(".") and decoded(one) == decoded(other)


@pytest.mark.parametrize(
    "shown",
    ["", " ", "Bearer", "Bearer  ", "Basic YTpi", "a.b", "a.b.c", "...", "a.b.c.d", "é.é.é",
     "Bearer a b", "of_", "of__", "of_x_y", "x" * 9000, "e30.e30.", "\x00", "Bearer\x00x"],
)  # fmt: skip
def test_what_is_no_credential_at_all_gets_the_same_sentence(
    identity: Identity, shown: str
) -> None:
    with pytest.raises(Unauthenticated) as told:
        identity.tokens.authenticate(shown)
    assert told.value.message == Unauthenticated().message


def test_what_a_replaced_key_signed_is_good_for_the_grace_only(
    identity: Identity, clock: VirtualClock
) -> None:
    old = issued(identity, lifetime_ms=30 * DAY_MS)
    caller = identity.tokens.authenticate(old)
    identity.admin.credentials.rotate(by="test", grace_ms=DAY_MS)
    new = issued(identity, lifetime_ms=30 * DAY_MS)
    clock.advance(NOW_MS + DAY_MS - 1)
    assert identity.tokens.authenticate(old) == caller
    assert identity.tokens.holds(caller)
    clock.advance(NOW_MS + DAY_MS)
    refused(identity, old)
    assert not identity.tokens.holds(caller)
    assert identity.tokens.authenticate(new).user == "anna"


def test_the_private_half_of_a_replaced_key_is_gone(tmp_path: Path, identity: Identity) -> None:
    before = forge.active(identity).kid
    identity.admin.credentials.rotate(by="test")
    assert not (tmp_path / "secrets" / f"signing-{before}.pem").exists()
    assert (tmp_path / "secrets" / f"signing-{forge.active(identity).kid}.pem").exists()


def test_a_grace_can_be_ended_and_a_leaked_key_replaced_at_once(identity: Identity) -> None:
    first = issued(identity)
    kid = forge.active(identity).kid
    identity.admin.credentials.rotate(by="test")
    identity.tokens.authenticate(first)
    identity.admin.credentials.retire(kid, by="test")
    refused(identity, first)
    second = issued(identity)
    identity.admin.credentials.rotate(by="test", grace_ms=0)
    refused(identity, second)


def test_a_revoked_token_is_refused_though_it_was_believed_before(identity: Identity) -> None:
    shown, other = issued(identity), issued(identity)
    caller = identity.tokens.authenticate(shown)
    identity.admin.credentials.revoke_token(caller.key, by="test")
    refused(identity, shown)
    assert not identity.tokens.holds(caller)
    assert identity.tokens.authenticate(other).user == "anna"


def test_a_running_gateway_sees_what_another_process_revoked(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    shown = issued(identity)
    caller = identity.tokens.authenticate(shown)
    elsewhere = open_identity(tmp_path, clock)
    try:
        elsewhere.admin.credentials.revoke_token(caller.key, by="test")
    finally:
        elsewhere.close()
    assert identity.directory.refresh()
    assert not identity.tokens.holds(caller)
    refused(identity, shown)


@pytest.mark.parametrize("gone", ["user", "tenant"])
def test_of_a_user_or_tenant_that_was_shut_out_nothing_counts(
    identity: Identity, gone: str
) -> None:
    shown = issued(identity)
    _, key = identity.admin.credentials.create_key("acme", "anna", CLIENT, by="test")
    callers = [identity.tokens.authenticate(one) for one in (shown, key)]
    if gone == "user":
        identity.admin.people.change_user("acme", "anna", active=False, by="test")
    else:
        identity.admin.people.change_tenant("acme", active=False, by="test")
    refused(identity, shown)
    refused(identity, key)
    assert not any(map(identity.tokens.holds, callers))


def test_a_token_made_with_a_key_ends_with_the_key(identity: Identity) -> None:
    """However many tokens were made with one another in between."""
    row, key = identity.admin.credentials.create_key("acme", "anna", CLIENT, by="test")
    caller = identity.tokens.authenticate(key)
    callers = [caller]
    for _ in range(2):
        _, shown = identity.tokens.issue("acme", "anna", CLIENT, parent=callers[-1])
        callers.append(identity.tokens.authenticate(shown))
    identity.admin.credentials.revoke_key(row.id, by="test")
    assert not any(map(identity.tokens.holds, callers))


def test_rights_are_those_named_and_no_other(identity: Identity) -> None:
    reader = identity.tokens.authenticate(issued(identity, rights=frozenset({Right.READ})))
    assert reader.may(Right.READ)
    assert not any(reader.may(right) for right in Right if right is not Right.READ)


def test_another_tenants_account_is_not_there_whatever_the_rights(identity: Identity) -> None:
    shown = issued(identity, rights=frozenset(Right))
    caller = identity.tokens.authenticate(shown)
    mine, foreign = (
        identity.directory.account("acme", "1001"),
        identity.directory.account("other", "2002"),
    )
    assert mine is not None
    assert foreign is not None
    assert caller.sees(mine)
    assert not caller.sees(foreign)
    assert not Caller(tenant="acme", user="bob", rights=CLIENT).sees(mine)


def test_another_installations_token_is_nobody(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    foreign = open_identity(tmp_path / "foreign", clock)
    try:
        foreign.admin.people.create_tenant("acme", by="test")
        foreign.admin.people.create_user("acme", "anna", by="test")
        shown, key = (
            issued(foreign),
            foreign.admin.credentials.create_key("acme", "anna", CLIENT, by="test")[1],
        )
    finally:
        foreign.close()
    refused(identity, shown)
    refused(identity, key)
