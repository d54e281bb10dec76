"""A naive reading of tick files, both formats, plain or gzipped, with exact prices."""

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tick(NamedTuple):
    """One quote: time in Unix milliseconds, symbol, bid and ask."""

    time_ms: int
    symbol: str
    bid: Decimal
    ask: Decimal


def read_ticks(files: Sequence[Path | str]) -> list[Tick]:
    """Merge files by time; at the same millisecond in the order given.

    Of several ticks of one symbol in one millisecond only the last one exists.
    """
    everything = [tick for file in files for tick in read_file(file)]
    everything.sort(key=lambda tick: tick.time_ms)  # stable: ties stay in the files' order
    last: dict[tuple[int, str], int] = {}
    for index, tick in enumerate(everything):
        last[tick.time_ms, tick.symbol] = index
    return [everything[index] for index in sorted(last.values())]


def read_file(file: Path | str) -> Iterator[Tick]:
    """Yield the good lines of one file (`path` or `SYMBOL=path`); broken ones are skipped.

    Broken is what has no numbers, a price that is not above 0, bid > ask, or a time before the
    last good line's. A blank price is the one of the line above, if that one could be read at all.
    """
    named = re.fullmatch(r"(\w+)=(.+)", str(file))
    path = Path(named[2] if named else file)
    symbol = named[1] if named else symbol_of(path)
    bid = ask = ""
    time_ms = 0
    for row in _rows(path):
        try:
            now_ms, new_bid, new_ask = _fields(row, bid, ask)
            bid, ask = (
                new if _is_price(new) else old for new, old in ((new_bid, bid), (new_ask, ask))
            )
            tick = Tick(now_ms, symbol, Decimal(new_bid), Decimal(new_ask))
        except (ValueError, IndexError, InvalidOperation):
            continue  # a header comes here too
        if not (tick.bid.is_finite() and tick.ask.is_finite()):
            continue
        if not 0 < tick.bid <= tick.ask or tick.time_ms < time_ms:
            continue
        time_ms = now_ms
        yield tick


def _is_price(text: str) -> bool:
    try:
        return 0 < Decimal(text) < Decimal("Infinity")
    except InvalidOperation:
        return False


def symbol_of(path: Path) -> str:
    """The symbol that a file's name begins with: `EURUSD-2014-05-08.csv.gz`, `EURUSD.csv`."""
    found = re.match(r"[A-Za-z]+", path.name)
    if found is None:
        raise ValueError(f"no symbol in the name of {path}")
    return found.group()


def _rows(path: Path) -> Iterator[list[str]]:
    """The file's lines, split at tabs where its first line has one, else at commas."""
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    lines = raw.decode("utf-8-sig").splitlines()
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def _fields(row: list[str], bid: str, ask: str) -> tuple[int, str, str]:
    """Time, bid and ask of one row; a blank one is the line above's `bid` or `ask`."""
    if len(row) == 3:
        return int(row[0]), row[1], row[2]
    moment = datetime.fromisoformat(row[0].replace(".", "-") + " " + row[1]).replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1), row[2] or bid, row[3] or ask
