"""`onefill broker ...`: the simulated brokers that come with the package."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from onefill.cli.broker_serve import serve
from onefill.cli.profile_tables import detail, differences, profile_object
from onefill.model.errors import OnefillError
from onefill.terminal.simulator.profile import find_profile, shipped_profiles

app = typer.Typer(
    name="broker",
    help="Simulated brokers: the profiles that are shipped, and one to connect to.\n\n"
    "Example: onefill broker serve --profile ecn --state demo.book",
    no_args_is_help=True,
)
app.command("serve")(serve)


@app.callback()
def _broker() -> None:
    """Simulated brokers."""


@app.command("profiles")
def profiles(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of them, or a TOML file, in detail.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one object a profile.")] = False,
) -> None:
    """The shipped broker profiles, and what differs between them.

    Example: onefill broker profiles hostile
    """
    if name is not None:
        shown = find_profile(name)
        if as_json:
            print(msgspec.json.encode(profile_object(shown, whole=True)).decode())
        else:
            _console().print(*detail(shown), sep="\n")
        return
    shipped = [find_profile(one) for one in shipped_profiles()]
    if not shipped:
        raise OnefillError("PROFILE_UNKNOWN", "no profile is shipped: the package is not whole")
    if as_json:
        for one in shipped:
            print(msgspec.json.encode(profile_object(one, whole=False)).decode())
    else:
        _console().print(differences(shipped))


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=140)
