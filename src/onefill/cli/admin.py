"""`onefill admin ...`: tenants, users, accounts, keys, tokens, limits and the audit trail."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from onefill.cli import admin_audit, admin_credentials, admin_limits, admin_people
from onefill.cli.admin_options import (
    DEFAULT_DATA,
    By,
    Data,
    Json,
    Out,
    opened,
    print_json,
    secret_file,
    who,
)
from onefill.gateway.identity.setup import FirstSetup, first_setup
from onefill.model.errors import OnefillError

app = typer.Typer(
    name="admin",
    help="Who may do what at a gateway: tenants, users, accounts, keys, limits.\n\n"
    "It works on the gateway's directory, beside a running gateway too, which sees a change\n"
    "within seconds.\n\n"
    "Example: onefill admin setup --data gateway",
    no_args_is_help=True,
)
for module in (admin_people, admin_credentials, admin_limits, admin_audit):
    for group in module.groups:
        app.add_typer(group)


@app.callback()
def _admin() -> None:
    """Who may do what at a gateway."""


@app.command("setup")
def setup(
    tenant: Annotated[str, typer.Option(help="The first tenant.")] = "demo",
    user: Annotated[str, typer.Option(help="Its user, traded automatically.")] = "trader",
    account: Annotated[str, typer.Option(help="The user's MT5 account: its login.")] = "100001",
    server: Annotated[str, typer.Option(help="Its server; else the first profile's.")] = "",
    broker: Annotated[str, typer.Option(help="Its broker, approved with it.")] = "",
    live: Annotated[bool, typer.Option("--live", help="A live account, not a demo one.")] = False,
    out: Out = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write the key to DIR/trader, the token to DIR/agent (mode 0600)."
        ),
    ] = None,
    by: By = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """A first tenant, user and account, with an API key and a token for the account's agent.

    What is there stays as it is; the key and the token are new each time.

    Example: onefill admin setup --data gateway --keys keys --broker "Onefill Simulated Broker"
    """
    if keys is not None:
        try:
            keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as wrong:
            raise OnefillError("FILE_UNWRITABLE", f"{keys}: {wrong.strerror}") from None
    with ExitStack() as files, opened(data, create=True) as identity:
        whole = files.enter_context(secret_file(out))
        trader = files.enter_context(secret_file(keys and keys / "trader"))
        agent = files.enter_context(secret_file(keys and keys / "agent"))
        made = first_setup(
            identity,
            tenant=tenant,
            user=user,
            account=account,
            server=server,
            broker=broker,
            live=live,
            by=who(by),
        )
        whole.append(msgspec.json.encode(made).decode())
        trader.append(made.key)
        agent.append(made.client_token)
    if keys is not None:
        typer.echo(
            f"tenant {tenant}, user {user}, account {account}: the trader's key (read, trade, "
            f"operate) is in {keys / 'trader'}, the agent's token (client) in {keys / 'agent'}"
        )
    elif out is not None:
        typer.echo(f"tenant {tenant}, user {user}, account {account}: secrets written to {out}")
    elif as_json:
        print_json(msgspec.to_builtins(made))
    else:
        _tell(made)


def _tell(made: FirstSetup) -> None:
    typer.echo(f"tenant {made.tenant}, user {made.user}, account {made.account}")
    typer.echo(f"key for decisions (read, trade, operate):\n{made.key}")
    typer.echo(f"token for the account's agent (client):\n{made.client_token}")
    typer.echo("Both are told only this once. `onefill admin key list` shows what there is.")
