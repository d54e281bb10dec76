"""`onefill journal ...`: verify, show, resolve, export and back up a journal."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from onefill.cli.journal_tables import accounts_at_a_glance, last_records, order_life, show
from onefill.cli.journal_text import kind_of, plain, record_object, time_text
from onefill.journal.backup import backup
from onefill.journal.decision import resolve, resume_strategy
from onefill.journal.errors import JournalDamaged
from onefill.journal.files import reading
from onefill.journal.journal import Journal
from onefill.journal.loading import all_rows, load, order_rows
from onefill.journal.record import Record, Row, read
from onefill.journal.sqlite_store import SqliteStore
from onefill.journal.verify import Verdict, verify
from onefill.model.errors import OnefillError
from onefill.model.events import decode_event, key_of
from onefill.model.fold import order_of
from onefill.model.states import State
from onefill.model.wording import counted
from onefill.runtime.clock import SystemClock

BROKEN = 1
LAST_RECORDS = 10
"""How many records `show` ends with."""

app = typer.Typer(
    name="journal",
    help="Look at a journal, verify it, decide what evidence could not, copy it.\n\n"
    "Example: onefill journal verify runs/first",
    no_args_is_help=True,
)

Directory = Annotated[
    Path, typer.Argument(metavar="DIR", help="The journal's directory, as given to `--journal`.")
]


class Format(StrEnum):
    """What `export` writes."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command("verify")
def verify_command(
    directory: Directory,
    head: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="A head hash told earlier: it must still be there."),
    ] = None,
) -> None:
    """Recompute the whole journal: chain, numbers, states, inbox, snapshots.

    Ends with 0 where it is intact and with 1 where it is broken, saying where and how. A chain
    alone cannot show that its end was cut off: keep the head that a run prints, and give it here.

    Example: onefill journal verify runs/first --head 90349d2c...
    """
    try:
        verdict = verify(directory, head)
    except JournalDamaged as damage:
        typer.echo(f"broken: {damage.message}")
        raise typer.Exit(BROKEN) from damage
    for line in _verdict_lines(verdict):
        typer.echo(line)
    if not verdict.intact:
        raise typer.Exit(BROKEN)


def _verdict_lines(verdict: Verdict) -> Iterator[str]:
    if verdict.intact:
        yield f"intact: {counted(verdict.records, 'record')}"
    else:
        count = len(verdict.breaks) + verdict.further
        yield f"broken: {counted(count, 'break')} in {counted(verdict.records, 'record')}"
    for found in verdict.breaks:
        where = f"record {found.seq}" if found.seq else "journal"
        owner = f" (account {plain(found.account)})" if found.account else ""
        yield f"  {where}{owner}: {plain(found.what)}"
    if verdict.further:
        yield f"  ... and {verdict.further:,} more"
    for account, head in verdict.heads.items():
        yield f"account {plain(account)}: head {head}"
    if verdict.head_found is not None:
        account, after = verdict.head_found
        follows = "record follows it" if after == 1 else "records follow it"
        follow = f"{after:,} {follows}" if after else "it is the last record"
        yield f"the head asked for is in account {plain(account)}: {follow}"


@app.command("show")
def show_command(
    directory: Directory,
    order: Annotated[
        str | None, typer.Option(metavar="KEY", help="An order's client key: its whole life.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Whose order, where several accounts have that key.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of tables.")] = False,
) -> None:
    """Show an order's life event by event, or the whole journal at a glance.

    Example: onefill journal show runs/first --order eurusd-17
    """
    with reading(directory) as store:
        if order is not None:
            _show_order(store, order, account, as_json)
        else:
            _show_glance(store, directory, as_json)


def _show_order(store: SqliteStore, key: str, account: str | None, as_json: bool) -> None:
    found = False
    for name in store.accounts() if account is None else [account]:
        entry = store.find_key(name, key)
        if entry is None:
            continue
        found = True
        rows = list(order_rows(store, entry.number))
        if as_json:
            for row in rows:
                _print_json(record_object(row))
            continue
        taken: list[Record] = []
        steps: list[tuple[Record, State | None]] = []
        for record in map(read, rows):
            taken.append(record)
            order = order_of((one.seq, one.at_ms, one.event) for one in taken)
            steps.append((record, order.state if order else None))
        last = order_of((one.seq, one.at_ms, one.event) for one in taken)
        assert last is not None, "the first record of an order accepts or denies it"
        show(order_life(name, last, steps))
    if not found:
        where = f"account {account!r} of this journal" if account is not None else "this journal"
        raise OnefillError("NO_SUCH_ORDER", f"there is no order {key!r} in {where}")


def _show_glance(store: SqliteStore, directory: Path, as_json: bool) -> None:
    last, accounts = load(store, directory)
    ending = list(all_rows(store, after=max(0, last - LAST_RECORDS)))
    if not as_json:
        states = [(one.state, one.head.hex()) for one in accounts.values()]
        show(accounts_at_a_glance(states), last_records(map(read, ending)))
        return
    for name, one in accounts.items():
        _print_json(
            {
                "account": name,
                "records": one.state.records,
                "head": one.head.hex(),
                "orders": {str(state): count for state, count in sorted(one.state.counts.items())},
                "live": list(one.state.orders),
                "positions": len(one.state.positions),
            }
        )
    for row in ending:
        _print_json(record_object(row))


@app.command("resolve")
def resolve_command(
    directory: Directory,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The order's client key.")],
    to: Annotated[State, typer.Option("--as", metavar="STATE", help="What became of it.")],
    by: Annotated[str, typer.Option(metavar="WHO", help="Who decides.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: what was looked at.")],
    account: Annotated[
        str | None, typer.Option(help="Whose order, where several accounts have that key.")
    ] = None,
    ticket: Annotated[
        int, typer.Option(min=0, help="The broker's order; needed for what goes on working there.")
    ] = 0,
) -> None:
    """Settle an order that is in quarantine, by a person's decision, which is recorded.

    Only for what evidence could not settle; look at the broker's own statement first.

    Example: onefill journal resolve runs/first eurusd-17 --as not_executed --by "A. Mayer"
    --reason "no order and no deal in the broker's statement"
    """
    with Journal.open(directory, create=False) as journal:
        seq = resolve(
            journal,
            key,
            to,
            by=by,
            reason=reason,
            clock=SystemClock(),
            account=account,
            ticket=ticket,
        )
    typer.echo(f"order {plain(key)} is {to}: record {seq}")


@app.command("resume")
def resume_command(
    directory: Directory,
    strategy: Annotated[
        int, typer.Option(metavar="M", min=0, help="The magic number of the stopped strategy.")
    ],
    by: Annotated[str, typer.Option(metavar="WHO", help="Who decides.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: what was looked at.")],
    account: Annotated[
        str | None, typer.Option(help="Of which account, where it is stopped in several.")
    ] = None,
) -> None:
    """Let a strategy that sent too many orders alike (max_repeats) open orders again.

    The decision is recorded. Whoever has the journal open must be stopped meanwhile.

    Example: onefill journal resume runs/first --strategy 7 --by "A. Mayer" --reason "loop mended"
    """
    with Journal.open(directory, create=False) as journal:
        seq = resume_strategy(
            journal, strategy, by=by, reason=reason, clock=SystemClock(), account=account
        )
    typer.echo(f"strategy {strategy} goes on: record {seq}")


@app.command("export")
def export_command(
    directory: Directory,
    form: Annotated[Format, typer.Option("--format", help="One JSON object a line, or CSV.")],
) -> None:
    """Write every record to standard output, oldest first.

    In CSV, text that a spreadsheet would take for a formula gets a leading apostrophe; the event
    column holds it unchanged.

    Example: onefill journal export runs/first --format csv > records.csv
    """
    with reading(directory) as store:
        if form is Format.JSONL:
            for row in all_rows(store):
                _print_json(record_object(row))
        else:
            _export_csv(all_rows(store))


_CSV_COLUMNS = (
    *("seq", "time", "at_ms", "account", "order_number", "type", "key", "to", "code", "message"),
    *("order_ticket", "position_ticket", "event", "hash"),
)


def _export_csv(rows: Iterator[Row]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(_CSV_COLUMNS)
    for row in rows:
        event = decode_event(row.body)
        whole = record_object(row)
        cells = [
            *(row.seq, time_text(row.at_ms), row.at_ms, row.account, row.number),
            *(kind_of(event), key_of(event), getattr(event, "to", "")),
            *(getattr(event, "code", ""), getattr(event, "message", "")),
            *(getattr(event, "order_ticket", ""), getattr(event, "position_ticket", "")),
            *(json.dumps(whole["event"], ensure_ascii=False), row.hash.hex()),
        ]
        out.writerow([_no_formula(cell) if isinstance(cell, str) else cell for cell in cells])


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


@app.command("backup")
def backup_command(
    directory: Directory,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; must not exist yet.")],
) -> None:
    """Copy the journal into one file, as of one moment, beside a running writer, and verify it.

    To use the copy, make it `journal.sqlite` in a directory of its own.

    Example: onefill journal backup runs/first first.backup
    """
    verdict = backup(directory, file)
    typer.echo(f"{file}: {counted(verdict.records, 'record')}, verified")


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
