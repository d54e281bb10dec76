"""`onefill.mt5` in process: calls a second, as a program makes them, by what the account holds.

The floor of a call is its answer alone: the struct built from fields that are at hand; for a trade
request, the JSON of the entries that it puts into a book. Processor time, in turns with the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from benchmarks.report import Row, print_rows
from onefill import mt5
from onefill.mt5._state import attach
from onefill.replay.generate import generate_ticks
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Entry, encode_entries
from onefill.terminal.simulator.market import Quotes
from onefill.terminal.simulator.profile import find_profile
from onefill.terminal.simulator.quotes.generated import generated_market
from onefill.terminal.simulator.surface.functions import Functions
from onefill.terminal.simulator.surface.local import LocalBackend
from onefill.terminal.simulator.surface.pace import MS_NS, VirtualPace
from onefill.terminal.simulator.terminal import SimulatedTerminal

SYMBOL, START_MS = "EURUSD", 1_772_445_600_000  # Monday, 2026-03-02 10:00 UTC
ROUNDS = 5
_TICKS = 200_000
_BALANCE = 100_000_000.0


Answer = TypeVar("Answer")


def there(answer: Answer | None) -> Answer:
    """An answer that must have come."""
    assert answer is not None, mt5.last_error()
    return answer


def send(request: Mapping[str, object]) -> mt5.OrderSendResult:
    """Send a request that must be carried out."""
    result = there(mt5.order_send(dict(request)))
    assert result.retcode == mt5.TRADE_RETCODE_DONE, result
    return result


class Bench:
    """A program's view of a terminal whose time is the program's calls."""

    def __init__(self, name: str, *, generated: bool, book: Path | None = None) -> None:
        self.name = f"{name}, {'generated' if generated else 'loaded'}"
        profile = find_profile(name)
        # More than a broker allows: it must not matter how many there are.
        unlimited = replace(profile.broker, limit_positions=0, limit_orders=0)
        profile = replace(profile, broker=unlimited)
        quotes: Quotes = {SYMBOL: generate_ticks(SYMBOL, 5, START_MS, _TICKS, 1, 1.085)}
        if generated:
            quotes = generated_market(profile, START_MS)
        self.terminal = SimulatedTerminal(
            profile, quotes, balance=_BALANCE, book=book, lazily=generated
        )
        self.pace = VirtualPace((START_MS + 3_600_000) * MS_NS)
        mt5.shutdown()
        attach(LocalBackend(self.terminal, Functions(self.terminal), self.pace))
        assert mt5.initialize()
        self.deal: dict[str, object] = {
            "action": mt5.TRADE_ACTION_DEAL,
            "symbol": SYMBOL,
            "volume": 0.01,
            "type": mt5.ORDER_TYPE_BUY,
            "deviation": 20,
            "magic": 7,
            "type_filling": mt5.ORDER_FILLING_IOC,
        }
        low = there(mt5.symbol_info_tick(SYMBOL)).bid - 0.2
        self.pending: dict[str, object] = {
            **self.deal,
            "action": mt5.TRADE_ACTION_PENDING,
            "type": mt5.ORDER_TYPE_BUY_LIMIT,
            "price": round(low, 5),
            "type_filling": mt5.ORDER_FILLING_RETURN,
        }

    def open(self, count: int) -> None:
        """Open so many positions."""
        for _ in range(count):
            send(self.deal)

    def place(self, count: int) -> None:
        """Place so many pending orders far from the market."""
        for _ in range(count):
            send(self.pending)

    def open_and_close(self) -> None:
        """A position, and its close: two sends."""
        opened = send(self.deal)
        close = {**self.deal, "type": mt5.ORDER_TYPE_SELL, "position": opened.order}
        send(close)

    def place_and_remove(self) -> None:
        """A pending order, and its removal: two sends."""
        placed = send(self.pending)
        remove = {"action": mt5.TRADE_ACTION_REMOVE, "order": placed.order}
        send(remove)


def run(quick: bool) -> list[Row]:
    """Reading calls, sends by what is open, symbols and bars."""
    count = 200 if quick else 2_000
    standing = (0, 1_000) if quick else (0, 1_000, 10_000)
    entries = _entries()
    rows = []
    for name, generated in (("default", False), ("ecn", False), ("ecn", True)):
        bench = Bench(name, generated=generated)
        rows += _asking(bench, count)
        rows += _sending(bench, count, standing, entries)
        if generated:
            rows += _made_up(bench, count // 10)
    mt5.shutdown()
    attach(None)
    return rows


class Entries(NamedTuple):
    """What a book holds of two requests."""

    deals: list[Entry]
    orders: list[Entry]


def _entries() -> Entries:
    with TemporaryDirectory() as name:
        path = Path(name) / "broker.log"
        bench = Bench("ecn", generated=False, book=path)
        opened = len(read_book(path))
        bench.open_and_close()
        dealt = len(read_book(path))
        bench.place_and_remove()
        entries = read_book(path)
        bench.terminal.close()
    return Entries(entries[opened:dealt], entries[dealt:])


def _asking(bench: Bench, count: int) -> list[Row]:
    tick = there(mt5.symbol_info_tick(SYMBOL))
    rows = [
        _row(bench, "symbol_info_tick", lambda: mt5.symbol_info_tick(SYMBOL), count,
             _built(tick), "build the answer"),
        _row(bench, "account_info", mt5.account_info, count,
             _built(there(mt5.account_info())), "build the answer"),
        _row(bench, "order_check", lambda: mt5.order_check(bench.deal), count,
             _built(there(mt5.order_check(bench.deal))), "build the answer"),
    ]  # fmt: skip
    for standing in (0, 10, 1_000):
        bench.open(standing - there(mt5.positions_total()))
        built = [_built(one) for one in there(mt5.positions_get())]
        rows.append(
            _row(bench, f"positions_get, {standing:,} open", mt5.positions_get,
                 max(20, count // max(1, standing // 10)),
                 _all(built), "build the rows")
        )  # fmt: skip
    _clear()
    return rows


def _sending(bench: Bench, count: int, standing: Sequence[int], entries: Entries) -> list[Row]:
    def sent(name: str, twice: Callable[[], None], told: list[Entry]) -> Row:
        return _row(
            bench, f"order_send: {name}", twice, count // 2,
            lambda: encode_entries(told), "encode its entries", calls=2,
        )  # fmt: skip

    rows = []
    for number in standing:
        bench.open(number - there(mt5.positions_total()))
        name = f"deals, {number:,} positions open"
        rows.append(sent(name, bench.open_and_close, entries.deals))
    _clear()
    for number in standing:
        bench.place(number - there(mt5.orders_total()))
        name = f"placed and removed, {number:,} far away"
        rows.append(sent(name, bench.place_and_remove, entries.orders))
    name = f"deals, {standing[-1]:,} orders far away"
    rows.append(sent(name, bench.open_and_close, entries.deals))
    for order in there(mt5.orders_get()):
        send({"action": mt5.TRADE_ACTION_REMOVE, "order": order.ticket})
    return rows


def _clear() -> None:
    for held in there(mt5.positions_get()):
        close = {
            "action": mt5.TRADE_ACTION_DEAL,
            "symbol": SYMBOL,
            "volume": held.volume,
            "type": mt5.ORDER_TYPE_SELL,
            "position": held.ticket,
            "type_filling": mt5.ORDER_FILLING_IOC,
        }
        send(close)


def _made_up(bench: Bench, count: int) -> list[Row]:
    """All symbols, and what a program that polls asks each minute of a market made up."""

    def poll() -> None:
        bench.pace.sleep_ns(60_000 * MS_NS)
        assert len(there(mt5.copy_rates_from_pos(SYMBOL, mt5.TIMEFRAME_M1, 0, 100))) == 100

    def symbols() -> None:
        bench.pace.sleep_ns(60_000 * MS_NS)
        assert mt5.symbols_get()

    bars = there(mt5.copy_rates_from_pos(SYMBOL, mt5.TIMEFRAME_M1, 0, 100))
    built = [_built(one) for one in there(mt5.symbols_get())]
    return [
        _row(bench, "copy_rates_from_pos, 100 of M1, a minute each", poll, count,
             bars.copy, "copy the bars"),
        _row(bench, f"symbols_get, {len(built)}, a minute each", symbols, max(4, count // 10),
             _all(built), "build the rows"),
    ]  # fmt: skip


def _all(builds: Sequence[Callable[[], object]]) -> Callable[[], object]:
    return lambda: [build() for build in builds]


def _built(answer: tuple[object, ...]) -> Callable[[], object]:
    kind, fields = type(answer), tuple(answer)
    return lambda: tuple.__new__(kind, fields)


def _row(
    bench: Bench,
    name: str,
    call: Callable[[], object],
    count: int,
    floor: Callable[[], object],
    floor_name: str,
    *,
    calls: int = 1,
) -> Row:
    times, floors = [], []
    for _ in range(ROUNDS):
        times.append(_seconds(call, count) / calls)
        floors.append(_seconds(floor, count) / calls)
    spent = median(times)
    note = f"{bench.name}: {spent * 1e6:.1f} us, worst of {ROUNDS} {max(times) * 1e6:.1f}"
    return Row(name, 1 / spent, "calls/s", floor_name, 1 / median(floors), note)


def _seconds(call: Callable[[], object], count: int) -> float:
    began = process_time()
    for _ in range(count):
        call()
    return (process_time() - began) / count


if __name__ == "__main__":
    print_rows(run(quick=False))
