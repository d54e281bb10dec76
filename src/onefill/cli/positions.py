"""`onefill positions`: open positions, as the accounts' clients last told a gateway."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from onefill.cli import reach


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
    table = Table(title="Positions", title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for name in ("account", "ticket", "symbol", "side"):
        table.add_column(name, no_wrap=True)
    for name in ("lots", "price", "now", "stop loss", "take profit", "profit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("opened by")
    for one in told.positions:
        table.add_row(
            reach.shown(one.mt5_account),
            str(one.ticket),
            reach.shown(one.symbol),
            one.side.value,
            f"{one.volume:g}",
            *(f"{level:g}" if level else "" for level in (one.price, one.price_now)),
            *(f"{level:g}" if level else "" for level in (one.stop_loss, one.take_profit)),
            f"{one.profit:,.2f}",
            reach.shown(one.client_key) or "(not by an order of ours)",
        )
    reach.console().print(table)
    if told.not_told:
        typer.echo(f"not told by the client of: {', '.join(map(reach.shown, told.not_told))}")
