"""Orders files: what a line means, when it arrives, and what is said of one that is wrong."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onefill.contracts.moments import to_ms
from onefill.contracts.order_line import Line
from onefill.model.errors import OnefillError
from onefill.model.intent import Action, OrderIntent, OrderType, Side
from onefill.replay.order_mistakes import _EXPECTED
from onefill.replay.orders import (
    MAX_LINE_BYTES,
    LoadedOrders,
    RefusedLine,
    load_orders,
    read_orders,
)

FILE = Path("orders.jsonl")
AT_MS = 1_399_507_200_000
OPEN = {"client_key": "k", "symbol": "EURUSD", "side": "buy", "volume": 0.1}
LIMIT = {**OPEN, "order_type": "limit", "price": 1.37}
STOP_LIMIT = {**OPEN, "order_type": "stop_limit", "price": 1.39, "stop_limit_price": 1.385}


def read(*lines: dict[str, Any] | bytes | str) -> LoadedOrders:
    raw = [
        line
        if isinstance(line, bytes)
        else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in lines
    ]
    return read_orders(b"\n".join(raw), FILE)


def intent(line: dict[str, Any]) -> OrderIntent:
    loaded = read(line)
    assert not loaded.refused, [str(refused) for refused in loaded.refused]
    return loaded.lines[0].intent


def refusal(line: dict[str, Any] | bytes | str) -> RefusedLine:
    loaded = read(line)
    assert not loaded.lines
    return loaded.refused[0]


# What a line means.


def test_a_line_with_every_field_becomes_an_intent() -> None:
    line = {
        **STOP_LIMIT,
        "at": AT_MS,
        "action": "open",
        "stop_loss": 1.38,
        "take_profit": 1.4,
        "deviation": 20,
        "magic": 7,
        "comment": "café",
        "expires_at": "2014-05-08T12:00:00Z",
        "expiration": AT_MS + 5000,
    }
    assert intent(line) == OrderIntent(
        client_key="k",
        action=Action.OPEN,
        symbol="EURUSD",
        side=Side.BUY,
        volume=0.1,
        order_type=OrderType.STOP_LIMIT,
        price=1.39,
        stop_limit_price=1.385,
        stop_loss=1.38,
        take_profit=1.4,
        deviation=20,
        magic=7,
        comment="café",
        expires_at_ms=1_399_550_400_000,
        expiration_ms=AT_MS + 5000,
    )


def test_absent_and_null_mean_the_same_and_open_at_the_market_is_the_default() -> None:
    nulls: dict[str, Any] = dict.fromkeys(name for name in _EXPECTED if name != "client_key")
    assert intent({**nulls, **OPEN}) == intent(OPEN)
    assert intent(OPEN).action is Action.OPEN
    assert intent(OPEN).order_type is OrderType.MARKET


@pytest.mark.parametrize(
    "line",
    [
        {"action": "close", "target": "t"},
        {"action": "close", "target": "t", "volume": 0.05},
        {"action": "close", "target": "t", "units": 5000},
        {"action": "close", "symbol": "EURUSD", "side": "buy", "magic": 3},
        {"action": "close", "target": "t", "price": 1.38},
        {"action": "modify", "target": "t", "stop_loss": 0, "take_profit": 1.4},
        {"action": "modify", "target": "t", "stop_loss": None},
        {"action": "modify", "target": "t", "price": 1.37, "expiration": 0},
        {"action": "cancel", "target": "t", "symbol": "EURUSD"},
        {"action": "close_all"},
        {"action": "close_all", "symbol": "EURUSD", "magic": 3, "comment": "flat"},
        {"symbol": "EURUSD", "side": "sell", "units": 12_345.5},
        {"symbol": "EURUSD", "side": "sell", "volume": 1, "price": 1.38, "stop_loss": 0},
    ],
)
def test_lines_of_every_action_are_taken(line: dict[str, Any]) -> None:
    assert intent({"client_key": "k", **line}).client_key == "k"


def test_a_change_tells_removing_a_level_from_leaving_it() -> None:
    changed = intent({"client_key": "k", "action": "modify", "target": "t", "stop_loss": 0})
    assert changed.stop_loss == 0
    assert changed.take_profit is None


# When it arrives.


def test_times_are_milliseconds_or_rfc_3339() -> None:
    for at in (AT_MS, float(AT_MS), "2014-05-08T00:00:00Z"):
        assert read({**OPEN, "at": at}).lines[0].at_ms == AT_MS
    assert read({**OPEN, "at": "2014-05-08T02:00:00.1239+02:00"}).lines[0].at_ms == AT_MS + 123
    assert read({**OPEN, "at": AT_MS + 0.9}).lines[0].at_ms == AT_MS


@given(st.integers(0, 8000 * 365 * 86_400 * 10**6), st.integers(-14 * 60, 14 * 60))
def test_rfc_3339_is_read_to_the_millisecond(elapsed_us: int, offset_minutes: int) -> None:
    zone = timezone(timedelta(minutes=offset_minutes))
    moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=elapsed_us)).astimezone(
        zone
    )
    assert to_ms(moment.isoformat()) == elapsed_us // 1000


@given(st.integers(0, 10**12))
def test_a_number_is_milliseconds_however_small(at_ms: int) -> None:
    assert to_ms(at_ms) == at_ms


def test_a_key_that_names_a_child_of_a_close_all_is_refused() -> None:
    loaded = read({**OPEN, "client_key": "a/1000123"}, {**OPEN, "client_key": "a/b"})
    assert [line.intent.client_key for line in loaded.lines] == ["a/b"]
    assert [(no.field, no.line) for no in loaded.refused] == [("client_key", 1)]


def test_a_line_without_a_time_arrives_together_with_the_line_before_it() -> None:
    loaded = read(
        {**OPEN, "client_key": "a"},
        {**OPEN, "client_key": "b", "at": AT_MS + 5},
        {**OPEN, "client_key": "c"},
        {**OPEN, "client_key": "d", "at": AT_MS},
        {**OPEN, "client_key": "e"},
    )
    arrivals = [(line.intent.client_key, line.at_ms) for line in loaded.lines]
    later = [("b", AT_MS + 5), ("c", AT_MS + 5)]
    assert arrivals == [("a", None), ("d", AT_MS), ("e", AT_MS), *later]
    known = [(line.intent.client_key, line.at_ms) for line in loaded.arriving(AT_MS + 1)]
    assert known == [("d", AT_MS), ("e", AT_MS), ("a", AT_MS + 1), *later]


def test_a_refused_line_still_tells_the_next_one_when_it_arrives() -> None:
    first = {**OPEN, "client_key": "a", "at": AT_MS}
    last = {**OPEN, "client_key": "z"}
    for wrong in ({"at": AT_MS + 9, "volume": "x"}, {"at": AT_MS + 9, "volume": -1}):
        loaded = read(first, {**OPEN, **wrong}, last)
        assert [line.at_ms for line in loaded.lines] == [AT_MS, AT_MS + 9]


@given(st.lists(st.integers(0, 5), max_size=20))
def test_lines_are_in_order_of_time_and_then_of_line(times: list[int]) -> None:
    loaded = read(*({**OPEN, "at": AT_MS + time} for time in times))
    order = [(line.at_ms, line.line_no) for line in loaded.lines]
    assert order == sorted((AT_MS + time, number) for number, time in enumerate(times, start=1))


# What is refused.


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ({"volume": 0.1}, "client_key", "is required"),
        ({**OPEN, "client_key": None}, "client_key", "expected text, not null"),
        ({**OPEN, "client_key": ""}, "client_key", "expected 1 to 128 characters, not 0"),
        ({**OPEN, "client_key": "k" * 129}, "client_key", "not 129"),
        ({**OPEN, "client_key": "a\nb"}, "client_key", "expected printable characters"),
        ({**OPEN, "client_key": 5}, "client_key", "expected text, not 5"),
        ({**OPEN, "action": "buy"}, "action", "one of open, close, modify, cancel, close_all"),
        ({**OPEN, "side": "long"}, "side", 'expected one of buy, sell, not "long"'),
        ({**OPEN, "side": None}, "side", "is required to open"),
        ({**OPEN, "symbol": None}, "symbol", "is required to open"),
        ({**OPEN, "symbol": ""}, "symbol", "expected 1 to 64 characters"),
        ({**OPEN, "volume": None}, "volume", "is required to open: lots, or units"),
        ({**OPEN, "units": 5}, "units", "volume is given too"),
        ({**OPEN, "volume": 0}, "volume", "expected lots above 0"),
        ({**OPEN, "volume": -1}, "volume", "expected lots above 0"),
        ({**OPEN, "volume": True}, "volume", "expected a number, not true"),
        ({**OPEN, "volume": "0.1"}, "volume", 'expected a number, not "0.1"'),
        ({**OPEN, "volume": 1e10}, "volume", "at most 1e+09"),
        ({**OPEN, "volume": math.nan}, "volume", "expected a number, not NaN"),
        ({**OPEN, "stop_loss": -math.inf}, "stop_loss", "expected a number, not -Infinity"),
        ({**OPEN, "stop_loss": -1.2}, "stop_loss", "expected a price, or 0 for none, not -1.2"),
        ({**OPEN, "order_type": "iceberg"}, "order_type", "one of market, limit, stop, stop_limit"),
        ({**LIMIT, "price": None}, "price", "is required for a limit order"),
        ({**LIMIT, "price": 0}, "price", "is required for a limit order"),
        ({**LIMIT, "stop_limit_price": 1.3}, "stop_limit_price", "belongs to a stop_limit order"),
        ({**OPEN, "stop_limit_price": 1.3}, "stop_limit_price", "and this is a market"),
        ({**STOP_LIMIT, "stop_limit_price": None}, "stop_limit_price", "is required"),
        ({**STOP_LIMIT, "price": None}, "price", "is required for a stop_limit order"),
        ({**OPEN, "expiration": AT_MS}, "expiration", "belongs to a pending order"),
        ({**OPEN, "deviation": -1}, "deviation", "expected points, 0 to"),
        ({**OPEN, "deviation": 1.5}, "deviation", "expected a whole number, not 1.5"),
        ({**OPEN, "magic": -1}, "magic", "expected a whole number from 0 to"),
        ({**OPEN, "magic": 2**63}, "magic", "expected a whole number"),
        ({**OPEN, "comment": "x" * 256}, "comment", "not 256"),
        ({**OPEN, "comment": "\x1b[31m"}, "comment", "expected printable characters"),
        ({**OPEN, "target": "t"}, "target", "has no meaning for action open"),
        ({**OPEN, "at": "2014-05-08T12:00:00"}, "at", "names no offset from UTC"),
        ({**OPEN, "at": "yesterday"}, "at", "expected Unix milliseconds, or RFC 3339"),
        ({**OPEN, "at": "2014-02-30T12:00:00Z"}, "at", "is no time"),
        ({**OPEN, "at": "1969-12-31T23:59:59Z"}, "at", "is before 1970"),
        ({**OPEN, "at": -1}, "at", "from 1970 to 9999"),
        ({**OPEN, "at": True}, "at", "expected Unix milliseconds"),
        ({**OPEN, "expires_at": "soon"}, "expires_at", "expected Unix milliseconds"),
        ({"client_key": "k", "action": "modify"}, "target", "is required to modify"),
        ({"client_key": "k", "action": "cancel"}, "target", "is required to cancel"),
        ({"client_key": "k", "action": "close"}, "target", "or a symbol with one open position"),
        ({"client_key": "k", "action": "cancel", "target": "k"}, "target", "own client_key"),
        ({"client_key": "k", "action": "cancel", "target": "t", "price": 1}, "price", "no meaning"),
        ({"client_key": "k", "action": "modify", "target": "t", "volume": 1}, "volume", "no mean"),
        ({"client_key": "k", "action": "modify", "target": "t", "price": 0}, "price", "above 0"),
        ({"client_key": "k", "action": "close", "target": "t", "stop_loss": 1}, "stop_loss", "no "),
        ({"client_key": "k", "action": "close_all", "side": "buy"}, "side", "has no meaning"),
        ({"client_key": "k", "action": "close_all", "target": "t"}, "target", "has no meaning"),
        (
            {"client_key": "k", "action": "close", "target": "t", "order_type": "limit"},
            "order_type",
            "has no meaning for action close",
        ),
        ({**OPEN, "volumn": 1}, "volumn", "no such field; did you mean volume?"),
        ({**OPEN, "zzzzzzz": 1}, "zzzzzzz", "no such field; there are client_key, at,"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(
    line: dict[str, Any], field: str, says: str
) -> None:
    refused = refusal(line)
    assert refused.field == field
    assert says in refused.message
    assert str(refused).startswith(f"orders.jsonl, line 1: {field}: ")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "expected a JSON object: "),
        (b"[1, 2]", "expected a JSON object, not a list"),
        (b"5", "expected a JSON object, not 5"),
        (b'{"client_key": "\xff"}', "expected UTF-8 text; byte 17 is none"),
        (b"{" + b" " * MAX_LINE_BYTES + b"}", f"expected at most {MAX_LINE_BYTES} bytes"),
        (b"[" * 60_000, "nested too deeply"),
        (b'{"magic": ' + b"9" * 5000 + b"}", "far too many digits"),
    ],
)
def test_a_line_that_is_no_object_is_told_as_a_whole(line: bytes, says: str) -> None:
    refused = refusal(line)
    assert refused.field == ""
    assert says in refused.message


def test_a_number_beyond_all_numbers_is_refused_by_its_field() -> None:
    refused = refusal('{"client_key":"k","symbol":"E","side":"buy","volume":1e999}')
    assert (refused.field, refused.message) == ("volume", "expected a number, not Infinity")


def test_a_field_given_twice_in_a_wrong_line_is_told() -> None:
    refused = refusal('{"client_key":"k","volume":"x","volume":1}')
    assert refused.field == "volume"


def test_a_wrong_line_is_refused_and_the_rest_goes_on() -> None:
    loaded = read(OPEN, "", "nonsense", "   \t\r", {**OPEN, "client_key": "l"})
    assert [line.line_no for line in loaded.lines] == [1, 5]
    assert [(refused.line, refused.file) for refused in loaded.refused] == [(3, FILE)]


# The file.


def test_a_file_is_read_with_any_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    text = f"{json.dumps(OPEN)}\r\n\r\n{json.dumps(LIMIT)}"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    loaded = load_orders(path)
    assert [line.line_no for line in loaded.lines] == [1, 3]
    assert not loaded.refused


def test_an_empty_file_holds_no_orders(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_bytes(b"")
    assert load_orders(path) == LoadedOrders()


def test_a_file_of_which_nothing_can_be_read_is_a_typed_error(tmp_path: Path) -> None:
    utf16, packed = tmp_path / "utf16.jsonl", tmp_path / "orders.jsonl.gz"
    utf16.write_text(json.dumps(OPEN), encoding="utf-16")
    packed.write_bytes(b"\x1f\x8b\x08\x00")
    for path in (tmp_path, tmp_path / "absent.jsonl", utf16, packed):
        with pytest.raises(OnefillError) as refused:
            load_orders(path)
        assert refused.value.code == "ORDERS_UNREADABLE"
        assert str(path) in refused.value.message


# Whatever comes.


def test_the_sentences_know_every_field() -> None:
    assert list(_EXPECTED) == [field.name for field in msgspec.structs.fields(Line)]


def _judged(raw: bytes) -> None:
    loaded = read_orders(raw.replace(b"\n", b" "), FILE)
    blank = not raw.replace(b"\n", b" ").strip()
    assert len(loaded.lines) + len(loaded.refused) == (0 if blank else 1)
    for refused in loaded.refused:
        assert refused.message
        assert str(refused).isprintable()


@given(st.binary(max_size=200))
@example(b"\x00")
@example(b'{"client_key":"\\ud800"}')
def test_any_bytes_give_an_order_or_a_refusal(raw: bytes) -> None:
    _judged(raw)


_anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_words = st.sampled_from(
    [*Action, *Side, *OrderType, "k", "2014-05-08T12:00:00Z", 0, 1, 1.5, AT_MS]
)


@given(st.dictionaries(st.sampled_from(sorted(_EXPECTED)), _words | _anything))
def test_any_values_in_known_fields_give_an_order_or_a_refusal(line: dict[str, Any]) -> None:
    _judged(json.dumps(line).encode())
