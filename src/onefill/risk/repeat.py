"""What an order says but for its key: by that, control 10 knows a repeat."""

from __future__ import annotations

import hashlib

import msgspec

from onefill.model.intent import OrderIntent

_encode = msgspec.msgpack.Encoder().encode


def repeat_fingerprint(intent: OrderIntent) -> bytes:
    """Hash of an intent's content without its client key: equal for a repeat under a new key."""
    keyless = msgspec.structs.replace(intent, client_key="")
    return hashlib.sha256(_encode(keyless)).digest()[:16]
