"""From a store to the accounts as they stand: the newest whole snapshot, then what came after."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from onefill.journal.errors import JournalDamaged
from onefill.journal.record import GENESIS, Record, Row, link, read
from onefill.journal.store import Snapshot, Store
from onefill.model.account import AccountState, decode_state, encode_state
from onefill.model.events import decode_event
from onefill.model.fold import BrokenRecord, apply, order_of
from onefill.model.order import OrderState

CHUNK = 2_000
"""Rows read at a time, so that memory stays bounded and no read stays open."""


class Standing:
    """One account: its state and the hash of its last record."""

    __slots__ = ("head", "name", "state")

    def __init__(self, account: str, state: AccountState, head: bytes) -> None:
        self.name = account.encode()
        self.state = state
        self.head = head

    @classmethod
    def empty(cls, account: str) -> Standing:
        """Before the account's first record."""
        return cls(account, AccountState(account=account), GENESIS)


Accounts = dict[str, Standing]


class _Held(msgspec.Struct, array_like=True):
    account: str
    head: bytes
    state: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Held]).decode


def make_snapshot(seq: int, accounts: Accounts) -> Snapshot:
    """The accounts' states after record `seq`, as a store keeps them."""
    body = _encode(
        [
            _Held(name, standing.head, encode_state(standing.state))
            for name, standing in accounts.items()
            if standing.state.records
        ]
    )
    return Snapshot(seq, body, _seal(seq, body))


def read_snapshot(snapshot: Snapshot) -> Accounts | None:
    """The accounts a snapshot holds; None where it is damaged."""
    if _seal(snapshot.seq, snapshot.body) != snapshot.hash:
        return None
    try:
        return {
            held.account: Standing(held.account, decode_state(held.state), held.head)
            for held in _decode(snapshot.body)
        }
    except msgspec.MsgspecError:
        return None


def _seal(seq: int, body: bytes) -> bytes:
    return hashlib.sha256(seq.to_bytes(8, "big") + body).digest()


def load(store: Store, path: Path) -> tuple[int, Accounts]:
    """The last record's seq and every account after it.

    A damaged snapshot is passed over for an older one, or for the beginning. Raises
    `JournalDamaged` where the records after the snapshot do not link, do not follow or are missing.
    """
    seq, accounts = 0, Accounts()
    for snapshot in store.snapshots():
        # Looked up after the snapshot: a writer beside us may have added both meanwhile.
        if snapshot.seq > (last := store.last_seq()):
            raise JournalDamaged(path, f"ends at record {last}, but went on to {snapshot.seq}")
        found = read_snapshot(snapshot)
        if found is not None:
            seq, accounts = snapshot.seq, found
            break
    for row in all_rows(store, after=seq):
        if row.seq != seq + 1:
            raise JournalDamaged(path, f"misses record {seq + 1}")
        seq = row.seq
        _follow(accounts, row, path)
    return seq, accounts


def _follow(accounts: Accounts, row: Row, path: Path) -> None:
    standing = accounts.get(row.account)
    if standing is None:
        standing = accounts[row.account] = Standing.empty(row.account)
    if link(standing.head, row.seq, standing.name, row.at_ms, row.number, row.body) != row.hash:
        raise JournalDamaged(path, f"was changed at record {row.seq} or before: the chain breaks")
    standing.head = row.hash
    try:
        apply(standing.state, decode_event(row.body), row.seq, row.at_ms)
    except (BrokenRecord, msgspec.MsgspecError) as error:
        raise JournalDamaged(path, f"has a record {row.seq} that cannot be ({error})") from error


def all_rows(store: Store, *, after: int = 0, account: str | None = None) -> Iterator[Row]:
    """Every row with a seq above `after`."""
    while chunk := store.rows(after, CHUNK, account):
        yield from chunk
        if len(chunk) < CHUNK:
            return
        after = chunk[-1].seq


def order_rows(store: Store, number: int, *, after: int = 0) -> Iterator[Row]:
    """Every row of one order."""
    while chunk := store.order_rows(number, after, CHUNK):
        yield from chunk
        if len(chunk) < CHUNK:
            return
        after = chunk[-1].seq


def records(
    store: Store, *, after: int = 0, account: str | None = None, order: str | None = None
) -> Iterator[Record]:
    """Durable records with a seq above `after`; of one account, of one order (client key)."""
    if order is None:
        yield from map(read, all_rows(store, after=after, account=account))
        return
    for name in [account] if account is not None else store.accounts():
        entry = store.find_key(name, order)
        if entry is not None:
            yield from map(read, order_rows(store, entry.number, after=after))


def find_over(store: Store, account: str, key: str) -> OrderState | None:
    """An order folded from its own durable records; None where the key is new."""
    entry = store.find_key(account, key)
    if entry is None:
        return None
    rows = order_rows(store, entry.number)
    return order_of((row.seq, row.at_ms, decode_event(row.body)) for row in rows)
