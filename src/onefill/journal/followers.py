"""A follower reads the journal behind its writer, at its own pace, and never misses a record."""

from __future__ import annotations

from onefill.journal.journal import Journal
from onefill.journal.record import Record


class Follower:
    """Reads durable records in order from a cursor that survives a restart.

    At least once: a crash between `advance` and the next flush tells some records again, so
    whatever they are told to must drop repeats (by `seq`).
    """

    def __init__(self, journal: Journal, name: str) -> None:
        """`name` is the cursor's; two followers of one name would take each other's records."""
        self._journal = journal
        self._name = name

    @property
    def cursor(self) -> int:
        """The last record dealt with; 0 at first."""
        return self._journal.cursor(self._name)

    def read(self, limit: int) -> list[Record]:
        """The next durable records, at most `limit`; the same again until `advance`."""
        return self._journal.read_after(self.cursor, limit)

    def advance(self, seq: int) -> None:
        """Everything up to record `seq` is dealt with; durable with the journal's next flush.

        Not a commit of its own: orders that wait for theirs would wait for it too.
        """
        self._journal.move_cursor(self._name, seq)
