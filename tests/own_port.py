"""Ports for servers that a test ends and starts again at the same place.

A port that the system gives lies in the range from which it also gives every connection its own:
while nobody listens there, another test's connection may be given it, or a client that tries to
reconnect may even reach itself. These lie below that range.
"""

from __future__ import annotations

import os
import socket
from itertools import count

_FIRST, _COUNT = 15_000, 12_000
#: Processes begin at different places, so that two of them seldom want the same port at once.
_next = count(os.getpid() * 37)


def own_port() -> int:
    """A port of the loopback interface that is free now."""
    for number in _next:
        port = _FIRST + number % _COUNT
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise AssertionError("there is always a next one")
