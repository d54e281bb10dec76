"""What is not to be believed is refused, with a sentence, and with the command's id where it can
be read."""

import tracemalloc
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.contracts.bare import MT5, Bare, End
from onefill.contracts.crc32c import crc32c
from onefill.contracts.framing import MAX_FRAME, Enveloped, FrameRefused, Framing, Statuses
from onefill.contracts.messages import Dialect, HeldPosition, Message, Profile
from onefill.contracts.wire.onefill.envelope_pb2 import Envelope
from onefill.contracts.wire.trading import execution_command_pb2 as first
from onefill.contracts.wire.trading import execution_commands_pb2 as second
from onefill.contracts.wire.trading.account_profile_pb2 import AccountProfile
from onefill.model.intent import Side
from tests.unit.contracts import messages

AT = 1_700_000_000_000
CLIENT = Bare(Dialect.EXECUTION, end=End.CLIENT)
TRADING_CLIENT = Bare(Dialect.TRADING, end=End.CLIENT)
SERVER = Bare(Dialect.TRADING)


def refused(framing: Framing, frame: bytes) -> FrameRefused:
    with pytest.raises(FrameRefused) as found:
        framing.unpack(frame)
    assert found.value.message
    return found.value


def execution(
    action: dict[str, Any] | None = None, params: dict[str, Any] | None = None, **changes: Any
) -> bytes:
    """A good market buy of 0.1, but for the changes."""
    plain: dict[str, Any] = {"symbol": "EURUSD", "volume": 0.1}
    whole: dict[str, Any] = {"command_id": "c1", "timestamp": AT}
    return first.ExecutionCommand(
        **(whole | changes),
        action=first.ExecutionAction(**(plain | (action or {}))),
        params=first.ExecutionParams(**(params or {})),
    ).SerializeToString()


def trading(**changes: Any) -> bytes:
    plain: dict[str, Any] = {
        "command_id": "c1", "symbol": "EURUSD", "lot_size": 0.1, "expires_at": AT,
    }  # fmt: skip
    return second.TradingCommand(**(plain | changes)).SerializeToString()


def result(**changes: Any) -> bytes:
    plain: dict[str, Any] = {"command_id": "c1", "status": 1, "error_message": "no"}
    return first.ExecutionResult(**(plain | changes)).SerializeToString()


def profile(**changes: Any) -> bytes:
    return AccountProfile(**({"account_number": "7"} | changes)).SerializeToString()


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (execution(action={"type": 4}), "action.type"),
        (execution(action={"type": -1}), "action.type"),
        (execution(action={"direction": 2}), "action.direction"),
        (execution(params={"order_type": 9}), "params.order_type"),
        (execution(action={"volume": nan}), "volume"),
        (execution(action={"volume": inf}), "volume"),
        (execution(action={"volume": -0.1}), "volume"),
        (execution(action={"volume": 0.0}), "volume"),
        (execution(action={"units": 1_000.0}), "volume"),
        (execution(action={"price": -1.0}), "price"),
        (execution(action={"stop_loss": nan}), "stop_loss"),
        (execution(action={"take_profit": -inf}), "take_profit"),
        (execution(action={"symbol": ""}), "symbol"),
        (execution(action={"symbol": "EUR\nUSD"}), "symbol"),
        (execution(action={"symbol": "E" * 65}), "symbol"),
        (execution(action={"position_ticket": "1"}), "target_command_id"),
        (execution(action={"stop_limit_price": 1.1}), "stop_limit_price"),
        (execution(action={"any_direction": True}), "action.any_direction"),
        (execution(params={"slippage": -1}), "slippage"),
        (execution(params={"magic_number": -1}), "magic"),
        (execution(params={"magic_number": 1, "magic": 2}), "magic"),
        (execution(params={"comment": "c" * 256}), "comment"),
        (execution(params={"expiration": AT}), "expiration"),
        (execution(params={"order_type": 2}), "price"),
        (execution(timestamp=0), "expires_at"),
        (execution(timestamp=-1), "timestamp"),
        (execution(expires_at=-1), "expires_at"),
        (execution(expires_at=2**60), "expires_at"),
        (execution(confidence_score=1.1), "confidence_score"),
        (execution(confidence_score=nan), "confidence_score"),
        (execution(mt5_account="7\0"), "mt5_account"),
        (execution(user_id="u" * 129), "user_id"),
        (execution(action={"type": 1, "symbol": ""}), "symbol"),
        (execution(action={"type": 1, "position_ticket": "4x"}), "position_ticket"),
        (execution(action={"type": 1, "position_ticket": "-4"}), "position_ticket"),
        (execution(action={"type": 1, "position_ticket": "٤"}), "position_ticket"),
        (execution(action={"type": 1, "position_ticket": "9" * 19}), "position_ticket"),
        (execution(action={"type": 3, "order_ticket": "0x1"}), "order_ticket"),
        (execution(action={"type": 3, "target_command_id": "c1"}), "target_command_id"),
        (execution(action={"type": 2, "clear_stop_loss": True, "stop_loss": 1.0}), "stop_loss"),
    ],
)
def test_a_command_with_a_wrong_value_names_the_field_and_the_command(
    frame: bytes, says: str
) -> None:
    wrong = refused(CLIENT, frame)
    assert (wrong.code, wrong.id) == ("COMMAND_INVALID", "c1")
    assert says in wrong.message


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (trading(type=4), "type"),
        (trading(order_type=6), "order_type"),
        (trading(lot_size=nan), "volume"),
        (trading(expires_at=0), "expires_at"),
        (trading(confidence_score=2.0), "confidence_score"),
        (trading(type=3, target_command_id="c0"), "target_command_id"),
        (trading(type=2, symbol=""), "symbol"),
        (trading(magic=-1), "magic"),
    ],
)
def test_a_trading_command_with_a_wrong_value_names_the_field_and_the_command(
    frame: bytes, says: str
) -> None:
    wrong = refused(TRADING_CLIENT, frame)
    assert (wrong.code, wrong.id) == ("COMMAND_INVALID", "c1")
    assert says in wrong.message


@pytest.mark.parametrize("key", ["", "k" * 129, "parent/17", "a\tb"])
def test_a_command_without_a_key_that_may_be_used_is_refused(key: str) -> None:
    wrong = refused(CLIENT, execution(command_id=key))
    assert wrong.code == "COMMAND_INVALID"
    assert "command_id" in wrong.message
    assert wrong.id in ("", key)
    assert wrong.id.isprintable()


@pytest.mark.parametrize(
    "frame",
    [
        result(status=3),
        result(status=-1),
        result(order_ticket="4.2"),
        result(position_ticket="1" * 20),
        result(executed_price=nan),
        result(executed_price=-1.0),
        result(executed_volume=inf),
        result(executed_volume=-0.1),
        result(execution_time=-5),
        result(sequence=-1),
    ],
)
def test_a_result_with_a_wrong_value_is_refused_by_its_commands_id(frame: bytes) -> None:
    wrong = refused(SERVER, frame)
    assert (wrong.code, wrong.id) == ("RESULT_INVALID", "c1")


def test_a_status_that_the_peers_numbering_does_not_have_is_no_success() -> None:
    server = Bare(Dialect.EXECUTION, statuses=Statuses(success=1, failed=2, partial=3))
    assert refused(server, result(status=0)).code == "RESULT_INVALID"


@pytest.mark.parametrize(
    "frame",
    [
        profile(account_number="", equity=1.0),
        profile(account_type=2),
        profile(equity=nan),
        profile(balance=inf),
        profile(account_number="7\n8"),
        profile(risk_profile={"max_drawdown": 1.5}),
        profile(risk_profile={"max_daily_loss": -1.0}),
        profile(risk_profile={"allowed_symbols": [""] * 1_001}),
        profile(preferences={"max_open_positions": -1}),
        profile(preferences={"preferred_lot_size": nan}),
        profile(positions=[{"side": 2}]),
        profile(positions=[{"volume": nan}]),
        profile(positions=[{"ticket": -1}]),
        profile(positions=[{}] * 2_001),
        profile(as_of_sequence=-1),
    ],
)
def test_a_profile_with_a_wrong_value_is_refused(frame: bytes) -> None:
    wrong = refused(SERVER, frame)
    assert (wrong.code, wrong.id) == ("PROFILE_INVALID", "")


def test_bad_utf8_is_refused_and_the_command_is_named_nevertheless() -> None:
    frame = execution().replace(b"EURUSD", b"EUR\xffSD")
    wrong = refused(CLIENT, frame)
    assert (wrong.code, wrong.id) == ("FRAME_INVALID", "c1")


def test_a_command_whose_own_id_is_no_text_is_refused_without_one() -> None:
    wrong = refused(CLIENT, execution().replace(b"c1", b"c\xff"))
    assert (wrong.code, wrong.id) == ("FRAME_INVALID", "")


@pytest.mark.parametrize("lie", [b"\x22\xff\xff\xff\xff\x0f", b"\x22\x05ab", b"\x30\xff", b"\x31a"])
def test_a_length_that_lies_is_refused_and_costs_no_memory(lie: bytes) -> None:
    assert refused(CLIENT, b"\x0a\x02c1" + lie).id == "c1"
    assert refused(SERVER, lie).code == "FRAME_INVALID"
    assert refused(Enveloped(), lie).code == "FRAME_INVALID"


@pytest.mark.parametrize(
    "nested",
    [b"\x0b" * 30_000, b"\x0b" * 30_000 + b"\x0c" * 30_000, b"\x0c", b"\x0b\x14", b"\x0b"],
)
def test_nesting_without_end_is_refused(nested: bytes) -> None:
    for framing in (CLIENT, SERVER, Enveloped(), Bare(Dialect.EXECUTION, MT5)):
        assert refused(framing, nested).code == "FRAME_INVALID"


def test_messages_nested_within_each_other_are_refused() -> None:
    payload = b""
    for _ in range(200):
        payload = b"\x9b\x06" + payload + b"\x9c\x06"  # a group in a group of an unknown field
    for framing in (CLIENT, TRADING_CLIENT):
        assert refused(framing, execution() + payload).code == "FRAME_INVALID"


def test_a_frame_beyond_the_limit_is_not_even_looked_at() -> None:
    for framing in (CLIENT, SERVER, Enveloped()):
        assert refused(framing, b"\0" * (MAX_FRAME + 1)).code == "FRAME_TOO_LARGE"
    assert refused(CLIENT, b"\0" * MAX_FRAME).code == "FRAME_INVALID"


@pytest.mark.parametrize(
    "bomb",
    [
        profile() + b"\xf2\x01\x00" * 20_000,  # positions without anything in them
        profile() + b"\x5a\x02\x2a\x00" * 16_000,  # empty symbols
        profile() + b"\xff\xff\x03\x00" * 16_000,
    ],
)
def test_a_bomb_of_repeated_fields_costs_little_memory(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        refused(SERVER, bomb)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_what_no_peer_would_read_is_not_packed() -> None:
    held = HeldPosition(ticket=1, symbol="S" * 64, side=Side.BUY, volume=1.0, price=1.0)
    large = Profile(user_id="u", account="7", positions=(held,) * 1_000)
    framings: list[Framing] = [Enveloped(), TRADING_CLIENT]
    for framing in framings:
        with pytest.raises(FrameRefused) as found:
            framing.pack(large)
        assert found.value.code == "FRAME_TOO_LARGE"


def test_unknown_fields_are_skipped_wherever_they_stand() -> None:
    unknown = bytes.fromhex("f2ff7f 03 616263  e0ff7f 07")  # fields 262142 as text, 262140 as 7
    known = execution()
    assert CLIENT.unpack(unknown + known + unknown) == CLIENT.unpack(known)
    assert SERVER.unpack(unknown + result() + unknown) == SERVER.unpack(result())
    frame = Enveloped().pack(CLIENT.unpack(known))
    assert Enveloped().unpack(unknown + frame + unknown) == CLIENT.unpack(known)


def test_an_empty_frame_says_nothing() -> None:
    assert refused(CLIENT, b"").code == "COMMAND_INVALID"
    for framing in (SERVER, Enveloped()):
        assert refused(framing, b"").code == "FRAME_INVALID"


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (profile(user_id="u"), "Profile"),  # field 2 as text
        (AccountProfile(user_id="u", equity=1.0).SerializeToString(), "PROFILE_INVALID"),
        (AccountProfile(user_id="u", preferences={}).SerializeToString(), "PROFILE_INVALID"),
        (result(), "Result"),  # 2 as a number
        (result(status=0, executed_price=1.1), "Result"),  # 4 as a double
        (result(status=0, execution_time=AT), "Result"),  # 6 as a number
        (result(status=0, retcode=10009), "Result"),  # 22
        (result(status=0, state="FILLED"), "Result"),  # 24
        (result(status=0, order_ticket="1"), "FRAME_INVALID"),  # it might be either
        (AccountProfile(user_id="u", broker_name="b").SerializeToString(), "FRAME_INVALID"),
        (result() + AccountProfile(equity=1.0).SerializeToString(), "FRAME_INVALID"),
    ],
)
def test_a_clients_bare_frame_is_told_apart_by_what_it_has(frame: bytes, kind: str) -> None:
    try:
        found = type(SERVER.unpack(frame)).__name__
    except FrameRefused as wrong:
        found = wrong.code
    assert found == kind


def test_nothing_is_read_on_a_path_where_that_side_says_nothing() -> None:
    assert refused(Bare(Dialect.EXECUTION, MT5, end=End.CLIENT), b"").code == "FRAME_INVALID"


def _envelope(**changes: Any) -> bytes:
    whole = Envelope.FromString(Enveloped().pack(CLIENT.unpack(execution())))
    for field, value in changes.items():
        setattr(whole, field, value)
    return whole.SerializeToString()


def test_a_wrong_checksum_is_refused_and_names_nobody() -> None:
    for frame in (
        _envelope(checksum=1),
        _envelope(checksum=0),
        _envelope().replace(b"EURUSD", b"GBPUSD"),
        _envelope().replace(b"c1", b"c2"),
    ):
        wrong = refused(Enveloped(), frame)
        assert (wrong.code, wrong.id) == ("CHECKSUM_WRONG", "")


def test_an_envelope_with_two_payloads_or_none_is_refused() -> None:
    frame = _envelope()
    for wrong in (frame + Envelope(ack={"id": "c1"}).SerializeToString(), frame + frame, b"\x10\1"):
        assert refused(Enveloped(), wrong).code == "FRAME_INVALID"


def test_an_envelope_with_a_payload_that_is_unknown_here_is_skipped() -> None:
    newer = bytes.fromhex("9a06 03 616263")  # field 99, as text
    header = Envelope(sequence=5, checksum=1).SerializeToString()
    assert Enveloped().unpack(header + newer) is None
    assert Enveloped().unpack(newer) is None
    beside = Enveloped().pack(CLIENT.unpack(execution())) + newer
    assert Enveloped().unpack(beside) == CLIENT.unpack(execution())


def test_a_wrong_command_in_an_envelope_is_named() -> None:
    payload = execution(action={"volume": -1.0})
    frame = Envelope(checksum=crc32c(payload))
    frame.execution_command.MergeFromString(payload)
    wrong = refused(Enveloped(), frame.SerializeToString())
    assert (wrong.code, wrong.id) == ("COMMAND_INVALID", "c1")


FRAMINGS: list[Callable[[], Framing]] = [
    Enveloped,
    lambda: CLIENT,
    lambda: TRADING_CLIENT,
    lambda: SERVER,
    lambda: Bare(Dialect.EXECUTION),
    lambda: Bare(Dialect.EXECUTION, MT5),
]


def _survives(framing: Framing, frame: bytes) -> None:
    """It says something, which can be said again, or is refused; nothing else."""
    wrong = None
    try:
        message = framing.unpack(frame)
    except FrameRefused as found:
        wrong = found
    else:
        if message is not None:
            Enveloped().pack(message)
    assert wrong is None or (wrong.id.isprintable() and len(wrong.message) < 1_000)


@given(st.sampled_from(FRAMINGS), st.binary(max_size=300))
def test_random_bytes_are_refused_and_nothing_else_happens(
    framing: Callable[[], Framing], frame: bytes
) -> None:
    _survives(framing(), frame)


_SAID: list[tuple[Callable[[], Framing], Framing, st.SearchStrategy[Any]]] = [
    (Enveloped, Enveloped(), messages.MESSAGES),  # a new one each time: it counts its frames
    (lambda: Bare(Dialect.EXECUTION), CLIENT, messages.EXECUTION),
    (lambda: Bare(Dialect.TRADING), TRADING_CLIENT, messages.TRADING),
    (lambda: TRADING_CLIENT, SERVER, messages.RESULTS),
    (lambda: TRADING_CLIENT, SERVER, messages.PROFILES),
]


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[Framing, bytes]:
    writes, reads, strategy = draw(st.sampled_from(_SAID))
    message: Message = draw(strategy)
    frame = bytearray(writes().pack(message) or b"")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(frame)))
        match draw(st.integers(0, 3)):
            case 0:
                frame[at : at + 1] = draw(st.binary(max_size=2))
            case 1:
                del frame[at:]
            case 2:
                frame[at:at] = frame[: draw(st.integers(0, len(frame)))]
            case _:
                del frame[at : at + draw(st.integers(1, 8))]
    return reads, bytes(frame)


@given(_damaged())
def test_damaged_frames_are_refused_and_nothing_else_happens(damaged: tuple[Any, bytes]) -> None:
    _survives(*damaged)


@given(_damaged())
def test_a_damaged_payload_that_its_checksum_fits_is_refused_as_any(
    damaged: tuple[Any, bytes],
) -> None:
    payload = damaged[1][:127]
    for number in range(10, 19):
        tag = (number << 3 | 2).to_bytes(1) if number < 16 else bytes([number << 3 & 127 | 130, 1])
        checksum = crc32c(payload).to_bytes(4, "little")
        _survives(Enveloped(), b"\x1d" + checksum + tag + len(payload).to_bytes(1) + payload)
