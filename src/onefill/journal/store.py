"""The port to where a journal is kept. SQLite is the first store; PostgreSQL comes beside it.

A store knows rows, not meaning: hashes and states are made and judged above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from onefill.journal.record import Row


class InboxRow(NamedTuple):
    """A client key that has been seen: the hash of its content and its order's number."""

    account: str
    key: str
    content: bytes
    number: int


class Snapshot(NamedTuple):
    """All accounts' states after record `seq`, and the hash that tells damage."""

    seq: int
    body: bytes
    hash: bytes


@dataclass(slots=True)
class Batch:
    """What one transaction makes durable."""

    rows: list[Row] = field(default_factory=list)
    inbox: list[InboxRow] = field(default_factory=list)
    #: Account -> the epochs that its Sending records name; each must be the one in force.
    epochs: dict[str, set[int]] = field(default_factory=dict)
    #: Follower -> the last record it has dealt with.
    cursors: dict[str, int] = field(default_factory=dict)
    snapshot: Snapshot | None = None

    def __bool__(self) -> bool:
        return bool(self.rows or self.cursors or self.snapshot)


class Store(Protocol):
    """Where rows are kept. Reads see what is durable; `write` may run on another thread."""

    def last_seq(self) -> int:
        """The last record's seq; 0 where there is none."""
        ...

    def rows(self, after: int, limit: int, account: str | None = None) -> list[Row]:
        """Records with a seq above `after`, in order, at most `limit`."""
        ...

    def order_rows(self, number: int, after: int, limit: int) -> list[Row]:
        """The same of one order."""
        ...

    def first_rows(self, above: int, below: int, accounts: Iterable[str], limit: int) -> list[Row]:
        """First records of orders of these accounts, with `above < seq < below`, newest first."""
        ...

    def find_key(self, account: str, key: str) -> InboxRow | None:
        """The inbox row of a client key."""
        ...

    def inbox(self, limit: int) -> Iterator[list[InboxRow]]:
        """The whole inbox, in chunks of at most `limit`."""
        ...

    def count_keys(self, up_to: int) -> int:
        """How many inbox rows have a number of at most `up_to`."""
        ...

    def accounts(self) -> list[str]:
        """Every account that has a record, oldest first."""
        ...

    def snapshots(self) -> Iterator[Snapshot]:
        """The snapshots kept, newest first."""
        ...

    def epochs(self) -> dict[str, int]:
        """The epoch in force of each account that has one."""
        ...

    def cursors(self) -> dict[str, int]:
        """Every follower's cursor."""
        ...

    def faults(self) -> list[str]:
        """What the store itself finds wrong with its files and indexes."""
        ...

    def write(self, batch: Batch) -> None:
        """Make a batch durable, whole or not at all.

        Raises `StaleEpoch` or `JournalFailed`; after either nothing more is written.
        """
        ...

    def take_epoch(self, account: str) -> int:
        """The account's next epoch, durable on return."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...
