"""What is under way between the engine and the broker: requests one way, replies the other."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import Pending, Reply, Request

_BROKEN_OFF = Reply(None, (-10002, "IPC recv failed"))
_TIMED_OUT = Reply(None, (port.TIMED_OUT, "no answer before the call's deadline"))


class InFlight:
    """Calls without a reply so far, and replies that nobody has collected yet. Times are Unix ms.

    None of it is in the broker's book: what is under way when the process dies is lost.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        #: When a request arrives, and under which number.
        self._requests: list[tuple[int, int, Request, BrokerRequest]] = []
        #: When a reply comes, whether it only says that none did, and its number.
        self._replies: list[tuple[int, bool, int, Reply]] = []
        self._unanswered: set[int] = set()
        self._collectable: list[tuple[int, Reply]] = []

    def expect(self, deadline_ms: int | None) -> Pending:
        """A call's reply comes later: by its deadline, if only to say that none came."""
        number = next(self._numbers)
        self._unanswered.add(number)
        if deadline_ms is not None:
            heappush(self._replies, (deadline_ms, True, number, _TIMED_OUT))
        return Pending(number)

    def send(self, at_ms: int, number: int, request: Request, trade: BrokerRequest) -> None:
        """Let a request reach the broker at a time."""
        heappush(self._requests, (at_ms, number, request, trade))

    def arrivals(self, now_ms: int) -> Iterator[tuple[int, Request, BrokerRequest]]:
        """The requests that have reached the broker by now, with their numbers; each once."""
        while self._requests and self._requests[0][0] <= now_ms:
            yield heappop(self._requests)[1:]

    def reply(self, at_ms: int, number: int, reply: Reply) -> None:
        """Let a reply reach the engine at a time."""
        heappush(self._replies, (at_ms, False, number, reply))

    def deliver(self, now_ms: int) -> bool:
        """Let the replies of by now be collected; whether any waits to be."""
        while self._replies and self._replies[0][0] <= now_ms:
            _, _, number, reply = heappop(self._replies)
            if number in self._unanswered:
                self._unanswered.discard(number)
                self._collectable.append((number, reply))
        return bool(self._collectable)

    def break_off(self, now_ms: int) -> None:
        """The terminal closed: no call that is under way gets its answer any more. What has left
        for the broker still arrives."""
        for number in sorted(self._unanswered):
            self.reply(now_ms, number, _BROKEN_OFF)

    def collect(self) -> list[tuple[int, Reply]]:
        """Hand over the replies that have come, in order."""
        collected, self._collectable = self._collectable, []
        return collected

    def next_ms(self) -> int | None:
        """When the next request or reply arrives; None where none is under way."""
        requests, replies = self._requests, self._replies
        while replies and replies[0][2] not in self._unanswered:
            heappop(replies)
        if not (requests and replies):
            first = requests or replies
            return first[0][0] if first else None
        return min(requests[0][0], replies[0][0])
