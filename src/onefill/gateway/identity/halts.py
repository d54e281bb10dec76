"""Operations on halts (controls 1 and 7): put in force, and ended by a named person; audited."""

from __future__ import annotations

import msgspec

from onefill.gateway.identity.errors import unknown
from onefill.gateway.identity.store import Store
from onefill.gateway.identity.words import MAX_REASON, MAX_TEXT, check_text
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt

MAX_HALTS = 10_000
"""Halts in force at a time."""


class Halts:
    """The kill switch's memory, and the strategies that the repeated-order throttle stopped."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, halt: Halt) -> None:
        """In force from here on; durable on return. One of the same id changes nothing. Nothing
        about its words can keep a halt from being put: they are cut where they are too long."""
        by, reason = _cut(halt.by) or "nobody named", _cut(halt.reason)
        with self._store.change(by, "halt.begin", _cut(halt.reason, MAX_REASON)) as change:
            if self._store.get(Halt, halt.id) is not None:
                return
            if len(self._store.all(Halt)) >= MAX_HALTS:
                raise OnefillError(
                    "HALTS_TOO_MANY",
                    f"{MAX_HALTS:,} halts are in force: end some, or halt the tenant or the firm",
                )
            change.put(msgspec.structs.replace(halt, by=by, reason=reason))

    def end(self, id: str, by: str, reason: str) -> Halt:
        """A person ends a halt, and says why; durable on return. Raises `OnefillError`
        (`HALT_UNKNOWN`)."""
        who = check_text("who resumes", by, needed=True)
        with self._store.change(who, "halt.end", _cut(reason, MAX_REASON)) as change:
            halt = self._store.get(Halt, id)
            if halt is None:
                raise unknown("halt", id, "halt list")
            change.remove(halt)
        return halt


def _cut(text: str, most: int = MAX_TEXT) -> str:
    return "".join(one if one.isprintable() else " " for one in text).strip()[:most]
