"""A program run in this process as Python would run it: its own `__main__`, arguments and path."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from threading import Thread
from types import CodeType, ModuleType

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.surface.pace import EndOfData


def read_program(path: Path) -> bytes:
    """The program's text. Raises `OnefillError` (`PROGRAM_UNREADABLE`)."""
    try:
        return path.read_bytes()
    except OSError as wrong:
        why = wrong.strerror or str(wrong)
        raise OnefillError("PROGRAM_UNREADABLE", f"cannot read the program {path}: {why}") from None


def run_program(path: Path, arguments: list[str], source: bytes) -> int:
    """Run it to its end, its threads' too; the exit status that Python would give.

    What it does not catch is told as Python tells it, without the frames that lead to it. Raises
    `EndOfData` and `KeyboardInterrupt`, which end a run from outside, and `OnefillError`, where
    the broker cannot be simulated as the call wants it (an account in a currency without quotes).
    """
    before = set(threading.enumerate())
    with _as_main(path, arguments) as module, _quiet_ends():
        try:
            exec(_compiled(source, path), vars(module))
            status = 0
        except SystemExit as ended:
            status = _status(ended)
        except (EndOfData, KeyboardInterrupt, OnefillError):
            raise
        except BaseException as wrong:  # noqa: BLE001 - as Python's own top level does
            _tell(wrong, path)
            status = 1
        _wait_for_threads(before)
        return status


def _compiled(source: bytes, path: Path) -> CodeType:
    return compile(source, str(path), "exec", dont_inherit=True)


@contextmanager
def _as_main(path: Path, arguments: list[str]) -> Iterator[ModuleType]:
    """What a program finds when Python starts it."""
    module = ModuleType("__main__")
    vars(module).update(
        __file__=str(path),
        __builtins__=__builtins__,
        __cached__=None,
        __loader__=SourceFileLoader("__main__", str(path)),
    )
    before = sys.modules["__main__"], sys.argv, sys.path
    sys.modules["__main__"] = module
    sys.argv = [str(path), *arguments]
    sys.path = [str(path.resolve().parent), *sys.path[1:]]
    try:
        yield module
    finally:
        sys.modules["__main__"], sys.argv, sys.path = before


def _status(ended: SystemExit) -> int:
    code = ended.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    sys.stderr.write(f"{code}\n")
    return 1


def _tell(wrong: BaseException, path: Path) -> None:
    """The program's own hook, or Python's, from the program's first frame on."""
    first = wrong.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename != str(path):
        first = first.tb_next
    sys.stdout.flush()
    sys.excepthook(type(wrong), wrong.with_traceback(first), first)


@contextmanager
def _quiet_ends() -> Iterator[None]:
    """A thread whose time is over ends without a word."""
    tell = threading.excepthook

    def told(wrong: threading.ExceptHookArgs) -> None:
        if not issubclass(wrong.exc_type, EndOfData):
            tell(wrong)

    threading.excepthook = told
    try:
        yield
    finally:
        if threading.excepthook is told:
            threading.excepthook = tell


def _wait_for_threads(before: set[Thread]) -> None:
    """Python waits for the threads that are no daemons before it ends."""
    for thread in threading.enumerate():
        if thread not in before and not thread.daemon:
            thread.join()
