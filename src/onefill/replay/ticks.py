"""Ticks from files: what `onefill run --ticks` is given, read into one series per symbol."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from onefill.replay.tick_errors import BrokenLine, TicksError, refused, unreadable
from onefill.replay.tick_files import read_blocks
from onefill.replay.tick_formats import Quotes, read_block, recognise
from onefill.replay.tick_rules import FileRules
from onefill.terminal.simulator.ticks import TickSeries, merge, series_of
from onefill.terminal.zone import BrokerZone

#: So many broken lines are kept to be shown; all are counted.
BROKEN_LINES_SHOWN = 100

_NAME_ENDS = re.compile(r"[-.]|_(?=[0-9])")


@dataclass(frozen=True, slots=True)
class TickSource:
    """A tick file and the symbol that it quotes."""

    symbol: str
    path: Path


@dataclass(frozen=True, slots=True)
class LoadedTicks:
    """The ticks of all files."""

    #: By symbol, in the order in which the command line first names them.
    series: dict[str, TickSeries]
    #: The first BROKEN_LINES_SHOWN lines that were skipped, file by file.
    broken: list[BrokenLine]
    broken_count: int
    #: Good tick lines, including those superseded in the same millisecond.
    read: int


def parse_source(word: str) -> TickSource:
    """A source from a word of the command line: `PATH` or `SYMBOL=PATH`.

    Without `SYMBOL=` the symbol is what the file's name has before its first `-` or `.`, or before
    a `_` that a digit follows: `EURUSD-2014-05-08.csv.gz`, `EURUSD_20140508.csv`. A broker's suffix
    (`EURUSD.m.csv`) is therefore not seen: `EURUSD.m=EURUSD.m.csv` says it. A word whose first `=`
    comes after a path separator is a path. Raises TicksError.
    """
    symbol, equals, path = word.partition("=")
    if not equals or "/" in symbol or "\\" in symbol:
        symbol, path = "", word
        symbol = _NAME_ENDS.split(PurePath(word).name, maxsplit=1)[0]
    if not symbol.strip() or not path:
        raise TicksError(
            "TICKS_SOURCE", f"{word!r} names no symbol or no file: write it as EURUSD=PATH"
        )
    return TickSource(symbol.strip(), Path(path))


def load_ticks(
    sources: Sequence[TickSource],
    digits_of: Callable[[str], int],
    zone: BrokerZone | None = None,
    strict: bool = False,
) -> LoadedTicks:
    """Read all sources and merge them by symbol and time.

    `digits_of` gives a symbol's decimals, or raises for a symbol it does not know. `zone` is the
    clock of MetaTrader 5 exports (None: UTC); it does not apply to `time_msc`, which is Unix time.
    Of ticks of one symbol in one millisecond the last holds: of the last file, its last line.
    Broken lines are skipped and counted; `strict` makes the first one an error. Raises TicksError.
    """
    for source in sources:
        if not source.path.exists():  # before its name is taken for a symbol's
            raise unreadable(source.path, "cannot be read: No such file or directory")
    digits = {source.symbol: digits_of(source.symbol) for source in sources}
    broken = _BrokenLines(strict)
    parts: dict[str, list[TickSeries]] = {symbol: [] for symbol in digits}
    for source in sources:
        parts[source.symbol].append(_load_file(source, digits[source.symbol], zone, broken))
    series = {symbol: merge(parts.pop(symbol)) for symbol in digits}
    read = sum(one.read for one in series.values())
    return LoadedTicks(series, broken.shown, broken.count, read)


@dataclass(slots=True)
class _BrokenLines:
    strict: bool
    shown: list[BrokenLine] = field(default_factory=list)
    count: int = 0

    def add(self, file: Path, first_line: int, broken: list[tuple[int, str]]) -> None:
        self.count += len(broken)
        room = 1 if self.strict else BROKEN_LINES_SHOWN - len(self.shown)
        self.shown += [BrokenLine(file, first_line + row, why) for row, why in broken[:room]]
        if broken and self.strict:
            raise refused(self.shown[0])


def _load_file(
    source: TickSource, digits: int, zone: BrokerZone | None, broken: _BrokenLines
) -> TickSeries:
    file = source.path
    blocks = read_blocks(file)
    block = next(blocks)
    form, header = recognise(block, file)
    clock = zone.clock() if zone is not None and form.server_time else None
    rules = FileRules(digits, clock)
    columns = _Columns()
    already = broken.count
    line = 1 + header
    block = block.split(b"\n", header)[header]
    while True:
        if block:
            ticks = rules.ticks(read_block(block, form, digits))
            broken.add(file, line, ticks.broken)
            columns.add(ticks)
            line += block.count(b"\n")
        if (following := next(blocks, None)) is None:
            break
        block = following
    if not columns.read:
        raise unreadable(file, f"holds no tick: {_why_none(broken, already, form.name)}")
    return columns.series(source.symbol)


def _why_none(broken: _BrokenLines, already: int, form: str) -> str:
    count = broken.count - already
    if not count:
        return "nothing follows its first line"
    told = f"{count} broken lines of {form}"
    first = next((line for line in broken.shown[already:]), None)
    return f"{told}, the first is line {first.line}: {first.reason}" if first else told


class _Columns:
    """The columns of a file while it is read, block by block."""

    def __init__(self) -> None:
        self.read = 0
        self._time_ms: list[NDArray[np.int64]] = []
        self._bid: list[NDArray[np.int32]] = []
        self._ask: list[NDArray[np.int32]] = []

    def add(self, ticks: Quotes) -> None:
        self.read += len(ticks.row)
        self._time_ms.append(ticks.time_ms.copy())  # a view would keep its whole block
        self._bid.append(ticks.bid.astype(np.int32))
        self._ask.append(ticks.ask.astype(np.int32))

    def series(self, symbol: str) -> TickSeries:
        time_ms = np.concatenate(self._time_ms)
        self._time_ms.clear()
        bid = np.concatenate(self._bid)
        self._bid.clear()
        ask = np.concatenate(self._ask)
        self._ask.clear()
        return series_of(symbol, time_ms, bid, ask, self.read)
