"""`onefill admin tenant | user | account | broker`."""

from __future__ import annotations

from typing import Annotated

import typer

from onefill.cli.admin_options import (
    DEFAULT_DATA,
    By,
    Data,
    Json,
    opened,
    place,
    show_one,
    show_rows,
    tell,
    who,
    yes,
)
from onefill.cli.journal_text import time_text
from onefill.gateway.identity.model import Account, Standing, Tenant, User
from onefill.gateway.identity.records import ApprovedBroker
from onefill.gateway.identity.rows import plain_of

tenant_app = typer.Typer(
    name="tenant",
    help="The firm's customers: nothing of one is visible to another.\n\n"
    "Example: onefill admin tenant create acme --name 'Acme Capital'",
    no_args_is_help=True,
)
user_app = typer.Typer(
    name="user",
    help="Whose accounts are traded, and whether automatically.\n\n"
    "Example: onefill admin user create acme/anna --auto-trading",
    no_args_is_help=True,
)
account_app = typer.Typer(
    name="account",
    help="MT5 accounts, by login.\n\n"
    "Example: onefill admin account create acme/5012345 --user anna --server Broker-Demo",
    no_args_is_help=True,
)
broker_app = typer.Typer(
    name="broker",
    help="Brokers whose accounts a tenant may trade.\n\n"
    "Example: onefill admin broker approve acme 'Example Markets Ltd'",
    no_args_is_help=True,
)
groups = (tenant_app, user_app, account_app, broker_app)

TenantId = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id.")]
SomeTenant = Annotated[str | None, typer.Argument(metavar="TENANT", help="Only this tenant's.")]
UserPlace = Annotated[str, typer.Argument(metavar="TENANT/USER", help="Whose tenant, which user.")]
AccountPlace = Annotated[
    str, typer.Argument(metavar="TENANT/ACCOUNT", help="The tenant, and the account's login.")
]
Confidence = Annotated[
    float | None, typer.Option(help="Decisions less sure than this are blocked, 0 to 1.")
]


@tenant_app.command("create")
def create_tenant(
    tenant: TenantId,
    name: Annotated[str, typer.Option(help="Its name for people.")] = "",
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a tenant.

    Example: onefill admin tenant create acme --name "Acme Capital"
    """
    with opened(data, create=True) as identity:
        made = identity.admin.people.create_tenant(tenant, name, by=who(by))
    tell(as_json, plain_of(made), f"tenant {made.id} is made")


@tenant_app.command("list")
def list_tenants(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """All tenants."""
    with opened(data) as identity:
        rows = list(identity.store.all(Tenant).values())
    show_rows(
        rows,
        as_json,
        "tenants",
        ("tenant", "name", "made (UTC)", "active"),
        lambda one: (one.id, one.name, time_text(one.created_ms), yes(one.active)),
    )


@tenant_app.command("show")
def show_tenant(tenant: TenantId, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """One tenant, with how much there is of it."""
    with opened(data) as identity:
        found = identity.admin.people.tenant(tenant)
        counts = {
            "users": sum(one.tenant == tenant for one in identity.store.all(User).values()),
            "accounts": len(identity.directory.accounts(tenant)),
        }
    show_one(as_json, {**plain_of(found), **counts}, f"tenant {tenant}")


@tenant_app.command("change")
def change_tenant(
    tenant: TenantId,
    name: Annotated[str | None, typer.Option(help="Another name for people.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether anybody of it is let in.")
    ] = None,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a tenant, or shut it out.

    Example: onefill admin tenant change acme --inactive
    """
    with opened(data) as identity:
        new = identity.admin.people.change_tenant(tenant, name=name, active=active, by=who(by))
    tell(as_json, plain_of(new), f"tenant {tenant} is changed")


@user_app.command("create")
def create_user(
    user: UserPlace,
    name: Annotated[str, typer.Option(help="The name for people.")] = "",
    auto_trading: Annotated[
        bool, typer.Option("--auto-trading", help="Decisions may be carried out automatically.")
    ] = False,
    min_confidence: Confidence = None,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make a user. Nothing is traded automatically unless you say so.

    Example: onefill admin user create acme/anna --auto-trading --min-confidence 0.6
    """
    tenant, name_of = place(user, "user")
    with opened(data) as identity:
        made = identity.admin.people.create_user(
            tenant,
            name_of,
            name=name,
            auto_trading=auto_trading,
            min_confidence=min_confidence or 0.0,
            by=who(by),
        )
    tell(as_json, plain_of(made), f"user {user} is made")


@user_app.command("list")
def list_users(tenant: SomeTenant = None, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """All users, or a tenant's."""
    with opened(data) as identity:
        found = identity.store.all(User).values()
        rows = [one for one in found if tenant in (None, one.tenant)]
    show_rows(
        rows,
        as_json,
        "users",
        ("user", "name", "auto-trading", "min. confidence", "active"),
        lambda one: (
            f"{one.tenant}/{one.id}",
            one.name,
            yes(one.auto_trading),
            f"{one.min_confidence:g}",
            yes(one.active),
        ),
    )


@user_app.command("show")
def show_user(user: UserPlace, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """One user."""
    with opened(data) as identity:
        found = identity.admin.people.user(*place(user, "user"))
    show_one(as_json, plain_of(found), f"user {user}")


@user_app.command("change")
def change_user(
    user: UserPlace,
    name: Annotated[str | None, typer.Option(help="Another name for people.")] = None,
    auto_trading: Annotated[
        bool | None, typer.Option("--auto-trading/--no-auto-trading", help="Whether automatically.")
    ] = None,
    min_confidence: Confidence = None,
    active: Annotated[
        bool | None,
        typer.Option("--active/--inactive", help="Whether the user's keys and tokens count."),
    ] = None,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change a user, or shut one out with all keys and tokens.

    Example: onefill admin user change acme/anna --inactive
    """
    tenant, name_of = place(user, "user")
    with opened(data) as identity:
        new = identity.admin.people.change_user(
            tenant,
            name_of,
            name=name,
            auto_trading=auto_trading,
            min_confidence=min_confidence,
            active=active,
            by=who(by),
        )
    tell(as_json, plain_of(new), f"user {user} is changed")


_NUMBERING = typer.Option(
    help='How its bare client numbers SUCCESS,FAILED,PARTIAL, as 1,2,3; "": as the contract, 0,1,2.'
)
Numbering = Annotated[str, _NUMBERING]
SomeNumbering = Annotated[str | None, _NUMBERING]


@account_app.command("create")
def create_account(
    account: AccountPlace,
    user: Annotated[str, typer.Option(help="Whose account.")],
    server: Annotated[str, typer.Option(help="Its server; else the first profile's.")] = "",
    broker: Annotated[str, typer.Option(help="Its broker; else the first profile's.")] = "",
    live: Annotated[bool, typer.Option("--live/--demo", help="Real money, or not.")] = False,
    statuses: Numbering = "",
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Make an account. At a broker that is not approved it waits for that.

    Example: onefill admin account create acme/5012345 --user anna --live
    """
    tenant, name = place(account, "account")
    with opened(data) as identity:
        made = identity.admin.people.create_account(
            tenant,
            name,
            user=user,
            server=server,
            broker=broker,
            live=live,
            statuses=statuses,
            by=who(by),
        )
    tell(as_json, plain_of(made), f"account {account} is made: {made.standing}")


@account_app.command("list")
def list_accounts(
    tenant: SomeTenant = None, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """All accounts, or a tenant's."""
    with opened(data) as identity:
        found = identity.store.all(Account).values()
        rows = [one for one in found if tenant in (None, one.tenant)]
    show_rows(
        rows,
        as_json,
        "accounts",
        ("account", "user", "server", "broker", "kind", "standing"),
        lambda one: (
            one.id,
            one.user,
            one.server,
            one.broker,
            "live" if one.live else "demo",
            str(one.standing),
        ),
    )


@account_app.command("show")
def show_account(account: AccountPlace, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """One account."""
    with opened(data) as identity:
        found = identity.admin.people.account(*place(account, "account"))
    show_one(as_json, plain_of(found), f"account {account}")


@account_app.command("change")
def change_account(
    account: AccountPlace,
    user: Annotated[str | None, typer.Option(help="Another user's.")] = None,
    server: Annotated[str | None, typer.Option(help='Its server; "": the next profile\'s.')] = None,
    broker: Annotated[str | None, typer.Option(help='Its broker; "": the next profile\'s.')] = None,
    live: Annotated[bool | None, typer.Option("--live/--demo", help="Real money, or not.")] = None,
    standing: Annotated[Standing | None, typer.Option(help="Whether it may be traded.")] = None,
    statuses: SomeNumbering = None,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Change an account, or disable it.

    Example: onefill admin account change acme/5012345 --standing disabled
    """
    tenant, name = place(account, "account")
    with opened(data) as identity:
        new = identity.admin.people.change_account(
            tenant,
            name,
            user=user,
            server=server,
            broker=broker,
            live=live,
            standing=standing,
            statuses=statuses,
            by=who(by),
        )
    tell(as_json, plain_of(new), f"account {account} is changed: {new.standing}")


BrokerName = Annotated[str, typer.Argument(metavar="BROKER", help="As the terminal names it.")]


@broker_app.command("approve")
def approve_broker(
    tenant: TenantId,
    broker: BrokerName,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Let a tenant's accounts at a broker be traded; those that waited become active.

    Example: onefill admin broker approve acme "Example Markets Ltd"
    """
    with opened(data) as identity:
        waited = identity.admin.people.approve_broker(tenant, broker, by=who(by))
    names = [one.name for one in waited]
    told = {"tenant": tenant, "broker": broker, "activated": names}
    now = f"; active now: {', '.join(names)}" if names else "; no account waited for it"
    tell(as_json, told, f"broker {broker} is approved for {tenant}{now}")


@broker_app.command("withdraw")
def withdraw_broker(
    tenant: TenantId,
    broker: BrokerName,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Let a tenant's accounts at a broker be traded no longer; closes pass."""
    with opened(data) as identity:
        identity.admin.people.withdraw_broker(tenant, broker, by=who(by))
    told = {"tenant": tenant, "broker": broker}
    tell(as_json, told, f"broker {broker} is no longer approved for {tenant}")


@broker_app.command("list")
def list_brokers(
    tenant: SomeTenant = None, data: Data = DEFAULT_DATA, as_json: Json = False
) -> None:
    """Approved brokers, of all tenants or of one."""
    with opened(data) as identity:
        found = identity.store.all(ApprovedBroker).values()
        rows = [one for one in found if tenant in (None, one.tenant)]
    show_rows(
        rows,
        as_json,
        "approved brokers",
        ("tenant", "broker", "by", "when (UTC)"),
        lambda one: (one.tenant, one.name, one.by, time_text(one.at_ms)),
    )
