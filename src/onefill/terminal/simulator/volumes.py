"""Volumes of one symbol by ticket, and how much there is on each side."""

from __future__ import annotations


class Volumes:
    """Volumes by ticket (1e-8 lots), and their sum on each side."""

    __slots__ = ("_sums", "_volumes")

    def __init__(self) -> None:
        self._volumes: dict[int, tuple[int, int]] = {}
        self._sums = {1: 0, -1: 0}

    def __bool__(self) -> bool:
        return bool(self._volumes)

    def put(self, ticket: int, sign: int, volume_e8: int) -> None:
        """A ticket's volume now (0: none); `sign` +1 buys, -1 sells."""
        before = self._volumes.pop(ticket, None)
        if before is not None:
            self._sums[before[0]] -= before[1]
        if volume_e8:
            self._volumes[ticket] = (sign, volume_e8)
            self._sums[sign] += volume_e8

    def of(self, sign: int) -> int:
        """The volume of a side."""
        return self._sums[sign]
