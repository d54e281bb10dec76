"""How the commands reach a gateway: its address, the key in a file, and what they print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from onefill.cli.journal_text import plain
from onefill.client.client import Client
from onefill.model.errors import OnefillError
from onefill.runtime.secret import open_to_others

PIPED_WIDTH = 140
DEFAULT_URL = "http://127.0.0.1:8000"
MAX_KEY = 16_384
"""Bytes of a key's file."""

Gateway = Annotated[
    str,
    typer.Option("--gateway", envvar="ONEFILL_GATEWAY", metavar="URL", help="The gateway."),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        envvar="ONEFILL_KEY_FILE",
        metavar="FILE",
        help="A file with the API key, or an access token, in its first line.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is recorded.")]


def client(url: str, key_file: Path | None) -> Client:
    """The gateway's client. Raises `OnefillError` where the key cannot be read."""
    if key_file is None:
        raise key_missing()
    if len(urls(url)) > 1:
        raise OnefillError(
            "GATEWAYS_SEVERAL",
            f"{len(urls(url))} gateways are named ({url}), and this command asks one: choose it "
            "with --gateway, and its key with --key-file",
        )
    return Client(url, key=_key(key_file))


def urls(text: str) -> list[str]:
    """The gateways that a text names, with blanks or commas between them."""
    return text.replace(",", " ").split()


def key_missing() -> OnefillError:
    """No key was named."""
    return OnefillError(
        "KEY_MISSING",
        "name the file with your API key: --key-file FILE, or ONEFILL_KEY_FILE "
        "(`onefill admin key create` makes one)",
    )


def _key(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if open_to_others(file):
                raise OnefillError(
                    "KEY_FILE_OPEN",
                    f"key file {path} can be read by others: chmod 600 {path}",
                )
            lines = file.read(MAX_KEY).decode("ascii").split()
    except OSError as wrong:
        raise OnefillError(
            "KEY_FILE_UNREADABLE", f"key file {path}: {wrong.strerror or wrong}"
        ) from None
    except UnicodeDecodeError:
        raise OnefillError("KEY_FILE_UNREADABLE", f"key file {path} holds no key") from None
    if not lines:
        raise OnefillError("KEY_FILE_UNREADABLE", f"key file {path} is empty")
    return lines[0]


def print_json(value: object) -> None:
    """A value as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def console() -> Console:
    """A table in a log or a pipe is not squeezed into the 80 columns that are assumed there."""
    return Console() if sys.stdout.isatty() else Console(width=PIPED_WIDTH)


def table(title: str) -> Table:
    """A table that leaves its columns as much of the width as it can."""
    return Table(
        title=title or None,
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )


def number(value: float) -> str:
    """A price or a volume with all of its digits, and none that a float only seems to have."""
    return f"{value:.10g}"


def shown(text: object) -> str:
    """Text from outside, made harmless for a terminal and for rich's markup."""
    return plain(str(text)).replace("[", "\\[")
