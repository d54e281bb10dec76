"""Why a terminal could not be used, from `last_error`, in plain words; never with the password."""

from __future__ import annotations

from onefill.model.errors import OnefillError
from onefill.terminal.session import Session

_CAUSES = {
    -5: (
        "TERMINAL_TOO_OLD",
        "{where} and this MetaTrader5 package do not understand each other: let the terminal "
        "update itself, and `pip install -U MetaTrader5`",
    ),
    -7: (
        "LOGIN_REFUSED",
        "account {login} on {server!r} asks for a one-time password or a certificate, which no "
        "program can give: log in with a plain password, or to another account",
    ),
    -8: (
        "PYTHON_DISABLED",
        "{where} takes nothing from Python: untick 'Disable algorithmic trading via external "
        "Python API' in its options, under Expert Advisors",
    ),
    -10003: (
        "TERMINAL_NOT_FOUND",
        "{where} could not be started: MetaTrader 5 is not installed there, or terminal_path is "
        "wrong",
    ),
    -10005: (
        "TERMINAL_NO_ANSWER",
        "{where} did not answer within {timeout} ms: it may be updating, or wait for somebody to "
        "press a button",
    ),
}
_SLOW = "didn't answer"


def failed_to_connect(session: Session, code: int, text: str, elsewhere: str = "") -> OnefillError:
    """What `initialize` came to. `elsewhere`: the server at which the terminal is logged in by
    itself, where that is known."""
    told = f"(the terminal said {text!r}, {code})"
    if code == -6:
        return OnefillError("LOGIN_REFUSED", f"{_refused(session, elsewhere)} {told}")
    if code == -10003 and _SLOW in text:
        code = -10005  # it was started, and then kept silent
    name, sentence = _CAUSES.get(code, ("TERMINAL_FAILED", "{where} cannot be used"))
    words = sentence.format(
        where=session.terminal_path or "the installed terminal",
        login=session.login,
        server=session.server,
        timeout=session.timeout_ms,
    )
    return OnefillError(name, f"{words} {told}")


def _refused(session: Session, elsewhere: str) -> str:
    refused = f"account {session.login} was refused on {session.server!r}"
    if not session.server or elsewhere == session.server:
        return (
            f"{refused}: the password is wrong or missing, or the account number is, or the "
            "account has been closed"
        )
    if elsewhere:
        return (
            f"{refused}: the terminal knows the server {elsewhere!r}; is the server's name wrong? "
            "Otherwise the password is, or the account has been closed"
        )
    return (
        f"{refused}: the password or the server's name is wrong (write it as the terminal does, "
        "under File, Login to Trade Account), or the account has been closed"
    )


def account_mismatch(session: Session, login: int, server: str) -> OnefillError:
    """Another account is logged in."""
    return OnefillError(
        "ACCOUNT_MISMATCH",
        f"session {session.name!r} is for account {session.login} on {session.server!r}, but the "
        f"terminal is logged in to {login} on {server!r}; nothing is traded there: log the "
        "terminal in to the right account, or mend the configuration",
    )
