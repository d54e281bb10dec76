from onefill.contracts.wire.common import base_pb2 as _base_pb2
from onefill.contracts.wire.trading import account_profile_pb2 as _account_profile_pb2
from onefill.contracts.wire.trading import execution_command_pb2 as _execution_command_pb2
from onefill.contracts.wire.trading import execution_commands_pb2 as _execution_commands_pb2
from onefill.contracts.wire.trading import market_data_pb2 as _market_data_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Ack(_message.Message):
    __slots__ = ("id", "sequence", "duplicate")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    sequence: int
    duplicate: bool
    def __init__(self, id: _Optional[str] = ..., sequence: _Optional[int] = ..., duplicate: _Optional[bool] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "message", "id")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    id: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("sent_at",)
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    sent_at: int
    def __init__(self, sent_at: _Optional[int] = ...) -> None: ...

class ConfigUpdate(_message.Message):
    __slots__ = ("version", "document")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    version: int
    document: bytes
    def __init__(self, version: _Optional[int] = ..., document: _Optional[bytes] = ...) -> None: ...

class Envelope(_message.Message):
    __slots__ = ("header", "sequence", "checksum", "execution_command", "execution_result", "trading_command", "account_profile", "market_data", "ack", "error", "heartbeat", "config_update")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_COMMAND_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_RESULT_FIELD_NUMBER: _ClassVar[int]
    TRADING_COMMAND_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_PROFILE_FIELD_NUMBER: _ClassVar[int]
    MARKET_DATA_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    CONFIG_UPDATE_FIELD_NUMBER: _ClassVar[int]
    header: _base_pb2.BaseMessage
    sequence: int
    checksum: int
    execution_command: _execution_command_pb2.ExecutionCommand
    execution_result: _execution_command_pb2.ExecutionResult
    trading_command: _execution_commands_pb2.TradingCommand
    account_profile: _account_profile_pb2.AccountProfile
    market_data: _market_data_pb2.MarketDataStream
    ack: Ack
    error: Error
    heartbeat: Heartbeat
    config_update: ConfigUpdate
    def __init__(self, header: _Optional[_Union[_base_pb2.BaseMessage, _Mapping[str, object]]] = ..., sequence: _Optional[int] = ..., checksum: _Optional[int] = ..., execution_command: _Optional[_Union[_execution_command_pb2.ExecutionCommand, _Mapping[str, object]]] = ..., execution_result: _Optional[_Union[_execution_command_pb2.ExecutionResult, _Mapping[str, object]]] = ..., trading_command: _Optional[_Union[_execution_commands_pb2.TradingCommand, _Mapping[str, object]]] = ..., account_profile: _Optional[_Union[_account_profile_pb2.AccountProfile, _Mapping[str, object]]] = ..., market_data: _Optional[_Union[_market_data_pb2.MarketDataStream, _Mapping[str, object]]] = ..., ack: _Optional[_Union[Ack, _Mapping[str, object]]] = ..., error: _Optional[_Union[Error, _Mapping[str, object]]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping[str, object]]] = ..., config_update: _Optional[_Union[ConfigUpdate, _Mapping[str, object]]] = ...) -> None: ...
