"""Whole columns of tick lines turned into integers at once, by arithmetic on eight bytes at a time.

The bytes of a block that are no digits, the marks, are found in one pass. The sequence of a line's
marks says what the line looks like (`,.,.` and a newline: a time and two prices with decimals), and
everything between two marks is then known to be digits. Lines that look alike are read together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from onefill.replay.tick_lines import BLANK, END_MS, MAX_POINTS, BrokenTick, day_ms

Integers = NDArray[np.int64]
Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]

#: Digits in one word of eight bytes.
_WIDEST = 8
_MAX_MARKS = 16
_TENS: Integers = 10 ** np.arange(_WIDEST + 1, dtype=np.int64)


class Block:
    """Whole lines, each ending in a newline, with the position of every byte that is no digit."""

    def __init__(self, lines: bytes) -> None:
        text = np.frombuffer(lines + bytes(8), np.uint8)
        #: The eight bytes from each position on, the first of them lowest.
        self.words = _overlapping(text)
        self.marks = np.flatnonzero(text[: len(lines)] - np.uint8(ord("0")) > 9)
        kinds = np.zeros(len(self.marks) + _MAX_MARKS, np.uint8)
        kinds[: len(self.marks)] = text[self.marks]
        self._kinds = _overlapping(kinds)
        newlines = np.flatnonzero(kinds == ord("\n"))
        #: Per line: the number of its first mark, how many it has, and where it starts and ends.
        self.first = np.concatenate([[0], newlines[:-1] + 1])
        self._count = newlines + 1 - self.first
        self.ends = self.marks[newlines]
        self.starts = np.concatenate([[0], self.ends[:-1] + 1])

    def rows_like(self, marks: bytes) -> Integers:
        """The numbers of the lines that have exactly these marks."""
        rows = np.flatnonzero(self._count == len(marks))
        if not len(rows):
            return rows
        first = self.first[rows]
        alike = np.ones(len(rows), np.bool_)
        for at in range(0, len(marks), 8):
            wanted = marks[at : at + 8]
            kept = np.uint64((1 << 8 * len(wanted)) - 1)
            alike &= self._kinds[first + at] & kept == np.uint64(int.from_bytes(wanted, "little"))
        return rows if alike.all() else rows[alike]


def _overlapping(text: NDArray[np.uint8]) -> Words:
    return np.ndarray((len(text) - 7,), "<u8", text.data, strides=(1,))


def numbers(words: Words, start: Integers, end: Integers) -> Integers:
    """The digits from start to end (positions), at most eight of them, as numbers; none is 0."""
    # The field's first digit is the lowest byte: shifted up, what follows it falls out, and zeros
    # come in below as leading zeros. A shift of 64 leaves 0.
    word = words[start] << ((_WIDEST - (end - start)) << 3).view(np.uint64)
    word &= np.uint64(0x0F0F0F0F0F0F0F0F)
    word *= np.uint64(10 << 8 | 1)  # pairs of digits,
    word >>= np.uint64(8)
    word &= np.uint64(0x00FF00FF00FF00FF)
    word *= np.uint64(100 << 16 | 1)  # fours,
    word >>= np.uint64(16)
    word &= np.uint64(0x0000FFFF0000FFFF)
    word *= np.uint64(10_000 << 32 | 1)  # and all eight
    word >>= np.uint64(32)
    return word.view(np.int64)


@dataclass(frozen=True, slots=True)
class PriceField:
    """Where a price lies among its line's marks: the one before it, its point, the one after."""

    before: int
    point: int | None
    after: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What a line looks like: its marks, and where among them the prices are."""

    marks: bytes
    bid: PriceField
    ask: PriceField


def layouts(prefix: bytes, separator: bytes, tails: tuple[bytes, ...]) -> Iterator[Layout]:
    """All looks of a line: prices with and without a point, and every tail.

    `prefix` are the marks up to the one before the bid; a tail begins with the one after the ask.
    """
    for tail, ask, bid in product(tails, (b".", b""), (b".", b"")):
        marks = prefix + bid + separator + ask + tail
        if len(marks) <= _MAX_MARKS:
            middle = len(prefix + bid)
            end = len(prefix + bid + separator + ask)
            yield Layout(
                marks,
                PriceField(len(prefix) - 1, len(prefix) if bid else None, middle),
                PriceField(middle, middle + 1 if ask else None, end),
            )


def points(block: Block, first: Integers, field: PriceField, digits: int) -> tuple[Integers, Flags]:
    """Prices in points (BLANK where the field is), and which of them could be read here.

    `first` are the numbers of the lines' first marks.
    """
    start = block.marks[first + field.before] + 1
    end = block.marks[first + field.after]
    if field.point is None:
        value = numbers(block.words, start, end) * 10**digits
        width = end - start
        taken = (width <= _WIDEST) & (value <= MAX_POINTS) & ((value > 0) | (width == 0))
        value[width == 0] = BLANK
        return value, taken
    point = block.marks[first + field.point]
    decimals = end - point - 1
    taken = (point - start <= _WIDEST) & (decimals <= _WIDEST)
    fraction = numbers(block.words, point + 1, end)
    if bool((decimals == digits).all()):
        pass
    elif int(decimals.max()) <= digits:
        fraction *= _TENS[np.clip(digits - decimals, 0, _WIDEST)]
    else:
        fraction *= _TENS[np.clip(digits - decimals, 0, _WIDEST)]
        fraction, over = np.divmod(fraction, _TENS[np.clip(decimals - digits, 0, _WIDEST)])
        taken &= over == 0
    value = numbers(block.words, start, point) * 10**digits + fraction
    taken &= (value > 0) & (value <= MAX_POINTS)
    return value, taken


#: Times (ms) of the lines given by number, and which of them could be read here.
Times = Callable[[Block, Integers], tuple[Integers, Flags]]


def unix_times(block: Block, rows: Integers) -> tuple[Integers, Flags]:
    """Unix milliseconds from the beginning of each line to its first mark."""
    start = block.starts[rows]
    end = block.marks[block.first[rows]]
    split = np.maximum(start, end - _WIDEST)
    time_ms = numbers(block.words, start, split) * 10**_WIDEST + numbers(block.words, split, end)
    width = end - start
    return time_ms, (width > 0) & (width <= 2 * _WIDEST) & (time_ms < END_MS)


#: Where the marks of `2014.05.06\\t00:00:01.034\\t` are, from the beginning of the line.
_SERVER_MARKS = (4, 7, 10, 13, 16, 19, 23)


def server_times(block: Block, rows: Integers) -> tuple[Integers, Flags]:
    """The broker's clock, as ms since 1970, from `2014.05.06<tab>00:00:01.034<tab>`."""
    start, first = block.starts[rows], block.first[rows]
    taken = np.ones(len(rows), np.bool_)
    for number, at in enumerate(_SERVER_MARKS):
        taken &= block.marks[first + number] == start + at
    if not taken.any():
        return np.zeros(len(rows), np.int64), taken
    if not taken.all():  # what follows looks at fixed positions, which must be a line's
        start = np.where(taken, start, start[taken][0])
    days, known = _days(block, start)
    # HH:MM:SS; the colons become 0, and each digit's byte ten times it plus the next.
    clock = block.words[start + 11] ^ np.uint64(int.from_bytes(b"00:00:00", "little"))
    clock = clock * np.uint64(10) + (clock >> np.uint64(8))
    hours, minutes, seconds = (
        (clock >> np.uint64(shift) & np.uint64(0xFF)).view(np.int64) for shift in (0, 24, 48)
    )
    taken &= known & (hours < 24) & (minutes < 60) & (seconds < 60)
    thousandths = numbers(block.words, start + 20, start + 23)
    return days + (hours * 3600 + minutes * 60 + seconds) * 1000 + thousandths, taken


def _days(block: Block, start: Integers) -> tuple[Integers, Flags]:
    """The dates at `start` as ms; a date is looked up once for a run of lines that share it."""
    year_month, month_day = block.words[start], block.words[start + 2]
    changes = np.flatnonzero(
        (year_month[1:] != year_month[:-1]) | (month_day[1:] != month_day[:-1])
    )
    runs = np.concatenate([[0], changes + 1])
    values = np.empty(len(runs), np.int64)
    for number, (head, tail) in enumerate(
        zip(year_month[runs].tolist(), month_day[runs].tolist(), strict=True)
    ):
        text = head.to_bytes(8, "little")[:2] + tail.to_bytes(8, "little")
        try:
            values[number] = day_ms(text)
        except BrokenTick:
            values[number] = -1
    days = np.repeat(values, np.diff(np.append(runs, len(start))))
    return days, days >= 0
