"""The one error type that reaches a user: a code for programs and a sentence for people."""

from __future__ import annotations


class OnefillError(Exception):
    """Something a user can mend. `code` is for programs; `message` says what, where, what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
