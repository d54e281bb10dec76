"""A first tenant with a user, an account and what they need to connect: for a demo, for a start."""

from __future__ import annotations

import msgspec

from onefill.gateway.identity.model import Account, Right, Tenant, User
from onefill.gateway.identity.opening import Identity
from onefill.model.errors import OnefillError

DAY_MS = 86_400_000
CLIENT_TOKEN_MS = 30 * DAY_MS


class FirstSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What was made. The key and the token are secrets, told only here."""

    tenant: str
    user: str
    account: str
    #: An API key for a trading engine: read, trade and operate.
    key: str
    #: A token for the agent that holds the account: client.
    client_token: str
    client_expires_ms: int

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"FirstSetup({self.tenant}/{self.account} of {self.user})"


def first_setup(
    identity: Identity,
    *,
    tenant: str = "demo",
    user: str = "trader",
    account: str = "100001",
    server: str = "",
    broker: str = "",
    live: bool = False,
    by: str,
) -> FirstSetup:
    """A tenant, a user who is traded automatically, an account, its broker approved (if named), a
    key and a client's token. What is there already stays as it is; key and token are new each
    time. Raises `OnefillError` (`ACCOUNT_NOT_YOURS` where the account is another user's)."""
    people, credentials = identity.admin.people, identity.admin.credentials
    store = identity.store
    if store.get(Tenant, tenant) is None:
        people.create_tenant(tenant, by=by)
    if store.get(User, tenant, user) is None:
        people.create_user(tenant, user, auto_trading=True, by=by)
    if broker and not people.broker_approved(tenant, broker):
        people.approve_broker(tenant, broker, by=by)
    held = store.get(Account, tenant, account)
    if held is None:
        held = people.create_account(
            tenant, account, user=user, server=server, broker=broker, live=live, by=by
        )
    if held.user != user:
        raise OnefillError(
            "ACCOUNT_NOT_YOURS", f"account {tenant}/{account} is {held.user}'s: name that user"
        )
    _, key = credentials.create_key(
        tenant, user, frozenset({Right.READ, Right.TRADE, Right.OPERATE}), by=by
    )
    row, token = credentials.issue_token(
        tenant, user, frozenset({Right.CLIENT}), lifetime_ms=CLIENT_TOKEN_MS, by=by
    )
    return FirstSetup(
        tenant=tenant,
        user=user,
        account=account,
        key=key,
        client_token=token,
        client_expires_ms=row.expires_ms,
    )
