"""Orders a second of other engines, beside ours: where they are installed (`make bench-peers`).

Neither writes an order down before it is sent or after it is filled; ours does both.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from importlib.util import find_spec
from statistics import median

from benchmarks.bench_orders import orders_per_second
from benchmarks.report import Row
from onefill.runtime.collector import calm_collector

_IN_FLIGHT, _ROUNDS = 100, 3
#: What is measured, the package it needs, and the module here that knows that package.
_PEERS = (
    ("nautilus_trader backtest, market orders", "nautilus_trader", "benchmarks.peer_nautilus"),
    ("vn.py event engine, order requests", "vnpy", "benchmarks.peer_vnpy"),
)


def run(quick: bool) -> list[Row]:
    """As many orders through each peer that is installed as through our own engine."""
    calm_collector()
    count = 2_000 if quick else 10_000
    installed = [peer for peer in _PEERS if find_spec(peer[1]) is not None]
    for name, package, _ in _PEERS:
        if find_spec(package) is None:
            print(f"{name}: {package} is not installed here; `make bench-peers` measures it")
    if not installed:
        return []
    engines = [
        partial(orders_per_second, _IN_FLIGHT),
        *(import_module(module).orders_per_second for _, _, module in installed),
    ]
    # In turns, so that what else the machine does meanwhile befalls all of them.
    rounds = [[engine(count) for engine in engines] for _ in range(_ROUNDS)]
    ours, *theirs = zip(*rounds, strict=True)
    return [
        Row(
            name,
            median(rates),
            "orders/s",
            f"onefill durable, {_IN_FLIGHT} in flight",
            median(ours),
            f"not durable; worst of {_ROUNDS}: {min(rates):,.0f}",
        )
        for (name, _, _), rates in zip(installed, theirs, strict=True)
    ]
