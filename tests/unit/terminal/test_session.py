"""What a session says of its account before anything is connected."""

from __future__ import annotations

import pytest

from onefill.terminal.session import Session


def _session(path: str) -> Session:
    return Session(name="main", login=1, server="Demo", terminal_path=path)


@pytest.mark.parametrize("path", ["", "simulated:ecn", "C:/MetaTrader 5/terminal64.exe"])
def test_an_account_of_a_terminal_is_its_servers(path: str) -> None:
    assert _session(path).fenced_server == "Demo"


def test_the_same_login_at_two_served_brokers_is_two_accounts() -> None:
    first, second = _session("broker://127.0.0.1:5005"), _session("broker://127.0.0.1:5006")
    assert first.fenced_server == "Demo at 127.0.0.1:5005"
    assert first.fenced_server != second.fenced_server
