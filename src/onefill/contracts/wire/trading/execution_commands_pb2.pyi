from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CommandType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPEN_POSITION: _ClassVar[CommandType]
    CLOSE_POSITION: _ClassVar[CommandType]
    MODIFY_POSITION: _ClassVar[CommandType]
    CLOSE_ALL: _ClassVar[CommandType]

class OrderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUY: _ClassVar[OrderType]
    SELL: _ClassVar[OrderType]
    BUY_LIMIT: _ClassVar[OrderType]
    SELL_LIMIT: _ClassVar[OrderType]
    BUY_STOP: _ClassVar[OrderType]
    SELL_STOP: _ClassVar[OrderType]
OPEN_POSITION: CommandType
CLOSE_POSITION: CommandType
MODIFY_POSITION: CommandType
CLOSE_ALL: CommandType
BUY: OrderType
SELL: OrderType
BUY_LIMIT: OrderType
SELL_LIMIT: OrderType
BUY_STOP: OrderType
SELL_STOP: OrderType

class TradingCommand(_message.Message):
    __slots__ = ("command_id", "user_id", "type", "symbol", "order_type", "lot_size", "entry_price", "stop_loss", "take_profit", "reason", "confidence_score", "expires_at", "position_ticket", "order_ticket", "target_command_id", "mt5_account", "clear_stop_loss", "clear_take_profit", "magic", "comment", "correlation_id")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    ORDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_SCORE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    POSITION_TICKET_FIELD_NUMBER: _ClassVar[int]
    ORDER_TICKET_FIELD_NUMBER: _ClassVar[int]
    TARGET_COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    MT5_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLEAR_STOP_LOSS_FIELD_NUMBER: _ClassVar[int]
    CLEAR_TAKE_PROFIT_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    user_id: str
    type: CommandType
    symbol: str
    order_type: OrderType
    lot_size: float
    entry_price: float
    stop_loss: float
    take_profit: float
    reason: str
    confidence_score: float
    expires_at: int
    position_ticket: str
    order_ticket: str
    target_command_id: str
    mt5_account: str
    clear_stop_loss: bool
    clear_take_profit: bool
    magic: int
    comment: str
    correlation_id: str
    def __init__(self, command_id: _Optional[str] = ..., user_id: _Optional[str] = ..., type: _Optional[_Union[CommandType, str]] = ..., symbol: _Optional[str] = ..., order_type: _Optional[_Union[OrderType, str]] = ..., lot_size: _Optional[float] = ..., entry_price: _Optional[float] = ..., stop_loss: _Optional[float] = ..., take_profit: _Optional[float] = ..., reason: _Optional[str] = ..., confidence_score: _Optional[float] = ..., expires_at: _Optional[int] = ..., position_ticket: _Optional[str] = ..., order_ticket: _Optional[str] = ..., target_command_id: _Optional[str] = ..., mt5_account: _Optional[str] = ..., clear_stop_loss: _Optional[bool] = ..., clear_take_profit: _Optional[bool] = ..., magic: _Optional[int] = ..., comment: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...
