"""CRC-32C (Castagnoli; RFC 3720, B.4), the checksum of enveloped payloads.

A CRC is linear: every byte adds what it contributes at its distance from the end, whatever the
others are. So a block is looked up and summed by numpy at once, which for 200 bytes takes a third
of the time of a loop.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78  # reflected
_BLOCK = 512


class _Tables(NamedTuple):
    #: What a byte contributes at each distance, furthest first, flattened to one row.
    by_place: NDArray[np.uint32]
    #: Where each place's 256 entries begin.
    begin: NDArray[np.intp]
    #: The last place's entries: the usual table of a byte at a time.
    byte: tuple[int, ...]


@cache
def _tables() -> _Tables:
    row: NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        row = ((row >> 1) ^ (row & 1) * np.uint32(_POLYNOMIAL)).astype(np.uint32)
    rows = [row]
    for _ in range(_BLOCK - 1):
        last = rows[-1]
        rows.append(row[last & 0xFF] ^ (last >> 8))
    by_place = np.concatenate(rows[::-1])
    return _Tables(by_place, np.arange(_BLOCK, dtype=np.intp) * 256, tuple(row.tolist()))


def crc32c(content: bytes) -> int:
    """The checksum, 0 to 2**32 - 1."""
    by_place, begin, byte = _tables()
    crc = 0xFFFFFFFF
    for at in range(0, len(content), _BLOCK):
        block = content[at : at + _BLOCK]
        if len(block) < 4:
            for value in block:
                crc = byte[(crc ^ value) & 0xFF] ^ (crc >> 8)
            continue
        # What came before weighs like the block's first four bytes.
        head = int.from_bytes(block[:4], "little") ^ crc
        places = np.frombuffer(head.to_bytes(4, "little") + block[4:], np.uint8)
        found = by_place.take(places + begin[_BLOCK - len(block) :])
        crc = int(np.bitwise_xor.reduce(found))
    return crc ^ 0xFFFFFFFF
