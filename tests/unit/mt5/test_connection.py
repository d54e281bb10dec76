"""Connecting, logging in, and which terminal is chosen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import onefill.mt5 as mt5
from onefill.mt5 import _connect, _state
from tests.unit.mt5.stage import broker, connected

NOT_CONNECTED = (-10004, "No IPC connection")
NO_ACCESS = (-6, "Terminal: Authorization failed")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a new process."""
    for name in ("BROKER", "BROKER_TOKEN_FILE", "PROFILE", "TICKS", "STATE", "SPEED"):
        monkeypatch.delenv(f"ONEFILL_{name}", raising=False)
    monkeypatch.setattr(_connect, "_terminals", {})
    yield
    mt5.shutdown()
    _state.attach(None)


def ticks_file(tmp_path: Path) -> str:
    """Two quotes of EURUSD."""
    file = tmp_path / "EURUSD.csv"
    file.write_text(
        "timestamp,bid,ask\n1399550400000,1.39000,1.39010\n1399550401000,1.39001,1.39011\n"
    )
    return str(file)


class TestState:
    """One process, one terminal."""

    def test_nothing_is_answered_before_initialize_and_after_shutdown(self) -> None:
        assert mt5.account_info() is None
        assert mt5.last_error() == NOT_CONNECTED
        with connected():
            assert mt5.account_info() is not None
            assert mt5.last_error() == (1, "Success")
            assert mt5.shutdown() is True
            assert mt5.last_error() == (1, "Success")
            assert mt5.account_info() is None
            assert mt5.login(1) is False
            assert mt5.last_error() == NOT_CONNECTED

    def test_initialize_may_be_called_again(self) -> None:
        with connected():
            assert mt5.order_send(
                {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1}
            )
            assert mt5.initialize() is True
            assert mt5.positions_total() == 1

    def test_what_was_traded_outlives_a_shutdown(self) -> None:
        with connected():
            mt5.order_send({"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1})
            mt5.shutdown()
            assert mt5.initialize() is True
            assert mt5.positions_total() == 1

    def test_last_error_keeps_what_the_last_call_came_to(self) -> None:
        with connected():
            assert mt5.symbol_info("NOPE") is None
            assert mt5.last_error() == (-4, "Terminal: Not found")
            assert mt5.last_error() == (-4, "Terminal: Not found")
            assert mt5.symbols_total()
            assert mt5.last_error() == (1, "Success")


class TestLogin:
    """Numbers and passwords."""

    def test_a_broker_without_a_password_takes_any_number_and_tells_it(self) -> None:
        with connected():
            assert mt5.login(12345, password="anything", server="Somewhere") is True
            account = mt5.account_info()
            assert account is not None
            assert account.login == 12345

    @pytest.mark.parametrize(
        "given",
        [
            {"login": 77, "password": "wrong"},
            {"login": 78, "password": "right"},
            {"login": 77, "password": "right", "server": "Another"},
        ],
    )
    def test_a_wrong_number_password_or_server_is_refused(
        self, tmp_path: Path, given: dict[str, Any]
    ) -> None:
        with connected(profile=broker(tmp_path, 'login = 77\npassword = "right"')):
            assert mt5.login(**given) is False
            assert mt5.last_error() == NO_ACCESS
            assert mt5.account_info() is not None, "the account before is still logged in"
            mt5.shutdown()
            assert mt5.initialize(**given) is False
            assert mt5.last_error() == NO_ACCESS
            assert mt5.account_info() is None
            assert mt5.last_error() == NOT_CONNECTED

    def test_the_right_password_or_the_one_that_the_terminal_keeps_is_taken(
        self, tmp_path: Path
    ) -> None:
        with connected(profile=broker(tmp_path, 'login = 77\npassword = "right"')):
            assert mt5.login(77, "right", "Onefill-Demo") is True
            assert mt5.login(77) is True
            mt5.shutdown()
            assert mt5.initialize(login=77, password="right") is True


class TestThreads:
    """Threads take turns at the terminal."""

    def test_what_many_threads_send_is_all_carried_out_once(self) -> None:
        request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.01}

        def send(_: int) -> int:
            result = mt5.order_send(request)
            return 0 if result is None else result.order

        with connected(), ThreadPoolExecutor(8) as pool:
            tickets = list(pool.map(send, range(200)))
            assert len(set(tickets)) == 200
            assert {one.ticket for one in mt5.positions_get() or ()} == set(tickets)


class TestArguments:
    """What `initialize` refuses."""

    @pytest.mark.parametrize(
        ("args", "kwargs", "error"),
        [
            ((5,), {}, (-2, "Invalid 1st unnamed argument")),
            (("a", "b"), {}, (-2, "Invalid number of arguments")),
            ((), {"path": 5}, (-2, 'Invalid "path" argument')),
            ((), {"login": "5"}, (-2, 'Invalid "login" argument')),
            ((), {"password": 5}, (-2, 'Invalid "password" argument')),
            ((), {"server": 5}, (-2, 'Invalid "server" argument')),
            ((), {"timeout": 1.5}, (-2, 'Invalid "timeout" argument')),
            (("x" * 300,), {}, (-10003, "IPC initialize failed, Path too long")),
        ],
    )
    def test_wrong_ones(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], error: tuple[int, str]
    ) -> None:
        assert mt5.initialize(*args, **kwargs) is False
        assert mt5.last_error() == error


class TestWhichTerminal:
    """The environment, where no runner has attached one."""

    def test_a_windows_program_is_ignored_and_ticks_are_loaded(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ONEFILL_TICKS", ticks_file(tmp_path))
        monkeypatch.setenv("ONEFILL_PROFILE", "default")
        path = r"C:\Program Files\MetaTrader 5\terminal64.exe"
        assert mt5.initialize(path, portable=True, timeout=5_000), mt5.last_error()
        tick = mt5.symbol_info_tick("EURUSD")
        assert tick is not None
        assert (tick.bid, tick.ask) == (1.39, 1.3901)

    def test_a_path_may_name_a_profile(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ONEFILL_TICKS", ticks_file(tmp_path))
        file = tmp_path / "mine.toml"
        file.write_text('[broker]\ncompany = "Mine"\n')
        assert mt5.initialize(f"simulated:{file}"), mt5.last_error()
        account = mt5.account_info()
        assert account is not None
        assert account.company == "Mine"

    def test_a_ticks_file_is_known_by_the_brokers_name_of_its_symbol(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ONEFILL_TICKS", ticks_file(tmp_path))
        file = tmp_path / "mine.toml"
        file.write_text('[broker]\nsuffix = ".r"\n')
        monkeypatch.setenv("ONEFILL_PROFILE", str(file))
        assert mt5.initialize(), mt5.last_error()
        assert mt5.symbol_info_tick("EURUSD.r") is not None
        assert mt5.symbol_info_tick("EURUSD") is None

    def test_what_was_traded_is_there_in_the_next_process(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ONEFILL_TICKS", ticks_file(tmp_path))
        monkeypatch.setenv("ONEFILL_PROFILE", "default")
        monkeypatch.setenv("ONEFILL_STATE", str(tmp_path / "book.log"))
        assert mt5.initialize(), mt5.last_error()
        assert mt5.order_send({"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1})
        assert mt5.positions_total() == 1
        mt5.shutdown()
        _connect.forget()
        assert mt5.initialize(), mt5.last_error()
        assert mt5.positions_total() == 1

    def test_without_ticks_the_market_is_made_up_and_is_at_the_present(self) -> None:
        assert mt5.initialize(), mt5.last_error()
        tick = mt5.symbol_info_tick("EURUSD")
        assert tick is not None
        assert 0 < tick.bid < tick.ask

    @pytest.mark.parametrize(
        ("name", "value", "word"),
        [
            ("PROFILE", "nobody", "nobody"),
            ("PROFILE", "none.toml", "none.toml"),
            ("SPEED", "fast", "fast"),
            ("TICKS", "EURUSD=nowhere.csv", "nowhere.csv"),
            ("BROKER_TOKEN_FILE", "nowhere.token", "nowhere.token"),
            ("BROKER", "nonsense", ""),
        ],
    )
    def test_what_cannot_be_had_is_an_error_with_a_sentence(
        self, name: str, value: str, word: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(f"ONEFILL_{name}", value)
        if name == "BROKER_TOKEN_FILE":
            monkeypatch.setenv("ONEFILL_BROKER", "127.0.0.1:9")
        assert mt5.initialize() is False
        code, text = mt5.last_error()
        assert code == -10003
        assert text.startswith("IPC initialize failed, ")
        assert word in text
