"""Frames and messages."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.terminal.simulator.remote import wire

SCALARS: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
VALUES: Any = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=5).map(tuple))
RATES = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)


def sent(message: wire.FromServer) -> Any:
    framed = wire.frame(message)
    assert wire.length_of(framed[:4]) == len(framed) - wire.LENGTH_BYTES
    return wire.read_server(framed[4:])


@given(value=VALUES, code=st.integers(-20_000, 1), text=st.text("abc: "))
def test_what_is_answered_arrives_as_it_was_tuples_and_all(
    value: Any, code: int, text: str
) -> None:
    told = sent(wire.Answered(7, value, code, text))
    assert (told.number, told.value, told.code, told.text) == (7, value, code, text)


@given(st.lists(SCALARS.filter(lambda one: one is not None)))
def test_what_is_asked_arrives_as_it_was(arguments: list[Any]) -> None:
    framed = wire.frame(wire.Call(3, "symbol_info", arguments))
    assert wire.read_client(framed[4:]) == wire.Call(3, "symbol_info", arguments)


@given(count=st.integers(0, 50), seed=st.integers(0, 2**32 - 1))
def test_a_structured_array_arrives_with_its_names_and_its_own_memory(
    count: int, seed: int
) -> None:
    draws = np.random.default_rng(seed)
    rates = np.frombuffer(draws.bytes(count * RATES.itemsize), RATES)
    told = sent(wire.Answered(1, rates, 1, "Success")).value
    assert told.dtype == RATES
    assert told.tobytes() == rates.tobytes()
    assert told.flags.writeable


def test_a_plain_array_and_one_out_of_every_second_row_arrive() -> None:
    assert sent(wire.Answered(1, np.arange(5), 1, "")).value.tolist() == [0, 1, 2, 3, 4]
    every_second = np.zeros(10, RATES)[::2]
    every_second["time"] = range(5)
    assert sent(wire.Answered(1, every_second, 1, "")).value["time"].tolist() == [0, 1, 2, 3, 4]


def test_numbers_of_numpy_arrive_as_pythons() -> None:
    told = sent(wire.Answered(1, (np.int64(3), np.float64(0.5), np.bool_(True)), 1, "")).value
    assert told == (3, 0.5, True)
    assert [type(one) for one in told] == [int, float, bool]


@pytest.mark.parametrize(
    "value", [object(), np.zeros((2, 2)), np.array([None]), np.zeros(2, "datetime64[s]")]
)
def test_what_cannot_travel_is_refused_where_it_starts_or_where_it_arrives(value: Any) -> None:
    with pytest.raises((TypeError, wire.Malformed)):
        sent(wire.Answered(1, value, 1, ""))


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
def test_a_number_of_over_64_bits_does_not_travel(number: int) -> None:
    with pytest.raises(OverflowError):
        wire.frame(wire.Call(1, "login", [number]))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(content: bytes) -> None:
    with suppress(wire.Malformed):
        wire.read_client(content)
    with suppress(wire.Malformed):
        wire.read_server(content)


def test_messages_nested_beyond_reason_are_malformed() -> None:
    with pytest.raises(wire.Malformed):
        wire.read_client(b"\x91" * 60_000)


def array(kinds: Any, length: int, content: bytes) -> bytes:
    """An answer with an array that says this of itself."""
    inner = msgspec.msgpack.encode([kinds, length, content])
    return msgspec.msgpack.encode(["answer", 1, msgspec.msgpack.Ext(1, inner), 1, ""])


@pytest.mark.parametrize(
    ("kinds", "length", "content"),
    [
        ("|O", 1, b"\0" * 8),
        ([["a", "|O8"]], 1, b"\0" * 8),
        ([["a", "<f8"], ["a", "<f8"]], 1, b"\0" * 16),
        ("<f8", 2, b"\0" * 8),
        ("<f8", -1, b""),
        ("<f8,<f8", 1, b"\0" * 16),
        ("no dtype", 1, b""),
    ],
)
def test_an_array_that_is_none_is_malformed(kinds: Any, length: int, content: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.read_server(array(kinds, length, content))


def test_only_the_token_proves_the_token() -> None:
    said = wire.proof("token", "client", b"nonce")
    assert wire.is_proof(said, "token", "client", b"nonce")
    for token, side, nonce in [
        ("other", "client", b"nonce"),
        ("token", "server", b"nonce"),
        ("token", "client", b"other"),
    ]:
        assert not wire.is_proof(said, token, side, nonce)
    assert not wire.is_proof(b"", "token", "client", b"nonce")
