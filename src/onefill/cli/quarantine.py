"""`onefill quarantine`: orders whose outcome a person must decide, and the decision."""

from __future__ import annotations

from typing import Annotated

import typer

from onefill.cli import reach
from onefill.cli.journal_text import plain
from onefill.cli.orders import orders_table
from onefill.model.states import State

app = typer.Typer(
    name="quarantine",
    help="Orders whose outcome nobody could prove: see them, and decide.\n\n"
    "Example: onefill quarantine --key-file operator.key",
    invoke_without_command=True,
)


@app.callback()
def show(
    context: typer.Context,
    gateway: reach.Gateway = reach.DEFAULT_URL,
    key_file: reach.KeyFile = None,
    as_json: reach.Json = False,
) -> None:
    """Orders whose outcome nobody could prove: see them, and decide."""
    if context.invoked_subcommand is not None:
        return
    with reach.client(gateway, key_file) as client:
        found = client.quarantine()
    if as_json:
        for order in found:
            reach.print_json(order)
    elif found:
        reach.console().print(orders_table("Quarantine", found))
    else:
        typer.echo("no order is in quarantine")


@app.command("resolve")
def resolve(
    id: Annotated[str, typer.Argument(metavar="ID", help="Its intent id, or its client key.")],
    to: Annotated[State, typer.Option("--as", metavar="STATE", help="What became of it.")],
    reason: reach.Reason,
    account: Annotated[str | None, typer.Option(help="Its account, with a client key.")] = None,
    ticket: Annotated[
        int | None, typer.Option(help="The broker's order, where the statement shows one.")
    ] = None,
    gateway: reach.Gateway = reach.DEFAULT_URL,
    key_file: reach.KeyFile = None,
    as_json: reach.Json = False,
) -> None:
    """Decide what became of an order; recorded with whose key it was.

    Only for what evidence could not settle; look at the broker's own statement first.

    Example: onefill quarantine resolve eurusd-17 --account 5012345 --as not_executed
    --reason "no order and no deal in the broker's statement"
    """
    with reach.client(gateway, key_file) as client:
        order = client.resolve(id, to.value, reason=reason, account=account, ticket=ticket)
    if as_json:
        reach.print_json(order)
    else:
        typer.echo(f"order {plain(order.client_key)} is {order.status.value}")
        typer.echo(
            "the account's agent is told, now or when it connects, and settles its own books",
            err=True,
        )
