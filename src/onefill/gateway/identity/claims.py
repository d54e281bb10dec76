"""What a token says, read strictly: nothing missing, nothing of another type, nothing absurd."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from onefill.gateway.identity.errors import Unauthenticated
from onefill.gateway.identity.model import Right

MAX_LIFETIME_S = 90 * 86_400
"""The longest that a token may live from when it was made."""

MAX_ACCOUNTS = 64
"""Accounts that one token or key may name."""

_MAX_HEADER = 512
_RIGHTS = {str(right): right for right in Right}


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token's header: these three and no other. `jku`, `x5u`, `jwk`, `x5c` and `crit` would let
    a token say itself how it is to be believed."""

    alg: str
    typ: str
    kid: str


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """A token's claims (RFC 7519, RFC 9068), times in whole Unix seconds; `tid` is the tenant,
    `par` the key or token that it was made with."""

    iss: str
    aud: str
    sub: str
    tid: str
    scope: str
    jti: str
    iat: int
    nbf: int
    exp: int
    accounts: tuple[str, ...] = ()
    par: str = ""

    def plain(self) -> dict[str, Any]:
        """As a dict for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def rights(self) -> frozenset[Right]:
        """Its scopes. Raises `Unauthenticated` where one is none of ours."""
        names = self.scope.split()
        if not all(name in _RIGHTS for name in names):
            raise Unauthenticated
        return frozenset(_RIGHTS[name] for name in names)


def key_named(token: str, *, algorithm: str, kind: str) -> str:
    """The `kid` of a token whose header is as ours are. Raises `Unauthenticated`."""
    parts = token.split(".")
    if len(parts) != 3 or len(parts[0]) > _MAX_HEADER:
        raise Unauthenticated
    try:
        text = base64.b64decode(parts[0] + "=" * (-len(parts[0]) % 4), b"-_", validate=True)
        header = msgspec.json.decode(text, type=_Header)
    except (binascii.Error, ValueError):
        raise Unauthenticated from None
    if header.alg != algorithm or header.typ != kind:
        raise Unauthenticated
    return header.kid


def read_claims(
    said: dict[str, Any], *, issuer: str, audience: str, now_ms: int, leeway_ms: int
) -> Claims:
    """The claims of a token whose signature is right. Raises `Unauthenticated`."""
    try:
        claims = msgspec.convert(said, Claims)
    except msgspec.ValidationError:
        raise Unauthenticated from None
    sound = (
        claims.iss == issuer
        and claims.aud == audience
        and bool(claims.sub and claims.tid and claims.jti)
        and len(claims.accounts) <= MAX_ACCOUNTS
        and 0 < claims.iat <= claims.nbf < claims.exp
        and claims.exp - claims.iat <= MAX_LIFETIME_S
        and claims.iat * 1000 <= now_ms + leeway_ms
        and claims.nbf * 1000 <= now_ms + leeway_ms
        and now_ms < claims.exp * 1000 + leeway_ms
    )
    if not sound:
        raise Unauthenticated
    return claims
