"""The hosted module: found, connected to its terminal, and the account checked."""

from __future__ import annotations

import atexit
import importlib
import os
import tempfile
from pathlib import Path
from typing import Any

from onefill.model.errors import OnefillError
from onefill.terminal.metatrader.refused import account_mismatch, failed_to_connect
from onefill.terminal.session import SERVED, Session

Module = Any
"""`MetaTrader5`, or `onefill.mt5`: the same functions, names and tuples."""

_AUTH_FAILED = -6


def load_module(session: Session) -> Module:
    """The module of a session's terminal. Raises `OnefillError` (`MODULE_MISSING`,
    `MODULE_BROKEN`)."""
    if session.simulated is None:
        return _imported("MetaTrader5")
    _tell_the_simulator(session)
    return _imported("onefill.mt5")


def _imported(name: str) -> Module:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as wrong:
        raise OnefillError(
            "MODULE_MISSING",
            f"this Python has no {name} ({wrong}): it exists for Windows (or Wine) only; install "
            "it there with pip, serve it from there with `onefill terminal serve`, or give "
            "terminal_path = 'simulated:ecn' for the simulator",
        ) from None
    except (ImportError, AttributeError, OSError, RuntimeError, SystemError, ValueError) as wrong:
        raise OnefillError(
            "MODULE_BROKEN",
            f"{name} is installed but does not load ({type(wrong).__name__}: {wrong}): it must be "
            "of this Python's version, 64 bit, and its numpy too",
        ) from None


def _tell_the_simulator(session: Session) -> None:
    """What `onefill.mt5` reads from its environment; this process has no other use of it."""
    told = {"ONEFILL_TICKS": os.pathsep.join(session.ticks), "ONEFILL_STATE": session.state}
    if session.terminal_path.startswith(SERVED):
        told["ONEFILL_BROKER"] = session.terminal_path.removeprefix(SERVED)
        told["ONEFILL_BROKER_TOKEN_FILE"] = _token_file(session.token)
    for name, value in told.items():
        if value:
            os.environ[name] = value
        else:  # what the engine's own environment says is for other programs
            os.environ.pop(name, None)


def _token_file(token: str) -> str:
    """A file of this process alone, gone with it: `onefill.mt5` takes tokens from files."""
    handle, path = tempfile.mkstemp(prefix="onefill-token-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(token)
    atexit.register(Path(path).unlink, missing_ok=True)
    return path


def connect(module: Module, session: Session) -> None:
    """Start or attach to the terminal and log in; the account that is logged in is the session's.

    Raises `OnefillError` with the cause, as `refused.failed_to_connect` names it, or
    `ACCOUNT_MISMATCH`.
    """
    if not module.initialize(*_where(session), **_who(session), **_how(session)):
        code, text = module.last_error()
        elsewhere = _server_without_login(module, session) if code == _AUTH_FAILED else ""
        raise failed_to_connect(session, code, text, elsewhere)
    account = module.account_info()
    if account is None:
        raise failed_to_connect(session, *module.last_error())
    wrong_server = bool(session.server) and account.server != session.server
    if account.login != session.login or wrong_server:
        module.shutdown()
        raise account_mismatch(session, account.login, account.server)


def _where(session: Session) -> tuple[str, ...]:
    served = session.terminal_path.startswith(SERVED)
    return (session.terminal_path,) if session.terminal_path and not served else ()


def _who(session: Session) -> dict[str, Any]:
    """Account and password. Where it is called it gets no name: a traceback may be written with its
    variables."""
    who: dict[str, Any] = {"login": session.login}
    who |= {"server": session.server} if session.server else {}
    return who | {"password": session.password} if session.password else who


def _how(session: Session) -> dict[str, Any]:
    how: dict[str, Any] = {"timeout": session.timeout_ms}
    return how | {"portable": True} if session.portable else how


def _server_without_login(module: Module, session: Session) -> str:
    """Where the terminal was logged in last: it tells a wrong server's name from a wrong password.
    Empty where that cannot be found out."""
    if not module.initialize(*_where(session), **_how(session)):
        return ""
    account = module.account_info()
    module.shutdown()
    return str(account.server) if account is not None else ""
