"""`onefill orders`: what a gateway knows of its orders, and what happens to them, live."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from onefill.cli import reach
from onefill.cli.event_text import event_words
from onefill.cli.journal_text import plain, time_text
from onefill.contracts.rest import Order, OrderEvent
from onefill.model.intent import Action, OrderType
from onefill.model.states import State

COLOURS = {
    "filled": "green",
    "done": "green",
    "working": "cyan",
    "partially_filled": "yellow",
    "denied": "yellow",
    "rejected": "red",
    "unknown": "bold red",
    "quarantined": "bold red",
}


def orders(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Then show what happens, until Ctrl-C.")
    ] = False,
    account: Annotated[str | None, typer.Option(help="Of this account only.")] = None,
    state: Annotated[
        State | None,
        typer.Option(metavar="STATE", help=f"In this state only: {', '.join(State)}."),
    ] = None,
    strategy: Annotated[int | None, typer.Option(min=0, help="Of this magic number only.")] = None,
    user: Annotated[str | None, typer.Option(help="Of this user only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 30,
    gateway: reach.Gateway = reach.DEFAULT_URL,
    key_file: reach.KeyFile = None,
    as_json: reach.Json = False,
) -> None:
    """Show orders, newest last.

    Example: onefill orders --account 5012345 --follow --key-file trader.key
    """
    with reach.client(gateway, key_file) as client:
        found = client.orders(
            account=account,
            state=None if state is None else state.value,
            strategy=strategy,
            user=user,
            limit=min(limit, 500),
        )
        # The stream begins before the list is taken, so that nothing falls between the two.
        stream = client.events(account=account) if follow else None
        if stream is not None:
            stream.open()
        shown = list(islice(found, limit))[::-1]
        if as_json:
            for order in shown:
                reach.print_json(order)
        elif shown:
            reach.console().print(orders_table("Orders", shown))
        else:
            typer.echo("no order is known of that kind")
        if stream is not None:
            with stream, suppress(KeyboardInterrupt):
                for event in stream:
                    _tell(event, as_json=as_json)


def orders_table(title: str, found: list[Order]) -> Table:
    """Orders for people, in 80 columns; a key is folded, never cut: it is what one goes on with."""
    table = reach.table(title)
    for name in ("received", "account"):
        table.add_column(name, no_wrap=True)
    table.add_column("order", overflow="fold")
    table.add_column("what", overflow="fold")
    table.add_column("became", overflow="fold")
    for one in found:
        table.add_row(
            time_text(one.received_at_ms)[5:19] if one.received_at_ms else "",
            reach.shown(one.mt5_account),
            reach.shown(one.client_key),
            reach.shown(_what(one)),
            _became(one),
        )
    return table


def _became(order: Order) -> str:
    status = order.status.value
    # A close_all that is done may have left something open: its reason says so.
    colour = "yellow" if status == "done" and order.reason else COLOURS.get(status, "white")
    words = [f"[{colour}]{status}[/]"]
    if order.filled_volume:
        words.append(reach.number(order.filled_volume))
    if order.fill_price:
        words.append(f"at {reach.number(order.fill_price)}")
    told = " ".join(words)
    return f"{told}: {reach.shown(order.reason.message)}" if order.reason else told


def _what(order: Order) -> str:
    sided = order.side is not None and order.action in (Action.OPEN, Action.CLOSE)
    meant = order.target or order.target_ticket
    words = (
        "" if sided and order.action is Action.OPEN else order.action.value,
        order.side.value if sided and order.side is not None else "",
        "" if order.volume is None else reach.number(order.volume),
        "" if order.units is None else f"{reach.number(order.units)} units",
        order.symbol,
        "" if order.order_type is OrderType.MARKET else order.order_type.value,
        f"at {reach.number(order.price)}" if order.price else "",
        f"then {reach.number(order.stop_limit_price)}" if order.stop_limit_price else "",
        f"of {meant}" if meant else "",
    )
    return " ".join(filter(None, words))


def _tell(event: OrderEvent, *, as_json: bool) -> None:
    if as_json:
        reach.print_json(event)
        return
    words = (event.mt5_account, event.client_key or "-", event.type, event_words(event))
    typer.echo(plain("  ".join([time_text(event.at_ms), *words]).rstrip()))
