"""Security checks 6 (live sockets), 9, 10, 11 and 22: what a hostile or broken client can do to the
gateway, and to its neighbours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from onefill.contracts.bare import EXECUTION, TRADING_CLIENT
from onefill.contracts.crc32c import crc32c
from onefill.contracts.framing import MAX_FRAME
from onefill.contracts.messages import Ack, Heartbeat, WireError
from onefill.contracts.wire.onefill import envelope_pb2
from onefill.contracts.wire.trading import account_profile_pb2
from onefill.gateway.identity.model import account_id
from tests.integration.gateway.delivery.served import (
    PATIENCE_S,
    TENANT,
    Client,
    Gateway,
    command,
    gateway,
    profile,
    result,
)

ONE = account_id(TENANT, "1001")
HELD = "?mt5_account=1001"
SMALL = 4_096


@pytest.fixture
def served() -> Iterator[Gateway]:
    with gateway(close_s=0.5) as made:
        made.register.add("1001")
        made.register.add("2002", "bob")
        yield made


async def _neighbour_is_served(served: Gateway) -> None:
    bob = await served.client(token="Bearer bob", query="?mt5_account=2002")
    two = account_id(TENANT, "2002")
    await served.until(lambda: served.call(lambda: served.sessions.present(two)))
    assert served.hand(two, command("neighbour")) == [""]
    assert await bob.keys(1) == ["neighbour"]
    await bob.close()


async def test_check_6_a_live_socket_whose_token_was_revoked_is_closed() -> None:
    with gateway(look_s=0.05) as served:
        served.register.add("1001")
        ann, bob = await served.client(query=HELD), await served.client(token="Bearer bob")
        served.revoked.add("ann")
        assert (await ann.ended())[0] == 4003
        assert served.hand(ONE, command("k1")) == ["AWAY"]
        await bob.say(Heartbeat(1))
        assert await bob.hear() == Heartbeat(1)
        await bob.close()


@pytest.mark.parametrize("enveloped", [True, False])
async def test_check_9_an_oversize_frame_is_1009(served: Gateway, enveloped: bool) -> None:
    client = await served.client(enveloped=enveloped)
    await client.connection.send(b"\0" * (MAX_FRAME + 1))
    assert (await client.ended())[0] == 1009
    await _neighbour_is_served(served)


async def test_check_9_an_oversize_message_in_pieces_is_1009(served: Gateway) -> None:
    client = await served.client()
    piece = b"\0" * 10_000
    _write(client, Frame(Opcode.BINARY, piece, fin=False))
    for _ in range(MAX_FRAME // len(piece)):
        _write(client, Frame(Opcode.CONT, piece, fin=False))
    assert (await client.ended())[0] == 1009


async def test_check_9_a_message_of_endless_empty_pieces_is_1009(served: Gateway) -> None:
    client = await served.client()
    _write(client, Frame(Opcode.BINARY, b"", fin=False))
    for _ in range(1_024):
        _write(client, Frame(Opcode.CONT, b"", fin=False))
    assert (await client.ended())[0] == 1009


async def test_check_9_compression_is_not_negotiated_and_a_bomb_is_a_protocol_error(
    served: Gateway,
) -> None:
    client = await served.client(compression="deflate")
    assert not client.connection.protocol.extensions
    bomb = bytearray(Frame(Opcode.BINARY, b"\xec\xc1\x01" + b"\0" * 1_000).serialize(mask=True))
    bomb[0] |= 0x40
    client.connection.transport.write(bytes(bomb))
    assert (await client.ended())[0] == 1002
    await _neighbour_is_served(served)


def _write(client: Client, frame: Frame) -> None:
    client.connection.transport.write(frame.serialize(mask=True))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address")
async def test_check_10_a_thousand_half_open_handshakes_do_not_keep_others_out() -> None:
    with gateway(half_open_of_address=400, handshake_s=2.0) as served:
        served.register.add("1001")
        served.register.add("2002", "bob")
        held = await served.client(query=HELD)
        await served.until(lambda: served.desk.told)
        head = f"GET {TRADING_CLIENT} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n".encode()
        half_open = [await _half_open(served, head if n % 2 else b"") for n in range(1_000)]
        assert served.hand(ONE, command("k1")) == [""]
        assert await held.keys(1) == ["k1"]
        await _neighbour_is_served(served)
        answers = await asyncio.gather(*(_rest(reader) for reader, _ in half_open))
        assert {answer.split(b" ")[1] for answer in answers if answer} == {b"408", b"429"}
        for _, writer in half_open:
            writer.close()
        await held.say(Heartbeat(1))
        assert await held.hear() == Heartbeat(1)
        await held.close()


async def _half_open(
    served: Gateway, head: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    found = await asyncio.open_connection(
        "127.0.0.1", served.port, local_addr=("127.0.0.2", 0), limit=SMALL
    )
    found[1].write(head)
    return found


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What the server says before it ends the connection."""
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(ConnectionError):
            return await reader.read()
    return b""


async def test_check_10_an_endless_head_is_refused(served: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    with contextlib.suppress(ConnectionError):
        for number in range(2_000):
            writer.write(b"x-%d: %s\r\n" % (number, b"y" * 100))
            await writer.drain()
    assert (await _rest(reader)).split(b" ")[1:2] in ([b"431"], [])
    writer.close()
    await _neighbour_is_served(served)


async def _slow(served: Gateway) -> Client:
    """A client that holds 1001 and reads nothing, with little room in the kernel."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", served.port))
    client = await served.client(query=HELD, sock=sock)
    await served.until(lambda: served.call(lambda: served.sessions.present(ONE)))
    client.connection.transport.pause_reading()
    return client


async def test_check_11_a_slow_reader_is_let_go_and_nothing_is_lost() -> None:
    with gateway(close_s=0.5, slow_s=0.5, queue_frames=100) as served:
        served.register.add("1001")
        served.register.add("2002", "bob")
        slow = await _slow(served)
        await slow.say(result("before"))
        keys: list[str] = []
        codes: set[str] = set()
        refused = ""
        while refused != "AWAY":
            batch = [f"k{len(keys) + number}" for number in range(50)]
            sent = [command(key, reason="r" * 800, comment="c") for key in batch]
            served.desk.waiting.setdefault(ONE, []).extend(sent)
            refused = next(filter(None, served.hand(ONE, *sent)), "")
            codes.add(refused)
            keys += batch
            await asyncio.sleep(0.02 if refused else 0)
        assert codes == {"", "QUEUE_FULL", "AWAY"}
        await _neighbour_is_served(served)
        await served.until(lambda: served.desk.count("left", ONE))
        assert served.sessions.counters.closed[1013] == 1
        assert served.desk.count("heard", ONE, "before")
        slow.cut()
        await _drained(served)
        heard = [it[2] for it in served.desk.told if it[0] == "heard"]
        assert sorted(set(heard)) == sorted({*keys, "before"})


async def _drained(served: Gateway) -> None:
    """A quick client that answers everything, coming again whenever it is told to."""
    while served.desk.waiting[ONE]:
        client = await served.client(query=HELD)
        with contextlib.suppress(ConnectionClosed):
            while served.desk.waiting[ONE]:
                said = await client.hear()
                if not isinstance(said, Ack):
                    await client.say(result(said.intent.client_key))  # type: ignore[union-attr]
        await client.close()


async def test_check_11_what_the_queue_does_not_hold_goes_out_once_there_is_room() -> None:
    with gateway(queue_frames=50) as served:
        served.register.add("1001")
        served.desk.waiting[ONE] = [command(f"k{number}") for number in range(180)]
        await _drained(served)
        assert not served.sessions.counters.closed
        assert served.desk.count("handed", "QUEUE_FULL")
        heard = [it[2] for it in served.desk.told if it[0] == "heard"]
        assert heard == [f"k{number}" for number in range(180)]


async def test_check_11_a_client_that_pings_and_never_reads_is_not_read_from(
    served: Gateway,
) -> None:
    slow = await _slow(served)
    ping = Frame(Opcode.PING, b"p" * 125).serialize(mask=True) * 500
    written = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while slow.connection.transport.get_write_buffer_size() < 1_000_000:
                slow.connection.transport.write(ping)
                written += len(ping)
                await asyncio.sleep(0.001)
    # It took what the kernels' buffers hold, and no more: the rest waits at the client.
    assert slow.connection.transport.get_write_buffer_size() >= 1_000_000
    await _neighbour_is_served(served)
    slow.cut()


DEEP = b"\x0b" * 30_000
NESTED = b"\x5a\x7f" * 20_000


@pytest.mark.parametrize("bomb", [DEEP, NESTED, b"\xff" * 60_000], ids=["groups", "nested", "ff"])
@pytest.mark.parametrize("path", [EXECUTION, TRADING_CLIENT])
async def test_check_22_a_protobuf_bomb_is_refused_and_the_connection_goes_on(
    served: Gateway, path: str, bomb: bytes
) -> None:
    client = await served.client(path, query=HELD)
    await client.connection.send(bomb)
    inside = envelope_pb2.Envelope(checksum=crc32c(bomb)).SerializeToString()
    length = bytes([len(bomb) & 0x7F | 0x80, len(bomb) >> 7 & 0x7F | 0x80, len(bomb) >> 14])
    await client.connection.send(inside + b"\x6a" + length + bomb)
    for _ in range(2):
        said = await client.hear()
        assert isinstance(said, WireError)
        assert said.code.endswith(("INVALID", "WRONG"))
    await client.say(Heartbeat(5))
    assert await client.hear() == Heartbeat(5)
    await client.close()
    await _neighbour_is_served(served)


async def test_check_22_a_bomb_of_repeated_values_is_answered(served: Gateway) -> None:
    client = await served.client(enveloped=False)
    wire = account_profile_pb2.AccountProfile(user_id="ann", account_number="1001", balance=1.0)
    wire.risk_profile.allowed_symbols.extend([""] * 30_000)
    await client.connection.send(wire.SerializeToString())
    await client.say(profile("1001"))
    await served.until(lambda: served.desk.count("profiled", ONE))
    await client.close()
    await _neighbour_is_served(served)


async def test_a_text_frame_is_1003(served: Gateway) -> None:
    for enveloped in (True, False):
        client = await served.client(enveloped=enveloped)
        await client.connection.send("hello")
        assert (await client.ended())[0] == 1003


async def test_envelopes_of_a_newer_client_are_skipped_and_count_as_nothing() -> None:
    with gateway(bad_frames=3) as served:
        client = await served.client()
        for _ in range(10):
            await client.connection.send(bytes.fromhex("9a06 03 616263"))  # field 99, as text
        await client.say(Heartbeat(5))
        assert await client.hear() == Heartbeat(5)
        await client.close()


async def test_malformed_frames_are_answered_and_then_end_the_connection() -> None:
    with gateway(bad_frames=3) as served:
        client = await served.client()
        for _ in range(3):
            await client.connection.send(b"nonsense")
        said = [await client.hear() for _ in range(3)]
        assert {each.code for each in said if isinstance(each, WireError)} == {"FRAME_INVALID"}
        code, reason = await client.ended()
        assert code == 1007
        assert reason
        bare = await served.client(enveloped=False)
        for _ in range(3):
            await bare.connection.send(b"nonsense")
        code, reason = await bare.ended()
        assert code == 1007
        assert reason


async def test_what_a_client_has_no_business_to_send_is_refused(served: Gateway) -> None:
    client = await served.client(query=HELD)
    await client.say(command("mine"))
    said = await client.hear()
    assert isinstance(said, WireError)
    assert said.code == "NOT_FOR_GATEWAY"
    await client.close()


async def test_results_of_a_client_that_named_no_account_are_refused(served: Gateway) -> None:
    client = await served.client()
    await client.say(result("k1"))
    said = await client.hear()
    assert isinstance(said, WireError)
    assert (said.code, said.id) == ("ACCOUNT_MISSING", "k1")
    await client.close()


async def test_a_client_that_sends_too_fast_is_let_go() -> None:
    with gateway(messages_per_s=1.0, messages_at_once=20) as served:
        client = await served.client()
        with contextlib.suppress(ConnectionClosed):
            for number in range(40):
                await client.say(Heartbeat(number))
        code, reason = await client.ended()
        assert code == 1008
        assert "a second" in reason


async def test_a_silent_enveloped_client_is_let_go_and_one_with_heartbeats_stays() -> None:
    with gateway(look_s=0.05, liveness_s=0.5) as served:
        served.register.add("1001")
        silent, lively = await served.client(query=HELD), await served.client(query=HELD)
        silent = await served.client(token="Bearer bob")
        ending = asyncio.create_task(silent.ended())
        while not ending.done():
            await lively.say(Heartbeat(1))
            assert isinstance(await lively.hear(), Heartbeat)
            await asyncio.sleep(0.05)
        assert ending.result()[0] == 4002
        await lively.say(Heartbeat(2))
        assert await lively.hear() == Heartbeat(2)
        await lively.close()


async def test_a_bare_client_that_answers_no_ping_is_cut_off() -> None:
    with gateway(ping_s=0.2) as served:
        served.register.add("1001")
        deaf = await served.client(query=HELD, enveloped=False)
        await served.until(lambda: served.desk.told)
        deaf.connection.transport.pause_reading()
        await served.until(lambda: served.desk.count("left", ONE))
        deaf.cut()


async def test_a_client_that_never_says_its_account_is_let_go() -> None:
    with gateway(look_s=0.05, profile_s=0.1) as served:
        client = await served.client(enveloped=False)
        assert (await client.ended())[0] == 4004


async def test_one_connection_holds_so_many_accounts_and_no_more() -> None:
    with gateway(accounts_of_connection=2) as served:
        client = await served.client()
        await client.say(profile("1"), profile("2"), profile("3"), profile("1"))
        said = await client.hear()
        assert isinstance(said, WireError)
        assert said.code == "CONNECTION_FULL"
        await served.until(lambda: served.desk.count("profiled", account_id(TENANT, "1")) == 2)
        await client.close()


async def test_a_frame_cut_in_half_harms_nobody(served: Gateway) -> None:
    client = await served.client(query=HELD)
    await served.until(lambda: served.desk.told)
    frame = client.framing.pack(result("k1"))
    assert frame is not None
    whole = Frame(Opcode.BINARY, frame).serialize(mask=True)
    client.connection.transport.write(whole[: len(whole) // 2])
    await asyncio.sleep(0.05)
    client.cut()
    await served.until(lambda: served.desk.count("left", ONE))
    assert not served.desk.count("heard", ONE, "k1")
    await _neighbour_is_served(served)


async def test_what_was_counted_can_be_read(served: Gateway) -> None:
    client = await served.client(query=HELD)
    await client.say(Heartbeat(1))
    await client.hear()
    counters = served.sessions.counters
    assert (counters.connected, counters.frames_in, counters.frames_out) == (1, 1, 1)
    await client.close()
    await served.until(lambda: not counters.connected)
