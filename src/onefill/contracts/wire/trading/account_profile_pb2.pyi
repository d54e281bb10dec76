from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEMO: _ClassVar[AccountType]
    LIVE: _ClassVar[AccountType]

class PositionSide(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LONG: _ClassVar[PositionSide]
    SHORT: _ClassVar[PositionSide]
DEMO: AccountType
LIVE: AccountType
LONG: PositionSide
SHORT: PositionSide

class RiskProfile(_message.Message):
    __slots__ = ("max_risk_per_trade", "max_daily_loss", "max_drawdown", "allow_news_trading", "allowed_symbols")
    MAX_RISK_PER_TRADE_FIELD_NUMBER: _ClassVar[int]
    MAX_DAILY_LOSS_FIELD_NUMBER: _ClassVar[int]
    MAX_DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    ALLOW_NEWS_TRADING_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    max_risk_per_trade: float
    max_daily_loss: float
    max_drawdown: float
    allow_news_trading: bool
    allowed_symbols: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, max_risk_per_trade: _Optional[float] = ..., max_daily_loss: _Optional[float] = ..., max_drawdown: _Optional[float] = ..., allow_news_trading: _Optional[bool] = ..., allowed_symbols: _Optional[_Iterable[str]] = ...) -> None: ...

class TradingPreferences(_message.Message):
    __slots__ = ("preferred_lot_size", "max_open_positions", "auto_close_friday", "conservative_mode")
    PREFERRED_LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_POSITIONS_FIELD_NUMBER: _ClassVar[int]
    AUTO_CLOSE_FRIDAY_FIELD_NUMBER: _ClassVar[int]
    CONSERVATIVE_MODE_FIELD_NUMBER: _ClassVar[int]
    preferred_lot_size: float
    max_open_positions: int
    auto_close_friday: bool
    conservative_mode: bool
    def __init__(self, preferred_lot_size: _Optional[float] = ..., max_open_positions: _Optional[int] = ..., auto_close_friday: _Optional[bool] = ..., conservative_mode: _Optional[bool] = ...) -> None: ...

class HeldPosition(_message.Message):
    __slots__ = ("ticket", "symbol", "side", "volume", "price", "price_now", "stop_loss", "take_profit", "profit", "magic", "command_id")
    TICKET_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_NOW_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_FIELD_NUMBER: _ClassVar[int]
    PROFIT_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    ticket: int
    symbol: str
    side: PositionSide
    volume: float
    price: float
    price_now: float
    stop_loss: float
    take_profit: float
    profit: float
    magic: int
    command_id: str
    def __init__(self, ticket: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[PositionSide, str]] = ..., volume: _Optional[float] = ..., price: _Optional[float] = ..., price_now: _Optional[float] = ..., stop_loss: _Optional[float] = ..., take_profit: _Optional[float] = ..., profit: _Optional[float] = ..., magic: _Optional[int] = ..., command_id: _Optional[str] = ...) -> None: ...

class AccountProfile(_message.Message):
    __slots__ = ("user_id", "account_number", "broker_name", "server_name", "account_type", "base_currency", "balance", "equity", "margin_used", "margin_free", "risk_profile", "preferences", "positions", "as_of_sequence", "day_start_equity", "peak_equity", "trade_refused", "why_not", "limits_fingerprint", "positions_told", "positions_untold")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    BROKER_NAME_FIELD_NUMBER: _ClassVar[int]
    SERVER_NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TYPE_FIELD_NUMBER: _ClassVar[int]
    BASE_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    MARGIN_USED_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FREE_FIELD_NUMBER: _ClassVar[int]
    RISK_PROFILE_FIELD_NUMBER: _ClassVar[int]
    PREFERENCES_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DAY_START_EQUITY_FIELD_NUMBER: _ClassVar[int]
    PEAK_EQUITY_FIELD_NUMBER: _ClassVar[int]
    TRADE_REFUSED_FIELD_NUMBER: _ClassVar[int]
    WHY_NOT_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_TOLD_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_UNTOLD_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    account_number: str
    broker_name: str
    server_name: str
    account_type: AccountType
    base_currency: str
    balance: float
    equity: float
    margin_used: float
    margin_free: float
    risk_profile: RiskProfile
    preferences: TradingPreferences
    positions: _containers.RepeatedCompositeFieldContainer[HeldPosition]
    as_of_sequence: int
    day_start_equity: float
    peak_equity: float
    trade_refused: bool
    why_not: str
    limits_fingerprint: str
    positions_told: bool
    positions_untold: int
    def __init__(self, user_id: _Optional[str] = ..., account_number: _Optional[str] = ..., broker_name: _Optional[str] = ..., server_name: _Optional[str] = ..., account_type: _Optional[_Union[AccountType, str]] = ..., base_currency: _Optional[str] = ..., balance: _Optional[float] = ..., equity: _Optional[float] = ..., margin_used: _Optional[float] = ..., margin_free: _Optional[float] = ..., risk_profile: _Optional[_Union[RiskProfile, _Mapping[str, object]]] = ..., preferences: _Optional[_Union[TradingPreferences, _Mapping[str, object]]] = ..., positions: _Optional[_Iterable[_Union[HeldPosition, _Mapping[str, object]]]] = ..., as_of_sequence: _Optional[int] = ..., day_start_equity: _Optional[float] = ..., peak_equity: _Optional[float] = ..., trade_refused: _Optional[bool] = ..., why_not: _Optional[str] = ..., limits_fingerprint: _Optional[str] = ..., positions_told: _Optional[bool] = ..., positions_untold: _Optional[int] = ...) -> None: ...
