"""`onefill admin limits | override | halt`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from onefill.cli.admin_options import (
    DEFAULT_DATA,
    By,
    Data,
    Json,
    Why,
    moment,
    opened,
    place,
    print_json,
    scope,
    show_rows,
    span_ms,
    table,
    tell,
    who,
)
from onefill.gateway.identity.limits import SHIPPED, scope_name
from onefill.gateway.identity.opening import Identity
from onefill.gateway.identity.records import LimitSet, Override
from onefill.gateway.identity.rows import plain_of
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt
from onefill.risk.limits import load_limits
from onefill.runtime.clock import SystemClock

limits_app = typer.Typer(
    name="limits",
    help="What orders are held to: firm, tenant, account, strategy, symbol; the tightest holds.\n\n"
    "Example: onefill admin limits set max_order_volume=5 --for acme",
    no_args_is_help=True,
)
override_app = typer.Typer(
    name="override",
    help="A limit loosened for a while: one person asks, another approves, it runs out.\n\n"
    "Example: onefill admin override ask acme/5012345 max_order_volume=20 --for 2h "
    "--reason 'roll of the June position'",
    no_args_is_help=True,
)
halt_app = typer.Typer(
    name="halt",
    help="What is halted: by the kill switch, or by the throttle on repeated orders.",
    no_args_is_help=True,
)
groups = (limits_app, override_app, halt_app)

Scope = Annotated[
    str,
    typer.Option("--for", metavar="TENANT[/ACCOUNT]", help="Whom it holds for; else the firm."),
]
Level = Annotated[
    str, typer.Option(metavar="LEVEL", help="strategy.MAGIC or symbol.NAME, for those alone.")
]
Assignment = Annotated[str, typer.Argument(metavar="NAME=VALUE", help="As in a limits file.")]


@limits_app.command("show")
def show_limits(
    scope_text: Annotated[
        str, typer.Argument(metavar="TENANT[/ACCOUNT]", help="Whose; else the firm's.")
    ] = "",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """What is set for the firm or a tenant; of an account, all that holds for it now, and who set
    it.

    Example: onefill admin limits show acme/5012345
    """
    tenant, account = scope(scope_text)
    with opened(data) as identity:
        if account:
            _show_account(identity, tenant, account, as_json)
            return
        if tenant:
            identity.admin.people.tenant(tenant)
        rows = identity.admin.limits.rows(tenant)
    title = f"limits set for {scope_name(tenant, '')}"
    show_rows(rows, as_json, title, ("level", "limit", "value"), _cells)


def _show_account(identity: Identity, tenant: str, name: str, as_json: bool) -> None:
    account = identity.admin.people.account(tenant, name)
    holds = identity.directory.limits_held(account)
    if as_json:
        print_json(
            {
                "account": account.id,
                "holds": [msgspec.structs.asdict(one) for one in holds],
                "set": [plain_of(one) for one in identity.admin.limits.rows(tenant, name)],
                "approved_limits": account.approved_limits,
            }
        )
        return
    columns = ("level", "limit", "value", "source")
    table(f"what holds for {account.id}", columns, [msgspec.structs.astuple(one) for one in holds])
    if any(one.source == SHIPPED for one in holds):
        typer.echo(f"{SHIPPED}: nobody set it, and a demo account meets the shipped limits there")
    agent = account.approved_limits or "any"
    typer.echo(f"approved fingerprint of the agent's own limits: {agent}")


@limits_app.command("set")
def set_limits(
    assignments: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="As in a limits file.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A limits file that replaces all of it.")
    ] = None,
    for_scope: Scope = "",
    level: Level = "",
    by: By = None,
    reason: Why = "",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Set limits of the firm, a tenant or an account, one by one or all from a file.

    Example: onefill admin limits set max_order_volume=5 symbols=EURUSD,GBPUSD --for acme
    """
    tenant, account = scope(for_scope)
    if (file is None) == (not assignments) or (file is not None and level):
        raise OnefillError(
            "LIMITS_INVALID", "give limits as NAME=VALUE (with --level, if so), or a --file"
        )
    values = dict(_assigned(one) for one in assignments or ())
    with opened(data) as identity:
        setting = identity.admin.limits
        if file is None:
            setting.set(
                values, tenant=tenant, account=account, level=level, by=who(by), reason=reason
            )
            count = len(values)
        else:
            load_limits(file)  # tells what is wrong with the file itself
            text = file.read_text(encoding="utf-8")
            count = setting.replace(
                text, str(file), tenant=tenant, account=account, by=who(by), reason=reason
            )
    name = scope_name(tenant, account)
    tell(as_json, {"scope": for_scope, "limits": count}, f"limits set for {name}: {count}")


@limits_app.command("unset")
def unset_limits(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Limits' names.")],
    for_scope: Scope = "",
    level: Level = "",
    by: By = None,
    reason: Why = "",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Take limits away. What is set nowhere denies on a live account."""
    tenant, account = scope(for_scope)
    with opened(data) as identity:
        identity.admin.limits.unset(
            names, tenant=tenant, account=account, level=level, by=who(by), reason=reason
        )
    told = {"scope": for_scope, "limits": names}
    tell(as_json, told, f"no longer set for {scope_name(tenant, account)}: {', '.join(names)}")


@limits_app.command("approve")
def approve_limits(
    account: Annotated[str, typer.Argument(metavar="TENANT/ACCOUNT", help="Which account.")],
    fingerprint: Annotated[
        str,
        typer.Argument(
            metavar="FINGERPRINT", help='64 hex digits, as the agent says at its start; "any".'
        ),
    ],
    by: By = None,
    reason: Why = "",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Let an account trade only while its agent's own limits are those that you approve.

    The agent tells it when its terminal is ready; it is of its limits file and of what its
    [engine] tightens.

    Example: onefill admin limits approve acme/5012345 any
    """
    tenant, name = place(account, "account")
    approved = "" if fingerprint == "any" else fingerprint
    with opened(data) as identity:
        identity.admin.limits.approve(tenant, name, approved, by=who(by), reason=reason)
    told = {"account": account, "approved_limits": approved}
    tell(
        as_json, told, f"the agent of {account} may trade under limits {approved or 'of any kind'}"
    )


@override_app.command("ask")
def ask_override(
    account: Annotated[str, typer.Argument(metavar="TENANT/ACCOUNT", help="Which account.")],
    assignment: Assignment,
    lasts: Annotated[str, typer.Option("--for", metavar="SPAN", help="How long, as 2h.")],
    reason: Annotated[str, typer.Option(help="Why it is needed.")],
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Ask for a looser limit. Nothing changes before another person approves it."""
    tenant, name = place(account, "account")
    limit, value = _assigned(assignment)
    lasts_ms = span_ms(lasts)
    with opened(data) as identity:
        row = identity.admin.limits.ask_override(
            tenant, name, limit, value, reason=reason, lasts_ms=lasts_ms, by=who(by)
        )
    sentence = f"override {row.id} is asked for: somebody else than {row.asked_by} approves it"
    tell(as_json, plain_of(row), sentence)


@override_app.command("approve")
def approve_override(
    override: Annotated[str, typer.Argument(metavar="ID", help="The override's id.")],
    by: By = None,
    reason: Why = "",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Put an override in force, from now for as long as was asked; not by who asked."""
    with opened(data) as identity:
        row = identity.admin.limits.approve_override(override, by=who(by), reason=reason)
    sentence = f"override {row.id} is in force until {moment(row.expires_ms)}"
    if row.approved_login == row.asked_login:
        sentence += f"; both commands were run from the login {row.asked_login}, which is recorded"
    tell(as_json, plain_of(row), sentence)


@override_app.command("end")
def end_override(
    override: Annotated[str, typer.Argument(metavar="ID", help="The override's id.")],
    by: By = None,
    reason: Why = "",
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """End an override before its time, or refuse one."""
    with opened(data) as identity:
        row = identity.admin.limits.end_override(override, by=who(by), reason=reason)
    tell(as_json, plain_of(row), f"override {row.id} is over")


@override_app.command("list")
def list_overrides(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Overrides that wait, are in force, or were lately."""
    now = SystemClock().now_ms()
    with opened(data) as identity:
        rows = list(identity.store.all(Override).values())
    show_rows(
        rows,
        as_json,
        "overrides",
        (
            *("override", "account", "limit", "value", "reason", "asked by", "approved by"),
            *("in force", "until"),
        ),
        lambda one: (
            one.id,
            f"{one.tenant}/{one.account}",
            one.name,
            one.value,
            one.reason,
            _named(one.asked_by, one.asked_login),
            _named(one.approved_by, one.approved_login),
            "yes" if one.in_force(now) else "no",
            moment(one.expires_ms),
        ),
    )


@halt_app.command("list")
def list_halts(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Every halt in force. `onefill resume` lifts one through the gateway."""
    with opened(data) as identity:
        rows = list(identity.store.all(Halt).values())
    show_rows(
        rows,
        as_json,
        "halts",
        ("halt", "scope", "tenant", "account", "strategy", "reason", "by", "since (UTC)"),
        lambda one: (
            one.id,
            str(one.scope),
            one.tenant,
            one.account,
            "" if one.strategy is None else str(one.strategy),
            one.reason,
            one.by,
            moment(one.at_ms),
        ),
    )


def _named(who: str, login: str) -> str:
    """A name as it was given and the login it was given from, where that is another word."""
    return who if login in ("", who) else f"{who} (login {login})"


def _assigned(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise OnefillError("LIMITS_INVALID", f"{text!r}: write NAME=VALUE, as max_orders=50")
    return name.strip(), value.strip()


def _cells(row: LimitSet) -> tuple[str, ...]:
    return row.level, row.name, row.value
