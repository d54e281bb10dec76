"""`onefill.mt5` against the reference of the real package: tests/data/mt5_api.json."""

import ast
import copy
import inspect
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import onefill.mt5 as mt5
from onefill.mt5 import _state
from onefill.terminal.simulator.surface.backend import Answer
from tests.unit.mt5.stage import FALLING, connected
from tests.unit.terminal.simulator.stage import profile_with

_API: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "data" / "mt5_api.json").read_text(encoding="utf-8")
)
_CONSTANTS: dict[str, int] = {
    name: value for group in _API["constants"].values() for name, value in group.items()
}
_FUNCTIONS: dict[str, dict[str, Any]] = _API["functions"]
_STRUCTS: dict[str, dict[str, Any]] = _API["structs"]
_IN_C = {name: said for name, said in _FUNCTIONS.items() if "c_convention" in said}
#: Those that answer False where others answer None.
_BOOLEAN = {
    "initialize", "login", "symbol_select", "market_book_add", "market_book_release",
}  # fmt: skip


class Parrot:
    """A terminal that has one answer."""

    def __init__(self, value: Any = None) -> None:
        self.value = value
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer:
        self.calls.append((name, arguments))
        return Answer(self.value)

    def now_ms(self) -> int:
        return 0

    def sleep_ms(self, duration_ms: float) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def parrot() -> Iterator[Parrot]:
    backend = Parrot()
    _state.attach(backend)
    assert mt5.initialize()
    yield backend
    mt5.shutdown()
    _state.attach(None)


def called(name: str, *args: Any, **kwargs: Any) -> Any:
    function = getattr(mt5, name)
    return function(*args, **kwargs) if kwargs else function(*args)


def test_has_every_public_name_of_the_real_package_and_no_other() -> None:
    public = {name for name in dir(mt5) if not name.startswith("_")}
    assert public == {*_CONSTANTS, *_FUNCTIONS, *_STRUCTS}
    assert len(_CONSTANTS) == _API["constants_count"] == 223
    assert len(_IN_C) == 32


def test_a_star_import_gives_the_same_names() -> None:
    found: dict[str, Any] = {}
    exec("from onefill.mt5 import *", found)
    assert found.keys() - {"__builtins__"} == {*_CONSTANTS, *_FUNCTIONS, *_STRUCTS}


def test_what_type_checkers_are_told_names_the_same_functions_and_types() -> None:
    stub = Path(str(inspect.getsourcefile(mt5))).with_suffix(".pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    told = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert told == _FUNCTIONS.keys()
    starred = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert starred >= {f"onefill.mt5.{name}" for name in ("_constants", "_structs", "_symbol_info")}


@pytest.mark.parametrize("name", _API["module_dunder"])
def test_says_of_itself_what_the_real_package_says(name: str) -> None:
    assert getattr(mt5, name) == _API["module_dunder"][name]


@pytest.mark.parametrize(("name", "value"), _CONSTANTS.items())
def test_a_constant_has_the_real_value(name: str, value: int) -> None:
    assert type(getattr(mt5, name)) is int
    assert getattr(mt5, name) == value


@pytest.mark.parametrize("name", _STRUCTS)
class TestStruct:
    """The eleven types, as CPython's struct sequences behave."""

    def test_has_the_real_fields_in_the_real_order(self, name: str) -> None:
        fields = [field["name"] for field in _STRUCTS[name]["fields"]]
        row = getattr(mt5, name)(range(len(fields)))
        assert list(row._asdict()) == fields
        assert [getattr(row, field) for field in fields] == list(range(len(fields)))
        assert list(row._asdict().values()) == list(row)
        kind = type(row)
        assert kind.n_fields == kind.n_sequence_fields == _STRUCTS[name]["n_fields"]
        assert kind.n_unnamed_fields == 0
        assert kind.__match_args__ == tuple(fields)

    def test_is_a_tuple_and_nothing_else(self, name: str) -> None:
        kind = getattr(mt5, name)
        assert kind.__mro__ == (kind, tuple, object)
        row = kind(range(kind.n_fields))
        assert row == tuple(range(kind.n_fields))
        assert hash(row) == hash(tuple(row))
        assert type(row[1:3]) is tuple
        assert row < (*row, 1)
        assert not hasattr(row, "__dict__")
        for other in ("_fields", "_replace", "_make"):
            assert not hasattr(row, other)

    def test_shows_its_fields_without_a_module(self, name: str) -> None:
        kind = getattr(mt5, name)
        row = kind(range(kind.n_fields))
        first = _STRUCTS[name]["fields"][0]["name"]
        assert repr(row).startswith(f"{name}({first}=0, ")
        assert repr(kind) == f"<class '{name}'>"

    def test_cannot_be_pickled_changed_or_subclassed(self, name: str) -> None:
        kind = getattr(mt5, name)
        row = kind(range(kind.n_fields))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(pickle.PicklingError):
                pickle.dumps(row, protocol)
        for field in (*kind.__match_args__, "anything"):
            with pytest.raises(AttributeError):
                setattr(row, field, 1)
        with pytest.raises(TypeError, match="not an acceptable base type"):
            type("Mine", (kind,), {})

    def test_can_be_copied(self, name: str) -> None:
        kind = getattr(mt5, name)
        row = kind(range(kind.n_fields))
        for twin in (copy.copy(row), copy.deepcopy(row), kind(row), kind(list(row), {})):
            assert twin == row
            assert type(twin) is kind

    def test_is_made_of_a_sequence_of_its_length_only(self, name: str) -> None:
        kind = getattr(mt5, name)
        count = kind.n_fields
        with pytest.raises(TypeError, match=rf"takes a {count}-sequence \(1-sequence given\)"):
            kind([0])
        with pytest.raises(TypeError, match="constructor requires a sequence"):
            kind(1)
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError, match="takes a dict as second arg, if any"):
            kind(range(count), 1)


@pytest.mark.parametrize("name", [n for n, f in _IN_C.items() if f["c_convention"] == "NOARGS"])
def test_a_function_that_takes_nothing_refuses_arguments_as_python_does(name: str) -> None:
    with pytest.raises(TypeError):
        called(name, 1)
    with pytest.raises(TypeError):
        called(name, anything=1)


_UNNAMED_ONLY = [name for name, said in _IN_C.items() if said["c_convention"] == "VARARGS"]


@pytest.mark.parametrize("name", _UNNAMED_ONLY)
class TestUnnamedOnly:
    """Functions that take no keywords: what is wrong in number or kind is (-2, ...)."""

    def test_refuses_keywords_as_python_does(self, name: str) -> None:
        with pytest.raises(TypeError):
            called(name, symbol="EURUSD")

    def test_refuses_too_few_and_too_many(self, name: str, parrot: Parrot) -> None:
        for count in (0, 9):
            assert called(name, *["EURUSD"] * count) is (False if name in _BOOLEAN else None)
            assert mt5.last_error() == (-2, "Invalid arguments")
        assert not parrot.calls

    def test_refuses_each_argument_of_a_wrong_kind(self, name: str, parrot: Parrot) -> None:
        good = good_arguments(name)
        for place in range(len(good)):
            if name == "symbol_select" and place == 1:
                continue  # whatever is true or false
            wrong = [*good[:place], object(), *good[place + 1 :]]
            assert called(name, *wrong) is (False if name in _BOOLEAN else None)
            assert mt5.last_error() == (-2, "Invalid arguments")
        assert not parrot.calls

    def test_passes_good_ones_on(self, name: str, parrot: Parrot) -> None:
        called(name, *good_arguments(name))
        assert [call[0] for call in parrot.calls] == [name]
        assert len(parrot.calls[0][1]) == len(good_arguments(name))
        assert mt5.last_error() == (1, "Success")


def good_arguments(name: str) -> list[Any]:
    """Arguments of the kinds that the reference tells, all that there are."""
    kinds = {
        "symbol": "EURUSD", "enable": True, "timeframe": mt5.TIMEFRAME_M1, "count": 10,
        "start_pos": 0, "date_from": 1_700_000_000, "date_to": 1_700_003_600.5,
        "flags": mt5.COPY_TICKS_ALL, "action": 0, "volume": 0.1, "price": 1.1,
        "price_open": 1.1, "price_close": 1.2,
    }  # fmt: skip
    said = _FUNCTIONS[name]["positional"]
    return [kinds[text.split(":")[0].split(" ")[0]] for text in said]


@pytest.mark.parametrize("name", sorted(_IN_C.keys() - {"initialize", "shutdown", "last_error"}))
def test_without_a_terminal_there_is_no_answer(name: str) -> None:
    mt5.shutdown()
    arguments: list[Any] = []
    if _FUNCTIONS[name]["c_convention"] == "VARARGS":
        arguments = good_arguments(name)
    elif name in ("order_send", "order_check"):
        arguments = [{}]
    elif name.startswith("history"):
        arguments = [0, 1]
    assert called(name, *arguments) is (False if name in _BOOLEAN else None)
    assert mt5.last_error() == (-10004, "No IPC connection")


@pytest.mark.parametrize("name", _API["request_fields"]["order"])
def test_a_request_field_of_a_wrong_kind_is_named(name: str, parrot: Parrot) -> None:
    for function in (mt5.order_send, mt5.order_check):
        for wrong in (None, [], object()):
            assert function({name: wrong}) is None
            assert mt5.last_error() == (-2, f'Invalid "{name}" argument')
            assert function(**{name: wrong}) is None
            assert mt5.last_error() == (-2, f'Invalid "{name}" argument')
    assert not parrot.calls


def test_the_errors_have_the_real_codes_and_texts() -> None:
    codes = _API["last_error"]["codes"]
    assert {name: getattr(mt5, name) for name in codes} == codes
    assert [-2, "Unnamed arguments not allowed"] in _API["last_error"][
        "pairs_observed_in_public_text"
    ]


def test_an_answer_has_the_real_type(parrot: Parrot) -> None:
    kinds = {
        "account_info": "AccountInfo", "terminal_info": "TerminalInfo",
        "symbol_info": "SymbolInfo", "symbol_info_tick": "Tick",
    }  # fmt: skip
    for name, kind in kinds.items():
        parrot.value = tuple(range(_STRUCTS[kind]["n_fields"]))
        found = called(name, *good_arguments(name))
        assert type(found) is getattr(mt5, kind)
        assert found == parrot.value


def test_an_answer_of_rows_is_a_tuple_of_the_real_type(parrot: Parrot) -> None:
    kinds = {
        "symbols_get": "SymbolInfo", "orders_get": "TradeOrder", "positions_get": "TradePosition",
        "history_orders_get": "TradeOrder", "history_deals_get": "TradeDeal",
        "market_book_get": "BookInfo",
    }  # fmt: skip
    for name, kind in kinds.items():
        arguments: list[Any] = [0, 1] if name.startswith("history") else []
        arguments = ["EURUSD"] if name == "market_book_get" else arguments
        row = tuple(range(_STRUCTS[kind]["n_fields"]))
        for value in ((), (row, row)):
            parrot.value = value
            found = called(name, *arguments)
            assert found == value
            assert type(found) is tuple
            assert all(type(one) is getattr(mt5, kind) for one in found)


def test_the_answer_to_a_request_echoes_it_as_a_trade_request(parrot: Parrot) -> None:
    for name, kind in (("order_send", "OrderSendResult"), ("order_check", "OrderCheckResult")):
        parrot.value = tuple(range(_STRUCTS[kind]["n_fields"] - 1))
        found = called(name, {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 1})
        assert type(found) is getattr(mt5, kind)
        assert type(found.request) is mt5.TradeRequest
        assert found.request == (1, 0, 0, "EURUSD", 1.0, *[0.0] * 4, 0, 0, 0, 0, 0, "", 0, 0)
        assert found._asdict()["request"] is found.request
        assert parrot.calls[-1] == (name, tuple(found.request))


def test_rates_and_ticks_have_the_real_columns() -> None:
    dtypes = _API["numpy_dtypes"]
    with connected(FALLING) as backend:
        backend.sleep_ms(300_000)
        now = 1_399_550_400 + 300
        for rates in (
            mt5.copy_rates_from("EURUSD", mt5.TIMEFRAME_M1, now, 3),
            mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, 3),
            mt5.copy_rates_range("EURUSD", mt5.TIMEFRAME_M1, now - 120, now),
            mt5.copy_rates_from("EURUSD", mt5.TIMEFRAME_M1, 0, 3),
        ):
            assert rates is not None, mt5.last_error()
            assert [list(column) for column in rates.dtype.descr] == dtypes["rates"]
            assert len(rates) in (0, 3)
        for ticks in (
            mt5.copy_ticks_from("EURUSD", now - 60, 10, mt5.COPY_TICKS_ALL),
            mt5.copy_ticks_range("EURUSD", now - 9, now, mt5.COPY_TICKS_INFO),
            mt5.copy_ticks_range("EURUSD", 0, 1, mt5.COPY_TICKS_ALL),
        ):
            assert ticks is not None, mt5.last_error()
            assert [list(column) for column in ticks.dtype.descr] == dtypes["ticks"]
            assert len(ticks) in (0, 10)


@pytest.mark.parametrize("name", sorted(_IN_C.keys() - {"initialize", "shutdown", "last_error"}))
def test_a_simulated_terminal_answers_every_function(name: str, tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "[symbols.EURUSD]\nticks_bookdepth = 5\n")
    with connected(profile=profile) as backend:
        backend.sleep_ms(1_000)
        if name in ("market_book_get", "market_book_release"):
            assert mt5.market_book_add("EURUSD")
        arguments: list[Any] = []
        if _FUNCTIONS[name]["c_convention"] == "VARARGS":
            arguments = good_arguments(name)
        elif name in ("order_send", "order_check"):
            arguments = [{"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1}]
        elif name.startswith("history"):
            arguments = [0, 2_000_000_000]
        elif name == "login":
            arguments = [5]
        assert called(name, *arguments) is not None
        assert mt5.last_error() == (1, "Success")
