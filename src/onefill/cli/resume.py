"""`onefill resume`: lift a halt, or see which are in force."""

from __future__ import annotations

from typing import Annotated

import typer

from onefill.cli import reach
from onefill.cli.journal_text import time_text
from onefill.cli.kill import Account, Strategy, Tenant, covers
from onefill.contracts.rest import Halted
from onefill.model.errors import OnefillError


def resume(
    id: Annotated[
        str | None, typer.Argument(metavar="[HALT]", help="The halt's id, as `kill` told it.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; recorded.")] = None,
    tenant: Tenant = None,
    account: Account = None,
    strategy: Strategy = None,
    list_halts: Annotated[
        bool, typer.Option("--list", help="Lift nothing: show the halts in force.")
    ] = False,
    gateway: reach.Gateway = reach.DEFAULT_URL,
    key_file: reach.KeyFile = None,
    as_json: reach.Json = False,
) -> None:
    """Let what was halted be traded again: a halt by its id, or those on just what is named.

    Example: onefill resume --account 5012345 --reason "the feed is back"
    """
    with reach.client(gateway, key_file) as client:
        if list_halts:
            found = client.halts()
        elif reason is None or not reason.strip():
            raise OnefillError("REASON_MISSING", "say why with --reason; it is recorded")
        else:
            found = client.resume(
                id=id, reason=reason, tenant=tenant, account=account, strategy=strategy
            )
    if as_json:
        for halt in found:
            reach.print_json(halt)
    elif list_halts:
        _show(found)
    else:
        for halt in found:
            typer.echo(f"halt {reach.shown(halt.id)} is lifted: {covers(halt)} may trade again")


def _show(found: list[Halted]) -> None:
    if not found:
        typer.echo("nothing is halted")
        return
    table = reach.table("Halts")
    for name in ("halt", "since"):
        table.add_column(name, no_wrap=True)
    for name in ("covers", "by", "reason", "flattening"):
        table.add_column(name, overflow="fold")
    for halt in found:
        table.add_row(
            reach.shown(halt.id),
            time_text(halt.at_ms)[5:19],
            covers(halt),
            reach.shown(halt.by),
            reach.shown(halt.reason),
            "\n".join(
                f"{reach.shown(one.mt5_account)}: "
                + ("flat" if one.flat else f"{_count(one.positions)} open")
                for one in halt.flattening
            ),
        )
    reach.console().print(table)


def _count(positions: int | None) -> str:
    return "not told how many" if positions is None else str(positions)
