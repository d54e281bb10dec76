"""A market's day and a handful of decisions for it, written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import write_orders

DAY = "2014-05-08T"
EURUSD = "EURUSD-2014-05-08.csv.gz"

ORDERS: list[dict[str, Any]] = [
    {
        "client_key": "buy",
        "at": f"{DAY}09:00:00Z",
        "symbol": "EURUSD",
        "side": "buy",
        "volume": 0.1,
        "stop_loss": 1.38,
        "comment": "by hand",
    },
    {
        "client_key": "sell-limit",
        "at": f"{DAY}10:30:00Z",
        "symbol": "EURUSD",
        "side": "sell",
        "units": 95_500,
        "order_type": "limit",
        "price": 1.397,
        "take_profit": 1.3872,
    },
    {
        "client_key": "sell-stop",
        "at": f"{DAY}10:30:00Z",
        "symbol": "EURUSD",
        "side": "sell",
        "volume": 0.3,
        "order_type": "stop",
        "price": 1.386,
    },
    {
        "client_key": "far",
        "at": f"{DAY}10:30:00Z",
        "symbol": "EURUSD",
        "side": "buy",
        "volume": 1,
        "order_type": "limit",
        "price": 1.3,
    },
    {
        "client_key": "raise",
        "at": f"{DAY}11:00:00Z",
        "action": "modify",
        "target": "buy",
        "stop_loss": 1.39,
    },
    {"client_key": "too-big", "at": 1_399_546_800_000, "symbol": "EURUSD", "side": "buy"}
    | {"volume": 600},
    {"client_key": "take-back", "at": f"{DAY}12:00:00Z", "action": "cancel", "target": "far"},
    {
        "client_key": "half",
        "at": f"{DAY}16:00:00Z",
        "action": "close",
        "target": "sell-stop",
        "volume": 0.15,
    },
    {"client_key": "end", "at": f"{DAY}18:00:00Z", "action": "close_all"},
    {
        "client_key": "overnight",
        "at": f"{DAY}20:00:00Z",
        "symbol": "EURUSD",
        "side": "sell",
        "volume": 0.2,
        "order_type": "limit",
        "price": 1.39,
    },
]


@pytest.fixture(scope="session")
def eurusd(ticks_dir: Path) -> Path:
    """The day of the ECB's May meeting of 2014, every tick."""
    return ticks_dir / EURUSD


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """The decisions, one a line."""
    return write_orders(tmp_path / "orders.jsonl", *ORDERS)
