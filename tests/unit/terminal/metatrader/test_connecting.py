"""Connecting to a terminal, and each way in which that fails: plain words without a password."""

from __future__ import annotations

import sys

import msgspec
import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.metatrader.module import connect, load_module
from onefill.terminal.session import Session
from tests.unit.terminal.metatrader.fake import LOGIN, SERVER, SESSION, FakeModule

AUTH = (-6, "Terminal: Authorization failed")


def failure(module: FakeModule, session: Session = SESSION) -> OnefillError:
    with pytest.raises(OnefillError) as caught:
        connect(module, session)
    assert "hush-hush" not in str(caught.value) + repr(caught.value)
    return caught.value


def test_initialize_is_called_in_the_forms_that_the_real_one_takes() -> None:
    module = FakeModule()
    connect(module, msgspec.structs.replace(SESSION, terminal_path="C:\\MT5\\terminal64.exe"))
    connect(module, Session(name="bare", login=LOGIN, server="", portable=True))

    assert module.initialized == [
        (
            ("C:\\MT5\\terminal64.exe",),
            {"login": LOGIN, "server": SERVER, "password": "hush-hush", "timeout": 60_000},
        ),
        ((), {"login": LOGIN, "timeout": 60_000, "portable": True}),
    ]


def test_a_wrong_password_is_told_from_a_wrong_server_by_where_the_terminal_is_logged_in() -> None:
    module = FakeModule()
    module.refusal = AUTH
    password = failure(module)
    module.account.server = "Broker-Live"
    server = failure(module)

    assert (password.code, server.code) == ("LOGIN_REFUSED", "LOGIN_REFUSED")
    assert "the password is wrong" in password.message
    assert "knows the server 'Broker-Live'; is the server's name wrong?" in server.message
    assert "login" not in module.initialized[-1][1]
    assert module.called[-1] == "shutdown"


def test_where_the_terminal_tells_nothing_both_are_named() -> None:
    module = FakeModule()
    module.refusal, module.errors["initialize"] = AUTH, AUTH

    assert "the password or the server's name is wrong" in failure(module).message


@pytest.mark.parametrize(
    ("code", "text", "name", "words"),
    [
        (-5, "Terminal: Incompatible versions", "TERMINAL_TOO_OLD", "update"),
        (-7, "Unsupported authorization mode", "LOGIN_REFUSED", "one-time password"),
        (-8, "Auto-Trading using Python API disabled", "PYTHON_DISABLED", "untick"),
        (-10003, "IPC initialize failed, MetaTrader 5 x64 not found", "TERMINAL_NOT_FOUND",
         "not installed"),
        (-10003, "IPC initialize failed, Pipe server didn't answer in 60 sec",
         "TERMINAL_NO_ANSWER", "press a button"),
        (-10005, "IPC timeout", "TERMINAL_NO_ANSWER", "press a button"),
        (-10000, "IPC call failed", "TERMINAL_FAILED", "cannot be used"),
    ],
)  # fmt: skip
def test_every_failure_says_what_is_wrong_and_what_to_do(
    code: int, text: str, name: str, words: str
) -> None:
    module = FakeModule()
    module.refusal = (code, text)
    found = failure(module)

    assert found.code == name
    assert words in found.message
    assert text in found.message


@pytest.mark.parametrize("field", ["login", "server"])
def test_another_account_is_not_traded_on_and_let_go(field: str) -> None:
    module = FakeModule()
    setattr(module.account, field, LOGIN + 1 if field == "login" else "Elsewhere")

    assert failure(module).code == "ACCOUNT_MISMATCH"
    assert module.called[-1] == "shutdown"


@pytest.mark.skipif(sys.platform == "win32", reason="there the package may be installed")
def test_a_machine_without_the_package_is_told_what_to_do() -> None:
    with pytest.raises(OnefillError, match="it exists for Windows") as caught:
        load_module(msgspec.structs.replace(SESSION, terminal_path="C:\\MT5\\terminal64.exe"))

    assert caught.value.code == "MODULE_MISSING"
