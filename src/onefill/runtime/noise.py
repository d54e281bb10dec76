"""Seeded draws by the column: a function of (seed, what for), whatever was drawn before.

Only a bit generator's raw words are used, which numpy promises to keep: what its distributions draw
may change from one version to the next.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

#: Four lanes added up have the variance 4/12 of a lane's span squared.
_DEVIATION = 65_536.0 / 3**0.5
_MEAN = 2.0 * 65_535.0


class Noise:
    """Columns of draws; each name has its own stream of Philox words."""

    def __init__(self, seed: int) -> None:
        self._seed = str(seed).encode()

    def words(self, count: int, *what: object) -> NDArray[np.uint64]:
        """`count` words of 64 bits that belong to `what`."""
        text = "\x1f".join(map(str, what)).encode()
        key = hashlib.blake2b(text, digest_size=16, key=self._seed).digest()
        found: NDArray[np.uint64] = np.random.Philox(key=int.from_bytes(key, "big")).random_raw(
            count
        )
        return found

    def uniform(self, count: int, *what: object) -> NDArray[np.float64]:
        """Numbers in [0, 1)."""
        return (self.words(count, *what) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, count: int, *what: object) -> NDArray[np.float64]:
        """Numbers near enough to standard normal: four uniform ones added up; none beyond 3.47."""
        lanes = _lanes(self.words(count, *what))
        total: NDArray[np.float64] = lanes.sum(axis=0, dtype=np.int32).astype(np.float64)
        total -= _MEAN
        total /= _DEVIATION
        return total

    def quarters(self, count: int, *what: object) -> tuple[NDArray[np.float64], ...]:
        """Four columns of numbers in [0, 1), in steps of 2**-16: a word for each row."""
        return tuple(_lanes(self.words(count, *what)) * 2.0**-16)


def _lanes(words: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """The words' quarters in four rows."""
    return words.astype("<u8", copy=False).view("<u2").reshape(4, -1)
