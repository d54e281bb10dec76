"""Operations on API keys, tokens and signing keys: made, revoked, rotated; each is audited."""

from __future__ import annotations

import msgspec
from joserfc.jwk import OKPKey

from onefill.gateway.identity.claims import MAX_ACCOUNTS, MAX_LIFETIME_S
from onefill.gateway.identity.errors import unknown
from onefill.gateway.identity.model import ApiKey, Right
from onefill.gateway.identity.people import People
from onefill.gateway.identity.records import (
    IssuedToken,
    KeptKey,
    KeyState,
    RevokedToken,
    SigningKey,
)
from onefill.gateway.identity.store import Change, Store
from onefill.gateway.identity.tokens import ACCESS_MS, Tokens, private_file
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock
from onefill.runtime.secret import new_secret

MAX_LIFETIME_MS = MAX_LIFETIME_S * 1000
GRACE_MS = 24 * 3_600_000
"""How long what a replaced signing key signed is good, unless told otherwise."""

SECRET_BYTES = 32
"""Of an API key: 256 bits that nobody can guess."""


class Credentials:
    """What proves a user. A key's and a token's text is told once, to who makes it."""

    def __init__(self, store: Store, people: People, tokens: Tokens, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._tokens = tokens
        self._clock = clock

    def create_key(
        self,
        tenant: str,
        user: str,
        rights: frozenset[Right],
        *,
        by: str,
        accounts: tuple[str, ...] = (),
        lifetime_ms: int | None = None,
    ) -> tuple[ApiKey, str]:
        """A new API key, and its text; good until it is revoked unless a lifetime is given."""
        key_id, secret = new_secret(8).hex(), new_secret(SECRET_BYTES).hex()
        now = self._clock.now_ms()
        if lifetime_ms is not None and lifetime_ms <= 0:
            raise _lifetime("a key", "at least a second")
        row = KeptKey(
            id=key_id,
            tenant=tenant,
            user=user,
            rights=_checked(rights),
            accounts=accounts,
            created_ms=now,
            expires_ms=None if lifetime_ms is None else now + lifetime_ms,
            digest=self._tokens.key_digest(key_id, secret),
        )
        with self._store.change(by, "key.create") as change:
            self._check_for(tenant, user, accounts)
            change.put(row)
        return row, f"of_{key_id}_{secret}"

    def revoke_key(self, key_id: str, *, by: str, reason: str = "") -> ApiKey:
        """Make a key worthless, at once and for good."""
        with self._store.change(by, "key.revoke") as change:
            row = self._store.get(KeptKey, key_id)
            if row is None:
                raise unknown("key", key_id, "key list")
            if row.revoked_ms is None:
                row = msgspec.structs.replace(row, revoked_ms=self._clock.now_ms())
                change.put(row)
                change.notes["reason"] = reason
        return row

    def issue_token(
        self,
        tenant: str,
        user: str,
        rights: frozenset[Right],
        *,
        by: str,
        accounts: tuple[str, ...] = (),
        lifetime_ms: int = ACCESS_MS,
    ) -> tuple[IssuedToken, str]:
        """A token, and what it says; for a client of at most 90 days."""
        if not 1000 <= lifetime_ms <= MAX_LIFETIME_MS:
            raise _lifetime("a token", f"from a second to {MAX_LIFETIME_S // 86_400} days")
        _checked(rights)
        with self._store.change(by, "token.create") as change:
            self._check_for(tenant, user, accounts)
            row, text = self._tokens.issue(tenant, user, rights, accounts, lifetime_ms=lifetime_ms)
            self._forget_old(change)
            change.put(row)
        return row, text

    def revoke_token(self, jti: str, *, by: str, reason: str = "") -> None:
        """Make a token worthless, at once and for good, whether it is listed or not."""
        if not 0 < len(jti) <= 64 or not jti.isalnum():
            raise OnefillError("TOKEN_UNKNOWN", f"{jti[:80]!r} is no token's id (its `jti`)")
        now = self._clock.now_ms()
        with self._store.change(by, "token.revoke") as change:
            row = self._store.get(IssuedToken, jti)
            self._forget_old(change)
            if row is not None:
                change.put(msgspec.structs.replace(row, revoked_ms=now))
            until = now + MAX_LIFETIME_MS
            change.put(RevokedToken(jti=jti, revoked_ms=now, until_ms=until))
            change.notes["reason"] = reason

    def rotate(self, *, by: str, grace_ms: int = GRACE_MS) -> SigningKey:
        """A new signing key; what the one before it signed is good for the grace, no longer."""
        if not 0 <= grace_ms <= MAX_LIFETIME_MS:
            days = MAX_LIFETIME_S // 86_400
            raise OnefillError("GRACE_INVALID", f"a grace is from 0 to {days} days")
        with self._store.change(by, "signing-key.rotate") as change:
            replaced = self._retire_active(change, grace_ms)
            new = self._new_signing_key(change)
        for kid in replaced:  # only now: until the change was durable they were in force
            self._store.secrets.remove(private_file(kid))
        return new

    def ensure_signing_key(self, *, by: str) -> None:
        """Make the first signing key where there is none in force."""
        if self._active():
            return
        with self._store.change(by, "signing-key.create") as change:
            if not self._active():
                self._new_signing_key(change)

    def retire(self, kid: str, *, by: str) -> SigningKey:
        """Believe nothing that a key signed, from now on. The one in force is rotated first."""
        with self._store.change(by, "signing-key.retire") as change:
            row = self._store.get(SigningKey, kid)
            if row is None:
                raise unknown("signing key", kid, "signing-key list")
            if row.state is KeyState.ACTIVE:
                raise OnefillError(
                    "SIGNING_KEY_ACTIVE",
                    f"signing key {kid} is in force: `onefill admin signing-key rotate --grace 0s` "
                    "replaces it and ends what it signed",
                )
            now = self._clock.now_ms()
            row = msgspec.structs.replace(row, state=KeyState.RETIRED, ends_ms=now)
            change.put(row)
        return row

    def signed_by(self, kid: str) -> int:
        """How many listed tokens that are still good a key signed: they end with it."""
        now = self._clock.now_ms()
        return sum(
            token.kid == kid and token.revoked_ms is None and now < token.expires_ms
            for token in self._store.all(IssuedToken).values()
        )

    def _active(self) -> list[SigningKey]:
        keys = self._store.all(SigningKey).values()
        return [key for key in keys if key.state is KeyState.ACTIVE]

    def _retire_active(self, change: Change, grace_ms: int) -> list[str]:
        now = self._clock.now_ms()
        for key in self._store.all(SigningKey).values():
            if key.state is KeyState.RETIRING and not key.verifies(now):
                change.put(msgspec.structs.replace(key, state=KeyState.RETIRED))
        for key in self._active():
            retiring = KeyState.RETIRING if grace_ms else KeyState.RETIRED
            change.put(msgspec.structs.replace(key, state=retiring, ends_ms=now + grace_ms))
        return [key.kid for key in self._active()]

    def _new_signing_key(self, change: Change) -> SigningKey:
        """A key whose private half is on the disk before anybody may believe it."""
        key = OKPKey.generate_key("Ed25519")
        row = SigningKey(
            kid=new_secret(8).hex(),
            public=str(key.as_dict(private=False)["x"]),
            created_ms=self._clock.now_ms(),
        )
        self._store.secrets.write(private_file(row.kid), key.as_pem(private=True))
        change.put(row)
        return row

    def _check_for(self, tenant: str, user: str, accounts: tuple[str, ...]) -> None:
        self._people.user(tenant, user)
        if len(accounts) > MAX_ACCOUNTS:
            raise OnefillError("ACCOUNTS_TOO_MANY", f"at most {MAX_ACCOUNTS} accounts can be named")
        for name in accounts:
            self._people.account(tenant, name)

    def _forget_old(self, change: Change) -> None:
        """Rows of tokens that can be in time no more."""
        now = self._clock.now_ms()
        for revoked in self._store.all(RevokedToken).values():
            if now >= revoked.until_ms:
                change.remove(revoked)
        for token in self._store.all(IssuedToken).values():
            if now >= token.expires_ms + MAX_LIFETIME_MS:
                change.remove(token)


def _checked(rights: frozenset[Right]) -> tuple[Right, ...]:
    if not rights:
        raise OnefillError("RIGHTS_MISSING", f"name a right at least: {', '.join(Right)}")
    return tuple(sorted(rights))


def _lifetime(what: str, how_long: str) -> OnefillError:
    return OnefillError("LIFETIME_INVALID", f"{what} lives {how_long}")
