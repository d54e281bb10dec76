"""What `onefill journal show` prints: an order's life as a timeline, a journal at a glance."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from onefill.cli.journal_text import describe, kind_of, plain, time_text
from onefill.journal.record import Record
from onefill.model.account import AccountState
from onefill.model.events import key_of
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.model.volume import to_lots

_STYLE = {
    State.FILLED: "green",
    State.DONE: "green",
    State.WORKING: "cyan",
    State.PARTIALLY_FILLED: "cyan",
    State.DENIED: "yellow",
    State.REJECTED: "yellow",
    State.CANCELLED: "yellow",
    State.EXPIRED: "yellow",
    State.NOT_EXECUTED: "yellow",
    State.UNKNOWN: "bold red",
    State.QUARANTINED: "bold red",
}


def _state(state: State | None) -> Text:
    return Text(str(state or ""), style=_STYLE.get(state, "") if state else "")


def order_life(account: str, order: OrderState, steps: list[tuple[Record, State | None]]) -> Group:
    """One order: what it is, and its records with the state after each."""
    head = Table.grid(padding=(0, 2))
    head.add_row("account", Text(plain(account)))
    head.add_row("intent", Text(order.intent_id))
    head.add_row("state", _state(order.state))
    if order.code or order.message:
        head.add_row("reason", Text(plain(f"{order.code} {order.message}".strip())))
    if order.order_ticket or order.position_ticket:
        tickets = f"order {order.order_ticket}, position {order.position_ticket}"
        head.add_row("tickets", Text(tickets))
    if order.filled_e8:
        filled = f"{to_lots(order.filled_e8):.10g} of {to_lots(order.asked_e8):.10g} lots"
        head.add_row("filled", Text(f"{filled} at {order.fill_price() or 0:.10g}"))
    life = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("record", "time (UTC)", "event", "state", "code", "what"):
        life.add_column(name, justify="right" if name == "record" else "left")
    for record, state in steps:
        life.add_row(
            str(record.seq),
            time_text(record.at_ms),
            kind_of(record.event),
            _state(state),
            Text(plain(getattr(record.event, "code", ""))),
            Text(plain(describe(record.event))),
        )
    title = Text(f"order {plain(order.key)}")
    return Group(Panel(head, title=title, title_align="left", expand=False), life)


def accounts_at_a_glance(states: Iterable[tuple[AccountState, str]]) -> Table:
    """Every account with the hash of its last record: how many orders stand or ended where."""
    table = Table(
        box=None, pad_edge=False, header_style="dim", title="accounts", title_justify="left"
    )
    for name in ("account", "records", "live", "positions", "orders by state", "head"):
        right = name in ("records", "live", "positions")
        table.add_column(name, justify="right" if right else "left", no_wrap=name == "head")
    for state, head in states:
        counts = Text(", ").join(
            Text.assemble(f"{count:,} ", _state(which))
            for which, count in sorted(state.counts.items())
        )
        table.add_row(
            Text(plain(state.account)),
            f"{state.records:,}",
            f"{len(state.orders):,}",
            f"{len(state.positions):,}",
            counts,
            head[:16] + "…",
        )
    return table


def last_records(records: Iterable[Record]) -> Table:
    """The records, one a line."""
    table = Table(
        box=None, pad_edge=False, header_style="dim", title="last records", title_justify="left"
    )
    for name in ("record", "time (UTC)", "account", "order", "event", "what"):
        table.add_column(name, justify="right" if name == "record" else "left")
    for record in records:
        table.add_row(
            str(record.seq),
            time_text(record.at_ms),
            Text(plain(record.account)),
            Text(plain(key_of(record.event))),
            kind_of(record.event),
            Text(plain(describe(record.event))),
        )
    return table


def show(*parts: Table | Group) -> None:
    """Print to standard output; what goes into a file or a pipe is not folded at 80 columns."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    for part in parts:
        console.print(part)
