"""Who waits at which level: what a tick touches is found without looking at the rest."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from onefill.terminal.simulator.market import NEVER_HIGH, NEVER_LOW

BID_LOW, BID_HIGH, ASK_LOW, ASK_HIGH = range(4)
"""Sides of a level: touched where bid <= it, bid >= it, ask <= it, ask >= it."""

_FALLING = (BID_LOW, ASK_LOW)
_SPARE = 64


class Waiting:
    """Tickets and their levels on each side; one level a side and ticket.

    Four heaps with the nearest level on top. What was moved or removed stays in its heap until it
    comes to the top or until half of the heap is such leftovers.
    """

    __slots__ = ("_heaps", "_levels")

    def __init__(self) -> None:
        self._heaps: tuple[list[tuple[int, int]], ...] = ([], [], [], [])
        self._levels: tuple[dict[int, int], ...] = ({}, {}, {}, {})

    def __bool__(self) -> bool:
        return any(self._levels)

    def arm(self, side: int, ticket: int, level: int) -> None:
        """Let a ticket wait at a level (points), instead of where it waited on that side."""
        levels, heap = self._levels[side], self._heaps[side]
        if levels.get(ticket) == level:
            return
        levels[ticket] = level
        heappush(heap, (-level if side in _FALLING else level, ticket))
        if len(heap) > 2 * len(levels) + _SPARE:
            sign = -1 if side in _FALLING else 1
            heap[:] = [(sign * at, waiting) for waiting, at in levels.items()]
            heapify(heap)

    def disarm(self, side: int, ticket: int) -> None:
        """Let a ticket wait no longer on a side."""
        self._levels[side].pop(ticket, None)

    def nearest(self, side: int) -> int:
        """The level that is touched first; one that never is, where nobody waits."""
        levels, heap = self._levels[side], self._heaps[side]
        falling = side in _FALLING
        while heap:
            key, ticket = heap[0]
            level = -key if falling else key
            if levels.get(ticket) == level:
                return level
            heappop(heap)
        return NEVER_LOW if falling else NEVER_HIGH

    def take_touched(self, bid: int, ask: int) -> list[int]:
        """The tickets that a quote touches, in rising order; they wait no longer on that side."""
        touched = set()
        for side, price in ((BID_LOW, bid), (BID_HIGH, bid), (ASK_LOW, ask), (ASK_HIGH, ask)):
            falling = side in _FALLING
            while True:
                level = self.nearest(side)
                if level < price if falling else level > price:
                    break
                if level in (NEVER_LOW, NEVER_HIGH):
                    break
                _, ticket = heappop(self._heaps[side])
                del self._levels[side][ticket]
                touched.add(ticket)
        return sorted(touched)
