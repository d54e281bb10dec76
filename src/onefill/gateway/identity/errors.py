"""What can go wrong with a gateway's identity, each with a sentence that says what to do."""

from __future__ import annotations

from pathlib import Path

from onefill.model.errors import OnefillError


class Unauthenticated(OnefillError):
    """Nobody is proven. The sentence is the same whatever was wrong, so that it teaches nobody."""

    def __init__(self) -> None:
        super().__init__(
            "UNAUTHENTICATED",
            "the credentials are missing, wrong, expired or revoked: send a current token or API "
            "key as `Authorization: Bearer ...` (`onefill admin token create` makes one)",
        )


class IdentityFailed(OnefillError):
    """The store could not be read or written; nothing that was asked for has happened."""

    def __init__(self, path: Path, why: str, code: str = "IDENTITY_FAILED") -> None:
        super().__init__(code, f"{path}: {why}")


def unknown(what: str, name: str, command: str) -> OnefillError:
    """Something that was named is not there."""
    code = f"{what.upper().replace(' ', '_')}_UNKNOWN"
    return OnefillError(code, f"there is no {what} {name!r}: `onefill admin {command}` shows all")


def taken(what: str, name: str) -> OnefillError:
    """Something that was to be made is there."""
    code = f"{what.upper().replace(' ', '_')}_EXISTS"
    return OnefillError(
        code, f"there is a {what} {name!r} already: change it, or take another name"
    )
