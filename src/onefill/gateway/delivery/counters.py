"""What the clients' connections count, for the metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Since the gateway began; `connected` is now."""

    connected: int = 0
    frames_in: int = 0
    frames_out: int = 0
    #: Handshakes that were refused, by the code that was told.
    refused: Counter[str] = field(default_factory=Counter)
    #: Frames that were answered with an error, by its code.
    rejected: Counter[str] = field(default_factory=Counter)
    #: Connections that the gateway ended, by close code.
    closed: Counter[int] = field(default_factory=Counter)

    def gauges(self) -> dict[str, float]:
        """What is now, by name, for `/metrics`."""
        return {"clients_connected": self.connected}

    def counters(self) -> dict[str, float]:
        """What has been so far, by name."""
        return {
            "client_frames_in": self.frames_in,
            "client_frames_out": self.frames_out,
            "client_handshakes_refused": self.refused.total(),
            "client_frames_rejected": self.rejected.total(),
            "client_connections_closed": self.closed.total(),
        }
