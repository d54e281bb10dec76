from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Timestamp(_message.Message):
    __slots__ = ("seconds", "nanos")
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    NANOS_FIELD_NUMBER: _ClassVar[int]
    seconds: int
    nanos: int
    def __init__(self, seconds: _Optional[int] = ..., nanos: _Optional[int] = ...) -> None: ...

class BaseMessage(_message.Message):
    __slots__ = ("tenant_id", "timestamp", "correlation_id", "source_service", "message_version")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SERVICE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    timestamp: Timestamp
    correlation_id: str
    source_service: str
    message_version: str
    def __init__(self, tenant_id: _Optional[str] = ..., timestamp: _Optional[_Union[Timestamp, _Mapping[str, object]]] = ..., correlation_id: _Optional[str] = ..., source_service: _Optional[str] = ..., message_version: _Optional[str] = ...) -> None: ...
