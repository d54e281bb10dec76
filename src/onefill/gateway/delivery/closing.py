"""Why a connection ends: the WebSocket protocol's codes (RFC 6455, 7.4), and ours from 4000."""

from __future__ import annotations

from enum import IntEnum

_LONGEST_REASON = 123


class CloseCode(IntEnum):
    """What a client is told. The server itself says 1009 (too large), 1002, and 1011 where a ping
    was not answered."""

    TEXT = 1003
    MALFORMED = 1007
    TOO_FAST = 1008
    FAILED = 1011
    RESTARTING = 1012
    #: It does not read what it is sent: come again.
    SLOW = 1013
    #: A newer connection holds its account.
    REPLACED = 4001
    #: Nothing came from it for too long.
    SILENT = 4002
    #: Its token ran out or was revoked.
    UNAUTHORIZED = 4003
    #: It never said which account it holds, or may not hold the one that it named.
    NO_ACCOUNT = 4004


def reason_of(sentence: str) -> str:
    """As much of a sentence as a close frame holds: 123 bytes of UTF-8."""
    return sentence.encode()[:_LONGEST_REASON].decode(errors="ignore")
