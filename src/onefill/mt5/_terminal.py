"""Connecting to a terminal, and what it says of itself and of the account."""

from __future__ import annotations

from typing import Any

from onefill.mt5._arguments import (
    Refused,
    first,
    named,
    text,
    uint32,
    uint64,
)
from onefill.mt5._connect import ConnectFailed, connect
from onefill.mt5._state import SUCCESS, state
from onefill.mt5._structs import AccountInfo, TerminalInfo

_TIMEOUT_MS = 60_000
_MOST_LETTERS = 260


def initialize(*args: Any, **kwargs: Any) -> bool:
    """Connect to a terminal, and log in where a number is given: initialize(path, login=0,
    password="", server="", timeout=60000, portable=False)."""
    try:
        (path,) = first(args, text) or (named(kwargs, "path", text, ""),)
        login, password, server = _credentials((), kwargs)
        timeout_ms = named(kwargs, "timeout", uint32, _TIMEOUT_MS)
    except Refused as refused:
        state.refuse(refused)
        return False
    connected = state.backend is not None
    if not connected:
        try:
            if len(path) > _MOST_LETTERS:
                raise ConnectFailed("Path too long")
            state.backend = state.attached or connect(path, timeout_ms)
        except ConnectFailed as failed:
            state.error = failed.error
            return False
    state.error = SUCCESS
    if login and not state.ask("login", (login, password, server)):
        if not connected:
            _let_go()
        return False
    return True


def login(*args: Any, **kwargs: Any) -> bool:
    """Log in to an account: login(login, password="", server="", timeout=60000)."""
    try:
        number, password, server = _credentials(args, kwargs)
        named(kwargs, "timeout", uint32, _TIMEOUT_MS)
    except Refused as refused:
        state.refuse(refused)
        return False
    return bool(state.ask("login", (number, password, server)))


def _credentials(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, str, str]:
    """Number, password and server, unnamed or named; what is missing is 0 or ""."""
    given = first(args, uint64, text, text)
    rest = (
        named(kwargs, "login", uint64, 0),
        named(kwargs, "password", text, ""),
        named(kwargs, "server", text, ""),
    )
    number, password, server = (*given, *rest[len(given) :])
    return number, password, server


def shutdown() -> bool:
    """Let go of the terminal; it goes on."""
    _let_go()
    state.error = SUCCESS
    return True


def _let_go() -> None:
    backend, state.backend = state.backend, None
    if backend is not None and backend is not state.attached:
        backend.close()


def last_error() -> tuple[int, str]:
    """Code and text of what the last call came to."""
    return state.error


def version() -> tuple[int, int, str] | None:
    """The terminal's version, build and release date."""
    found: tuple[int, int, str] | None = state.ask("version", ())
    return found


def account_info() -> AccountInfo | None:
    """The account."""
    found = state.ask("account_info", ())
    return None if found is None else tuple.__new__(AccountInfo, found)


def terminal_info() -> TerminalInfo | None:
    """The terminal's state and settings."""
    found = state.ask("terminal_info", ())
    return None if found is None else tuple.__new__(TerminalInfo, found)
