"""The .proto files against the contract's tables, which are written out here by hand."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor as F

from onefill.contracts.wire.common import base_pb2, user_context_pb2
from onefill.contracts.wire.onefill import envelope_pb2
from onefill.contracts.wire.trading import (
    account_profile_pb2,
    execution_command_pb2,
    execution_commands_pb2,
    market_data_pb2,
)

ROOT = Path(__file__).resolve().parents[3]
_KINDS = {
    "string": F.TYPE_STRING, "double": F.TYPE_DOUBLE, "int64": F.TYPE_INT64, "bytes": F.TYPE_BYTES,
    "int32": F.TYPE_INT32, "bool": F.TYPE_BOOL, "fixed32": F.TYPE_FIXED32,
}  # fmt: skip

MESSAGES: dict[Any, str] = {
    execution_command_pb2.ExecutionCommand: """
        1 command_id string, 2 user_id string, 3 mt5_account string, 4 action ExecutionAction,
        5 params ExecutionParams, 6 timestamp int64, 7 correlation_id string, 20 expires_at int64,
        21 reason string, 22 confidence_score double""",
    execution_command_pb2.ExecutionAction: """
        1 type ActionType, 2 symbol string, 3 direction TradeDirection, 4 volume double,
        5 price double, 6 stop_loss double, 7 take_profit double, 20 position_ticket string,
        21 order_ticket string, 22 target_command_id string, 23 clear_stop_loss bool,
        24 clear_take_profit bool, 25 units double, 26 stop_limit_price double,
        27 any_direction bool""",
    execution_command_pb2.ExecutionParams: """
        1 order_type OrderType, 2 slippage int32, 3 comment string, 4 magic_number int32,
        5 expiration int64, 20 magic int64, 21 deviation_given bool""",
    execution_command_pb2.ExecutionResult: """
        1 command_id string, 2 status ExecutionStatus, 3 order_ticket string,
        4 executed_price double, 5 error_message string, 6 execution_time int64,
        20 executed_volume double, 21 position_ticket string, 22 retcode int32, 23 sequence int64,
        24 state string, 25 requested_price double, 26 slippage_pips double""",
    execution_commands_pb2.TradingCommand: """
        1 command_id string, 2 user_id string, 3 type CommandType, 4 symbol string,
        5 order_type OrderType, 6 lot_size double, 7 entry_price double, 8 stop_loss double,
        9 take_profit double, 10 reason string, 11 confidence_score double, 12 expires_at int64,
        20 position_ticket string, 21 order_ticket string, 22 target_command_id string,
        23 mt5_account string, 24 clear_stop_loss bool, 25 clear_take_profit bool, 26 magic int64,
        27 comment string, 28 correlation_id string""",
    account_profile_pb2.AccountProfile: """
        1 user_id string, 2 account_number string, 3 broker_name string, 4 server_name string,
        5 account_type AccountType, 6 base_currency string, 7 balance double, 8 equity double,
        9 margin_used double, 10 margin_free double, 11 risk_profile RiskProfile,
        12 preferences TradingPreferences, 30 positions repeated HeldPosition,
        31 as_of_sequence int64, 32 day_start_equity double, 33 peak_equity double,
        34 trade_refused bool, 35 why_not string, 36 limits_fingerprint string,
        37 positions_told bool, 38 positions_untold int64""",
    account_profile_pb2.RiskProfile: """
        1 max_risk_per_trade double, 2 max_daily_loss double, 3 max_drawdown double,
        4 allow_news_trading bool, 5 allowed_symbols repeated string""",
    account_profile_pb2.TradingPreferences: """
        1 preferred_lot_size double, 2 max_open_positions int32, 3 auto_close_friday bool,
        4 conservative_mode bool""",
    account_profile_pb2.HeldPosition: """
        1 ticket int64, 2 symbol string, 3 side PositionSide, 4 volume double, 5 price double,
        6 price_now double, 7 stop_loss double, 8 take_profit double, 9 profit double,
        10 magic int64, 11 command_id string""",
    market_data_pb2.MarketDataStream: """
        1 ticks repeated TickData, 2 bars repeated OHLCVBar, 3 depth MarketDepth, 4 source string,
        5 batch_sequence int64, 6 batch_time int64, 7 batch_time_msc int64, 8 tenant_id string""",
    market_data_pb2.TickData: """
        1 symbol string, 2 bid double, 3 ask double, 4 last double, 5 volume int64, 6 time int64,
        7 time_msc int64, 8 flags int32, 9 volume_real double, 10 tenant_id string,
        11 sequence_number int64, 12 source string, 13 spread double""",
    market_data_pb2.OHLCVBar: """
        1 symbol string, 2 time int64, 3 open double, 4 high double, 5 low double, 6 close double,
        7 tick_volume int64, 8 spread int32, 9 real_volume int64, 10 timeframe string,
        11 tenant_id string, 12 tick_count int64""",
    market_data_pb2.MarketDepth: """
        1 symbol string, 2 time int64, 3 time_msc int64, 4 bids repeated PriceLevel,
        5 asks repeated PriceLevel, 6 tenant_id string, 7 sequence_number int64""",
    market_data_pb2.PriceLevel: "1 price double, 2 volume double, 3 order_count int32",
    base_pb2.Timestamp: "1 seconds int64, 2 nanos int32",
    base_pb2.BaseMessage: """
        1 tenant_id string, 2 timestamp Timestamp, 3 correlation_id string,
        4 source_service string, 5 message_version string""",
    user_context_pb2.UserContext: """
        1 user_id string, 2 tenant_id string, 3 session_id string, 4 roles repeated string,
        5 permissions repeated PermissionsEntry""",
    envelope_pb2.Envelope: """
        1 header BaseMessage, 2 sequence int64, 3 checksum fixed32,
        10 execution_command ExecutionCommand, 11 execution_result ExecutionResult,
        12 trading_command TradingCommand, 13 account_profile AccountProfile,
        14 market_data MarketDataStream, 15 ack Ack, 16 error Error, 17 heartbeat Heartbeat,
        18 config_update ConfigUpdate""",
    envelope_pb2.Ack: "1 id string, 2 sequence int64, 3 duplicate bool",
    envelope_pb2.Error: "1 code string, 2 message string, 3 id string",
    envelope_pb2.Heartbeat: "1 sent_at int64",
    envelope_pb2.ConfigUpdate: "1 version int64, 2 document bytes",
}
ENUMS = [
    (execution_command_pb2.ActionType,
     "OPEN_POSITION CLOSE_POSITION MODIFY_POSITION CANCEL_ORDER"),
    (execution_command_pb2.TradeDirection, "BUY SELL"),
    (execution_command_pb2.OrderType, "MARKET PENDING STOP LIMIT"),
    (execution_command_pb2.ExecutionStatus, "SUCCESS FAILED PARTIAL"),
    (execution_commands_pb2.CommandType, "OPEN_POSITION CLOSE_POSITION MODIFY_POSITION CLOSE_ALL"),
    (execution_commands_pb2.OrderType, "BUY SELL BUY_LIMIT SELL_LIMIT BUY_STOP SELL_STOP"),
    (account_profile_pb2.AccountType, "DEMO LIVE"),
    (account_profile_pb2.PositionSide, "LONG SHORT"),
]  # fmt: skip
FILES = [
    (market_data_pb2, "trading/market_data.proto", "trading.v1"),
    (base_pb2, "common/base.proto", "common.v1"),
    (user_context_pb2, "common/user_context.proto", "common.v1"),
    (execution_command_pb2, "trading/execution-command.proto", "trading.execution.v1"),
    (execution_commands_pb2, "trading/execution_commands.proto", "trading.commands.v1"),
    (account_profile_pb2, "trading/account_profile.proto", "trading.account.v1"),
    (envelope_pb2, "onefill/envelope.proto", "onefill.v1"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda it: it.DESCRIPTOR.name)
def test_a_message_has_the_contracts_fields(message: Any) -> None:
    told = {}
    for row in MESSAGES[message].split(","):
        number, name, *kind = row.split()
        told[int(number)] = (name, kind[0] == "repeated", kind[-1])
    there = {
        field.number: (
            field.name,
            field.is_repeated,
            next((word for word, kind in _KINDS.items() if kind == field.type), None)
            or (field.message_type or field.enum_type).name,
        )
        for field in message.DESCRIPTOR.fields
    }
    assert there == told


@pytest.mark.parametrize(("enum", "names"), ENUMS, ids=lambda it: getattr(it, "__name__", None))
def test_an_enum_counts_from_nought_in_the_contracts_order(enum: Any, names: str) -> None:
    assert enum.items() == [(name, number) for number, name in enumerate(names.split())]


@pytest.mark.parametrize(("module", "name", "package"), FILES, ids=[name for _, name, _ in FILES])
def test_a_file_has_the_contracts_name_and_package(module: Any, name: str, package: str) -> None:
    assert (module.DESCRIPTOR.name, module.DESCRIPTOR.package) == (name, package)


def test_every_message_and_enum_of_every_file_is_in_the_tables() -> None:
    there = {
        it.full_name
        for module, _, _ in FILES
        for it in [
            *module.DESCRIPTOR.message_types_by_name.values(),
            *module.DESCRIPTOR.enum_types_by_name.values(),
        ]
    }
    told = {it.DESCRIPTOR.full_name for it in [*MESSAGES, *(enum for enum, _ in ENUMS)]}
    assert there == told


def test_the_permissions_are_a_map_of_strings() -> None:
    context = user_context_pb2.UserContext(permissions={"trade": "yes"})
    assert context.SerializeToString().hex() == "2a0c" + "0a057472616465" + "1203796573"


def test_the_generated_code_is_what_the_proto_files_say() -> None:
    tool = [sys.executable, str(ROOT / "tools" / "protos.py"), "--check"]
    checked = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


PROGRAM = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

file = descriptor_pb2.FileDescriptorProto(
    name="trading/market_data.proto", package="trading.v1", syntax="proto3"
)
stream = file.message_type.add(name="MarketDataStream")
stream.field.add(name="theirs", number=1, type=3, label=1)
envelope = descriptor_pb2.FileDescriptorProto(
    name="onefill/envelope.proto", package="onefill.v1", syntax="proto3"
)
envelope.message_type.add(name="Envelope").field.add(name="theirs", number=1, type=3, label=1)

def theirs():
    pool = descriptor_pool.Default()
    for made in (file, envelope):
        pool.AddSerializedFile(made.SerializeToString())
    found = pool.FindMessageTypeByName("trading.v1.MarketDataStream")
    assert message_factory.GetMessageClass(found)(theirs=7).SerializeToString() == b"\\x08\\x07"

def ours():
    from onefill.contracts.framing import Enveloped
    from onefill.contracts.messages import Heartbeat
    assert Enveloped().unpack(Enveloped().pack(Heartbeat(5))) == Heartbeat(5)
"""


@pytest.mark.parametrize("order", ["theirs(); ours()", "ours(); theirs(); ours()"])
def test_a_program_with_its_own_trading_market_data_can_use_onefill_too(order: str) -> None:
    program = f"{PROGRAM}\n{order}\n"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
