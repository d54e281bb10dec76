"""Frames and fences: torn, too long or meaningless bytes, and epochs that outlive a process."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.model.errors import OnefillError
from onefill.runtime.clock import monotonic_ns
from onefill.terminal import port
from onefill.terminal.port import Reply, Request
from onefill.terminal.worker import serve as serving
from onefill.terminal.worker.channel import SocketChannel
from onefill.terminal.worker.fence import Fence
from onefill.terminal.worker.process import Frames
from onefill.terminal.worker.serve import Gate, serve
from onefill.terminal.worker.wire import (
    ASK_MOST,
    LENGTH,
    VERSION,
    Ask,
    Welcome,
    WireBroken,
    decode_told,
    encode,
    framed,
    welcome_of,
)


class Sender:
    """A terminal whose only call is `order_send`."""

    def __init__(self, value: Any = None) -> None:
        self.sent = 0
        self.value = value

    def call(self, request: Request, gate: Gate) -> Reply:
        closed = gate()
        if closed is not None:
            return closed
        self.sent += 1
        return Reply(self.value)


@pytest.fixture
def fence(tmp_path: Path) -> Fence:
    return Fence(tmp_path, 1, "S", 0.0)


def ask(number: int = 1, epoch: int = 0, not_after_ns: int = 0, name: str = "symbols") -> bytes:
    return framed(encode(Ask(number, name, msgspec.Raw(encode({})), epoch, not_after_ns)))


def answers(sent: bytes, terminal: Sender, fence: Fence) -> list[Reply]:
    """What a worker answers to bytes, and its end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(sent)
        ours.shutdown(socket.SHUT_WR)
        serve(SocketChannel(theirs), terminal, fence)
        theirs.close()
        found, held = list[Reply](), b""
        while more := ours.recv(65_536):
            held += more
        while held:
            end = LENGTH.size + LENGTH.unpack_from(held)[0]
            found.append(decode_told(held[LENGTH.size : end], len(found) + 1, "symbols"))
            held = held[end:]
    return found


def test_a_call_is_made_before_its_not_after_and_refused_after_it(fence: Fence) -> None:
    terminal = Sender(())
    hour_ns = 3_600 * 10**9
    sent = ask(1, not_after_ns=monotonic_ns() + hour_ns) + ask(2, not_after_ns=1)
    assert [reply.error[0] for reply in answers(sent, terminal, fence)] == [1, port.TOO_LATE]
    assert terminal.sent == 1


def test_a_newer_epoch_shuts_an_older_one_out_and_none_at_all(fence: Fence) -> None:
    terminal = Sender(())
    sent = ask(1, epoch=2) + ask(2, epoch=1) + ask(3) + ask(4, epoch=2)
    codes = [reply.error[0] for reply in answers(sent, terminal, fence)]
    assert codes == [1, port.STALE_EPOCH, port.STALE_EPOCH, 1]
    assert terminal.sent == 2


@pytest.mark.parametrize("body", [b"", b"\xc1", b"garbage", encode([1, "symbols"])])
def test_a_call_that_cannot_be_read_ends_the_worker(fence: Fence, body: bytes) -> None:
    with pytest.raises(WireBroken):
        answers(framed(body), Sender(()), fence)


def test_a_torn_frame_is_no_call(fence: Fence) -> None:
    terminal = Sender(())
    assert len(answers(ask(1) + ask(2)[:-1], terminal, fence)) == 1
    assert terminal.sent == 1


def test_a_call_of_the_greatest_length_is_read_and_a_longer_one_ends_it() -> None:
    for length, fits in ((ASK_MOST, True), (ASK_MOST + 1, False)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(LENGTH.pack(length))
            channel = SocketChannel(theirs)
            if fits:
                ours.sendall(bytes(length))
                assert channel.read() == bytes(length)
            else:
                with pytest.raises(WireBroken, match=str(ASK_MOST)):
                    channel.read()


def test_an_answer_too_long_for_a_frame_is_told_as_an_error(
    fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "TOLD_MOST", 200)
    (fits,) = answers(ask(), Sender(("x" * 100,)), fence)
    (reply,) = answers(ask(), Sender(("x" * 300,)), fence)
    assert fits.value == ("x" * 100,)
    assert (reply.value, reply.error[0]) == (None, -1)


async def test_a_frame_longer_than_may_be_ends_the_connection_even_where_it_came_whole() -> None:
    for length, whole in ((10, True), (11, False)):
        frames, found = Frames(most=10), list[bytes]()
        frames.on_frame = found.append
        frames.data_received(framed(bytes(length)))
        assert bool(found) is whole


def test_a_greeting_of_another_version_is_refused_whatever_else_it_says() -> None:
    here = Welcome(VERSION, 1, 1, "S", "simulated", 0)
    assert welcome_of(encode(here), "main") == here
    for other in (
        (VERSION + 1,),
        (VERSION + 1, "of", "another", "shape"),
        (VERSION - 1, 1, 1, "S"),
    ):
        with pytest.raises(OnefillError, match=rf"'main' speaks version {other[0]} ") as refused:
            welcome_of(encode(other), "main")
        assert refused.value.code == "WIRE_VERSION"
    with pytest.raises(WireBroken):
        welcome_of(b"\xc1", "main")
    with pytest.raises(OnefillError, match="no terminal") as trouble:
        welcome_of(encode(msgspec.structs.replace(here, trouble=("GONE", "no terminal"))), "main")
    assert trouble.value.code == "GONE"


@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
async def test_frames_come_whole_however_the_bytes_are_cut(
    bodies: list[bytes], data: st.DataObject
) -> None:
    frames, found = Frames(), list[bytes]()
    frames.on_frame = found.append
    stream = b"".join(map(framed, bodies))
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        frames.data_received(stream[:cut])
        stream = stream[cut:]
    assert found == bodies


def test_an_epoch_outlives_the_worker_that_admitted_it(tmp_path: Path) -> None:
    first = Fence(tmp_path, 1, "A Server/1", 0.0)
    assert first.admits(7)
    first.release()
    second = Fence(tmp_path, 1, "A Server/1", 0.0)
    assert (second.epoch, second.admits(6), second.admits(7)) == (7, False, True)
    second.release()


def test_an_account_has_one_worker_and_the_second_hears_who_has_it(
    fence: Fence, tmp_path: Path
) -> None:
    with pytest.raises(OnefillError, match=str(os.getpid())) as refused:
        Fence(tmp_path, 1, "S", 0.1)
    assert refused.value.code == "ACCOUNT_IN_USE"
    Fence(tmp_path, 2, "S", 0.0).release()


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5"])
def test_an_epoch_file_that_holds_none_lets_nobody_in(tmp_path: Path, text: str) -> None:
    (tmp_path / "1@S.epoch").write_text(text)
    for _ in range(2):  # the lock was let go of
        with pytest.raises(OnefillError) as refused:
            Fence(tmp_path, 1, "S", 0.0)
        assert refused.value.code == "FENCE_UNUSABLE"
