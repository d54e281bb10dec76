"""CRC-32C (Castagnoli), the checksum of an envelope's payload."""

from __future__ import annotations

import google_crc32c


def crc32c(payload: bytes) -> int:
    """Of all the bytes, as an unsigned 32-bit number."""
    checksum: int = google_crc32c.value(payload)
    return checksum
