"""Numbers in sentences."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """So many of something: "1 command", "2,000 commands". `what` is one of them."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")
