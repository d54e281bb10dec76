"""The engine's settings: how often, how long, how sure. Times are milliseconds."""

from __future__ import annotations

import msgspec


class ExecutionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults are the published engine's where it names one (`contracts/execution_engine`)."""

    #: Sends of one intent in all; only proven refusals (requote, price change) are sent again.
    max_attempts: int = 3
    #: Wait before the second attempt; doubled for each further one.
    backoff_ms: int = 1_000
    #: How often an unfinished market order is looked at, and for how long.
    poll_interval_ms: int = 500
    order_timeout_ms: int = 60_000
    #: A call without an answer by then has an unknown outcome.
    call_deadline_ms: int = 10_000
    #: How late a broker may still carry out what it was sent. Calibrated per broker; absence
    #: before that proves nothing.
    lateness_bound_ms: int = 30_000
    #: Equal, synchronised looks after the bound that prove absence, and the time between them.
    snapshots: int = 3
    snapshot_interval_ms: int = 1_000
    #: An outcome still unproven after this long waits for an operator.
    quarantine_after_ms: int = 600_000
    #: History is searched from this long before the send (clocks differ, brokers write late).
    history_window_ms: int = 14_400_000
    #: How often the connection is looked at while it is not fit to send.
    connection_retry_ms: int = 1_000
    #: An order that has not been sent this long after its acceptance, for want of a connection,
    #: expires where it names no expiry of its own.
    connection_patience_ms: int = 60_000
    #: How long a new order waits for a terminal whose worker is being replaced.
    worker_patience_ms: int = 5_000
    #: For how long a look at a symbol also serves the orders that come right after; 0: each order
    #: looks for itself, both times.
    look_shared_ms: int = 0
    #: Greatest deviation of a market order where the order names none, in pips.
    deviation_pips: int = 20
    #: The comment that reaches the broker is cut here, the token first.
    comment_limit: int = 27
    #: Whether a close_all means positions that no order of ours opened, and our working orders.
    close_all_manual: bool = False
    close_all_pending: bool = False
