"""What the store keeps beside tenants, users and accounts: proofs, limits, people's decisions."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from onefill.gateway.identity.model import ApiKey, Right


class KeptKey(ApiKey, frozen=True, kw_only=True):
    """An API key as it is stored: by a keyed hash of its text (hex)."""

    digest: str


class KeyState(StrEnum):
    """The life of a signing key."""

    ACTIVE = "active"
    #: Signs no more; what it signed is good until the grace is over.
    RETIRING = "retiring"
    RETIRED = "retired"


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of an Ed25519 key; the private one lies in a file of its own."""

    kid: str
    #: 32 bytes, base64url, as a JWK's `x`.
    public: str
    state: KeyState = KeyState.ACTIVE
    created_ms: int = 0
    #: When what it signed is good no longer; None while it is active.
    ends_ms: int | None = None

    def verifies(self, now_ms: int) -> bool:
        """Whether its signatures still count."""
        if self.state is KeyState.ACTIVE:
            return True
        return self.state is KeyState.RETIRING and now_ms < (self.ends_ms or 0)


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that an administrator made: what it allows, not the token itself."""

    jti: str
    tenant: str
    user: str
    rights: tuple[Right, ...]
    accounts: tuple[str, ...] = ()
    kid: str
    created_ms: int
    expires_ms: int
    revoked_ms: int | None = None


class RevokedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that must not be believed although it is signed and in time."""

    jti: str
    revoked_ms: int
    #: When no token of that id can be in time any more.
    until_ms: int


class ApprovedBroker(msgspec.Struct, frozen=True, kw_only=True):
    """A broker whose accounts a tenant may trade; `broker` as `broker_key` writes it."""

    tenant: str
    broker: str
    #: As it was written when it was approved.
    name: str
    by: str = ""
    at_ms: int = 0


def broker_key(name: str) -> str:
    """A broker's name for comparing: case and spacing do not count."""
    return " ".join(name.casefold().split())


class LimitSet(msgspec.Struct, frozen=True, kw_only=True):
    """One limit, set for the firm (no tenant), a tenant (no account) or an account; `level` is
    that of a limits file, `value` is written as there."""

    tenant: str
    account: str
    level: str
    name: str
    value: str


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A limit of an account loosened for a while (control 21): one person asks, another approves.
    In force, it replaces every tighter value, whatever the level."""

    id: str
    tenant: str
    account: str
    name: str
    value: str
    reason: str
    asked_by: str
    asked_ms: int
    #: Counted from the approval.
    lasts_ms: int
    approved_by: str = ""
    approved_ms: int | None = None
    expires_ms: int | None = None
    ended_ms: int | None = None
    ended_by: str = ""
    #: Whose logins ran the commands: names are typed, these are the operating system's.
    asked_login: str = ""
    approved_login: str = ""

    def in_force(self, now_ms: int) -> bool:
        """Whether it counts now."""
        if self.approved_ms is None or self.ended_ms is not None:
            return False
        return now_ms < (self.expires_ms or 0)


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about the store as a whole, by name."""

    name: str
    value: str
