"""MT5's functions over a simulated terminal, as the backend's table has them."""

from pathlib import Path
from typing import Any

import pytest

from onefill.terminal.port import Pending
from onefill.terminal.simulator.surface.backend import Answer
from onefill.terminal.simulator.surface.functions import Functions
from tests.unit.terminal.simulator.stage import NOON, Stage, profile_with

STILL = [(0, 139_000, 139_010), (600_000, 139_000, 139_010)]
OFFLINE = (-10004, "No IPC connection")


def request(**changes: Any) -> tuple[Any, ...]:
    """The 17 fields of a market order, with changes."""
    fields: dict[str, Any] = {
        "action": 1, "magic": 0, "order": 0, "symbol": "EURUSD", "volume": 0.1, "price": 0.0,
        "stoplimit": 0.0, "sl": 0.0, "tp": 0.0, "deviation": 0, "type": 0, "type_filling": 0,
        "type_time": 0, "expiration": 0, "comment": "", "position": 0, "position_by": 0,
    }  # fmt: skip
    return tuple({**fields, **changes}.values())


def at_noon(**options: Any) -> tuple[Stage, Functions]:
    """A terminal whose first quote has come."""
    stage = Stage(STILL, **options)
    stage.run(1_000)
    return stage, Functions(stage.terminal)


def answer(functions: Functions, name: str, *arguments: Any) -> Answer:
    """The answer to a function that does not wait."""
    found = functions.call(name, arguments)
    assert isinstance(found, Answer)
    return found


def test_another_name_is_a_programming_error() -> None:
    _, functions = at_noon()
    with pytest.raises(KeyError):
        functions.call("order_sned", ())


def test_all_values_are_plain_so_that_they_travel() -> None:
    _, functions = at_noon()
    answer(functions, "order_send", *request())
    for name, arguments in (
        ("account_info", ()), ("terminal_info", ()), ("symbol_info", ("EURUSD",)),
        ("symbol_info_tick", ("EURUSD",)), ("order_check", request()),
        ("order_send", request(volume=0.001)),
    ):  # fmt: skip
        value = answer(functions, name, *arguments).value
        assert type(value) is tuple
        assert {type(field) for field in value} <= {bool, int, float, str}
    for name, asked in (
        ("positions_get", ("", "", 0)), ("history_orders_get", (0.0, 2e9, "", 0, 0)),
        ("history_deals_get", (0.0, 2e9, "", 0, 0)), ("symbols_get", ("*",)),
    ):  # fmt: skip
        rows = answer(functions, name, *asked).value
        assert type(rows) is tuple
        assert rows
        assert {type(field) for row in rows for field in row} <= {bool, int, float, str}


def test_a_request_under_way_is_pending_until_its_reply_is_collected(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "[broker]\nlatency_ms = 40\n")
    stage, functions = at_noon(profile=profile)
    waiting = functions.call("order_send", request())
    assert isinstance(waiting, Pending)
    stage.run(1_100)
    ((number, reply),) = stage.terminal.collect()
    assert number == waiting.number
    assert functions.finished(reply).value[0] == 10009


def test_an_answer_that_never_comes_is_an_ipc_timeout_after_a_minute() -> None:
    stage, functions = at_noon(faults="hang=1")
    waiting = functions.call("order_send", request())
    assert isinstance(waiting, Pending)
    stage.run(60_000)
    assert stage.terminal.collect() == []
    stage.run(61_000)
    ((_, reply),) = stage.terminal.collect()
    assert functions.finished(reply) == Answer(None, (-10005, "IPC timeout"))


def test_without_a_connection_only_the_terminal_itself_answers() -> None:
    stage, functions = at_noon()
    stage.terminal.broker.go_offline(10_000)
    for name, arguments in (
        ("account_info", ()), ("positions_total", ()), ("positions_get", ("", "", 0)),
        ("symbols_total", ()), ("symbol_info_tick", ("EURUSD",)), ("order_send", request()),
        ("order_check", request()), ("login", (1, "", "")),
    ):  # fmt: skip
        assert answer(functions, name, *arguments) == Answer(None, OFFLINE)
    row = answer(functions, "terminal_info").value
    assert row[2] is False, "connected"
    stage.run(12_000)
    assert answer(functions, "positions_total") == Answer(0)
    assert answer(functions, "terminal_info").value[2] is True


def test_while_another_account_is_logged_in_it_has_nothing() -> None:
    stage, functions = at_noon()
    answer(functions, "order_send", *request())
    ours = answer(functions, "account_info").value
    stage.terminal.broker.trouble("wrong_account", 10_000, 0)
    theirs = answer(functions, "account_info").value
    assert theirs[0] != ours[0]
    assert theirs[10] == 0.0
    assert answer(functions, "positions_total") == Answer(0)
    assert answer(functions, "orders_total") == Answer(0)
    assert answer(functions, "positions_get", "", "", 0) == Answer(())
    assert answer(functions, "login", 5, "", "") == Answer(True)
    assert answer(functions, "account_info").value[0] == theirs[0], "a login does not hide it"
    stage.run(12_000)
    assert answer(functions, "positions_total") == Answer(1)


def test_any_call_may_time_out_where_faults_say_so() -> None:
    _, functions = at_noon(faults="ipc_timeout=1")
    for name, arguments in (
        ("account_info", ()), ("positions_total", ()), ("symbol_info_tick", ("EURUSD",)),
        ("copy_rates_from_pos", ("EURUSD", 1, 0, 1)), ("order_send", request()),
    ):  # fmt: skip
        assert answer(functions, name, *arguments) == Answer(None, (-10005, "IPC timeout"))


def test_numbers_that_are_none_never_get_to_the_broker() -> None:
    _, functions = at_noon()
    for field in ("volume", "price", "sl", "tp", "stoplimit"):
        for wrong in (float("nan"), float("inf")):
            for name in ("order_send", "order_check"):
                found = answer(functions, name, *request(**{field: wrong}))
                assert found.value is None
                assert found.error[0] == -2
    assert answer(functions, "history_orders_total", 0.0, 2e9) == Answer(0)


def test_windows_that_reach_too_far_are_cut() -> None:
    _, functions = at_noon()
    answer(functions, "order_send", *request())
    assert answer(functions, "history_deals_total", -1e300, 1e300) == Answer(2)
    assert answer(functions, "history_deals_total", 1e300, -1e300) == Answer(0)


def test_a_ticket_goes_before_a_position_and_both_before_a_window() -> None:
    _, functions = at_noon()
    first = answer(functions, "order_send", *request()).value[2]
    second = answer(functions, "order_send", *request()).value[2]

    def orders(*asked: Any) -> list[int]:
        return [row[0] for row in answer(functions, "history_orders_get", *asked).value]

    assert orders(0.0, 2e9, "", 0, 0) == [first, second]
    assert orders(0.0, 1.0, "", second, 0) == [second]
    assert orders(0.0, 1.0, "", 0, first) == [first]
    assert orders(None, None, "", second, first) == [second]
    assert orders(0.0, 2e9, "GBP*", 0, 0) == []


def test_a_quote_tells_the_servers_time(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, '[broker]\ntime_zone = "Europe/Athens"\n')
    _, functions = at_noon(profile=profile)
    row = answer(functions, "symbol_info_tick", "EURUSD").value
    assert row[5] == NOON + 3 * 3_600_000, "Athens is at UTC+3 in May"
    assert answer(functions, "symbol_info", "EURUSD").value[10] == row[5] // 1_000
