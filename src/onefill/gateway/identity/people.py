"""Operations on tenants, users, accounts and the brokers they may trade at; each is audited."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from onefill.contracts.framing import parse_statuses
from onefill.gateway.identity.errors import taken, unknown
from onefill.gateway.identity.model import Account, Standing, Tenant, User
from onefill.gateway.identity.records import ApprovedBroker, broker_key
from onefill.gateway.identity.store import Change, Store
from onefill.gateway.identity.words import check_id, check_text
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock

T = TypeVar("T", bound=msgspec.Struct)


class People:
    """Who there is. `by` is who does it, for the audit trail."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def tenant(self, tenant: str) -> Tenant:
        """A tenant. Raises `OnefillError` (`TENANT_UNKNOWN`)."""
        found = self._store.get(Tenant, tenant)
        if found is None:
            raise unknown("tenant", tenant, "tenant list")
        return found

    def user(self, tenant: str, user: str) -> User:
        """A user. Raises `OnefillError` (`TENANT_UNKNOWN`, `USER_UNKNOWN`)."""
        self.tenant(tenant)
        found = self._store.get(User, tenant, user)
        if found is None:
            raise unknown("user", f"{tenant}/{user}", f"user list {tenant}")
        return found

    def account(self, tenant: str, name: str) -> Account:
        """An account. Raises `OnefillError` (`TENANT_UNKNOWN`, `ACCOUNT_UNKNOWN`)."""
        self.tenant(tenant)
        found = self._store.get(Account, tenant, name)
        if found is None:
            raise unknown("account", f"{tenant}/{name}", f"account list {tenant}")
        return found

    def create_tenant(self, tenant: str, name: str = "", *, by: str) -> Tenant:
        """A new tenant. Raises `OnefillError` (`TENANT_EXISTS`, `NAME_INVALID`)."""
        check_id("tenant", tenant)
        title = check_text("a tenant's name", name) or tenant
        made = Tenant(id=tenant, name=title, created_ms=self._clock.now_ms())
        with self._store.change(by, "tenant.create") as change:
            if self._store.get(Tenant, tenant) is not None:
                raise taken("tenant", tenant)
            change.put(made)
        return made

    def change_tenant(
        self, tenant: str, *, by: str, name: str | None = None, active: bool | None = None
    ) -> Tenant:
        """Another name, or let nobody of the tenant in any more (or again)."""
        with self._store.change(by, "tenant.change") as change:
            new = _replaced(
                self.tenant(tenant),
                name=None if name is None else check_text("a tenant's name", name, needed=True),
                active=active,
            )
            change.put(new)
        return new

    def create_user(
        self,
        tenant: str,
        user: str,
        *,
        by: str,
        name: str = "",
        auto_trading: bool = False,
        min_confidence: float = 0.0,
    ) -> User:
        """A new user of a tenant; not traded automatically unless told so."""
        made = User(
            tenant=tenant,
            id=check_id("user", user),
            name=check_text("a user's name", name),
            auto_trading=auto_trading,
            min_confidence=_confidence(min_confidence),
        )
        with self._store.change(by, "user.create") as change:
            self.tenant(tenant)
            if self._store.get(User, tenant, user) is not None:
                raise taken("user", f"{tenant}/{user}")
            change.put(made)
        return made

    def change_user(
        self,
        tenant: str,
        user: str,
        *,
        by: str,
        name: str | None = None,
        auto_trading: bool | None = None,
        min_confidence: float | None = None,
        active: bool | None = None,
    ) -> User:
        """What is given, and nothing else. One who is not active proves nothing any more."""
        with self._store.change(by, "user.change") as change:
            new = _replaced(
                self.user(tenant, user),
                name=None if name is None else check_text("a user's name", name),
                auto_trading=auto_trading,
                min_confidence=None if min_confidence is None else _confidence(min_confidence),
                active=active,
            )
            change.put(new)
        return new

    def create_account(
        self,
        tenant: str,
        name: str,
        *,
        user: str,
        by: str,
        server: str = "",
        broker: str = "",
        live: bool = False,
        statuses: str = "",
    ) -> Account:
        """A new account of a user. Its server and broker, where not given, are taken from the
        first profile; where its broker is not approved it waits for that."""
        made = Account(
            tenant=tenant,
            name=check_id("account", name),
            user=user,
            server=check_text("a server", server),
            broker=check_text("a broker", broker),
            live=live,
            statuses=_numbering(statuses),
        )
        with self._store.change(by, "account.create") as change:
            self.user(tenant, user)
            if self._store.get(Account, tenant, name) is not None:
                raise taken("account", f"{tenant}/{name}")
            if made.broker and not self.broker_approved(tenant, made.broker):
                made = msgspec.structs.replace(made, standing=Standing.PENDING)
            change.put(made)
        return made

    def change_account(
        self,
        tenant: str,
        name: str,
        *,
        by: str,
        user: str | None = None,
        server: str | None = None,
        broker: str | None = None,
        live: bool | None = None,
        standing: Standing | None = None,
        statuses: str | None = None,
    ) -> Account:
        """What is given, and nothing else."""
        with self._store.change(by, "account.change") as change:
            old = self.account(tenant, name)
            if user is not None:
                self.user(tenant, user)
            new = _replaced(
                old,
                user=user,
                server=None if server is None else check_text("a server", server),
                broker=None if broker is None else check_text("a broker", broker),
                live=live,
                standing=standing,
                statuses=None if statuses is None else _numbering(statuses),
            )
            change.put(new)
        return new

    def broker_approved(self, tenant: str, broker: str) -> bool:
        """Whether a tenant's accounts at that broker may be traded."""
        return self._store.get(ApprovedBroker, tenant, broker_key(broker)) is not None

    def approve_broker(self, tenant: str, broker: str, *, by: str) -> list[Account]:
        """Let a tenant's accounts at a broker be traded; those that waited for it, in return."""
        name = check_text("a broker", broker, needed=True)
        row = ApprovedBroker(
            tenant=tenant, broker=broker_key(name), name=name, by=by, at_ms=self._clock.now_ms()
        )
        with self._store.change(by, "broker.approve") as change:
            self.tenant(tenant)
            change.put(row)
            return self._activate(change, tenant, row.broker)

    def withdraw_broker(self, tenant: str, broker: str, *, by: str) -> None:
        """Let a tenant's accounts at a broker be traded no longer."""
        with self._store.change(by, "broker.withdraw") as change:
            self.tenant(tenant)
            row = self._store.get(ApprovedBroker, tenant, broker_key(broker))
            if row is None:
                raise unknown("broker", broker, f"broker list {tenant}")
            change.remove(row)

    def _activate(self, change: Change, tenant: str, broker: str) -> list[Account]:
        waited = [
            msgspec.structs.replace(account, standing=Standing.ACTIVE)
            for account in self._store.all(Account).values()
            if account.tenant == tenant
            and account.standing is Standing.PENDING
            and broker_key(account.broker) == broker
        ]
        for account in waited:
            change.put(account)
        return waited


def _replaced(row: T, **values: object) -> T:
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        raise OnefillError("NOTHING_TO_CHANGE", "nothing to change was given: `--help` lists what")
    return msgspec.structs.replace(row, **given)


def _numbering(statuses: str) -> str:
    """Of a client's statuses. Raises `OnefillError` (`STATUSES_INVALID`)."""
    parse_statuses(statuses)
    return statuses


def _confidence(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise OnefillError("CONFIDENCE_INVALID", f"a confidence is from 0 to 1, not {value}")
    return value
