"""Controls 6 and 7: how many messages an account sends in a while, and how many orders alike.

Counted in memory: after a restart the windows, which are short, begin anew.
"""

from __future__ import annotations

from collections import deque
from math import inf

from onefill.model.intent import OrderIntent
from onefill.model.throttle import KINDS_KEPT, MOMENTS_KEPT, kind_of_order
from onefill.risk.limits import Limits
from onefill.risk.reasons import Denial, DenialCode, deny


class Rates:
    """One account's windows. Times are Unix ms."""

    def __init__(self) -> None:
        self._messages: deque[int] = deque(maxlen=MOMENTS_KEPT + 1)
        self._alike: dict[str, deque[int]] = {}

    def message(self, intent: OrderIntent, limits: Limits, now_ms: int) -> Denial | None:
        """Control 6: count a message. The denial is for what opens or changes: closes and cancels
        are counted and pass."""
        caps = limits.caps(intent.magic, intent.symbol)
        if caps.messages == inf:
            return None
        count = _counted(self._messages, now_ms, caps.message_window_ms)
        if count <= caps.messages:
            return None
        return deny(
            DenialCode.TOO_MANY_MESSAGES,
            count=count,
            seconds=f"{caps.message_window_ms / 1000:g}",
            limit=limits.told("max_messages", intent.magic, intent.symbol),
        )

    def alike(
        self, intent: OrderIntent, limits: Limits, now_ms: int, account: str
    ) -> Denial | None:
        """Control 7: count an order that opens; beyond the limit its strategy is to be halted on
        the account."""
        caps = limits.caps(intent.magic, intent.symbol)
        if caps.repeats == inf:
            return None
        kind = kind_of_order(intent)
        moments = self._alike.get(kind)
        if moments is None:
            if len(self._alike) >= KINDS_KEPT:
                self._alike.pop(next(iter(self._alike)))
            moments = self._alike[kind] = deque(maxlen=MOMENTS_KEPT + 1)
        count = _counted(moments, now_ms, caps.repeats_window_ms)
        if count <= caps.repeats:
            return None
        del self._alike[kind]  # once a person resumes it, the count begins anew
        return deny(
            DenialCode.REPEATED_ORDERS,
            magic=intent.magic,
            count=count,
            seconds=f"{caps.repeats_window_ms / 1000:g}",
            limit=limits.told("max_repeats", intent.magic, intent.symbol),
            how=f"onefill resume --strategy {intent.magic} --account {account} --reason TEXT",
        )


def _counted(moments: deque[int], now_ms: int, window_ms: int) -> int:
    moments.append(now_ms)
    while moments and moments[0] <= now_ms - window_ms:
        moments.popleft()
    return len(moments)
