"""A few frames byte for byte, written by hand from the contract's tables: numbers cannot drift."""

import pytest

from onefill.contracts.bare import TRADING_CLIENT, Bare, End
from onefill.contracts.framing import Enveloped
from onefill.contracts.messages import (
    Ack,
    Command,
    Dialect,
    Heartbeat,
    HeldPosition,
    Message,
    Preferences,
    Profile,
    Result,
    RiskProfile,
    Status,
)
from onefill.model.intent import Action, OrderIntent, OrderType, Side
from onefill.model.states import State

EURUSD = "06 455552555344"
TENTH, ONE_ONE, ONE_TWO = "9a9999999999b93f", "9a9999999999f13f", "333333333333f33f"
AT, LATER = "80d095ffbc31", "e0a499ffbc31"  # 1,700,000,000,000 and a minute after

SELL = (
    "0a02 6331  1201 75  1a01 37"  # command_id c1, user_id u, mt5_account 7
    f"22 25  12 {EURUSD}  18 01  21 {TENTH}  31 {ONE_TWO}  39 {ONE_ONE}"  # SELL 0.1, levels
    "2a 0b  10 14  1a02 6169  20 07  a801 01"  # 20 points, comment ai, magic 7, deviation given
    f"30 {AT}  3a01 73  a001 {LATER}"  # timestamp, correlation_id s, expires_at
)
SOLD = Command(
    intent=OrderIntent(
        client_key="c1", action=Action.OPEN, symbol="EURUSD", side=Side.SELL, volume=0.1,
        stop_loss=1.2, take_profit=1.1, deviation=20, comment="ai", magic=7, user_id="u",
        expires_at_ms=1_700_000_060_000, correlation_id="s",
    ),
    account="7", user_id="u", made_ms=1_700_000_000_000,
)  # fmt: skip
MODIFY = (
    "0a02 6331"
    f"22 1d  08 02  31 {ONE_TWO}"  # MODIFY_POSITION, stop loss 1.2
    "a201 02 3432  aa01 02 3433  b201 02 6330"  # position_ticket 42, order_ticket 43, target c0
    "c001 01"  # clear_take_profit
    "2a 00"
    f"30 {AT}"
)
MODIFIED = Command(
    intent=OrderIntent(
        client_key="c1", action=Action.MODIFY, stop_loss=1.2, take_profit=0.0, target="c0",
        target_ticket=42, target_order=43,
    ),
    made_ms=1_700_000_000_000,
)  # fmt: skip
LIMIT = (
    "0a02 6331  1201 75"
    f"22 {EURUSD}  28 03  31 {TENTH}  39 {ONE_ONE}"  # SELL_LIMIT, 0.1 lots at 1.1
    f"41 {ONE_TWO}  5203 776879"  # stop loss, reason why
    f"59 000000000000e03f  60 {LATER}"  # confidence 0.5, expires_at
    "ba01 01 37  d001 07  da01 02 6169  e201 01 73"  # mt5_account, magic, comment, correlation_id
)
LIMITED = Command(
    intent=OrderIntent(
        client_key="c1", action=Action.OPEN, symbol="EURUSD", side=Side.SELL, volume=0.1,
        order_type=OrderType.LIMIT, price=1.1, stop_loss=1.2, reason="why", confidence=0.5,
        comment="ai", magic=7, user_id="u", expires_at_ms=1_700_000_060_000, correlation_id="s",
    ),
    account="7", user_id="u",
)  # fmt: skip
CLOSE_ALL = f"0a02 6331  18 03  60 {LATER}"
ALL_CLOSED = Command(
    intent=OrderIntent(client_key="c1", action=Action.CLOSE_ALL, expires_at_ms=1_700_000_060_000)
)
RESULT = (
    f"0a02 6331  10 02  1a02 3432  21 {ONE_ONE}  2a01 61  30 {AT}"  # PARTIAL, ticket 42, at 1.1
    f"a101 {TENTH}  aa01 02 3431  b001 9a4e  b801 03"  # 0.1 lots, position 41, 10010, the third
    "c201 10 5041525449414c4c595f46494c4c4544"
)
PARTIAL = Result(
    command_id="c1", status=Status.PARTIAL, order_ticket=42, price=1.1, error="a",
    at_ms=1_700_000_000_000, volume=0.1, position_ticket=41, retcode=10010, sequence=3,
    state=State.PARTIALLY_FILLED,
)  # fmt: skip
PROFILE = (
    "0a01 75  1201 37  1a01 62  2201 73  28 01  3203 555344"  # u, 7, b, s, LIVE, USD
    "39 000000000000f03f  41 0000000000000040  49 0000000000000840  51 0000000000001040"  # 1 to 4
    "5a 20  09 000000000000f03f  11 0000000000000040  19 000000000000e03f  20 01  2a0141"
    f"62 0f  09 {TENTH}  10 05  18 01  20 01"
    f"f201 11  08 2a  12 {EURUSD}  18 01  50 07  5a01 63"  # 42, sold, magic 7, by c
    "f801 09  8102 000000000000f03f  8902 0000000000000040  9002 01  9a0201 77  a20201 66  a802 01"
)
PROFILED = Profile(
    user_id="u", account="7", broker="b", server="s", live=True, currency="USD", balance=1.0,
    equity=2.0, margin_used=3.0, margin_free=4.0,
    risk=RiskProfile(max_risk_per_trade=1.0, max_daily_loss=2.0, max_drawdown=0.5,
                     allow_news_trading=True, allowed_symbols=("A",)),
    preferences=Preferences(preferred_lot_size=0.1, max_open_positions=5, auto_close_friday=True,
                            conservative_mode=True),
    positions=(HeldPosition(ticket=42, symbol="EURUSD", side=Side.SELL, volume=0.0, price=0.0,
                            magic=7, command_id="c"),),
    as_of_sequence=9, day_start_equity=1.0, peak_equity=2.0, trade_allowed=False, why_not="w",
    limits_fingerprint="f",
)  # fmt: skip

BARE = [
    (Dialect.EXECUTION, End.SERVER, SELL, SOLD),
    (Dialect.EXECUTION, End.SERVER, MODIFY, MODIFIED),
    (Dialect.TRADING, End.SERVER, LIMIT, LIMITED),
    (Dialect.TRADING, End.SERVER, CLOSE_ALL, ALL_CLOSED),
    (Dialect.EXECUTION, End.CLIENT, RESULT, PARTIAL),
    (Dialect.TRADING, End.CLIENT, RESULT, PARTIAL),
    (Dialect.TRADING, End.CLIENT, PROFILE, PROFILED),
]
HEADER = "0a 0c  2207 6f6e6566696c6c  2a01 31  10 01"  # from onefill, version 1; the first frame


@pytest.mark.parametrize(("dialect", "end", "frame", "message"), BARE)
def test_a_bare_frame_is_written_as_the_contract_has_it(
    dialect: Dialect, end: End, frame: str, message: Message
) -> None:
    packed = Bare(dialect, end=end).pack(message)
    assert packed is not None
    assert packed.hex() == bytes.fromhex(frame).hex()


@pytest.mark.parametrize(("dialect", "end", "frame", "message"), BARE)
def test_a_bare_frame_is_read_as_the_contract_has_it(
    dialect: Dialect, end: End, frame: str, message: Message
) -> None:
    other = End.CLIENT if end is End.SERVER else End.SERVER
    assert Bare(dialect, end=other).unpack(bytes.fromhex(frame)) == message


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (f"{HEADER}  1d 76a08459  8a01 02  0805", Heartbeat(5)),
        (f"{HEADER}  1d be2d3bf3  7a 09  0a03 632f31  10 02  18 01", Ack("c/1", 2, True)),
    ],
)
def test_an_envelope_is_written_and_read_as_the_contract_has_it(
    frame: str, message: Message
) -> None:
    assert Enveloped().pack(message).hex() == bytes.fromhex(frame).hex()
    assert Enveloped().unpack(bytes.fromhex(frame)) == message


def test_a_result_of_a_peer_that_knows_none_of_our_extensions_is_read() -> None:
    frame = bytes.fromhex(f"0a02 6331  1a02 3432  21 {ONE_ONE}  30 80e2cfaa06")
    read = Bare(Dialect.TRADING, TRADING_CLIENT).unpack(frame)
    assert read == Result(
        command_id="c1",
        status=Status.SUCCESS,
        order_ticket=42,
        price=1.1,
        at_ms=1_700_000_000_000,  # it tells seconds
    )
