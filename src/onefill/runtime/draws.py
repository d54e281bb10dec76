"""Seeded draws that depend on what they are for, never on how many came before."""

from __future__ import annotations

import hashlib

_SPAN = float(1 << 53)


class Draws:
    """Uniform numbers as a function of (seed, what for): order of arrival changes nothing."""

    def __init__(self, seed: int) -> None:
        self._seed = str(seed).encode()

    def uniform(self, *what: object) -> float:
        """A number in [0, 1) that belongs to `what`."""
        text = "\x1f".join(map(str, what)).encode()
        digest = hashlib.blake2b(text, digest_size=8, key=self._seed).digest()
        return (int.from_bytes(digest, "big") >> 11) / _SPAN

    def between(self, low: int, high: int, *what: object) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.uniform(*what) * (high - low + 1))
