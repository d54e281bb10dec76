"""The server, as connections see it."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.remote import wire
from onefill.terminal.simulator.remote.limits import LIMITS, Limits
from tests.unit.terminal.simulator.remote.hall import (
    REQUEST,
    START,
    TOKEN,
    Market,
    has_hung_up,
    hear,
    serving,
)

#: So that closing a connection cuts it off.
CUT_OFF = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def refusal(connected: socket.socket) -> str:
    """The code with which the server ends a connection."""
    with connected:
        told = hear(connected)
        assert isinstance(told, wire.Refused)
        assert told.number == 0
        assert told.sentence
        assert has_hung_up(connected)
    return told.code


def greeted(connected: socket.socket) -> socket.socket:
    assert isinstance(hear(connected), wire.Hello)
    return connected


def test_a_call_is_answered_with_its_value_and_its_error() -> None:
    with serving() as hall:
        client = hall.connect()
        assert client.call("symbols_get", ("EUR*",)) == (("symbols_get", "EUR*"), (1, "Success"))
        assert client.call("symbol_info", ("X",)) == (None, (-4, "Terminal: Not found"))
        client.close()


def test_a_client_learns_the_pace() -> None:
    with serving() as hall:
        client = hall.connect()
        assert (client.pace, client.speed) == ("lockstep", 0.0)
        client.close()
    with serving(speed=1_000) as hall:
        client = hall.connect()
        assert client.speed == 1_000
        client.close()


# Who gets in.


def test_a_wrong_token_is_refused_and_nothing_is_carried_out() -> None:
    with serving() as hall:
        with pytest.raises(OnefillError, match=r"TOKEN_WRONG") as refused:
            hall.connect("another token, of some length")
        assert refused.value.code == "BROKER_REFUSED"
        assert "another token" not in refused.value.message
        assert TOKEN not in refused.value.message
        assert not hall.market.calls


def test_a_call_before_the_token_is_refused() -> None:
    with serving() as hall:
        connected = greeted(hall.raw())
        connected.sendall(wire.frame(wire.Call(1, "order_send", list(REQUEST))))
        assert refusal(connected) == "HELLO_EXPECTED"
        assert not hall.market.calls


def test_a_proof_for_another_connection_is_refused() -> None:
    with serving() as hall:
        first = hall.raw()
        hello = hear(first)
        assert isinstance(hello, wire.Hello)
        said = wire.Proof(wire.VERSION, wire.proof(TOKEN, "client", hello.nonce), b"n" * 32)
        second = greeted(hall.raw())
        second.sendall(wire.frame(said))
        assert refusal(second) == "TOKEN_WRONG"
        first.close()


def test_another_version_is_refused() -> None:
    with serving() as hall:
        connected = greeted(hall.raw())
        connected.sendall(wire.frame(wire.Proof(wire.VERSION + 1, b"", b"")))
        assert refusal(connected) == "VERSION_UNKNOWN"


def test_a_second_proof_is_refused() -> None:
    with serving() as hall:
        connected = hall.proven()
        connected.sendall(wire.frame(wire.Proof(wire.VERSION, b"", b"")))
        assert refusal(connected) == "CALL_EXPECTED"


def test_whoever_says_nothing_is_sent_away() -> None:
    with serving(limits=Limits(hello_seconds=0.05)) as hall:
        assert refusal(greeted(hall.raw())) == "HELLO_LATE"


def test_strangers_are_limited_in_number_and_make_room_again() -> None:
    with serving(limits=Limits(strangers=2)) as hall:
        first, second = greeted(hall.raw()), greeted(hall.raw())
        assert refusal(hall.raw()) == "TOO_MANY_STRANGERS"
        first.sendall(b"\xff" * 8)
        assert refusal(first) == "FRAME_TOO_LARGE"
        hall.connect().close()
        second.close()


def test_clients_are_limited_in_number_and_make_room_again() -> None:
    with serving(limits=Limits(clients=2)) as hall:
        first, second = hall.connect(), hall.connect()
        with pytest.raises(OnefillError, match="TOO_MANY_CLIENTS"):
            hall.connect()
        assert second.call("version", ()).value == ("version",)
        first.close()
        while True:
            try:
                third = hall.connect()
            except OnefillError:
                continue  # the server has not seen yet that the first is gone
            break
        third.close()
        second.close()


# Frames.


def call_of(length: int) -> bytes:
    """A call whose frame has a content of so many bytes."""
    room = length - len(wire.frame(wire.Call(1, "symbols_get", ["a" * 1_000])))
    framed = wire.frame(wire.Call(1, "symbols_get", ["a" * (room + 1_004)]))
    assert len(framed) == length + wire.LENGTH_BYTES
    return framed


def test_a_call_at_the_limit_is_answered_and_one_beyond_it_ends_its_connection_alone() -> None:
    with serving() as hall:
        other = hall.connect()
        connected = hall.proven()
        connected.sendall(call_of(LIMITS.request_bytes))
        assert isinstance(hear(connected), wire.Answered)
        connected.sendall(call_of(LIMITS.request_bytes + 1))
        assert refusal(connected) == "FRAME_TOO_LARGE"
        assert other.call("version", ()).value == ("version",)
        other.close()


def test_before_the_token_a_frame_may_be_no_longer_than_a_hello() -> None:
    with serving() as hall:
        connected = greeted(hall.raw())
        connected.sendall((LIMITS.hello_bytes + 1).to_bytes(4, "big"))
        assert refusal(connected) == "FRAME_TOO_LARGE"


def test_an_answer_at_the_limit_arrives_and_one_beyond_it_is_an_error() -> None:
    with serving(limits=Limits(answer_bytes=10_000)) as hall:
        client = hall.connect()
        none = np.zeros(0, np.dtype([("time", "<i8"), ("bid", "<f8")]))
        least = len(wire.frame(wire.Answered(1, none, 1, "Success")))
        count = (10_000 - least) // 16
        answer = client.call("copy_ticks_from", ("EURUSD", 0.0, count, 0))
        assert len(answer.value) == count
        assert client.call("copy_ticks_from", ("EURUSD", 0.0, count + 1, 0)).error[0] == -3
        assert client.call("version", ()).value == ("version",)
        client.close()


@pytest.mark.parametrize(
    "content", [b"", b"\xc1", b"garbage", b"\x93\xa4call\x01\x02", b"\x91\xa5hello"]
)
def test_a_frame_that_is_no_message_ends_its_connection(content: bytes) -> None:
    with serving() as hall:
        connected = hall.proven()
        connected.sendall(len(content).to_bytes(4, "big") + content)
        assert refusal(connected) == "FRAME_MALFORMED"


def test_bytes_of_another_protocol_are_refused() -> None:
    with serving() as hall:
        connected = greeted(hall.raw())
        connected.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert refusal(connected) == "FRAME_TOO_LARGE"


def test_a_frame_whose_end_does_not_come_ends_its_connection() -> None:
    with serving(limits=Limits(frame_seconds=0.05)) as hall:
        connected = hall.proven()
        connected.sendall(wire.frame(wire.Call(1, "version", []))[:-1])
        assert refusal(connected) == "FRAME_TORN"


def test_a_torn_frame_is_never_carried_out() -> None:
    with serving() as hall:
        connected = hall.proven()
        connected.sendall(wire.frame(wire.Call(1, "order_send", list(REQUEST)))[:-1])
        connected.shutdown(socket.SHUT_WR)
        assert refusal(connected) == "FRAME_TORN"
        assert not hall.market.calls


def test_a_client_that_does_not_take_its_answers_is_let_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(limits=Limits(answer_seconds=0.1)) as hall:
        connected = hall.proven()
        call = wire.frame(wire.Call(1, "copy_ticks_from", ["EURUSD", 0.0, 2_000_000, 0]))
        connected.sendall(call)
        other = hall.connect()
        while "ANSWER_NOT_TAKEN" not in caplog.text:
            assert other.call("version", ()).value == ("version",)
        with pytest.raises(ConnectionError):
            hear(connected)  # it was broken off
        connected.close()
        other.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        wire.frame(wire.Call(1, "version", []))[:-1],
        wire.frame(wire.Call(1, "sleep_ms", [1e6])),
        wire.frame(wire.Call(1, "copy_ticks_from", ["EURUSD", 0.0, 2_000_000, 0])),
    ],
)
def test_a_connection_that_is_cut_off_harms_nobody(said: bytes) -> None:
    with serving() as hall:
        other = hall.connect()
        connected = hall.proven()
        connected.sendall(said)
        assert other.call("version", ()).value == ("version",)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CUT_OFF)
        connected.close()
        other.sleep_ms(5)  # once the other is gone
        assert other.call("version", ()).value == ("version",)
        other.close()
    assert not hall.wrong


# Calls.


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("no_such_function", [], "CALL_UNKNOWN"),
        ("symbol_info", [5], "CALL_INVALID"),
        ("symbol_info", [], "CALL_INVALID"),
        ("order_send", [*REQUEST, 1], "CALL_INVALID"),
        ("order_send", [*REQUEST[:-1], "1"], "CALL_INVALID"),
        ("sleep_ms", [-1.0], "CALL_INVALID"),
        ("sleep_ms", [float("nan")], "CALL_INVALID"),
        ("sleep_ms", [float("inf")], "CALL_INVALID"),
    ],
)
def test_a_wrong_call_is_refused_and_the_connection_goes_on(
    name: str, arguments: list[Any], code: str
) -> None:
    with serving() as hall:
        connected = hall.proven()
        connected.sendall(wire.frame(wire.Call(5, name, arguments)))
        told = hear(connected)
        assert isinstance(told, wire.Refused)
        assert (told.number, told.code) == (5, code)
        assert not hall.market.calls
        connected.sendall(wire.frame(wire.Call(6, "version", [])))
        assert isinstance(hear(connected), wire.Answered)
        connected.close()


def test_what_goes_wrong_inside_the_broker_ends_the_server() -> None:
    market = Market()
    with serving(market) as hall:
        client = hall.connect()
        market.wrong = OnefillError("BOOK_UNWRITABLE", "the disk is full")
        assert client.call("version", ()).error == (-10002, "IPC recv failed")
        client.close()
    assert hall.wrong == [market.wrong]


def test_an_order_that_waits_for_its_reply_keeps_nobody_waiting() -> None:
    with serving(Market(latency_ms=1_000)) as hall:
        trader, other = hall.connect(), hall.connect()
        answers: list[Any] = []

        def send() -> None:
            answers.append(trader.call("order_send", REQUEST))
            trader.close()

        sending = threading.Thread(target=send)
        sending.start()
        while not any(name == "order_send" for _, name, _ in hall.market.calls):
            assert other.call("version", ()).value == ("version",)
        assert not answers  # in lockstep time stands still while the other is busy
        assert other.call("version", ()).value == ("version",)
        other.sleep_ms(2_000)
        sending.join(10)
        assert answers == [("reply 1", (1, "Success"))]
        other.close()


def test_time_by_the_clock_goes_on_without_anybody() -> None:
    with serving(speed=10_000) as hall:
        client = hall.connect()
        before_ms = client.now_ms()
        client.sleep_ms(1_000)
        assert client.now_ms() >= before_ms + 1_000
        client.close()
        while hall.market.now_ms < before_ms + 5_000:
            pass


def test_an_order_on_its_way_is_answered_as_the_clock_goes() -> None:
    with serving(Market(latency_ms=200), speed=10) as hall:
        client = hall.connect()
        assert client.call("order_send", REQUEST).value == "reply 1"
        client.close()


def test_a_client_that_dies_no_longer_holds_time_back() -> None:
    with serving() as hall:
        dying, other = hall.proven(), hall.connect()
        sleeping = threading.Thread(target=other.sleep_ms, args=(1_000,))
        sleeping.start()
        dying.sendall(wire.frame(wire.Call(1, "version", [])))
        assert isinstance(hear(dying), wire.Answered)
        assert hall.market.now_ms < START + 1_000
        dying.close()
        sleeping.join(10)
        assert hall.market.now_ms >= START + 1_000
        other.close()


def test_a_client_that_dies_in_its_sleep_no_longer_holds_time_back() -> None:
    with serving() as hall:
        dying, other, busy = hall.proven(), hall.connect(), hall.connect()
        dying.sendall(wire.frame(wire.Call(1, "sleep_ms", [100.0])))
        dying.close()
        busy.close()
        other.sleep_ms(1_000)
        assert other.now_ms() >= START + 1_000
        other.close()


def test_a_server_that_closes_lets_no_time_go() -> None:
    with serving() as hall:
        busy, sleeping = hall.proven(), hall.proven()
        sleeping.sendall(wire.frame(wire.Call(1, "sleep_ms", [1e6])))
        busy.sendall(wire.frame(wire.Call(1, "version", [])))
        assert isinstance(hear(busy), wire.Answered)
    assert hall.market.now_ms < START + 1_000
    busy.close()
    sleeping.close()


def test_every_limit_is_documented_with_its_default() -> None:
    told = Path(__file__).parents[5].joinpath("docs", "broker.md").read_text(encoding="utf-8")
    for name in Limits.__struct_fields__:
        assert f"| `{name}` | {getattr(LIMITS, name)} |" in told
