"""Tick lines loaded per second, beside what reading, inflating and counting the same lines takes.

Sizes grow tenfold and more: a loader that is linear keeps its lines per second.
"""

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.report import Row, print_rows
from onefill.replay.generate import generate_ticks, write_csv
from onefill.replay.tick_files import read_blocks
from onefill.replay.ticks import TickSource, load_ticks
from onefill.terminal.simulator.ticks import TickSeries

SYMBOL, DIGITS, START_MS = "EURUSD", 5, 1_399_248_000_000
SIZES = (100_000, 1_000_000, 5_000_000)
#: Lines of each size are read so often: p99 is then the worst of them.
RUNS = 7
_HEADER = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"
_LINES = 100_000


def run(quick: bool) -> list[Row]:
    """Measure all formats at all sizes; `quick` leaves out the largest."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for count in SIZES[:-1] if quick else SIZES:
            ticks = generate_ticks(SYMBOL, DIGITS, START_MS, count, seed=1, price=1.1)
            csv, export = Path(folder) / "ticks.csv", Path(folder) / "ticks.mt5.csv"
            write_csv(ticks, DIGITS, csv)
            write_mt5(ticks, DIGITS, export)
            for name, plain in (("CSV", csv), ("MT5 export", export)):
                rows.append(_measured(f"{name}, {count:,} lines", plain, count))
                packed = plain.with_name(plain.name + ".gz")
                packed.write_bytes(gzip.compress(plain.read_bytes(), 6, mtime=0))
                rows.append(_measured(f"{name} in gzip, {count:,} lines", packed, count))
    return rows


def _measured(name: str, file: Path, count: int) -> Row:
    def load() -> None:
        assert load_ticks([TickSource(SYMBOL, file)], lambda symbol: DIGITS).read == count

    def read() -> None:
        assert sum(block.count(b"\n") for block in read_blocks(file)) == count + 1

    load_s, read_s = _times(load), _times(read)
    return Row(
        f"tick lines: {name}",
        count / float(np.median(load_s)),
        "lines/s",
        "read, inflated, counted",
        count / float(np.median(read_s)),
        f"worst of {RUNS}: {count / max(load_s) / 1e6:.1f} M/s",
    )


def _times(work: Callable[[], None]) -> list[float]:
    times = []
    for _ in range(RUNS):
        begin = perf_counter()
        work()
        times.append(perf_counter() - begin)
    return times


def write_mt5(ticks: TickSeries, digits: int, file: Path) -> None:
    """Write the ticks as MetaTrader 5 exports them: a price that has not changed is left blank."""
    with file.open("w", encoding="ascii", newline="") as text:
        text.write(_HEADER)
        before = (0, 0)
        for at in range(0, len(ticks), _LINES):
            part = slice(at, at + _LINES)
            stamps = np.datetime_as_string(ticks.time_ms[part].astype("datetime64[ms]"))
            columns = (stamps.tolist(), ticks.bid[part].tolist(), ticks.ask[part].tolist())
            for stamp, bid, ask in zip(*columns, strict=True):
                day, clock = stamp.replace("-", ".").split("T")
                prices = [
                    "" if now == last else f"{now / 10**digits:.{digits}f}"
                    for now, last in zip((bid, ask), before, strict=True)
                ]
                text.write(f"{day}\t{clock}\t{prices[0]}\t{prices[1]}\t\t\t6\n")
                before = (bid, ask)


if __name__ == "__main__":
    print_rows(run(quick=False))
