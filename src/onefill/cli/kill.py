"""`onefill kill`: halt everything, a tenant, an account or a strategy, and say who confirmed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from onefill.cli import ProgramStatus, reach
from onefill.contracts.rest import Halted, Killed

INCOMPLETE = 3
"""The exit status where somebody could not be reached."""

_SAYS = {
    "confirmed": "[green]confirmed[/]",
    "lease_ran_out": "[yellow]its lease ran out: it sends nothing[/]",
    "unreachable": "[bold red]unreachable[/]",
}

Tenant = Annotated[str | None, typer.Option(help="All of a tenant (for the firm's operators).")]
Account = Annotated[str | None, typer.Option(help="One account.")]
Strategy = Annotated[int | None, typer.Option(min=0, help="One magic number.")]


def kill(
    reason: reach.Reason,
    tenant: Tenant = None,
    account: Account = None,
    strategy: Strategy = None,
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Close all positions too, until none is left.")
    ] = False,
    gateway: reach.Gateway = reach.DEFAULT_URL,
    key_file: reach.KeyFile = None,
    as_json: reach.Json = False,
) -> ProgramStatus:
    """Send nothing more that raises risk: for all that the key may halt, or what is named.

    It holds until somebody resumes it, restarts included. The exit status is 3 where an account's
    client could not be reached.

    Example: onefill kill --account 5012345 --flatten --reason "prices look wrong"
    """
    with reach.client(gateway, key_file) as client:
        if sys.stderr.isatty():
            typer.echo(_PATIENCE, err=True)
        killed = client.kill(
            reason=reason, tenant=tenant, account=account, strategy=strategy, flatten=flatten
        )
    if as_json:
        reach.print_json(killed)
    else:
        _show(killed)
    return ProgramStatus(0 if killed.complete else INCOMPLETE)


_PATIENCE = "halting: until every client has confirmed, or its lease (usually 15 s) has run out"


def _show(killed: Killed) -> None:
    console = reach.console()
    console.print(f"halt [bold]{killed.halt.id}[/] is in force: {covers(killed.halt)}")
    table = reach.table("")
    for name in ("account", "outcome"):
        table.add_column(name, no_wrap=True)
    for name in ("denied", "cancels"):
        table.add_column(name, justify="right")
    table.add_column("why")
    for one in killed.accounts:
        table.add_row(
            reach.shown(one.mt5_account),
            _SAYS.get(one.outcome, reach.shown(one.outcome)),
            str(one.denied),
            str(one.cancels),
            reach.shown(one.why),
        )
    console.print(table)
    if not killed.complete:
        lost = [one.mt5_account for one in killed.accounts if one.outcome == "unreachable"]
        console.print(
            f"[bold red]not everybody was reached[/]: {reach.shown(', '.join(lost))}. The halt "
            "holds here; look at those accounts at their brokers.",
        )
    if killed.halt.flatten:
        console.print("positions are being closed: onefill resume --list shows how far it is")


def covers(halt: Halted) -> str:
    """What a halt covers, in words."""
    where = f"account {reach.shown(halt.mt5_account)}" if halt.mt5_account else ""
    if halt.strategy is not None:
        return f"strategy {halt.strategy}" + (f" of {where}" if where else "")
    return where or f"the whole {halt.scope.value}"
