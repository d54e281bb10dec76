"""`onefill admin audit`: who changed what and why, and whether the trail of it is whole."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from onefill.cli.admin_options import DEFAULT_DATA, Data, Json, opened, print_json, table
from onefill.cli.journal_text import plain, time_text
from onefill.gateway.identity.audit import Entry

BROKEN = 1

audit_app = typer.Typer(
    name="audit",
    help="Who changed what, when, why; every entry sealed with the one before.\n\n"
    "Example: onefill admin audit verify",
    no_args_is_help=True,
)
groups = (audit_app,)


@audit_app.command("list")
def list_entries(
    last: Annotated[int, typer.Option(min=1, help="How many entries, from the end.")] = 50,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """The last entries, oldest first.

    Example: onefill admin audit list --last 200 --json
    """
    with opened(data) as identity:
        entries = identity.store.entries(max(0, identity.store.last_entry() - last))
    if not as_json:
        columns = ("entry", "when (UTC)", "who", "login", "what", "of", "reason")
        table("audit trail", columns, map(_cells, entries))
        return
    for one in entries:
        print_json({**one._asdict(), "detail": _detail(one), "hash": one.hash.hex()})


@audit_app.command("verify")
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="HASH", help="A head told earlier: it must be there.")
    ] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Whether nothing was edited, deleted, reordered or cut off, and the tables agree with it.

    Ends with 0 where it is whole and with 1 where it is not. Keep the head somewhere else: given
    here later, it shows that nobody replaced the whole directory by an older or another one.

    Example: onefill admin audit verify --head 90349d2c...
    """
    with opened(data) as identity:
        verdict = identity.store.verify(head)
    if as_json:
        print_json(
            {"entries": verdict.entries, "head": verdict.head, "breaks": list(verdict.breaks)}
        )
    else:
        state = "broken" if verdict.breaks else "intact"
        entries = f"{verdict.entries:,} {'entry' if verdict.entries == 1 else 'entries'}"
        typer.echo(f"{state}: {entries}, head {verdict.head}")
        for one in verdict.breaks:
            typer.echo(plain(f"  {one}"))
    if verdict.breaks:
        raise typer.Exit(BROKEN)


def _cells(entry: Entry) -> tuple[str, ...]:
    detail = _detail(entry)
    rows = detail.get("rows", [])
    # Entries from before it had a field of its own told the login in the detail.
    login = entry.login or str(detail.get("login", ""))
    of = ", ".join(f"{name} {'/'.join(key)}" for name, key, _ in rows[:3])
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    when = time_text(entry.at_ms)
    return str(entry.seq), when, entry.who, login, entry.what, of + more, entry.reason


def _detail(entry: Entry) -> dict[str, Any]:
    """What an entry tells; nothing where somebody made something else of it."""
    try:
        detail: dict[str, Any] = dict(json.loads(entry.detail))
    except (ValueError, TypeError):
        return {}
    return detail
