"""The command line: `onefill run`, `onefill script`, `onefill journal ...`, and the others."""

from __future__ import annotations

import sys
from typing import NoReturn

from onefill.model.errors import OnefillError

EXIT_WRONG_CALL = 2
EXIT_INTERRUPTED = 130
_STOPPED = "stopped; what was done is in the journal: the same command goes on from there"


class ProgramStatus(int):
    """The exit status of a program that a command ran: it is the command's too, whatever it is."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its status; a user's mistake is one line on standard error."""
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
    except OnefillError as wrong:
        _fail(wrong.message, EXIT_WRONG_CALL)
    except KeyboardInterrupt:
        _fail(_STOPPED, EXIT_INTERRUPTED)
    except OSError as wrong:
        if not isinstance(wrong, BrokenPipeError):
            _fail(str(wrong), EXIT_WRONG_CALL)
        sys.stderr.close()  # the reader has gone: nobody is left to tell
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def _run(arguments: list[str]) -> object:
    # Imported here, so that Ctrl-C during the first imports is one line too.
    from typer.exceptions import Abort, TyperException

    from onefill.cli.app import app
    from onefill.cli.words import script_words, spread_ticks

    if arguments[:1] == ["script"]:
        words = ["script", *script_words(arguments[1:])]
    else:
        words = spread_ticks(arguments)
    try:
        status: object = app(words, standalone_mode=False)
    except TyperException as wrong:
        _fail(wrong.format_message().replace("Value error, ", ""), EXIT_WRONG_CALL)
    except SystemExit:  # what typer makes of a reader that has gone
        raise BrokenPipeError from None
    except Abort:
        raise KeyboardInterrupt from None
    if isinstance(status, ProgramStatus):
        return status
    if status == EXIT_INTERRUPTED:  # what typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status


def _fail(message: str, status: int) -> NoReturn:
    line = " ".join(message.split())
    if line:  # a call without a command was answered with the help
        print(f"onefill: {line}", file=sys.stderr)
    sys.exit(status)
