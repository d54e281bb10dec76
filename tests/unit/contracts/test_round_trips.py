from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.contracts.bare import EXECUTION, MARKET_DATA, MT5, TRADING_CLIENT, Bare, End
from onefill.contracts.framing import Enveloped, NotExpressible, Statuses, parse_statuses
from onefill.contracts.messages import (
    Ack,
    Command,
    ConfigUpdate,
    Dialect,
    Heartbeat,
    MarketData,
    Message,
    Profile,
    Result,
    Status,
    WireError,
)
from onefill.contracts.wire.onefill.envelope_pb2 import Envelope
from onefill.model.errors import OnefillError
from onefill.model.intent import Action, OrderIntent, OrderType, Side
from tests.unit.contracts import messages

OPEN = OrderIntent(
    client_key="c1", action=Action.OPEN, symbol="EURUSD", side=Side.BUY, volume=0.1,
    expires_at_ms=1_700_000_060_000,
)  # fmt: skip
NAMED = OrderIntent(client_key="c1", action=Action.CLOSE, target="c0", expires_at_ms=10**12)


def command(intent: OrderIntent = OPEN, **changes: Any) -> Command:
    changed = msgspec.structs.replace(intent, **changes)
    return Command(intent=changed, account="5012345", made_ms=1_700_000_000_000)


def crossed(message: Message, dialect: Dialect, path: str | None = None) -> Message:
    """What the client reads of what a server of that dialect wrote."""
    frame = Bare(dialect, path).pack(message)
    assert frame is not None
    return Bare(dialect, path, end=End.CLIENT).unpack(frame)


def answered(message: Message, dialect: Dialect, **how: Any) -> Message:
    """What the server reads of what a client wrote."""
    frame = Bare(dialect, end=End.CLIENT, **how).pack(message)
    assert frame is not None
    return Bare(dialect, **how).unpack(frame)


@given(messages.EXECUTION)
def test_the_first_dialect_loses_nothing(message: Command) -> None:
    assert crossed(message, Dialect.EXECUTION) == message


@given(messages.TRADING)
def test_the_second_dialect_loses_nothing(message: Command) -> None:
    assert crossed(message, Dialect.TRADING) == message


@given(messages.MESSAGES)
def test_an_envelope_loses_nothing_of_any_message(message: Message) -> None:
    assert Enveloped().unpack(Enveloped().pack(message)) == message


@given(messages.RESULTS, st.sampled_from(Dialect), st.permutations(range(3)))
def test_a_bare_result_loses_nothing_however_its_status_is_numbered(
    result: Result, dialect: Dialect, numbers: list[int]
) -> None:
    if dialect is Dialect.TRADING:  # where status alone, being 0, may leave nothing to tell it by
        result = msgspec.structs.replace(result, retcode=result.retcode or 10009)
    assert answered(result, dialect, statuses=Statuses(*numbers)) == result


@given(messages.PROFILES)
def test_a_bare_profile_loses_nothing(profile: Profile) -> None:
    assert answered(profile, Dialect.TRADING) == profile


@given(messages.MARKET_DATA)
def test_market_data_comes_as_its_bytes_were(market_data: MarketData) -> None:
    assert answered(market_data, Dialect.EXECUTION, path=MT5) == market_data
    assert crossed(market_data, Dialect.EXECUTION, MARKET_DATA) == market_data


def test_a_command_that_names_no_expiry_lives_a_minute_at_market_and_as_long_as_is_set() -> None:
    frame = Bare(Dialect.EXECUTION).pack(command(expires_at_ms=None))
    assert frame is not None

    def lives_until(life_ms: int) -> int | None:
        read = Bare(Dialect.EXECUTION, end=End.CLIENT, life_ms=life_ms).unpack(frame)
        assert isinstance(read, Command)
        return read.intent.expires_at_ms

    assert crossed(command(expires_at_ms=None), Dialect.EXECUTION) == command(
        expires_at_ms=1_700_000_060_000
    )
    assert lives_until(5_000) == 1_700_000_005_000


def test_a_pending_order_that_names_no_expiry_has_none() -> None:
    pending = command(expires_at_ms=None, order_type=OrderType.LIMIT, price=1.1)
    assert crossed(pending, Dialect.EXECUTION) == pending


def test_a_stop_loss_that_is_removed_is_told_from_one_that_is_left_as_it_is() -> None:
    for dialect in Dialect:
        for level in (None, 0.0, 1.05):
            change = OrderIntent(
                client_key="c1", action=Action.MODIFY, target="c0", stop_loss=level, take_profit=2.0
            )
            read = crossed(Command(intent=change), dialect)
            assert isinstance(read, Command)
            assert read.intent.stop_loss == level


def test_a_deviation_of_nought_is_told_from_none() -> None:
    for deviation in (None, 0, 7):
        assert crossed(command(deviation=deviation), Dialect.EXECUTION) == command(
            deviation=deviation
        )


def test_a_bare_peer_that_skips_our_target_is_given_no_symbol_to_guess_by() -> None:
    for dialect in Dialect:
        read = crossed(command(NAMED, symbol="EURUSD"), dialect)
        assert isinstance(read, Command)
        assert (read.intent.symbol, read.intent.target) == ("", "c0")


@pytest.mark.parametrize(
    ("dialect", "changes"),
    [
        (Dialect.EXECUTION, {"action": Action.CLOSE_ALL}),
        (Dialect.EXECUTION, {"volume": None, "units": 1_000.0}),
        (Dialect.EXECUTION, {"order_type": OrderType.STOP_LIMIT, "price": 1.2,
                             "stop_limit_price": 1.1}),
        (Dialect.EXECUTION, {"magic": 2**31}),
        (Dialect.EXECUTION, {"action": Action.CLOSE, "side": None}),
        (Dialect.EXECUTION, {"side": None}),
        (Dialect.EXECUTION, {"client_key": "c1/77"}),
        (Dialect.EXECUTION, {"action": Action.MODIFY, "target": "c0", "expiration_ms": 0}),
        (Dialect.TRADING, {"action": Action.CANCEL}),
        (Dialect.TRADING, {"volume": None, "units": 1_000.0}),
        (Dialect.TRADING, {"order_type": OrderType.PENDING, "price": 1.2}),
        (Dialect.TRADING, {"order_type": OrderType.STOP_LIMIT, "price": 1.2,
                           "stop_limit_price": 1.1}),
        (Dialect.TRADING, {"deviation": 5}),
        (Dialect.TRADING, {"order_type": OrderType.LIMIT, "price": 1.2, "expiration_ms": 10**12}),
        (Dialect.TRADING, {"action": Action.CLOSE_ALL, "side": None, "magic": 7}),
        (Dialect.TRADING, {"action": Action.CLOSE, "side": None}),
        (Dialect.TRADING, {"action": Action.CLOSE, "magic": 7}),
    ],
)  # fmt: skip
def test_what_a_dialect_has_no_words_for_is_refused_and_never_sent_by_halves(
    dialect: Dialect, changes: dict[str, Any]
) -> None:
    with pytest.raises(NotExpressible) as refused:
        Bare(dialect).pack(command(**changes))
    assert refused.value.code == "NOT_EXPRESSIBLE"


@pytest.mark.parametrize("message", [Ack("c1"), WireError("X", ""), Heartbeat(1),
                                     ConfigUpdate(1, b"{}")])  # fmt: skip
def test_a_bare_dialect_says_nothing_of_what_it_has_no_message_for(message: Message) -> None:
    for dialect in Dialect:
        for end in End:
            assert Bare(dialect, end=end).pack(message) is None


def test_each_end_says_on_a_path_what_the_contract_has_there() -> None:
    profile = Profile(user_id="u", account="5012345")
    result = Result(command_id="c1", status=Status.FAILED, error="no")
    for end, path, says in [
        (End.CLIENT, TRADING_CLIENT, {Profile, Result}),
        (End.SERVER, TRADING_CLIENT, {Command}),
        (End.CLIENT, EXECUTION, {Result}),
        (End.SERVER, EXECUTION, {Command}),
        (End.CLIENT, MT5, {MarketData}),
        (End.SERVER, MT5, set()),
        (End.CLIENT, MARKET_DATA, set()),
        (End.SERVER, MARKET_DATA, {MarketData}),
    ]:
        framing = Bare(Dialect.EXECUTION, path, end=end)
        said = [
            type(message)
            for message in (command(), profile, result, MarketData(b""))
            if framing.pack(message) is not None
        ]
        assert set(said) == says


def test_a_path_that_the_contract_does_not_have_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="/ws/nowhere"):
        Bare(Dialect.TRADING, "/ws/nowhere")


def test_a_numbering_of_statuses_is_three_different_numbers() -> None:
    assert parse_statuses("") == Statuses(0, 1, 2)
    assert parse_statuses("1, 2,3") == Statuses(1, 2, 3)
    for wrong in ("1,2", "1,2,3,4", "a,b,c", "1,1,2", "-1,0,1", "1,2,³"):
        with pytest.raises(OnefillError) as refused:
            parse_statuses(wrong)
        assert refused.value.code == "STATUSES_INVALID"


def test_statuses_that_share_a_number_are_refused() -> None:
    with pytest.raises(OnefillError) as refused:
        Statuses(success=1, failed=1)
    assert refused.value.code == "STATUSES_INVALID"


def test_envelopes_are_counted_and_say_from_whom_they_are() -> None:
    framing = Enveloped(tenant="acme", source="client-mt5")
    frames = [framing.pack(Heartbeat(n)) for n in range(130)]
    envelopes = [Envelope.FromString(frame) for frame in frames]
    assert [envelope.sequence for envelope in envelopes] == list(range(1, 131))
    assert {envelope.header.tenant_id for envelope in envelopes} == {"acme"}
    assert {envelope.header.source_service for envelope in envelopes} == {"client-mt5"}


def test_a_heartbeat_tells_the_clock_of_whoever_packed_it() -> None:
    framing = Enveloped(tenant="acme", source="client-mt5")
    beat = Heartbeat(5, 1_700_000_000_123)
    frame = framing.pack(beat)
    header = Envelope.FromString(frame).header
    assert (header.timestamp.seconds, header.timestamp.nanos) == (1_700_000_000, 123_000_000)
    assert (header.tenant_id, header.source_service, header.message_version) == (
        "acme", "client-mt5", "1",
    )  # fmt: skip
    assert framing.unpack(frame) == beat


@pytest.mark.parametrize(
    ("seconds", "nanos", "clock_ms"),
    [(-1, 0, 0), (0, 5, 0), (2**62, 0, 0), (7, -5, 7_000), (7, 2**31 - 1, 7_999)],
)
def test_a_clock_that_cannot_be_is_not_told(seconds: int, nanos: int, clock_ms: int) -> None:
    envelope = Envelope.FromString(Enveloped().pack(Heartbeat(5)))
    envelope.header.timestamp.seconds, envelope.header.timestamp.nanos = seconds, nanos
    assert Enveloped().unpack(envelope.SerializeToString()) == Heartbeat(5, clock_ms)


def test_an_envelope_takes_the_dialect_that_has_the_words() -> None:
    def payload(message: Command) -> object:
        return Envelope.FromString(Enveloped().pack(message)).WhichOneof("payload")

    everything = OrderIntent(client_key="c1", action=Action.CLOSE_ALL, magic=7)
    assert payload(Command(intent=everything)) == "trading_command"
    assert payload(command()) == "execution_command"
    with pytest.raises(NotExpressible):
        payload(Command(intent=msgspec.structs.replace(everything, deviation=5)))


def test_the_paths_own_dialect_comes_first_in_an_envelope() -> None:
    def payload(message: Command) -> object:
        frame = Enveloped(dialect=Dialect.TRADING).pack(message)
        read = Enveloped().unpack(frame)
        assert isinstance(read, Command)
        assert read.intent == message.intent
        return Envelope.FromString(frame).WhichOneof("payload")

    assert payload(command()) == "trading_command"
    assert payload(command(deviation=5)) == "execution_command"
    assert payload(command(NAMED, action=Action.CANCEL)) == "execution_command"
