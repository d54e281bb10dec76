"""A copy of a journal in one file, taken beside its writer, and verified before it counts."""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from onefill.journal.files import reading, sync_directory
from onefill.journal.sqlite_store import SqliteStore
from onefill.journal.verify import Verdict, verify_store
from onefill.model.errors import OnefillError


def backup(directory: Path, target: Path) -> Verdict:
    """Copy a directory's journal to the file `target`, as of one moment, and verify the copy.

    The copy is a whole journal: as `journal.sqlite` in a directory of its own it can be opened.
    Raises `BACKUP_REFUSED` where `target` exists or has no directory, `BACKUP_FAILED` where the
    copy cannot be made or does not verify; nothing is left behind then.
    """
    if target.exists():
        raise OnefillError("BACKUP_REFUSED", f"{target} exists and is not overwritten")
    if not target.parent.is_dir():
        raise OnefillError("BACKUP_REFUSED", f"there is no directory {target.parent}: make it")
    part = target.with_name(f"{target.name}.part")
    try:
        with reading(directory) as store:
            part.unlink(missing_ok=True)  # of a backup that was cut short
            store.copy_to(part)
        verdict = _verified(part)
        _sync(part)
        part.rename(target)
        sync_directory(target.parent)
    except (apsw.Error, OSError) as error:
        raise OnefillError("BACKUP_FAILED", f"{target} could not be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return verdict


def _verified(part: Path) -> Verdict:
    copy = SqliteStore.open_to_read(part)
    try:
        verdict = verify_store(copy)
    finally:
        copy.close()
    if not verdict.intact:
        first = verdict.breaks[0]
        raise OnefillError(
            "BACKUP_FAILED", f"the copy does not verify (record {first.seq}: {first.what})"
        )
    return verdict


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
