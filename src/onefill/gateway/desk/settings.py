"""The desk's settings: every wait, life and bound by its name."""

from __future__ import annotations

import msgspec


class DeskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times are milliseconds."""

    #: How long an order for the market that names no expiry may be sent, from its acceptance.
    market_life_ms: int = 60_000
    #: How old a profile may be while its client is connected.
    profile_age_ms: int = 300_000
    #: How old it may be to accept orders for a client that is away; they are judged again by a
    #: fresh one before they leave.
    profile_away_ms: int = 3_600_000
    #: How long orders wait for the profile of a client that just came.
    profile_patience_ms: int = 10_000
    #: Whether a client that never told a profile may be sent what raises risk. Off: fail closed.
    trade_without_profile: bool = False
    #: How long after its last contact an agent may begin to send, and what is added for the clocks.
    lease_ms: int = 15_000
    lease_margin_ms: int = 2_000
    #: How many orders of an account may wait for its client.
    max_waiting: int = 10_000
    #: How many of them go into one commit, and may be handed over and not yet taken.
    dispatch_batch: int = 100
    #: When a full queue of a client is tried again.
    full_retry_ms: int = 250
    #: How long between two rounds of a flattening.
    flatten_every_ms: int = 5_000
    #: The longest that anything waits for its time before the clock is looked at again.
    look_ms: int = 1_000
