"""The commands and their help. A command's module is imported when the command is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from onefill import __version__

#: Modules beside this one, as help lists them: with a function of their name, and with an `app`.
_COMMANDS = ("run", "demo", "script", "gateway", "agent", "orders", "positions", "kill", "resume")
_GROUPS = ("admin", "broker", "journal", "terminal", "quarantine")


class _Commands(TyperGroup):
    """Commands by name: `onefill --version` imports none of them. (Typer has no public name for the
    types of a context and of a command.)"""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in order."""
        return [*_COMMANDS, *_GROUPS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command. For an unknown one all are imported: the nearest of them is suggested."""
        names = self.list_commands(ctx)
        for name in [cmd_name] if cmd_name in names else names:
            if name not in self.commands:
                self.commands[name] = _imported(name)
        return self.commands.get(cmd_name)


def _imported(name: str) -> Any:
    module = import_module(f"onefill.cli.{name}")
    around = typer.Typer(callback=_nothing)  # makes it a group, even of one command
    if name in _COMMANDS:
        around.command(name)(getattr(module, name))
    else:
        around.add_typer(module.app, name=name)
    return get_group(around).commands[name]


def _nothing() -> None:
    return None


app = typer.Typer(
    name="onefill",
    cls=_Commands,
    help="One trade decision in, exactly one verified fill on MetaTrader 5 out.\n\n"
    "Example: onefill demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onefill {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")
    ] = False,
) -> None:
    """Options of every command."""
