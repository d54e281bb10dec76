"""The client: what a program is told when a broker goes away and comes back."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import closing, suppress
from typing import Any

import pytest

from onefill.model.errors import OnefillError
from onefill.terminal.simulator.remote import wire
from onefill.terminal.simulator.remote.client import connect
from tests.unit.terminal.simulator.remote.hall import REQUEST, TOKEN, Market, serving

OFFLINE, LOST = (-10004, "No IPC connection"), (-10002, "IPC recv failed")


def test_a_broker_that_is_not_there_is_told_with_its_address() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(OnefillError, match=f"127.0.0.1:{port}") as wrong:
        connect(f"127.0.0.1:{port}", TOKEN)
    assert wrong.value.code == "BROKER_UNREACHABLE"


@pytest.mark.parametrize("text", ["", "5005", "localhost", "localhost:", ":5005", "a:70000", "a:x"])
def test_an_address_that_is_none_is_told(text: str) -> None:
    with pytest.raises(OnefillError) as wrong:
        connect(text, TOKEN)
    assert wrong.value.code == "ADDRESS_INVALID"


def test_a_client_connects_again_with_its_next_call() -> None:
    market = Market()
    with serving(market) as hall:
        client = hall.connect()
        assert client.call("version", ()).value == ("version",)
    assert client.call("version", ()) == (None, OFFLINE)
    with pytest.raises(OnefillError, match="lost"):
        client.now_ms()
    with pytest.raises(OnefillError, match="lost"):
        client.sleep_ms(1)
    with serving(market, port=hall.address[1]):
        assert client.call("version", ()).value == ("version",)
        client.close()
        assert client.call("version", ()) == (None, OFFLINE)


class _Impostor:
    """Something that listens, and says what it is told to."""

    def __init__(self, *says: bytes) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._says = says
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        connected, _ = self._listening.accept()
        with connected, suppress(ConnectionError):
            for one in self._says:
                connected.sendall(one)
            while connected.recv(1 << 16):
                pass

    def __enter__(self) -> _Impostor:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._listening.close()


HELLO = wire.frame(wire.Hello(wire.NAME, wire.VERSION, b"n" * 32))


@pytest.mark.parametrize(
    "says",
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n",),
        (wire.frame(wire.Hello("another", 1, b"")),),
        (b"\0\0\0\1\xc1",),
        (HELLO, wire.frame(wire.Welcome(b"no proof", "real", 1.0))),
        (HELLO, HELLO),
    ],
)
def test_what_is_no_broker_of_ours_is_not_trusted(says: tuple[bytes, ...]) -> None:
    with _Impostor(*says) as impostor, pytest.raises(OnefillError) as wrong:
        connect(impostor.address, TOKEN)
    assert wrong.value.code == "BROKER_UNREACHABLE"


def test_a_request_whose_answer_is_lost_was_sent_once() -> None:
    market = Market()
    with serving(market) as hall:
        client = hall.connect()
        market.wrong = OnefillError("BOOK_UNWRITABLE", "it stops after this one")
        assert client.call("order_send", REQUEST) == (None, LOST)
    market.wrong = None
    with serving(market, port=hall.address[1]):
        assert client.call("version", ()).value == ("version",)
        client.close()
    assert [name for _, name, _ in market.calls] == ["order_send", "version"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("login", (2**70, "", "")),
        ("symbol_info", ("\ud800",)),
        ("symbol_info", (object(),)),
        ("symbols_get", ("a" * 70_000,)),
        ("symbol_info", (5,)),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused_and_nothing_breaks(
    name: str, arguments: tuple[Any, ...]
) -> None:
    with serving() as hall:
        client = hall.connect()
        assert client.call(name, arguments) == (None, (-2, "Invalid arguments"))
        assert client.call("version", ()).value == ("version",)
        client.close()


def test_a_function_that_does_not_exist_is_a_programming_error() -> None:
    with serving() as hall:
        client = hall.connect()
        with pytest.raises(KeyError):
            client.call("no_such_function", ())
        client.close()


def test_threads_take_turns_and_each_gets_its_own_answer() -> None:
    with serving() as hall:
        client = hall.connect()
        wrong = []

        def ask(name: str) -> None:
            for number in range(50):
                group = f"{name} {number}"
                if client.call("symbols_get", (group,)).value != ("symbols_get", group):
                    wrong.append(group)

        threads = [threading.Thread(target=ask, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not wrong
        client.close()


if sys.platform != "win32":  # there is no fork

    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_a_forked_child_has_a_connection_of_its_own() -> None:
        with serving() as hall:
            client = hall.connect()
            child = os.fork()
            if not child:
                right = client.call("symbols_get", ("child",)).value == ("symbols_get", "child")
                os._exit(0 if right else 1)
            assert os.waitpid(child, 0)[1] == 0
            assert client.call("symbols_get", ("parent",)).value == ("symbols_get", "parent")
            client.close()
