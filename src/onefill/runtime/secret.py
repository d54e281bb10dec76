"""Secrets: bytes that nobody can guess, from the operating system."""

from __future__ import annotations

import secrets


def new_secret(length: int) -> bytes:
    """So many bytes, never the same twice."""
    return secrets.token_bytes(length)
