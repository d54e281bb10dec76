from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ActionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPEN_POSITION: _ClassVar[ActionType]
    CLOSE_POSITION: _ClassVar[ActionType]
    MODIFY_POSITION: _ClassVar[ActionType]
    CANCEL_ORDER: _ClassVar[ActionType]

class TradeDirection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUY: _ClassVar[TradeDirection]
    SELL: _ClassVar[TradeDirection]

class OrderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MARKET: _ClassVar[OrderType]
    PENDING: _ClassVar[OrderType]
    STOP: _ClassVar[OrderType]
    LIMIT: _ClassVar[OrderType]

class ExecutionStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUCCESS: _ClassVar[ExecutionStatus]
    FAILED: _ClassVar[ExecutionStatus]
    PARTIAL: _ClassVar[ExecutionStatus]
OPEN_POSITION: ActionType
CLOSE_POSITION: ActionType
MODIFY_POSITION: ActionType
CANCEL_ORDER: ActionType
BUY: TradeDirection
SELL: TradeDirection
MARKET: OrderType
PENDING: OrderType
STOP: OrderType
LIMIT: OrderType
SUCCESS: ExecutionStatus
FAILED: ExecutionStatus
PARTIAL: ExecutionStatus

class ExecutionAction(_message.Message):
    __slots__ = ("type", "symbol", "direction", "volume", "price", "stop_loss", "take_profit", "position_ticket", "order_ticket", "target_command_id", "clear_stop_loss", "clear_take_profit", "units", "stop_limit_price", "any_direction")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_FIELD_NUMBER: _ClassVar[int]
    POSITION_TICKET_FIELD_NUMBER: _ClassVar[int]
    ORDER_TICKET_FIELD_NUMBER: _ClassVar[int]
    TARGET_COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    CLEAR_STOP_LOSS_FIELD_NUMBER: _ClassVar[int]
    CLEAR_TAKE_PROFIT_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    STOP_LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    ANY_DIRECTION_FIELD_NUMBER: _ClassVar[int]
    type: ActionType
    symbol: str
    direction: TradeDirection
    volume: float
    price: float
    stop_loss: float
    take_profit: float
    position_ticket: str
    order_ticket: str
    target_command_id: str
    clear_stop_loss: bool
    clear_take_profit: bool
    units: float
    stop_limit_price: float
    any_direction: bool
    def __init__(self, type: _Optional[_Union[ActionType, str]] = ..., symbol: _Optional[str] = ..., direction: _Optional[_Union[TradeDirection, str]] = ..., volume: _Optional[float] = ..., price: _Optional[float] = ..., stop_loss: _Optional[float] = ..., take_profit: _Optional[float] = ..., position_ticket: _Optional[str] = ..., order_ticket: _Optional[str] = ..., target_command_id: _Optional[str] = ..., clear_stop_loss: _Optional[bool] = ..., clear_take_profit: _Optional[bool] = ..., units: _Optional[float] = ..., stop_limit_price: _Optional[float] = ..., any_direction: _Optional[bool] = ...) -> None: ...

class ExecutionParams(_message.Message):
    __slots__ = ("order_type", "slippage", "comment", "magic_number", "expiration", "magic", "deviation_given")
    ORDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    MAGIC_NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXPIRATION_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    DEVIATION_GIVEN_FIELD_NUMBER: _ClassVar[int]
    order_type: OrderType
    slippage: int
    comment: str
    magic_number: int
    expiration: int
    magic: int
    deviation_given: bool
    def __init__(self, order_type: _Optional[_Union[OrderType, str]] = ..., slippage: _Optional[int] = ..., comment: _Optional[str] = ..., magic_number: _Optional[int] = ..., expiration: _Optional[int] = ..., magic: _Optional[int] = ..., deviation_given: _Optional[bool] = ...) -> None: ...

class ExecutionCommand(_message.Message):
    __slots__ = ("command_id", "user_id", "mt5_account", "action", "params", "timestamp", "correlation_id", "expires_at", "reason", "confidence_score")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    MT5_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_SCORE_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    user_id: str
    mt5_account: str
    action: ExecutionAction
    params: ExecutionParams
    timestamp: int
    correlation_id: str
    expires_at: int
    reason: str
    confidence_score: float
    def __init__(self, command_id: _Optional[str] = ..., user_id: _Optional[str] = ..., mt5_account: _Optional[str] = ..., action: _Optional[_Union[ExecutionAction, _Mapping[str, object]]] = ..., params: _Optional[_Union[ExecutionParams, _Mapping[str, object]]] = ..., timestamp: _Optional[int] = ..., correlation_id: _Optional[str] = ..., expires_at: _Optional[int] = ..., reason: _Optional[str] = ..., confidence_score: _Optional[float] = ...) -> None: ...

class ExecutionResult(_message.Message):
    __slots__ = ("command_id", "status", "order_ticket", "executed_price", "error_message", "execution_time", "executed_volume", "position_ticket", "retcode", "sequence", "state", "requested_price", "slippage_pips")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ORDER_TICKET_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_PRICE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_TIME_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_VOLUME_FIELD_NUMBER: _ClassVar[int]
    POSITION_TICKET_FIELD_NUMBER: _ClassVar[int]
    RETCODE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_PRICE_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_PIPS_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    status: ExecutionStatus
    order_ticket: str
    executed_price: float
    error_message: str
    execution_time: int
    executed_volume: float
    position_ticket: str
    retcode: int
    sequence: int
    state: str
    requested_price: float
    slippage_pips: float
    def __init__(self, command_id: _Optional[str] = ..., status: _Optional[_Union[ExecutionStatus, str]] = ..., order_ticket: _Optional[str] = ..., executed_price: _Optional[float] = ..., error_message: _Optional[str] = ..., execution_time: _Optional[int] = ..., executed_volume: _Optional[float] = ..., position_ticket: _Optional[str] = ..., retcode: _Optional[int] = ..., sequence: _Optional[int] = ..., state: _Optional[str] = ..., requested_price: _Optional[float] = ..., slippage_pips: _Optional[float] = ...) -> None: ...
