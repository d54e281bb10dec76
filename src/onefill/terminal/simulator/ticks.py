"""The market of one symbol as arrays: millions of quotes without an object for each.

Prices are whole points: a quote read, merged and hashed is the same number on every machine.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TickSeries:
    """Quotes of one symbol in strictly rising time; prices are whole points of the symbol.

    The three arrays have one length and are made read-only.
    """

    symbol: str
    #: UTC, Unix milliseconds, strictly increasing.
    time_ms: NDArray[np.int64]
    #: Points: price * 10**digits.
    bid: NDArray[np.int32]
    ask: NDArray[np.int32]
    #: Good tick lines read, including those superseded in the same millisecond.
    read: int

    def __post_init__(self) -> None:
        assert self.time_ms.dtype == np.int64, self.time_ms.dtype
        assert self.bid.dtype == self.ask.dtype == np.int32, (self.bid.dtype, self.ask.dtype)
        assert self.time_ms.shape == self.bid.shape == self.ask.shape == (len(self.time_ms),)
        assert bool(np.all(self.time_ms[1:] > self.time_ms[:-1])), "time must rise strictly"
        for column in (self.time_ms, self.bid, self.ask):
            column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.time_ms)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the symbol and its quotes.

        What the quotes came from does not enter: compressed or not, in one file or in several, with
        or without lines that a later one of the same millisecond superseded.
        """
        digest = hashlib.sha256(f"onefill ticks 1\n{self.symbol}\n{len(self)}\n".encode())
        digest.update(np.ascontiguousarray(self.time_ms, dtype="<i8").data)
        digest.update(np.ascontiguousarray(self.bid, dtype="<i4").data)
        digest.update(np.ascontiguousarray(self.ask, dtype="<i4").data)
        return digest.hexdigest()


def series_of(
    symbol: str,
    time_ms: NDArray[np.int64],
    bid: NDArray[np.int32],
    ask: NDArray[np.int32],
    read: int,
) -> TickSeries:
    """A series from quotes whose time never falls; of those in one millisecond the last holds."""
    last = np.ones(len(time_ms), np.bool_)
    np.not_equal(time_ms[1:], time_ms[:-1], out=last[:-1])
    if last.all():
        return TickSeries(symbol, time_ms, bid, ask, read)
    return TickSeries(symbol, time_ms[last], bid[last], ask[last], read)


def merge(parts: Sequence[TickSeries]) -> TickSeries:
    """Several series of one symbol as one, by time.

    Of ticks in the same millisecond the one of the last part holds. `read` is the sum.
    """
    assert parts, "nothing to merge"
    assert len({part.symbol for part in parts}) == 1, [part.symbol for part in parts]
    if len(parts) == 1:
        return parts[0]
    # One column at a time: the peak is the sum of the parts, and one column.
    time_ms = np.concatenate([part.time_ms for part in parts])
    bid = np.concatenate([part.bid for part in parts])
    ask = np.concatenate([part.ask for part in parts])
    if bool(np.any(time_ms[1:] < time_ms[:-1])):
        order = np.argsort(time_ms, kind="stable")
        time_ms, bid, ask = time_ms[order], bid[order], ask[order]
    return series_of(parts[0].symbol, time_ms, bid, ask, sum(part.read for part in parts))
