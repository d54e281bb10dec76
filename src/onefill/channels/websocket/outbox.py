"""Results on their way to the gateway: in order, numbered without gaps, kept until acknowledged.

A follower of the agent's journal. The number of a result is how many results the account's records
hold up to its own, so that the same number always has the same content, also after a restart: one
cursor keeps the last record dealt with, a second one how many results came up to it, and both move
in one batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from onefill.contracts.messages import Result, WireError
from onefill.contracts.results import result_of
from onefill.journal.journal import Journal
from onefill.journal.record import Record
from onefill.model.events import Denied, Event, Moved
from onefill.model.fold import order_of
from onefill.model.order import OrderState

WINDOW = 256
"""Results on their way that nobody has acknowledged yet."""


class _Sent(NamedTuple):
    seq: int
    result: Result


class Outbox:
    """One account's results. Belongs to the loop of the journal's writer."""

    def __init__(
        self,
        journal: Journal,
        account: str,
        own: Callable[[str], bool] = lambda key: False,
        window: int = WINDOW,
    ) -> None:
        """`own` tells the keys of orders that the agent made itself: no command asked for them, and
        no result speaks of them."""
        self._journal = journal
        self._account = account
        self._own = own
        self._window = window
        self._cursor, self._counter = f"results/{account}", f"results-count/{account}"
        self._seen = journal.cursor(self._cursor)
        self._count = journal.cursor(self._counter)
        self._looked_at = -1
        self._records: Iterator[Record] = iter(())
        #: Given out and not acknowledged, by sequence, oldest first; None: it is acknowledged, but
        #: something before it is not.
        self._unacknowledged: deque[_Sent | None] = deque()
        self._again: deque[Result] = deque()

    @property
    def sequence(self) -> int:
        """The number of the last result that was given out; 0 at first."""
        return self._count

    @property
    def acknowledged_sequence(self) -> int:
        """All results up to this one were acknowledged."""
        return self._count - len(self._unacknowledged)

    def connected(self) -> None:
        """A new connection: what was not acknowledged on the last one goes out again, first."""
        self._again = deque(sent.result for sent in self._unacknowledged if sent is not None)

    def next(self) -> Result | None:
        """The next result to send; None where there is none, or the window is full."""
        if self._again:
            return self._again.popleft()
        if len(self._unacknowledged) >= self._window:
            return None
        while (record := self._next_record()) is not None:
            self._seen = record.seq
            result = self._result(record)
            if result is not None:
                self._count += 1
                self._unacknowledged.append(_Sent(record.seq, result))
                return result
        if not self._unacknowledged:
            self._move(self._seen, self._count)
        return None

    def acknowledged(self, sequence: int) -> None:
        """The gateway has a result, durably. One that was never given out is passed over."""
        place = sequence - self.acknowledged_sequence - 1
        if not 0 <= place < len(self._unacknowledged):
            return
        self._unacknowledged[place] = None
        while self._unacknowledged and self._unacknowledged[0] is None:
            self._unacknowledged.popleft()
        if place == 0:
            first = self._unacknowledged[0] if self._unacknowledged else None
            self._move(first.seq - 1 if first else self._seen, self.acknowledged_sequence)

    def unacknowledged_of(self, key: str) -> int:
        """The number of the oldest result of a command that is not acknowledged; 0: there is
        none."""
        for place, sent in enumerate(self._unacknowledged, self.acknowledged_sequence + 1):
            if sent is not None and sent.result.command_id == key:
                return place
        return 0

    def has_told(self, key: str) -> bool:
        """Whether every result of an order so far was acknowledged: then a repeat of its command is
        answered with how it stands, and otherwise by what is on its way."""
        after = self._journal.cursor(self._cursor)
        return not any(
            _may_tell(record.event)
            for record in self._journal.records(after=after, account=self._account, order=key)
        )

    def _next_record(self) -> Record | None:
        found = next(self._records, None)
        if found is None and self._looked_at != self._journal.durable_seq:
            self._looked_at = durable = self._journal.durable_seq
            self._records = takewhile(
                lambda record: record.seq <= durable,
                self._journal.records(after=self._seen, account=self._account),
            )
            found = next(self._records, None)
        return found

    def _result(self, record: Record) -> Result | None:
        """What a record tells, of the order as it stood then; None: nothing."""
        event = record.event
        if not isinstance(event, Moved | Denied) or self._own(event.key):
            return None
        order = self._journal.ended_by(self._account, event.key, record.seq)
        if order is None:
            order = self._as_of(event.key, record.seq)
        if order is None:
            return None
        told = result_of(order, sequence=self._count + 1, at_ms=record.at_ms)
        return None if isinstance(told, WireError) else told

    def _as_of(self, key: str, seq: int) -> OrderState | None:
        records = self._journal.records(account=self._account, order=key)
        upto = takewhile(lambda record: record.seq <= seq, records)
        return order_of((record.seq, record.at_ms, record.event) for record in upto)

    def _move(self, seq: int, count: int) -> None:
        """Both cursors, in one batch: one without the other would number results anew."""
        if seq > self._journal.cursor(self._cursor):
            self._journal.move_cursor(self._cursor, seq)
            self._journal.move_cursor(self._counter, count)


def _may_tell(event: Event) -> bool:
    return isinstance(event, Moved | Denied)
