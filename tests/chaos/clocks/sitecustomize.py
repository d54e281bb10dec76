"""The time of day of a machine whose clock is wrong: Python runs this at the start of every process
that has this folder on its path, and each then tells the time shifted by what a file says now.

Monotonic clocks stay as they are, as they do where a time of day is set.
"""

import mmap
import os
import time

_NS_PER_MS = 1_000_000

if place := os.environ.get("CHAOS_CLOCK", ""):
    _file = os.open(place, os.O_RDONLY)
    _shift_ms = mmap.mmap(_file, 8, access=mmap.ACCESS_READ)
    _real_ns = time.time_ns

    def _time_ns() -> int:
        return _real_ns() + int.from_bytes(_shift_ms[:8], "little", signed=True) * _NS_PER_MS

    def _time() -> float:
        return _time_ns() / 1e9

    time.time_ns, time.time = _time_ns, _time
