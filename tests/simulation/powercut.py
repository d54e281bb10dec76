"""A file layer for SQLite that forgets what was not synced, as a disk does when the power goes.

Files live in memory. A write is readable at once and durable only after `xSync` of its file; a new
name is durable once its directory is synced, which SQLite asks for with the first sync of a new
journal or WAL. `cut` gives the disk as it may be found afterwards.

It has no shared memory, so a journal on it is opened with `exclusive=True`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import apsw

SECTOR = 512
_numbers = count()

Disk = dict[str, bytes]
"""What survives: file name to content."""


@dataclass
class _File:
    """One file: what the machine sees, what the disk has, and what lies in between, in order."""

    seen: bytearray
    synced: bytearray
    #: Since the last sync: (offset, content), or (size, None) where the file was cut to a size.
    unsynced: list[tuple[int, bytes | None]] = field(default_factory=list)
    #: Whether the disk's directory has the name.
    named: bool = False

    def write(self, offset: int, content: bytes) -> None:
        _put(self.seen, offset, content)
        self.unsynced.append((offset, content))

    def truncate(self, size: int) -> None:
        del self.seen[size:]
        self.unsynced.append((size, None))

    def sync(self) -> None:
        for at, content in self.unsynced:
            if content is None:
                del self.synced[at:]
            else:
                _put(self.synced, at, content)
        self.unsynced.clear()

    def after_cut(self, draw: random.Random) -> bytes:
        """What is synced, and of the rest whatever sectors happened to reach the disk."""
        found = bytearray(self.synced)
        reached = draw.random()
        for at, content in self.unsynced:
            if content is None:
                if draw.random() < reached:
                    del found[at:]
                continue
            for start in range(0, len(content), SECTOR):
                if draw.random() < reached:
                    _put(found, at + start, content[start : start + SECTOR])
        return bytes(found)


def _put(target: bytearray, offset: int, content: bytes) -> None:
    if len(target) < offset:
        target.extend(bytes(offset - len(target)))
    target[offset : offset + len(content)] = content


class _Missing(apsw.IOError):
    """Nothing is there to be removed, which SQLite takes calmly."""

    extendedresult = apsw.SQLITE_IOERR_DELETE_NOENT


class PowerCutLayer(apsw.VFS):
    """The layer; its `name` is what `Journal.open(vfs=...)` takes. `unregister` it when done."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.name = f"power-cut-{next(_numbers)}"
        self._files = {
            name: _File(bytearray(content), bytearray(content), named=True)
            for name, content in (disk or {}).items()
        }
        #: Names whose removal the disk does not know of yet.
        self._removed: dict[str, _File] = {}
        #: Called before every write ("write") and sync ("sync") with the file's name; may raise.
        self.on_io: Callable[[str, str], None] = lambda what, name: None
        self.syncs = 0
        super().__init__(self.name, "")

    def cut(self, seed: int) -> Disk:
        """What the disk holds if the power goes now; the same seed, the same disk."""
        draw = random.Random(seed)
        disk: Disk = {}
        for name, file in sorted({**self._removed, **self._files}.items()):
            if file.named or draw.random() < 0.5:
                disk[name] = file.after_cut(draw)
        return disk

    def sync_directory(self) -> None:
        """Make every name created and every removal durable."""
        for file in self._files.values():
            file.named = True
        self._removed.clear()

    def fsync_fails_once(self, ending: str) -> None:
        """The next sync of a file whose name ends so fails; the kernel then forgets what it owed.

        As Linux does it: the pages stay readable and count as clean, so a later sync of the same
        file succeeds without writing them.
        """

        def fail(what: str, name: str) -> None:
            if what == "sync" and name.endswith(ending):
                self._files[name].unsynced.clear()
                self.on_io = lambda what, name: None
                raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)

        self.on_io = fail

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802 - SQLite's name
        return pathname in self._files

    def xFullPathname(self, name: str) -> str:  # noqa: N802 - SQLite's name
        return name

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's name
        file = self._files.pop(filename, None)
        if file is None:
            raise _Missing(f"there is no {filename}")
        if file.named:
            self._removed[filename] = file
        if syncdir:
            self.sync_directory()

    def xOpen(  # type: ignore[override]  # noqa: N802 - SQLite's name; any file object will do
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> _Handle:
        assert name is not None, "temporary files are kept in memory by SQLite here"
        path = name if isinstance(name, str) else name.filename()
        file = self._files.get(path)
        if file is None:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(path)
            file = self._files[path] = _File(bytearray(), bytearray())
        flags[1] = flags[0]
        beside = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
        # As SQLite's own layer on Linux: with the first sync, whether the name is new or not.
        made = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & beside)
        return _Handle(self, path, file, names_directory=made)


class _Handle:
    """An open file, in the shape that apsw asks of one."""

    def __init__(
        self, layer: PowerCutLayer, name: str, file: _File, *, names_directory: bool
    ) -> None:
        self._layer = layer
        self._name = name
        self._file = file
        self._names_directory = names_directory

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        return bytes(self._file.seen[offset : offset + amount])

    def xWrite(self, content: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._layer.on_io("write", self._name)
        self._file.write(offset, bytes(content))

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's name
        self._file.truncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._layer.on_io("sync", self._name)
        self._layer.syncs += 1
        self._file.sync()
        if self._names_directory:
            self._layer.sync_directory()
            self._names_directory = False

    def xFileSize(self) -> int:  # noqa: N802 - SQLite's name
        return len(self._file.seen)

    def xClose(self) -> None:  # noqa: N802 - SQLite's name
        pass

    def xLock(self, level: int) -> None:  # noqa: N802 - SQLite's name
        pass  # one process, one connection

    def xUnlock(self, level: int) -> None:  # noqa: N802 - SQLite's name
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802 - SQLite's name
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: N802 - SQLite's name
        return False

    def xSectorSize(self) -> int:  # noqa: N802 - SQLite's name
        return SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802 - SQLite's name
        # As SQLite's own layer on Linux: a write never spoils the bytes beside it.
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE
