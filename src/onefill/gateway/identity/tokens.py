"""Access tokens and API keys: made, and proven when somebody shows one.

A token is a JWT (RFC 9068, `typ: at+jwt`) signed with Ed25519 and nothing else; its algorithm is
named as RFC 9864 does. What it says of itself, but for which of our keys signed it, counts only
after the signature.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from onefill.gateway.identity.claims import Claims, key_named, read_claims
from onefill.gateway.identity.errors import IdentityFailed, Unauthenticated
from onefill.gateway.identity.model import Caller, Right, Tenant, User
from onefill.gateway.identity.records import (
    IssuedToken,
    KeptKey,
    KeyState,
    RevokedToken,
    SigningKey,
)
from onefill.gateway.identity.store import Store
from onefill.runtime.clock import Clock
from onefill.runtime.secret import new_secret

ALGORITHM = "Ed25519"
TYPE = "at+jwt"
ISSUER = "onefill"
AUDIENCE = "onefill-gateway"

ACCESS_MS = 15 * 60_000
"""How long an access token lives unless told otherwise."""

LEEWAY_MS = 30_000
"""How far another machine's clock may be off."""

MAX_LENGTH = 8_192
"""Characters of an `Authorization` header that are looked at."""

_REMEMBERED = 10_000
_NO_DIGEST = "0" * 64


class _Proven(NamedTuple):
    caller: Caller
    nbf_ms: int


class Tokens:
    """Makes tokens, and tells who shows one. Reads memory only, but for the private key."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        pepper: bytes,
        *,
        issuer: str = ISSUER,
        audience: str = AUDIENCE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._pepper = pepper
        self._issuer = issuer
        self._audience = audience
        self._private: tuple[str, OKPKey] | None = None
        self._public: dict[str, OKPKey] = {}
        self._proven: dict[bytes, _Proven] = {}

    def authenticate(self, authorization: str) -> Caller:
        """Who shows this: `Bearer` and a token, a bare token, or an API key with or without
        `Bearer`. Raises `Unauthenticated`, with one sentence for everything that is wrong."""
        if len(authorization) > MAX_LENGTH:
            raise Unauthenticated
        words = authorization.split()
        if len(words) == 2 and words[0].lower() == "bearer":
            words = words[1:]
        if len(words) != 1 or not words[0].isascii():
            raise Unauthenticated
        shown = words[0]
        caller = self._by_key(shown) if shown.startswith("of_") else self._by_token(shown)
        if not self.holds(caller):
            raise Unauthenticated
        return caller

    def holds(self, caller: Caller) -> bool:
        """Whether what proved a caller still does: not expired, not revoked, the user and the
        tenant active, the signing key in force. For connections that stay; to be asked each
        `RECHECK_MS` or sooner."""
        now = self._clock.now_ms()
        tenant = self._store.get(Tenant, caller.tenant)
        user = self._store.get(User, caller.tenant, caller.user)
        if tenant is None or user is None or not (tenant.active and user.active):
            return False
        if not caller.kid:
            key = self._store.get(KeptKey, caller.key)
            return key is not None and _in_force(key, now)
        signing = self._store.get(SigningKey, caller.kid)
        if signing is None or not signing.verifies(now):
            return False
        if caller.parent:
            made_with = self._store.get(KeptKey, caller.parent)
            if made_with is not None and not _in_force(made_with, now):
                return False
        for jti in (caller.key, caller.parent):
            if self._store.get(RevokedToken, jti) is not None:
                return False
        return caller.expires_ms is not None and now < caller.expires_ms + LEEWAY_MS

    def issue(
        self,
        tenant: str,
        user: str,
        rights: frozenset[Right],
        accounts: tuple[str, ...] = (),
        *,
        lifetime_ms: int = ACCESS_MS,
        parent: Caller | None = None,
    ) -> tuple[IssuedToken, str]:
        """A token signed by the key in force, and what it says. `parent` is who asked for it, if
        not an administrator: revoking the key that proved him ends the token. Raises
        `IdentityFailed`."""
        kid, key = self._signing()
        now_s = self._clock.now_ms() // 1000
        claims = Claims(
            iss=self._issuer,
            aud=self._audience,
            sub=user,
            tid=tenant,
            scope=" ".join(sorted(rights)),
            accounts=accounts,
            jti=new_secret(16).hex(),
            iat=now_s,
            nbf=now_s,
            exp=now_s + lifetime_ms // 1000,
            par="" if parent is None else parent.parent or parent.key,
        )
        text = jwt.encode(
            {"alg": ALGORITHM, "typ": TYPE, "kid": kid}, claims.plain(), key, [ALGORITHM]
        )
        row = IssuedToken(
            jti=claims.jti,
            tenant=tenant,
            user=user,
            rights=tuple(sorted(rights)),
            accounts=accounts,
            kid=kid,
            created_ms=claims.iat * 1000,
            expires_ms=claims.exp * 1000,
        )
        return row, text

    def key_digest(self, key_id: str, secret: str) -> str:
        """An API key as it is stored: HMAC-SHA256 under the pepper, hex."""
        return hmac.digest(self._pepper, f"{key_id}_{secret}".encode(), hashlib.sha256).hex()

    def _by_key(self, shown: str) -> Caller:
        _, _, rest = shown.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._store.get(KeptKey, key_id)
        if key is None:
            self._store.refresh()  # an administrator may have made it a moment ago
            key = self._store.get(KeptKey, key_id)
        digest = self.key_digest(key_id, secret)
        # An id that nobody has costs the same as a wrong secret.
        right = hmac.compare_digest(digest, _NO_DIGEST if key is None else key.digest)
        if key is None or not right:
            raise Unauthenticated
        return Caller(
            tenant=key.tenant,
            user=key.user,
            rights=frozenset(key.rights),
            accounts=key.accounts,
            key=key.id,
            expires_ms=key.expires_ms,
        )

    def _by_token(self, shown: str) -> Caller:
        digest = hashlib.sha256(shown.encode()).digest()
        proven = self._proven.get(digest)
        if proven is None:
            proven = self._verified(shown)
            if len(self._proven) >= _REMEMBERED:
                self._proven.pop(next(iter(self._proven)))
            self._proven[digest] = proven
        if self._clock.now_ms() < proven.nbf_ms - LEEWAY_MS:
            raise Unauthenticated
        return proven.caller

    def _verified(self, shown: str) -> _Proven:
        """What a token says, its signature and its sense checked. Raises `Unauthenticated`."""
        kid = key_named(shown, algorithm=ALGORITHM, kind=TYPE)
        signing = self._store.get(SigningKey, kid)
        now = self._clock.now_ms()
        if signing is None or not signing.verifies(now):
            raise Unauthenticated
        try:
            said = jwt.decode(shown, self._verifying(signing), [ALGORITHM]).claims
        except (JoseError, ValueError):
            raise Unauthenticated from None
        claims = read_claims(
            said, issuer=self._issuer, audience=self._audience, now_ms=now, leeway_ms=LEEWAY_MS
        )
        caller = Caller(
            tenant=claims.tid,
            user=claims.sub,
            rights=claims.rights(),
            accounts=claims.accounts,
            key=claims.jti,
            kid=kid,
            parent=claims.par,
            expires_ms=claims.exp * 1000,
        )
        return _Proven(caller, claims.nbf * 1000)

    def _verifying(self, signing: SigningKey) -> OKPKey:
        key = self._public.get(signing.kid)
        if key is None:
            key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": signing.public})
            self._public[signing.kid] = key
        return key

    def _signing(self) -> tuple[str, OKPKey]:
        """The private key in force; read again where another process rotated."""
        for attempt in range(2):
            active = [
                key for key in self._store.all(SigningKey).values() if key.state is KeyState.ACTIVE
            ]
            if not active:
                break
            kid = active[0].kid
            if self._private is not None and self._private[0] == kid:
                return self._private
            pem = self._store.secrets.read(private_file(kid))
            if pem is not None:
                self._private = (kid, OKPKey.import_key(pem))
                return self._private
            if not attempt:
                self._store.refresh()
        raise IdentityFailed(
            self._store.path,
            "the private key of the signing key in force is missing: "
            "`onefill admin signing-key rotate` makes a new one",
            "SIGNING_KEY_MISSING",
        )


RECHECK_MS = 30_000
"""How often a connection that stays is to ask `Tokens.holds`: within 60 s a revoked one is cut."""


def private_file(kid: str) -> str:
    """The name of the file with a signing key's private half."""
    return f"signing-{kid}.pem"


def _in_force(key: KeptKey, now_ms: int) -> bool:
    if key.revoked_ms is not None:
        return False
    return key.expires_ms is None or now_ms < key.expires_ms
