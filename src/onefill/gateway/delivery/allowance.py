"""How much a client may send: so many a second, and so many at once."""

from __future__ import annotations


class Allowance:
    """A bucket that fills steadily; time is given in, in seconds that never go back."""

    __slots__ = ("_at_s", "_left", "_most", "_per_s")

    def __init__(self, per_s: float, at_once: int, now_s: float) -> None:
        self._per_s = per_s
        self._most = float(at_once)
        self._left = float(at_once)
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Whether one more is allowed now."""
        self._left = min(self._most, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
