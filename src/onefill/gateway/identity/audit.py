"""The audit trail: who changed what, when and why. It only grows, each entry sealed with the last.

The seal is keyed (HMAC-SHA256 under a key that is not in the database), and the last one lies in a
file beside it too: whoever edits the database, or cuts the trail's end off, cannot make it fit. An
entry tells the rows it changed whole, so that the tables can be compared with what the trail says.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

START = bytes(32)


class Entry(NamedTuple):
    """One entry as it is stored."""

    seq: int
    at_ms: int
    #: The author, by the name that was given or, over REST, the user of the key.
    who: str
    what: str
    #: JSON: the rows as they are from here on.
    detail: str
    #: Why, in the author's words; empty where nobody asked for any.
    reason: str
    #: Whose login ran the command, as the operating system knows it; empty: it was not a command.
    login: str
    #: The seal, 32 bytes.
    hash: bytes


class Head(msgspec.Struct, frozen=True):
    """The last entry and its seal (hex), as the file beside the database tells it."""

    seq: int
    hash: str


class Verdict(msgspec.Struct, frozen=True):
    """What verifying found; nothing in `breaks`: the trail is whole and the tables agree."""

    entries: int
    head: str
    breaks: tuple[str, ...]


def seal(key: bytes, before: bytes, entry: Entry) -> bytes:
    """The hash of an entry (its own is not looked at) that follows one whose hash is `before`."""
    sealed: list[int | str] = [entry.seq, entry.at_ms, entry.who, entry.what, entry.detail]
    if (
        entry.reason or entry.login
    ):  # entries from before there were such fields were sealed without
        sealed += [entry.reason, entry.login]
    return hmac.digest(key, before + json.dumps(sealed, ensure_ascii=True).encode(), "sha256")


def check_chain(
    entries: Iterable[Entry], key: bytes, noted: Head | None, told_head: str | None
) -> tuple[Verdict, dict[str, dict[str, Any]]]:
    """Whether the entries are all there, in order, as written; and the tables they add up to.

    `noted` is the head in the file; `told_head` one that was told earlier (hex), to be found.
    """
    breaks: list[str] = []
    tables: dict[str, dict[str, Any]] = {}
    before, count, noted_hash = START, 0, ""
    seen_told = False
    for entry in entries:
        count += 1
        if entry.seq != count:
            breaks.append(f"entry {count} is missing: entry {entry.seq} is in its place")
            count = entry.seq
        if not hmac.compare_digest(seal(key, before, entry), entry.hash):
            breaks.append(f"entry {entry.seq}: its seal does not fit what it and those before say")
        before = entry.hash
        seen_told |= told_head is not None and entry.hash.hex() == told_head
        if noted is not None and entry.seq == noted.seq:
            noted_hash = entry.hash.hex()
        _apply(tables, entry)
    if noted is not None and noted_hash != noted.hash:
        if count < noted.seq:
            breaks.append(f"entries {count + 1} to {noted.seq} are missing: the end was cut off")
        else:
            breaks.append(f"entry {noted.seq} is not the one whose seal was noted beside the store")
    elif noted is None and count:
        breaks.append("the file audit.head, where the last seal is noted, is missing")
    if told_head is not None and not seen_told:
        breaks.append("no entry has the head that was asked for: the end was cut off or rewritten")
    return Verdict(count, before.hex(), tuple(breaks)), tables


def compare_tables(
    told: dict[str, dict[str, Any]], held: dict[str, dict[str, Any]]
) -> Iterable[str]:
    """Where the tables hold something else than the trail says."""
    for table in sorted(told.keys() | held.keys()):
        said, found = told.get(table, {}), held.get(table, {})
        for key in sorted(said.keys() | found.keys()):
            if said.get(key) != found.get(key):
                how = "was removed" if key not in found else "was added"
                how = "was changed" if key in said and key in found else how
                yield f"{table}: {key} {how} without an entry in the trail"


def _apply(tables: dict[str, dict[str, Any]], entry: Entry) -> None:
    try:
        detail = json.loads(entry.detail)
        for table, key, row in detail.get("rows", []):
            if row is None:
                tables.get(table, {}).pop("/".join(key), None)
            else:
                tables.setdefault(table, {})["/".join(key)] = row
    except (ValueError, TypeError, AttributeError):
        return  # its seal tells already
