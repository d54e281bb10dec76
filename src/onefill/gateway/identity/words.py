"""What people may write where they name something: checked once, at the edge."""

from __future__ import annotations

import re

from onefill.model.errors import OnefillError

MAX_TEXT = 200
"""Characters of a name for people."""

MAX_REASON = 1_024
"""Characters of a reason."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


def check_id(what: str, text: str) -> str:
    """An id of a tenant, user or account. Raises `OnefillError` (`NAME_INVALID`)."""
    if not _ID.fullmatch(text):
        raise OnefillError(
            "NAME_INVALID",
            f"{text[:80]!r} cannot name a {what}: take 1 to 64 letters, digits and . _ @ + -, "
            "beginning with a letter or a digit",
        )
    return text


def check_text(what: str, text: str, *, needed: bool = False, most: int = MAX_TEXT) -> str:
    """Words for people, spaces at the ends taken off. Raises `OnefillError` (`TEXT_INVALID`)."""
    text = text.strip()
    if len(text) > most or not text.isprintable() or (needed and not text):
        raise OnefillError(
            "TEXT_INVALID",
            f"{what} must be {'1' if needed else '0'} to {most:,} characters on one line",
        )
    return text


def check_reason(text: str, *, needed: bool = False) -> str:
    """Why somebody does something. Raises `OnefillError` (`TEXT_INVALID`)."""
    return check_text("a reason", text, needed=needed, most=MAX_REASON)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: case and spacing do not count."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())
