"""The proxy's own knowledge of WebSocket frames: what it cuts and swaps are frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from onefill.contracts.enveloped import Enveloped
from onefill.contracts.messages import Command, Heartbeat
from onefill.model.intent import Action, OrderIntent
from tests.chaos.frames import Frames, command_in, is_message

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def frame(payload: bytes, opcode: Opcode = Opcode.BINARY) -> bytes:
    return Frame(opcode, payload).serialize(mask=False)


@given(st.lists(st.sampled_from([0, 1, 125, 126, 127, 300, 65_535, 65_536]), max_size=4), st.data())
def test_frames_are_found_however_the_bytes_come(lengths: list[int], data: st.DataObject) -> None:
    said = [frame(bytes(length)) for length in lengths]
    stream = HEAD + b"".join(said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    frames, found = Frames(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += list(frames.split(stream[begin:end]))
    assert found == [HEAD, *said]
    assert frames.upgraded


def test_a_refused_handshake_is_passed_on_as_it_is() -> None:
    frames = Frames()
    assert list(frames.split(b"HTTP/1.1 401 No\r\n\r\nwhy")) == [b"HTTP/1.1 401 No\r\n\r\nwhy"]
    assert not frames.upgraded


def test_a_command_is_known_by_its_key() -> None:
    envelopes = Enveloped()
    intent = OrderIntent(client_key="c1", action=Action.CANCEL, target="c0")
    command = frame(envelopes.pack(Command(intent=intent, account="7")))
    assert command_in(command) == "c1"
    assert is_message(command)
    assert command_in(frame(envelopes.pack(Heartbeat(1)))) == ""
    assert command_in(frame(b"\x03\xe8", Opcode.CLOSE)) == ""
    assert not is_message(frame(b"\x03\xe8", Opcode.CLOSE))
