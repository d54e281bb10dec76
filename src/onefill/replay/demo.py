"""A generated market and decisions for it, so that a first run needs no data of anybody's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from onefill.replay.generate import generate_ticks, write_csv
from onefill.runtime.draws import Draws
from onefill.terminal.simulator.ticks import TickSeries

_START_MS = 1_772_409_600_000  # a Monday, 00:00 UTC
_TICKS = 60_000
_MARKETS = (("EURUSD", 5, 1.0850), ("XAUUSD", 3, 2350.0))
_DECISIONS = 36


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the demo's inputs were written, and where its journal goes."""

    ticks: list[Path]
    orders: Path
    journal: Path


def write_demo(directory: Path, seed: int) -> DemoFiles:
    """Write ticks and orders into a new numbered folder of `directory`; the same seed writes the
    same files."""
    home = _new_folder(directory)
    series = [
        generate_ticks(symbol, digits, _START_MS, _TICKS, seed, price)
        for symbol, digits, price in _MARKETS
    ]
    paths = []
    for (_, digits, _), ticks in zip(_MARKETS, series, strict=True):
        path = home / f"{ticks.symbol}-demo.csv"
        write_csv(ticks, digits, path)
        paths.append(path)
    orders = home / "orders.jsonl"
    encode = msgspec.json.Encoder().encode
    lines = [encode(order).decode() for order in _decisions(series, Draws(seed))]
    orders.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return DemoFiles(paths, orders, home / "journal")


def _new_folder(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    taken = [int(path.name) for path in directory.iterdir() if path.name.isdigit()]
    home = directory / str(max(taken, default=0) + 1)
    home.mkdir()
    return home


def _decisions(series: list[TickSeries], draws: Draws) -> list[dict[str, object]]:
    """Market and pending orders with stops, then changes, part closes and a last close_all."""
    made: list[dict[str, object]] = []
    last_ms = min(int(ticks.time_ms[-1]) for ticks in series)
    step_ms = (last_ms - _START_MS) // (_DECISIONS + 2)
    for number in range(1, _DECISIONS + 1):
        at_ms = _START_MS + number * step_ms
        key = f"demo-{number:03d}"
        earlier = f"demo-{number - 3:03d}"
        if number % 6 == 0:
            made.append({"client_key": key, "at": at_ms, "action": "close", "target": earlier})
        else:
            made.append(_opening(series[number % 2], key, at_ms, number, draws))
    at_end = {"client_key": "demo-end", "at": last_ms - 1_000, "action": "close_all"}
    return [*made, at_end]


def _opening(
    ticks: TickSeries, key: str, at_ms: int, number: int, draws: Draws
) -> dict[str, object]:
    digits = 5 if ticks.symbol == "EURUSD" else 3
    now = int(ticks.time_ms.searchsorted(at_ms, "right")) - 1
    bid, ask = int(ticks.bid[now]), int(ticks.ask[now])
    buy = draws.uniform("side", key) < 0.5
    distance = 40 * (ask - bid)
    sign = 1 if buy else -1
    order: dict[str, object] = {
        "client_key": key,
        "at": at_ms,
        "symbol": ticks.symbol,
        "side": "buy" if buy else "sell",
        "volume": 0.1 if digits == 5 else 0.02,
        "comment": f"demo {number}",
    }
    middle = ask if buy else bid
    if number % 4 == 0:
        middle -= sign * distance // 4
        order.update(order_type="limit", price=middle / 10**digits)
    order["stop_loss"] = (middle - sign * distance) / 10**digits
    order["take_profit"] = (middle + sign * distance) / 10**digits
    return order
