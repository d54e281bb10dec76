"""What can go wrong with a journal, each with a sentence that says where and what to do."""

from __future__ import annotations

from pathlib import Path

from onefill.model.errors import OnefillError


class JournalMissing(OnefillError):
    """There is no journal where one was asked for."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            "JOURNAL_MISSING",
            f"there is no journal in {directory}: name the directory that `--journal` named",
        )


class JournalInUse(OnefillError):
    """Another process writes this journal."""

    def __init__(self, directory: Path, holder: str) -> None:
        super().__init__(
            "JOURNAL_IN_USE",
            f"the journal in {directory} is being written by process {holder}: "
            "wait until it ends, or stop it",
        )


class JournalTooNew(OnefillError):
    """A later version of Onefill wrote this journal."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            "JOURNAL_TOO_NEW",
            f"{path} is a journal of version {found} and this Onefill reads up to version {known}: "
            "use the Onefill that wrote it, or a newer one",
        )


class JournalDamaged(OnefillError):
    """The file is not a journal, or not whole."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            "JOURNAL_DAMAGED",
            f"{path} {what}; `onefill journal verify` says more, a backup brings it back",
        )


class JournalFailed(OnefillError):
    """Something could not be made durable. The journal takes nothing more until opened again."""

    def __init__(self, path: Path, why: str, code: str = "JOURNAL_FAILED") -> None:
        super().__init__(
            code,
            f"the journal {path} could not be written: {why}; nothing that was not durable has "
            "been told; mend the cause and start again",
        )


class StaleEpoch(JournalFailed):
    """A newer engine took the account over: what this one was about to send stays unsent."""

    def __init__(self, path: Path, account: str, epoch: int, current: int | None) -> None:
        now = f"epoch {current} is in force" if current is not None else "no epoch was ever taken"
        super().__init__(
            path,
            f"account {account!r} was to send under epoch {epoch}, but {now}",
            code="STALE_EPOCH",
        )
