"""Every limit of the REST door, by name and with its default."""

from __future__ import annotations

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """So many calls a second in the long run, and so many at once."""

    per_s: float
    burst: int


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much the REST door takes from whom."""

    #: Bytes of a request's body.
    max_body: int = 262_144
    #: Seconds in which a request's body must have come.
    body_timeout_s: float = 10.0
    per_ip: Rate = Rate(500.0, 1_000)
    per_key: Rate = Rate(500.0, 1_000)
    per_tenant: Rate = Rate(2_000.0, 4_000)
    #: Callers who did not prove who they are, by address.
    per_ip_refused: Rate = Rate(5.0, 50)
    #: Addresses, keys and tenants whose rates are remembered; the longest idle goes first.
    max_remembered: int = 10_000
    #: Calls that wait for an outcome, all together, and of one tenant.
    max_waiting: int = 2_000
    max_waiting_per_tenant: int = 500
    #: Event streams, all together, and of one tenant.
    max_streams: int = 1_000
    max_streams_per_tenant: int = 50
    #: A stream says that it lives, and proves again that it may, so often.
    heartbeat_s: float = 15.0
    #: A stream that takes nothing for so long is ended; it can resume.
    slow_reader_s: float = 20.0
    #: How long new records may lie before `/metrics` counts them; streams see them at once.
    poll_s: float = 0.1
    #: Encoded records kept for streams that follow closely; who is further behind reads the file.
    kept_events: int = 4_096
    #: Records looked at for one page of orders.
    max_scanned: int = 200_000
    #: The tenant whose operators may halt every tenant; empty: nobody can by this door.
    operating_tenant: str = ""
    #: May `/metrics` be read without a key? Else it takes one with the operate right.
    open_metrics: bool = True
    #: Records told of one order.
    max_events_per_order: int = 2_000
