"""`onefill positions`: open positions, as the accounts' clients last told a gateway."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from onefill.cli import reach
from onefill.cli.journal_text import plain
from onefill.contracts.rest import Position


def positions(
    account: Annotated[str | None, typer.Option(help="Of this account only.")] = None,
    gateway: reach.Gateway = reach.DEFAULT_URL,
    key_file: reach.KeyFile = None,
    as_json: reach.Json = False,
) -> None:
    """Show open positions.

    Example: onefill positions --key-file trader.key
    """
    with reach.client(gateway, key_file) as client:
        told = client.positions(account=account)
    if as_json:
        for one in told.positions:
            reach.print_json(one)
        return
    if told.positions:
        reach.console().print(_table(told.positions))
    elif not told.not_told:
        typer.echo("no position is open")
    if told.not_told:
        typer.echo(
            f"not known of account {', '.join(map(plain, told.not_told))}: its client was not here "
            "yet, or there are more than it tells in one profile"
        )


def _table(found: list[Position]) -> Table:
    """Positions for people, in 80 columns; levels only where a position has one."""
    with_levels = any(one.stop_loss or one.take_profit for one in found)
    table = reach.table("Positions")
    for name in ("account", "ticket"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    for name in ("price", "now", *(("SL", "TP") if with_levels else ()), "profit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("opened by", overflow="fold")
    for one in found:
        levels = (one.stop_loss, one.take_profit) if with_levels else ()
        table.add_row(
            reach.shown(one.mt5_account),
            str(one.ticket),
            reach.shown(f"{one.side.value} {reach.number(one.volume)} {one.symbol}"),
            *(reach.number(level) if level else "" for level in (one.price, one.price_now)),
            *(reach.number(level) if level else "" for level in levels),
            f"{one.profit:,.2f}",
            reach.shown(one.client_key) or "(not ours)",
        )
    return table
