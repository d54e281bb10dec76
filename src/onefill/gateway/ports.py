"""What the gateway's parts ask of each other; each can be replaced (PostgreSQL, NATS) behind these.

A decision goes: `api` (JSON to `Decision`) -> `desk.Directing.decide` (judged, journaled) ->
`Post.hand` -> `delivery` (bytes to the client). A result comes back: `delivery` -> `Hears.heard`
(journaled) -> whoever waits, and whoever follows the journal.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from onefill.contracts.messages import Ack, Command, ConfigUpdate, Profile, Result, WireError
from onefill.gateway.identity.model import Account, Caller, Tenant, User
from onefill.model.halt import Halt
from onefill.model.intent import OrderIntent
from onefill.risk.limits import Limits


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A trade decision as it came in: `intent.user_id` is the user whose account it is for."""

    intent: OrderIntent
    #: `mt5_account`: the account's name in the caller's tenant.
    account: str
    auto_execute: bool = True


class Directory(Protocol):
    """Who is who. Reads come from memory; what another process changed is seen within seconds."""

    def tenant(self, tenant: str) -> Tenant | None:
        """A tenant by its id."""
        ...

    def user(self, tenant: str, user: str) -> User | None:
        """A user of a tenant."""
        ...

    def account(self, tenant: str, name: str) -> Account | None:
        """An account of a tenant, by its `mt5_account`."""
        ...

    def accounts(self, tenant: str) -> list[Account]:
        """All of a tenant's accounts."""
        ...

    def broker_approved(self, tenant: str, broker: str) -> bool:
        """Whether accounts at that broker may be traded."""
        ...

    def limits(self, account: Account) -> Limits:
        """What the gateway holds the account's orders to: firm, tenant and account levels, its
        strategies and symbols, and approved overrides in force. Without any set for a live
        account: limits that deny."""
        ...

    def halts(self) -> tuple[Halt, ...]:
        """Every halt in force, of every tenant."""
        ...

    def add_halt(self, halt: Halt) -> None:
        """A halt is in force from here on; durable on return. One of the same id: no change."""
        ...

    def end_halt(self, id: str, by: str, reason: str) -> None:
        """A person ends a halt, and says why; durable on return. Raises `OnefillError`
        (`HALT_UNKNOWN`)."""
        ...

    def seen(self, caller: Caller, profile: Profile) -> Account:
        """The account that a client's profile is of; registered as pending (or active, where its
        broker is approved) if nobody knew it. Durable. Raises `OnefillError`
        (`ACCOUNT_NOT_YOURS`, `ACCOUNT_KIND_DIFFERS`, `ACCOUNT_SERVER_DIFFERS`)."""
        ...


class Post(Protocol):
    """How the desk reaches the clients."""

    def present(self, account: str) -> bool:
        """Whether a client of the account (its journal name) is connected and has been greeted."""
        ...

    def hand(self, account: str, command: Command) -> str:
        """Put a command on the client's queue, in order. Empty: done; else why not, as a code
        (`AWAY`, `QUEUE_FULL`, `NOT_EXPRESSIBLE`)."""
        ...

    def tell(self, account: str, message: ConfigUpdate | WireError) -> bool:
        """Something beside commands; False where the client is away or cannot be told."""
        ...


class Hears(Protocol):
    """What the desk wants to hear from the clients, by the account's journal name."""

    async def arrived(self, account: Account, *, enveloped: bool) -> None:
        """A client of the account connected, was checked, and takes commands from now on: the
        desk hands it its configuration and what waits, in order."""
        ...

    async def left(self, account: Account) -> None:
        """The account's client is gone (not told where a newer one replaced it)."""
        ...

    async def heard(self, account: Account, result: Result) -> Ack:
        """A result; durable when it comes back. Raises `OnefillError` (`COMMAND_UNKNOWN`)."""
        ...

    async def profiled(self, account: Account, profile: Profile) -> None:
        """A profile of the account came."""
        ...

    async def acknowledged(self, account: Account, ack: Ack) -> None:
        """The client took a command or a configuration."""
        ...

    async def warned(self, account: Account, error: WireError) -> None:
        """The client tells of trouble: `OUTCOME_UNKNOWN`, `QUARANTINED`, or what it refused."""
        ...

    def contact(self, account: Account, at_ms: int) -> None:
        """A heartbeat of the client was answered: its lease runs anew from here. `at_ms` is on the
        steady clock (`runtime.clock.steady_ms`)."""
        ...
