"""Who is who for the gateway's other parts (`ports.Directory`): read from memory, and looked at
again when another process changed the file."""

from __future__ import annotations

import msgspec

from onefill.contracts.messages import Profile
from onefill.gateway.identity.halts import Halts
from onefill.gateway.identity.limits import Composer, LimitHeld
from onefill.gateway.identity.model import Account, Caller, Standing, Tenant, User
from onefill.gateway.identity.people import People
from onefill.gateway.identity.records import Override
from onefill.gateway.identity.store import Store
from onefill.gateway.identity.words import check_id, check_text
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt
from onefill.risk.limits import Limits
from onefill.runtime.clock import Clock

MAX_ACCOUNTS_SEEN = 100
"""Accounts of one user that are registered by their profiles alone; more are made by hand."""


class StoredDirectory:
    """The directory over a store (implements `ports.Directory`)."""

    def __init__(self, store: Store, people: People, halts: Halts, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._halts = halts
        self._clock = clock
        self._composer = Composer(store)
        self._in_force: frozenset[str] = frozenset()
        self._told = store.version

    def refresh(self) -> bool:
        """Look whether another process changed something, or an override came into force or ran
        out; for the gateway's ticker, each second. Whether anything is different since it was
        asked last. Raises `IdentityFailed`; then what was known stays known."""
        self._store.refresh()
        now = self._clock.now_ms()
        overrides = self._store.all(Override).values()
        in_force = frozenset(one.id for one in overrides if one.in_force(now))
        changed = (self._store.version, in_force) != (self._told, self._in_force)
        self._told, self._in_force = self._store.version, in_force
        return changed

    def tenant(self, tenant: str) -> Tenant | None:
        """A tenant by its id."""
        return self._store.get(Tenant, tenant)

    def user(self, tenant: str, user: str) -> User | None:
        """A user of a tenant."""
        return self._store.get(User, tenant, user)

    def account(self, tenant: str, name: str) -> Account | None:
        """An account of a tenant, by its `mt5_account`."""
        return self._store.get(Account, tenant, name)

    def accounts(self, tenant: str) -> list[Account]:
        """All of a tenant's accounts."""
        return [one for one in self._store.all(Account).values() if one.tenant == tenant]

    def broker_approved(self, tenant: str, broker: str) -> bool:
        """Whether accounts at that broker may be traded."""
        return self._people.broker_approved(tenant, broker)

    def limits_held(self, account: Account) -> tuple[LimitHeld, ...]:
        """What `limits` has, limit by limit, with where each value comes from."""
        return self._composer.held(account, self._clock.now_ms())

    def limits(self, account: Account) -> Limits:
        """What the gateway holds the account's orders to. A demo account meets the shipped limits
        where nobody set any; a live one is denied there."""
        return self._composer.limits(account, self._clock.now_ms())

    def halts(self) -> tuple[Halt, ...]:
        """Every halt in force, of every tenant."""
        return tuple(self._store.all(Halt).values())

    def add_halt(self, halt: Halt) -> None:
        """A halt is in force from here on; durable on return. One of the same id: no change."""
        self._halts.add(halt)

    def end_halt(self, id: str, by: str, reason: str) -> None:
        """A person ends a halt, and says why; durable on return. Raises `OnefillError`
        (`HALT_UNKNOWN`)."""
        self._halts.end(id, by, reason)

    def seen(self, caller: Caller, profile: Profile) -> Account:
        """The account that a profile is of, registered if nobody knew it; durable. Raises
        `OnefillError` (`ACCOUNT_NOT_YOURS`, `ACCOUNT_KIND_DIFFERS`, `ACCOUNT_SERVER_DIFFERS`,
        `ACCOUNTS_TOO_MANY`, `NAME_INVALID`, `TEXT_INVALID`)."""
        known = self.account(caller.tenant, profile.account)
        if known is not None and self._met(caller, known, profile) == known:
            return known
        with self._store.change(caller.user, "account.seen") as change:
            known = self.account(caller.tenant, profile.account)  # as every process has left it
            if known is None:
                account = self._registered(caller, profile)
            else:
                account = self._met(caller, known, profile)
            if account != known:
                change.put(account)
                change.notes["key"] = caller.key
        return account

    def _met(self, caller: Caller, known: Account, profile: Profile) -> Account:
        """A known account as its profile shows it: what was left open is filled in."""
        if not caller.sees(known) or profile.user_id not in ("", known.user):
            raise _not_yours(profile)
        if profile.live != known.live:
            raise OnefillError(
                "ACCOUNT_KIND_DIFFERS",
                f"account {known.name} is registered as {_kind(known.live)} and its terminal says "
                f"{_kind(profile.live)}: log the terminal in to the right one, or let an "
                "administrator change the account",
            )
        if known.server and profile.server != known.server:
            raise OnefillError(
                "ACCOUNT_SERVER_DIFFERS",
                f"account {known.name} is registered at server {known.server} and its terminal is "
                f"at {profile.server[:80]!r}: log it in there, or let an administrator change the "
                "account",
            )
        if (known.server or not profile.server) and (known.broker or not profile.broker):
            return known
        server = known.server or check_text("a server", profile.server)
        broker = known.broker or check_text("a broker", profile.broker)
        standing = known.standing
        if standing is Standing.ACTIVE and not self.broker_approved(known.tenant, broker):
            standing = Standing.PENDING
        return msgspec.structs.replace(known, server=server, broker=broker, standing=standing)

    def _registered(self, caller: Caller, profile: Profile) -> Account:
        """The account of a first profile."""
        name = check_id("account", profile.account)
        if caller.accounts and name not in caller.accounts:
            raise _not_yours(profile)
        if profile.user_id not in ("", caller.user):
            raise _not_yours(profile)
        self._people.user(caller.tenant, caller.user)
        own = sum(one.user == caller.user for one in self.accounts(caller.tenant))
        if own >= MAX_ACCOUNTS_SEEN:
            raise OnefillError(
                "ACCOUNTS_TOO_MANY",
                f"{caller.user} has {own} accounts: let an administrator make further ones "
                "(`onefill admin account create`)",
            )
        broker = check_text("a broker", profile.broker)
        approved = self.broker_approved(caller.tenant, broker)
        return Account(
            tenant=caller.tenant,
            name=name,
            user=caller.user,
            server=check_text("a server", profile.server),
            broker=broker,
            live=profile.live,
            standing=Standing.ACTIVE if approved else Standing.PENDING,
        )


def _not_yours(profile: Profile) -> OnefillError:
    return OnefillError(
        "ACCOUNT_NOT_YOURS",
        f"account {profile.account[:80]!r} is none of those that these credentials are for: take "
        "the token of the account's user, and that user's id",
    )


def _kind(live: bool) -> str:
    return "live" if live else "demo"
