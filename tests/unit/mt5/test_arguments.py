"""What `onefill.mt5` takes and refuses, function by function."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pytest

import onefill.mt5 as mt5
from onefill.mt5 import _state
from onefill.terminal.simulator.surface.backend import Answer, Backend

UNNAMED = (-2, "Unnamed arguments not allowed")
NUMBER = (-2, "Invalid number of arguments")
INVALID = (-2, "Invalid arguments")
DEAL = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1}


class Notes:
    """A terminal that notes what it is asked."""

    def __init__(self) -> None:
        self.arguments: Any = None

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer:
        self.arguments = arguments
        return Answer(None, (-1, "Terminal: Call failed"))

    def now_ms(self) -> int:
        return 0

    def sleep_ms(self, duration_ms: float) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def notes() -> Iterator[Notes]:
    terminal = Notes()
    backend: Backend = terminal
    _state.attach(backend)
    assert mt5.initialize()
    yield terminal
    mt5.shutdown()
    _state.attach(None)


def refusal(function: Any, *args: Any, **kwargs: Any) -> tuple[int, str]:
    """What `last_error` says after a call that must not get to the terminal."""
    state = _state.state.backend
    assert isinstance(state, Notes)
    state.arguments = None
    value = function(*args, **kwargs) if kwargs else function(*args)
    assert not value
    assert state.arguments is None, "it got to the terminal"
    return mt5.last_error()


class TestRequests:
    """`order_send` and `order_check`."""

    def test_a_dict_keywords_and_a_tuple_say_the_same(self, notes: Notes) -> None:
        said = []
        mt5.order_send(DEAL)
        said.append(notes.arguments)
        mt5.order_send(**DEAL)
        said.append(notes.arguments)
        mt5.order_send(mt5.TradeRequest((1, 0, 0, "EURUSD", 0.1, *[0] * 9, "", 0, 0)))
        said.append(notes.arguments)
        mt5.order_send((1, 0, 0, "EURUSD", 0.1, *[0] * 9, "", 0, 0))
        said.append(notes.arguments)
        assert said == [said[0]] * 4
        assert said[0] == (1, 0, 0, "EURUSD", 0.1, *[0.0] * 4, 0, 0, 0, 0, 0, "", 0, 0)

    def test_keys_that_are_unknown_are_ignored(self, notes: Notes) -> None:
        strange: dict[Any, Any] = {**DEAL, "ticket": 5, 7: 8}
        mt5.order_send(strange)
        assert notes.arguments is not None
        assert len(notes.arguments) == 17

    def test_a_dict_beside_keywords_is_refused(self) -> None:
        assert refusal(mt5.order_send, DEAL, volume=0.2) == UNNAMED

    def test_a_dict_beside_an_empty_mapping_is_refused_as_c_refuses_it(self) -> None:
        nothing: dict[str, Any] = {}
        assert mt5.order_send(DEAL, **nothing) is None
        assert mt5.last_error() == UNNAMED
        assert mt5.order_check(DEAL, **nothing) is None
        assert mt5.last_error() == UNNAMED

    def test_a_thread_pool_passes_such_a_mapping_and_is_refused_too(self, notes: Notes) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(mt5.order_send, DEAL).result()
            assert mt5.last_error() == UNNAMED
            pool.submit(partial(lambda request: mt5.order_send(request), DEAL)).result()
        assert notes.arguments is not None

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ((), "Invalid number of arguments"),
            ((DEAL, DEAL), "Invalid number of arguments"),
            (("EURUSD",), "Invalid object type"),
            (([*DEAL.items()],), "Invalid object type"),
            ((None,), "Invalid object type"),
            (((1, 2),), "Invalid tuple size"),
            (((1, 0, 0, "EURUSD", "0.1", *[0] * 9, "", 0, 0),), 'Invalid "volume" argument'),
        ],
    )
    def test_what_is_no_request_is_refused(self, arguments: tuple[Any, ...], text: str) -> None:
        assert refusal(mt5.order_send, *arguments) == (-2, text)
        assert refusal(mt5.order_check, *arguments) == (-2, text)

    @pytest.mark.parametrize(
        "field",
        ["action", "magic", "order", "deviation", "type", "type_filling", "type_time",
         "expiration", "position", "position_by"],
    )  # fmt: skip
    def test_a_whole_number_is_what_python_can_index_with(self, field: str, notes: Notes) -> None:
        wrong = (-2, f'Invalid "{field}" argument')
        refused: list[Any] = [1.0, np.float64(1), "1", Decimal(1), None, -1, 2**64, 10**30]
        for value in refused:
            assert refusal(mt5.order_send, {field: value}) == wrong
        taken: list[Any] = [1, True, np.int64(1), np.uint8(1)]
        for value in taken:
            mt5.order_send({field: value})
            assert notes.arguments is not None
            place = list(mt5.TradeRequest.__match_args__).index(field)
            assert notes.arguments[place] == 1
            assert type(notes.arguments[place]) is int

    @pytest.mark.parametrize("field", ["volume", "price", "stoplimit", "sl", "tp"])
    def test_a_price_is_what_has_a_float_value(self, field: str, notes: Notes) -> None:
        refused: list[Any] = ["1", b"1", None, [1], 1j]
        for value in refused:
            assert refusal(mt5.order_send, {field: value}) == (-2, f'Invalid "{field}" argument')
        taken: list[Any] = [1, 1.0, True, np.float64(1), np.float32(1), np.int64(1), Decimal(1)]
        for value in taken:
            mt5.order_send({field: value})
            assert notes.arguments is not None
            place = list(mt5.TradeRequest.__match_args__).index(field)
            assert notes.arguments[place] == 1.0
            assert type(notes.arguments[place]) is float

    def test_a_text_is_a_str_and_travels_as_one(self, notes: Notes) -> None:
        for value in (1, b"EURUSD", None):
            assert refusal(mt5.order_send, {"symbol": value}) == (-2, 'Invalid "symbol" argument')
        mt5.order_send({"symbol": np.str_("EURUSD")})
        assert notes.arguments is not None
        assert type(notes.arguments[3]) is str
        assert notes.arguments[3] == "EURUSD"

    def test_magic_is_an_unsigned_number_of_64_bits(self, notes: Notes) -> None:
        mt5.order_send({"magic": 2**64 - 1})
        assert notes.arguments is not None
        assert notes.arguments[1] == 2**64 - 1


class TestRows:
    """`orders_get`, `positions_get` and the history calls."""

    @pytest.mark.parametrize("function", [mt5.orders_get, mt5.positions_get])
    def test_what_stands_is_asked_for_by_name_only(self, function: Any, notes: Notes) -> None:
        assert refusal(function, "EURUSD") == UNNAMED
        assert refusal(function, "EURUSD", group="*") == UNNAMED
        function()
        assert notes.arguments == ("", "", 0)
        function(symbol="EURUSD", group="*", ticket=np.int64(7), anything=1)
        assert notes.arguments == ("EURUSD", "*", 7)

    @pytest.mark.parametrize("function", [mt5.orders_get, mt5.positions_get])
    def test_a_name_of_a_wrong_kind_is_named(self, function: Any) -> None:
        for name, value in (("symbol", 1), ("group", None), ("ticket", "7"), ("ticket", -1)):
            assert refusal(function, **{name: value}) == (-2, f'Invalid "{name}" argument')

    @pytest.mark.parametrize("function", [mt5.history_orders_get, mt5.history_deals_get])
    def test_history_takes_a_window_or_names(self, function: Any, notes: Notes) -> None:
        function(1, 2.5)
        assert notes.arguments == (1.0, 2.5, "", 0, 0)
        function(1, 2, group="*")
        assert notes.arguments == (1.0, 2.0, "*", 0, 0)
        function(ticket=3)
        assert notes.arguments == (None, None, "", 3, 0)
        function(position=4)
        assert notes.arguments == (None, None, "", 0, 4)

    @pytest.mark.parametrize("function", [mt5.history_orders_get, mt5.history_deals_get])
    def test_history_refuses_half_a_window_and_nothing(self, function: Any) -> None:
        assert refusal(function, 1) == NUMBER
        assert refusal(function, 1, 2, 3) == NUMBER
        assert refusal(function) == INVALID
        assert refusal(function, group="*") == INVALID
        assert refusal(function, "invalid", 2) == (-2, "Invalid 1st unnamed argument")
        assert refusal(function, 1, "invalid") == (-2, "Invalid 2nd unnamed argument")
        assert refusal(function, position="7") == (-2, 'Invalid "position" argument')

    def test_totals_refuse_in_one_word(self) -> None:
        assert refusal(mt5.history_orders_total, "invalid", "arguments") == INVALID
        assert refusal(mt5.history_deals_total, 1) == INVALID


class TestMoments:
    """Times in windows."""

    def test_a_moment_with_a_zone_is_that_moment(self, notes: Notes) -> None:
        noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        east = noon.astimezone(timezone(timedelta(hours=3)))
        mt5.history_deals_total(noon, east)
        assert notes.arguments == (noon.timestamp(), noon.timestamp())

    def test_a_moment_without_a_zone_is_the_machines(self, notes: Notes) -> None:
        noon = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - as programs write it
        mt5.history_deals_total(noon, noon)
        assert notes.arguments == (noon.timestamp(), noon.timestamp())

    @pytest.mark.parametrize(
        "value",
        ["2026-03-01", None, datetime(2026, 3, 1).date(), float("nan"), float("inf")],  # noqa: DTZ001
    )
    def test_what_is_no_moment_is_refused(self, value: Any) -> None:
        assert refusal(mt5.history_deals_total, value, 0) == INVALID
        assert refusal(mt5.copy_rates_from, "EURUSD", mt5.TIMEFRAME_M1, value, 1) == INVALID

    def test_numbers_of_all_kinds_are_seconds(self, notes: Notes) -> None:
        mt5.copy_ticks_range("EURUSD", np.int64(5), np.float32(6.5), mt5.COPY_TICKS_ALL)
        assert notes.arguments == ("EURUSD", 5.0, 6.5, -1)


class TestSymbols:
    """Symbols."""

    def test_a_group_is_unnamed_or_named(self, notes: Notes) -> None:
        mt5.symbols_get()
        assert notes.arguments == ("",)
        mt5.symbols_get("*USD*")
        assert notes.arguments == ("*USD*",)
        mt5.symbols_get(group="*USD*")
        assert notes.arguments == ("*USD*",)
        assert refusal(mt5.symbols_get, 1) == (-2, "Invalid 1st unnamed argument")
        assert refusal(mt5.symbols_get, group=1) == (-2, 'Invalid "group" argument')
        assert refusal(mt5.symbols_get, "a", "b") == NUMBER

    def test_a_symbol_is_selected_unless_said_otherwise(self, notes: Notes) -> None:
        mt5.symbol_select("EURUSD")
        assert notes.arguments == ("EURUSD", True)
        mt5.symbol_select("EURUSD", bool(0))
        assert notes.arguments == ("EURUSD", False)
        assert refusal(mt5.symbol_select) == INVALID
        assert refusal(mt5.symbol_select, "EURUSD", True, 1) == INVALID


class TestLogin:
    """`login`."""

    def test_is_unnamed_or_named(self, notes: Notes) -> None:
        mt5.login(5, "secret", "Server")
        assert notes.arguments == (5, "secret", "Server")
        mt5.login(5, password="secret", server="Server", timeout=1)
        assert notes.arguments == (5, "secret", "Server")
        mt5.login(login=np.int64(5))
        assert notes.arguments == (5, "", "")

    def test_refuses_each_argument_of_a_wrong_kind(self) -> None:
        assert refusal(mt5.login, "5") == (-2, "Invalid 1st unnamed argument")
        assert refusal(mt5.login, 5, 6) == (-2, "Invalid 2nd unnamed argument")
        assert refusal(mt5.login, 5, "secret", None) == (-2, "Invalid 3rd unnamed argument")
        assert refusal(mt5.login, 5, "secret", "Server", 1) == NUMBER
        for name, value in (("login", "5"), ("password", 6), ("server", 7), ("timeout", "8")):
            assert refusal(mt5.login, **{name: value}) == (-2, f'Invalid "{name}" argument')
        assert refusal(mt5.login, 5, timeout=-1) == (-2, 'Invalid "timeout" argument')
