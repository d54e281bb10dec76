"""How far the gateway's clock is from this machine's: commands expire by what the gateway's said.

Its answer to a heartbeat tells its clock. That was read between the sending and the answer's
arrival, so half of the round trip is how wrong the difference can be.
"""

from __future__ import annotations

APART_MS = 2_000
"""So far apart for certain, and an operator hears of it."""
AGREE_MS = APART_MS // 2


class GatewayClock:
    """One account's view of its gateway's clock."""

    def __init__(self) -> None:
        #: The least that the gateway's clock is ahead for certain; 0 where it may not be.
        self.ahead_ms = 0
        self.differs = False

    def seen(self, ahead_ms: int, within_ms: int) -> bool:
        """It was measured, give or take; whether `differs` is news now."""
        self.ahead_ms = max(0, ahead_ms - within_ms)
        before, least_ms = self.differs, abs(ahead_ms) - within_ms
        if least_ms > APART_MS:
            self.differs = True
        elif abs(ahead_ms) + within_ms < AGREE_MS:
            self.differs = False
        return self.differs is not before


def apart(ahead_ms: int) -> str:
    """What such a difference does, as a sentence."""
    by = f"{abs(ahead_ms) / 1_000:.1f} s"
    if ahead_ms > 0:
        return (
            f"the gateway's clock is {by} ahead of this machine's: commands expire that much "
            "sooner than this clock says; let both machines take the time from NTP"
        )
    return (
        f"the gateway's clock is {by} behind this machine's: commands expire that much too soon "
        "here; let both machines take the time from NTP"
    )
