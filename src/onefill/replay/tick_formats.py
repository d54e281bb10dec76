"""The formats of tick files, told apart by their content, and a block of one read into columns."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from onefill.replay.tick_columns import (
    Block,
    Flags,
    Integers,
    Layout,
    Times,
    layouts,
    points,
    server_times,
    unix_times,
)
from onefill.replay.tick_errors import TicksError, unreadable
from onefill.replay.tick_lines import BLANK, BrokenTick, Quote, csv_quote, mt5_quote

_CSV_HEADER = b"time_msc,bid,ask"
_MT5_HEADER = [b"<date>", b"<time>", b"<bid>", b"<ask>"]
#: A file without a header is known by the first of so many lines that looks like a tick.
_LINES_LOOKED_AT = 100
_NUMBER = rb"\s*[+-]?\.?[0-9][^,]*"
_CSV_LINE = re.compile(rb"\s*[0-9]+\s*," + _NUMBER + b"," + _NUMBER)
_MT5_LINE = re.compile(rb"\s*[0-9]{4}\.[0-9]{2}\.[0-9]{2}\s*\t\s*[0-9]{2}:[0-9]{2}:[0-9]{2}")


@dataclass(frozen=True, slots=True)
class TickFormat:
    """How the lines of a file are read."""

    name: str
    #: Times are the broker's clock, and have to be converted to UTC.
    server_time: bool
    #: A blank price means that it is unchanged.
    blanks: bool
    read_line: Callable[[bytes, int], Quote]
    times: Times
    layouts: tuple[Layout, ...]


CSV = TickFormat(
    name="CSV",
    server_time=False,
    blanks=False,
    read_line=csv_quote,
    times=unix_times,
    layouts=tuple(layouts(b",", b",", (b"\n", b"\r\n"))),
)


@cache
def mt5(columns: int) -> TickFormat:
    """MetaTrader 5's tick export with so many columns; the first are date, time, bid, ask."""
    rest = b"\t" * (columns - 4)
    ends = (b"\n", b"\r\n")
    # LAST has a point where an exchange's symbol has a last price.
    tails = [tail + end for tail in (rest, b"\t." + rest[1:]) for end in ends]
    return TickFormat(
        name="MetaTrader 5 tick export",
        server_time=True,
        blanks=True,
        read_line=partial(mt5_quote, columns=columns),
        times=server_times,
        layouts=tuple(layouts(b"..\t::.\t", b"\t", tuple(tails if rest else ends))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """The readable lines of a block in file order, and those that are not."""

    #: Number of each line within the block, from 0.
    row: Integers
    time_ms: Integers
    #: Points; BLANK where the field is.
    bid: Integers
    ask: Integers
    #: Row and reason.
    broken: list[tuple[int, str]]


def read_block(lines: bytes, form: TickFormat, digits: int) -> Quotes:
    """Read a block of whole lines: columnwise what can be, line by line what remains."""
    block = Block(lines)
    total = len(block.starts)
    columns = np.zeros((3, total), np.int64)
    done = np.zeros(total, np.bool_)
    for layout in form.layouts:
        rows = block.rows_like(layout.marks)
        if not len(rows):
            continue
        first = block.first[rows]
        time_ms, timed = form.times(block, rows)
        bid, bid_taken = points(block, first, layout.bid, digits)
        ask, ask_taken = points(block, first, layout.ask, digits)
        taken = timed & bid_taken & ask_taken
        if not form.blanks:
            taken &= (bid != BLANK) & (ask != BLANK)
        columns[0, rows], columns[1, rows], columns[2, rows] = time_ms, bid, ask
        done[rows] = taken
        if len(rows) == total:
            break
    broken = [] if done.all() else _read_rest(lines, block, form, digits, columns, done)
    if done.all():
        return Quotes(np.arange(total), columns[0], columns[1], columns[2], broken)
    rows = np.flatnonzero(done)
    return Quotes(rows, columns[0, rows], columns[1, rows], columns[2, rows], broken)


def _read_rest(
    lines: bytes,
    block: Block,
    form: TickFormat,
    digits: int,
    columns: Integers,
    done: Flags,
) -> list[tuple[int, str]]:
    broken = []
    for row in np.flatnonzero(~done).tolist():
        line = lines[block.starts[row] : block.ends[row]]
        if not line.strip():
            continue  # a blank line is no line
        try:
            columns[:, row] = form.read_line(line, digits)
            done[row] = True
        except BrokenTick as error:
            broken.append((row, str(error)))
    return broken


def read_block_by_line(lines: bytes, form: TickFormat, digits: int) -> Quotes:
    """What read_block must agree with: every line read on its own."""
    rows, quotes, broken = [], [], []
    for row, line in enumerate(lines.split(b"\n")[:-1]):
        if not line.strip():
            continue
        try:
            quotes.append(form.read_line(line, digits))
            rows.append(row)
        except BrokenTick as error:
            broken.append((row, str(error)))
    time_ms, bid, ask = np.array(quotes, np.int64).reshape(-1, 3).T
    return Quotes(np.array(rows, np.int64), time_ms, bid, ask, broken)


def recognise(block: bytes, file: Path) -> tuple[TickFormat, int]:
    """The format of a file by its first lines, and after how many lines its quotes begin.

    Raises TicksError when it is none.
    """
    lines = block.split(b"\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT]
    written = [(number, line) for number, line in enumerate(lines) if line.strip()]
    if not written:
        raise unreadable(file, "is empty")
    number, head = written[0]
    if head.replace(b" ", b"").strip().lower() == _CSV_HEADER:
        return CSV, number + 1
    if head.lstrip().startswith(b"<"):
        return _by_mt5_header(head, file), number + 1
    for _, line in written:
        if _CSV_LINE.fullmatch(line):
            return CSV, 0
        if _MT5_LINE.match(line):
            return mt5(max(line.count(b"\t") + 1, len(_MT5_HEADER))), 0
    raise _unknown(file)


def _by_mt5_header(head: bytes, file: Path) -> TickFormat:
    names = [name.strip().lower() for name in head.split(b"\t")]
    if b"<open>" in names:
        raise unreadable(file, "holds bars; in MetaTrader 5 export the symbol's ticks")
    if names[:4] != _MT5_HEADER:
        raise _unknown(file)
    return mt5(len(names))


def _unknown(file: Path) -> TicksError:
    return unreadable(
        file, "is not recognised: expected CSV `time_msc,bid,ask` or MetaTrader 5's tick export"
    )
