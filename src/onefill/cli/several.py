"""The same call to several gateways at once: each answers for itself, none waits for another."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import typer

from onefill.cli import reach
from onefill.cli.journal_text import plain
from onefill.client.client import Client
from onefill.model.errors import OnefillError

T = TypeVar("T")
INCOMPLETE = 3
"""The exit status where not everything, or not everybody, was reached."""
MOST = 16
"""Gateways of one call."""
_LOOK_S = 0.5
"""How long Ctrl-C waits at most, where a wait cannot be interrupted."""

Gateways = Annotated[
    list[str] | None,
    typer.Option(
        "--gateway",
        envvar="ONEFILL_GATEWAY",
        metavar="URL",
        help="The gateway; repeated: each of them, at once. The variable may hold several, with "
        f"blanks between. Else {reach.DEFAULT_URL}.",
    ),
]
KeyFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--key-file",
        envvar="ONEFILL_KEY_FILE",
        metavar="FILE",
        help="A file with the API key, or an access token, in its first line: one for all "
        f"gateways, or one for each, in their order (in the variable with {os.pathsep} between).",
    ),
]


class Place(msgspec.Struct, frozen=True):
    """A gateway, and the file with the key for it."""

    url: str
    key_file: Path


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """What a gateway answered, or why there is no answer."""

    gateway: str
    value: T | None = None
    error: OnefillError | None = None


def places(gateways: list[str] | None, key_files: list[Path] | None) -> list[Place]:
    """The gateways that are named, none twice. Raises `OnefillError`."""
    urls = [url for one in gateways or [] for url in reach.urls(one)] or [reach.DEFAULT_URL]
    keys = key_files or []
    if not keys:
        raise reach.key_missing()
    if len(keys) not in (1, len(urls)):
        raise OnefillError(
            "KEYS_DIFFER",
            f"{len(urls)} gateways and {len(keys)} key files: give one --key-file for all, or one "
            "for each, in the gateways' order",
        )
    if len(urls) > MOST:
        raise OnefillError("GATEWAYS_TOO_MANY", f"{len(urls)} gateways; at most {MOST} at once")
    if len(keys) == 1:
        keys = keys * len(urls)
    named = dict(zip([url.rstrip("/") for url in urls], keys, strict=True))
    return [Place(url, key) for url, key in named.items()]


def ask(asked: list[Place], call: Callable[[Client], T]) -> Iterator[Answer[T]]:
    """Call every gateway, and tell the answers as they come. Of a single one the error is raised,
    as a command of one gateway does."""
    came: queue.SimpleQueue[Answer[T]] = queue.SimpleQueue()

    def one(place: Place) -> None:
        try:
            with reach.client(place.url, place.key_file) as client:
                came.put(Answer(place.url, call(client)))
        except OnefillError as wrong:
            came.put(Answer(place.url, error=wrong))
        except Exception as broken:  # noqa: BLE001 (the others must be told of theirs)
            failed = OnefillError("CALL_FAILED", f"{type(broken).__name__}: {broken}")
            came.put(Answer(place.url, error=failed))

    for place in asked:
        threading.Thread(target=one, args=(place,), daemon=True).start()
    for _ in asked:
        answer = _next(came)
        if answer.error is not None and len(asked) == 1:
            raise answer.error
        yield answer


def _next(came: queue.SimpleQueue[T]) -> T:
    while True:
        try:
            return came.get(timeout=_LOOK_S)
        except queue.Empty:
            continue


def tell_error(answer: Answer[Any], *, as_json: bool) -> None:
    """Why a gateway gave no answer: for programs in its line among the answers."""
    wrong = answer.error
    assert wrong is not None
    if as_json:
        error = {"code": wrong.code, "message": wrong.message}
        reach.print_json({"gateway": answer.gateway, "error": error})
    else:
        sys.stderr.write(f"onefill: gateway {plain(answer.gateway)}: {wrong.message}\n")


def print_json(gateway: str, value: msgspec.Struct) -> None:
    """An answer as one line of JSON, with the gateway that gave it."""
    reach.print_json({"gateway": gateway, **msgspec.to_builtins(value)})
