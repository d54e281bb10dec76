"""What the commands of `onefill admin` have in common: where the store is, who does it, how places
and spans are written, and how what was made is told."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from onefill.cli.journal_text import plain, time_text
from onefill.gateway.identity.opening import Identity, open_identity
from onefill.gateway.identity.rows import plain_of
from onefill.gateway.identity.words import check_text
from onefill.model.errors import OnefillError
from onefill.runtime.clock import SystemClock

DEFAULT_DATA = Path.home() / ".onefill" / "gateway"

Data = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", envvar="ONEFILL_DATA", help="The gateway's directory."),
]
Json = Annotated[bool, typer.Option("--json", help="JSON, one object a line.")]
By = Annotated[
    str | None,
    typer.Option(metavar="WHO", help="Who does it, for the audit trail; your login unless given."),
]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the audit trail.")]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write the secret there (mode 0600) and not to standard output."
    ),
]

T = TypeVar("T", bound=msgspec.Struct)
#: Nobody logged in: it is a service, or in a container.
_NOT_TOLD = str(2**32 - 1)
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"([0-9]{1,6})([smhd])")


@contextmanager
def opened(data: Path, *, create: bool = False) -> Iterator[Identity]:
    """The identity in a gateway's directory. Raises `OnefillError` (`IDENTITY_MISSING`)."""
    if not create and not (data / "identity.sqlite").exists():
        raise OnefillError(
            "IDENTITY_MISSING",
            f"there is no gateway in {data}: name its directory with --data, or begin one with "
            "`onefill admin setup` or `onefill admin tenant create`",
        )
    identity = open_identity(data, SystemClock())
    identity.store.login = login()
    try:
        yield identity
    finally:
        identity.close()


def login() -> str:
    """Who runs this, as the operating system knows it; no variable of the environment says."""
    if sys.platform == "win32":
        name = os.getlogin()
    else:
        import pwd

        try:  # who logged in: Linux keeps it through `sudo` and `su`
            told = Path("/proc/self/loginuid").read_text(encoding="ascii")
        except OSError:
            told = ""
        uid = os.getuid() if told.strip() in ("", _NOT_TOLD) else int(told)
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            name = f"uid {uid}"
    return name


def who(by: str | None) -> str:
    """The person's name for the audit trail. Raises `OnefillError` (`TEXT_INVALID`)."""
    return login() if by is None else check_text("--by", by, needed=True)


def place(text: str, what: str) -> tuple[str, str]:
    """TENANT/NAME in its parts. Raises `OnefillError` (`PLACE_INVALID`)."""
    tenant, slash, name = text.partition("/")
    if not (tenant and slash and name):
        raise OnefillError(
            "PLACE_INVALID", f"{text!r} names no {what}: write TENANT/{what.upper()}"
        )
    return tenant, name


def scope(text: str) -> tuple[str, str]:
    """Nothing (the firm), TENANT, or TENANT/ACCOUNT in its parts."""
    tenant, _, account = text.partition("/")
    if "/" in text and not (tenant and account):
        raise OnefillError("PLACE_INVALID", f"{text!r} names no account: write TENANT/ACCOUNT")
    return tenant, account


def span_ms(text: str) -> int:
    """A span as people write it, 90s, 15m, 24h or 90d, in ms. Raises `OnefillError`."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise OnefillError(
            "SPAN_INVALID", f"{text!r} is no span of time: write 90s, 15m, 24h or 90d"
        )
    return int(found[1]) * _UNITS[found[2]]


def tell(as_json: bool, told: Mapping[str, Any], sentence: str) -> None:
    """What a command did: an object, or a sentence."""
    if as_json:
        print_json(told)
    else:
        typer.echo(plain(sentence))


def print_json(value: Mapping[str, Any]) -> None:
    """One object on a line of its own."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table on standard output; in a file or a pipe it is not folded at 80 columns."""
    cells = list(rows)
    if not cells:
        typer.echo(plain(f"{title}: none"))
        return
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for place, name in enumerate(columns):
        # What a row is named by is what the next command is given: never cut.
        shown.add_column(name, no_wrap=place == 0, overflow="fold")
    for row in cells:
        shown.add_row(*(Text(plain(cell)) for cell in row))
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=200)
    console.print(Text(plain(title), style="italic"))
    console.print(shown)


def show_rows(
    rows: Sequence[T],
    as_json: bool,
    title: str,
    columns: Iterable[str],
    cells: Callable[[T], Iterable[str]],
    hidden: tuple[str, ...] = (),
) -> None:
    """Rows as a table of some of their fields, or as objects of all of them but the hidden."""
    if not as_json:
        table(title, columns, map(cells, rows))
        return
    for row in rows:
        print_json({name: one for name, one in plain_of(row).items() if name not in hidden})


def show_one(as_json: bool, told: Mapping[str, Any], title: str) -> None:
    """One thing, a field a line."""
    if as_json:
        print_json(told)
    else:
        table(title, ("field", "value"), (_line(name, one) for name, one in told.items()))


def yes(value: bool) -> str:
    """A switch in a table."""
    return "yes" if value else "no"


def moment(at_ms: int | None) -> str:
    """A time in a table; nothing where there is none."""
    return "" if at_ms is None else time_text(at_ms)


def _line(name: str, value: object) -> tuple[str, str]:
    if name.endswith("_ms") and isinstance(value, int):
        return f"{name.removesuffix('_ms')} (UTC)", time_text(value)
    return name, _cell(value)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return yes(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


@contextmanager
def secret_file(out: Path | None) -> Iterator[list[str]]:
    """Where a secret goes: what is put on the list is in the file at the end, a line each. The file
    is made before anything else, so that no key is made whose text could not be kept."""
    lines: list[str] = []
    if out is None:
        yield lines
        return
    try:
        handle = os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise OnefillError(
            "FILE_EXISTS", f"{out} exists: name a new file for the secret, or remove it"
        ) from None
    except OSError as wrong:
        raise OnefillError("FILE_UNWRITABLE", f"{out}: {wrong.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield lines
            file.writelines(f"{line}\n" for line in lines)
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def tell_secret(as_json: bool, told: dict[str, Any], secret: str, out: Path | None) -> None:
    """What was made, and its secret: in JSON, or alone on standard output with the rest beside."""
    if as_json:
        print_json({**told, "out": str(out)} if out else {**told, "secret": secret})
        return
    words = ", ".join(f"{name} {value}" for name, value in told.items() if value)
    where = f"written to {out}" if out else "told only this once"
    typer.echo(plain(f"{words}; {where}"), err=True)
    if out is None:
        typer.echo(secret)
