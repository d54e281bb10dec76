"""Tenants, users, accounts and keys as values."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Right(StrEnum):
    """What a key or a token allows (its scopes)."""

    READ = "read"
    TRADE = "trade"
    #: To connect as the client that holds accounts.
    CLIENT = "client"
    #: Kill switch, quarantine, limits' re-enabling.
    OPERATE = "operate"
    ADMIN = "admin"


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A firm's customer: nothing of one is visible to another."""

    id: str
    name: str
    created_ms: int = 0
    #: Of one that is not, nobody is let in.
    active: bool = True


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whose accounts are traded."""

    tenant: str
    id: str
    name: str = ""
    auto_trading: bool = False
    #: Decisions below it are blocked; 0.0 to 1.0.
    min_confidence: float = 0.0
    active: bool = True


class Standing(StrEnum):
    """Whether an account may be traded."""

    ACTIVE = "active"
    #: Its first profile came from a broker that nobody approved yet.
    PENDING = "pending"
    DISABLED = "disabled"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An MT5 account. `name` is what the contract calls `mt5_account` (its login, as text), unique
    in its tenant."""

    tenant: str
    name: str
    user: str
    server: str = ""
    broker: str = ""
    live: bool = False
    standing: Standing = Standing.ACTIVE
    #: Fingerprint of the agent's limits that was approved (control 22); empty: any.
    approved_limits: str = ""
    #: How its client numbers SUCCESS, FAILED and PARTIAL where it speaks a bare dialect ("1,2,3");
    #: empty: as the contract does, from 0. It holds from the client's next connection on.
    statuses: str = ""

    @property
    def id(self) -> str:
        """Its name in the gateway's journal."""
        return account_id(self.tenant, self.name)


def account_id(tenant: str, name: str) -> str:
    """An account's name in the gateway's journal."""
    return f"{tenant}/{name}"


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key's row; the key itself is told once, when it is made, and kept as a keyed hash."""

    id: str
    tenant: str
    user: str
    rights: tuple[Right, ...]
    #: Accounts that it is good for; empty: all of its user's.
    accounts: tuple[str, ...] = ()
    created_ms: int = 0
    expires_ms: int | None = None
    revoked_ms: int | None = None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, proven by a key or a token."""

    tenant: str
    user: str
    rights: frozenset[Right]
    accounts: tuple[str, ...] = ()
    #: The key's id, or a token's `jti`, for the audit trail and for rate limits.
    key: str = ""
    #: Which key signed the token; empty where an API key was shown.
    kid: str = ""
    #: The key or token that this token was made with: it ends with that.
    parent: str = ""
    expires_ms: int | None = None

    def may(self, right: Right) -> bool:
        """Whether a scope is among its rights."""
        return right in self.rights

    def sees(self, account: Account) -> bool:
        """Whether the account is there for this caller at all; else it is a 404."""
        if account.tenant != self.tenant:
            return False
        if self.accounts and account.name not in self.accounts:
            return False
        return account.user == self.user or bool(self.rights & {Right.OPERATE, Right.ADMIN})
