from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TickData(_message.Message):
    __slots__ = ("symbol", "bid", "ask", "last", "volume", "time", "time_msc", "flags", "volume_real", "tenant_id", "sequence_number", "source", "spread")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TIME_MSC_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_REAL_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    bid: float
    ask: float
    last: float
    volume: int
    time: int
    time_msc: int
    flags: int
    volume_real: float
    tenant_id: str
    sequence_number: int
    source: str
    spread: float
    def __init__(self, symbol: _Optional[str] = ..., bid: _Optional[float] = ..., ask: _Optional[float] = ..., last: _Optional[float] = ..., volume: _Optional[int] = ..., time: _Optional[int] = ..., time_msc: _Optional[int] = ..., flags: _Optional[int] = ..., volume_real: _Optional[float] = ..., tenant_id: _Optional[str] = ..., sequence_number: _Optional[int] = ..., source: _Optional[str] = ..., spread: _Optional[float] = ...) -> None: ...

class OHLCVBar(_message.Message):
    __slots__ = ("symbol", "time", "open", "high", "low", "close", "tick_volume", "spread", "real_volume", "timeframe", "tenant_id", "tick_count")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    TICK_VOLUME_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    REAL_VOLUME_FIELD_NUMBER: _ClassVar[int]
    TIMEFRAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    TICK_COUNT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    time: int
    open: float
    high: float
    low: float
    close: float
    tick_volume: int
    spread: int
    real_volume: int
    timeframe: str
    tenant_id: str
    tick_count: int
    def __init__(self, symbol: _Optional[str] = ..., time: _Optional[int] = ..., open: _Optional[float] = ..., high: _Optional[float] = ..., low: _Optional[float] = ..., close: _Optional[float] = ..., tick_volume: _Optional[int] = ..., spread: _Optional[int] = ..., real_volume: _Optional[int] = ..., timeframe: _Optional[str] = ..., tenant_id: _Optional[str] = ..., tick_count: _Optional[int] = ...) -> None: ...

class PriceLevel(_message.Message):
    __slots__ = ("price", "volume", "order_count")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    price: float
    volume: float
    order_count: int
    def __init__(self, price: _Optional[float] = ..., volume: _Optional[float] = ..., order_count: _Optional[int] = ...) -> None: ...

class MarketDepth(_message.Message):
    __slots__ = ("symbol", "time", "time_msc", "bids", "asks", "tenant_id", "sequence_number")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TIME_MSC_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    time: int
    time_msc: int
    bids: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    asks: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    tenant_id: str
    sequence_number: int
    def __init__(self, symbol: _Optional[str] = ..., time: _Optional[int] = ..., time_msc: _Optional[int] = ..., bids: _Optional[_Iterable[_Union[PriceLevel, _Mapping[str, object]]]] = ..., asks: _Optional[_Iterable[_Union[PriceLevel, _Mapping[str, object]]]] = ..., tenant_id: _Optional[str] = ..., sequence_number: _Optional[int] = ...) -> None: ...

class MarketDataStream(_message.Message):
    __slots__ = ("ticks", "bars", "depth", "source", "batch_sequence", "batch_time", "batch_time_msc", "tenant_id")
    TICKS_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    BATCH_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BATCH_TIME_FIELD_NUMBER: _ClassVar[int]
    BATCH_TIME_MSC_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ticks: _containers.RepeatedCompositeFieldContainer[TickData]
    bars: _containers.RepeatedCompositeFieldContainer[OHLCVBar]
    depth: MarketDepth
    source: str
    batch_sequence: int
    batch_time: int
    batch_time_msc: int
    tenant_id: str
    def __init__(self, ticks: _Optional[_Iterable[_Union[TickData, _Mapping[str, object]]]] = ..., bars: _Optional[_Iterable[_Union[OHLCVBar, _Mapping[str, object]]]] = ..., depth: _Optional[_Union[MarketDepth, _Mapping[str, object]]] = ..., source: _Optional[str] = ..., batch_sequence: _Optional[int] = ..., batch_time: _Optional[int] = ..., batch_time_msc: _Optional[int] = ..., tenant_id: _Optional[str] = ...) -> None: ...
