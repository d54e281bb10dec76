"""The judge of a journal: recomputes everything in it from the first record on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from onefill.journal.errors import JournalDamaged
from onefill.journal.files import reading
from onefill.journal.loading import CHUNK, Accounts, Standing, all_rows, read_snapshot
from onefill.journal.record import Row, link, order_number
from onefill.journal.store import InboxRow, Snapshot, Store
from onefill.model.account import state_hash
from onefill.model.errors import OnefillError
from onefill.model.events import Accepted, Denied, Event, Sending, decode_event, key_of
from onefill.model.fold import BrokenRecord, apply

REPORTED = 20
"""How many breaks are told in full."""

_HASH = re.compile("[0-9a-f]{16,64}")


@dataclass(frozen=True)
class Break:
    """Something that cannot be so. `seq` 0: no record in particular; `account` may be empty."""

    seq: int
    account: str
    what: str


@dataclass(frozen=True)
class Verdict:
    """What a journal's verification found."""

    records: int
    #: Account -> hash (hex) of its last record.
    heads: dict[str, str]
    breaks: tuple[Break, ...]
    #: Breaks found beyond those listed.
    further: int = 0
    #: Where the head asked for was found: its account, and how many records of it follow.
    head_found: tuple[str, int] | None = None

    @property
    def intact(self) -> bool:
        """Whether nothing is broken."""
        return not self.breaks


def verify(directory: Path, head: str | None = None) -> Verdict:
    """Verify the journal of a directory, beside a running writer too.

    `head` is a hash told earlier, in hex, its first 16 digits at least: it must still be in the
    chain. Raises `JournalMissing`, `JournalTooNew` or `JournalDamaged` where there is nothing to
    verify, `NOT_A_HASH` where `head` is none.
    """
    if head is not None and not _HASH.fullmatch(head := head.strip().lower()):
        raise OnefillError(
            "NOT_A_HASH", f"{head!r} is not a head: give its 64 hexadecimal digits, or the first 16"
        )
    with reading(directory) as store:
        return verify_store(store, head)


def verify_store(store: Store, head: str | None = None) -> Verdict:
    """Verify what a store keeps; see `verify`."""
    return _Verification(store, head).verdict()


class _Verification:
    """One walk over all records, and what has been found on it."""

    def __init__(self, store: Store, head: str | None) -> None:
        self._store = store
        self._head = head
        self._head_found: tuple[str, int] | None = None
        self._breaks: list[Break] = []
        self._further = 0
        self._accounts: Accounts = {}
        #: Accounts whose state is no longer known, because a record of theirs cannot be folded.
        self._lost: set[str] = set()
        self._records: dict[str, int] = {}
        self._keys = 0
        self._highest_epoch: dict[str, int] = {}

    def verdict(self) -> Verdict:
        """Walk, then compare what is kept beside the records with what the walk gave."""
        for fault in self._store.faults():
            self._broken(0, "", fault)
        # Whatever a writer adds meanwhile lies after `last`; what refers to records is read first.
        snapshots = sorted(self._store.snapshots())
        cursors = self._store.cursors()
        last = self._store.last_seq()
        seq = 0
        try:
            for row in all_rows(self._store):
                if row.seq > last:
                    break
                if row.seq != seq + 1:
                    self._missing(seq + 1, row)
                while snapshots and snapshots[0].seq < row.seq:
                    self._check_snapshot(snapshots.pop(0), seq)
                seq = row.seq
                self._check(row)
            for snapshot in snapshots:
                self._check_snapshot(snapshot, seq)
            self._check_past_end(last, cursors)
            self._check_inbox(last)
            self._check_epochs()
        except JournalDamaged as damage:
            self._broken(seq + 1, "", damage.message)
        if self._head is not None and self._head_found is None:
            self._broken(
                0, "", f"no record has the hash {self._head}: the tail was cut or rewritten"
            )
        return self._result()

    def _result(self) -> Verdict:
        found = self._head_found
        if found is not None:
            account, at = found
            found = account, self._records[account] - at
        return Verdict(
            records=sum(self._records.values()),
            heads={name: standing.head.hex() for name, standing in self._accounts.items()},
            breaks=tuple(self._breaks),
            further=self._further,
            head_found=found,
        )

    def _broken(self, seq: int, account: str, what: str) -> None:
        if len(self._breaks) < REPORTED:
            self._breaks.append(Break(seq, account, what))
        else:
            self._further += 1

    def _missing(self, expected: int, row: Row) -> None:
        last = row.seq - 1
        which = f"record {expected} is" if last == expected else f"records {expected} to {last} are"
        self._broken(expected, "", f"{which} missing")

    def _check(self, row: Row) -> None:
        seq, account, at_ms, number, body, hash_ = row
        standing = self._accounts.get(account)
        if standing is None:
            standing = self._accounts[account] = Standing.empty(account)
            self._records[account] = 0
        self._records[account] += 1
        if link(standing.head, seq, standing.name, at_ms, number, body) != hash_:
            self._broken(
                seq, account, "its hash does not follow: it was changed, or one before it is gone"
            )
        standing.head = hash_
        if self._head is not None and hash_.hex().startswith(self._head):
            self._head_found = account, self._records[account]
        if account in self._lost:
            return
        try:
            self._fold(standing, row)
        except BrokenRecord as error:
            self._lose(seq, account, str(error))
        except msgspec.MsgspecError as error:
            self._lose(seq, account, f"its body cannot be read ({error})")

    def _lose(self, seq: int, account: str, what: str) -> None:
        self._lost.add(account)
        self._broken(seq, account, f"{what}; nothing after it was folded for this account")

    def _fold(self, standing: Standing, row: Row) -> None:
        seq, account, at_ms, number, body, _ = row
        event = decode_event(body)
        key = key_of(event)
        live = standing.state.orders.get(key)
        told = order_number(live, event, key, seq, lambda key: self._past(account, key))
        if told != number:
            self._broken(seq, account, f"it is filed under order {number}, but speaks of {told}")
        if told == seq:
            self._check_key(account, event, seq)
        elif type(event) is Sending:
            self._check_sending(account, event, seq)
        apply(standing.state, event, seq, at_ms)

    def _past(self, account: str, key: str) -> int | None:
        entry = self._store.find_key(account, key)
        return entry.number if entry else None

    def _check_key(self, account: str, event: Event, seq: int) -> None:
        assert isinstance(event, Accepted | Denied)
        self._keys += 1
        entry = self._store.find_key(account, event.key)
        if entry is None:
            self._broken(seq, account, f"its key {event.key!r} is not in the inbox")
        elif entry.number != seq:
            self._broken(
                seq, account, f"its key {event.key!r} belongs to record {entry.number} in the inbox"
            )
        elif entry.content != event.content:
            self._broken(seq, account, f"its key {event.key!r} has another content in the inbox")

    def _check_sending(self, account: str, event: Sending, seq: int) -> None:
        highest = self._highest_epoch.get(account, 0)
        if event.epoch < highest:
            self._broken(seq, account, f"epoch {event.epoch} sends after epoch {highest}")
        self._highest_epoch[account] = max(highest, event.epoch)

    def _check_snapshot(self, snapshot: Snapshot, seq: int) -> None:
        """Compare a snapshot with the states that folding gave at the same place."""
        if snapshot.seq != seq:
            what = "a snapshot was taken after it, but the record is not there: the tail was cut"
            self._broken(snapshot.seq, "", what)
            return
        kept = read_snapshot(snapshot)
        if kept is None:
            self._broken(seq, "", "the snapshot after it is damaged; opening passes it over")
            return
        for account in sorted(self._accounts.keys() | kept.keys()):
            if account in self._lost:
                continue
            ours, theirs = self._accounts.get(account), kept.get(account)
            if ours is None or theirs is None or ours.head != theirs.head:
                self._broken(seq, account, "the snapshot after it ends the chain elsewhere")
            elif state_hash(ours.state) != state_hash(theirs.state):
                self._broken(seq, account, "the snapshot after it holds another state")

    def _check_past_end(self, last: int, cursors: dict[str, int]) -> None:
        for name, seq in sorted(cursors.items()):
            if seq > last:
                self._broken(seq, "", f"follower {name!r} has read it, but it is not there")

    def _check_inbox(self, last: int) -> None:
        """Every key has its row (looked up on the walk); now: no row is without its key."""
        if self._lost or self._store.count_keys(last) == self._keys:
            return
        for chunk in self._store.inbox(CHUNK):
            for entry in chunk:
                if entry.number <= last and not self._begins(entry):
                    self._broken(
                        entry.number, entry.account, f"the key {entry.key!r} does not begin there"
                    )

    def _begins(self, entry: InboxRow) -> bool:
        rows = self._store.rows(entry.number - 1, 1)
        if not rows or rows[0].account != entry.account or rows[0].number != rows[0].seq:
            return False
        return key_of(decode_event(rows[0].body)) == entry.key

    def _check_epochs(self) -> None:
        current = self._store.epochs()
        for account, used in self._highest_epoch.items():
            if current.get(account, 0) < used:
                self._broken(
                    0, account, f"epoch {used} has sent, but {current.get(account, 0)} is in force"
                )
