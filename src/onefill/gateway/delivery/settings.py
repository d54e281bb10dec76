"""The limits of the clients' connections: each has a name, a default, and a test at the limit."""

from __future__ import annotations

import msgspec


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway grants a client. Durations are seconds unless the name says otherwise."""

    #: Web origins that may connect; programs that are no browser send none and are not asked.
    origins: frozenset[str] = frozenset()
    #: Live connections in all, of one tenant, and from one address (0: as many as in all, for a
    #: gateway that sees only its proxy's address).
    connections: int = 10_000
    connections_of_tenant: int = 5_000
    connections_of_address: int = 1_000
    #: Connections that have not yet said what they want, in all and from one address, how long
    #: they may take to say it, and how many bytes.
    half_open: int = 2_000
    half_open_of_address: int = 200
    handshake_s: float = 10.0
    head_bytes: int = 16 * 1024

    #: A client without an account (it sent no profile) is let go after so long.
    profile_s: float = 30.0
    accounts_of_connection: int = 16
    #: An enveloped client from which nothing came for so long is let go; a bare one by pings.
    liveness_s: float = 45.0
    ping_s: float = 20.0
    #: How often every connection is looked at: liveness, expiry and revocation of its token.
    look_s: float = 5.0

    #: Commands that may wait to be written to one client (answers have as much room again), and
    #: how long nothing of a full queue may be read.
    queue_frames: int = 1_024
    queue_bytes: int = 1024 * 1024
    slow_s: float = 5.0
    #: How long a client may take to read what waits once it is told to go; then it is cut off.
    close_s: float = 5.0

    #: Messages a second that one client may send, and how many at once.
    messages_per_s: float = 5_000.0
    messages_at_once: int = 20_000
    #: Frames that cannot be understood before a client is let go.
    bad_frames: int = 10
    #: Results and acks of one client that are being made durable; more wait unread.
    hearing: int = 256
