"""How much a connection may ask of the broker's server, by name: docs/broker.md lists them."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes are in bytes of a frame's content, times in seconds of the machine's clock."""

    #: A frame before the token was proven.
    hello_bytes: int = 1_024
    #: A call.
    request_bytes: int = 64 * 1_024
    #: An answer; what would be larger is answered with an error in its place.
    answer_bytes: int = 64 * 1_024 * 1_024
    #: From connecting to the proven token.
    hello_seconds: float = 5.0
    #: From a frame's first byte to its last.
    frame_seconds: float = 10.0
    #: For a client to take an answer.
    answer_seconds: float = 30.0
    #: Connections that have not proven the token yet, at once.
    strangers: int = 16
    #: Clients at once.
    clients: int = 64


LIMITS = Limits()
