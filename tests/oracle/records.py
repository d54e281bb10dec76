"""The oracle's records, and how the fields of an order line are read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from .symbols import Symbol

Order = Mapping[str, Any]
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


class Refused(Exception):
    """The order cannot be carried out; whether risk or the broker says so is left open."""


@dataclass
class Outcome:
    """What must become of one order; volumes in lots, times in Unix milliseconds."""

    key: str
    action: str
    status: str = "refused"
    why: str = ""
    deal_number: int = 0  # of the deal that filled it; they rise with time
    filled_at_ms: int | None = None
    requested_price: Decimal | None = None
    fill_price: Decimal | None = None
    filled_volume: Decimal = Decimal(0)
    slippage_pips: Fraction | None = None
    margin_at_open: Decimal | None = None
    profit: Decimal = Decimal(0)  # of the closing deals it made, or of the position it opened


@dataclass(frozen=True)
class Pending:
    """An order to open; `price` triggers it, `limit_price` is a stop limit's own limit.

    Of every other kind `limit_price` equals `price`. `side` is 1 for a buy, -1 for a sell.
    """

    ticket: int
    key: str
    symbol: Symbol
    side: int
    kind: str
    volume: Decimal
    price: Decimal
    limit_price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    expiration_ms: int | None


@dataclass
class Position:
    """An open position, under the ticket and key of the order that opened it."""

    ticket: int
    key: str
    symbol: Symbol
    side: int
    volume: Decimal
    open_price: Decimal
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


@dataclass(frozen=True)
class Deal:
    """One execution. `key` is the position's order; `reason` is open, close, sl or tp."""

    number: int
    time_ms: int
    key: str
    reason: str
    side: int
    volume: Decimal
    price: Decimal
    profit: Decimal = Decimal(0)


def read_orders(path: Path) -> list[Order]:
    """The lines of an orders file, numbers exact."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines if line.strip()]


def number(order: Order, field: str) -> Decimal | None:
    """An exact number, or None where the field is absent or null."""
    value = order.get(field)
    return None if value is None else Decimal(str(value))


def milliseconds(moment: int | str) -> int:
    """Unix milliseconds of a field that holds those or RFC 3339."""
    if isinstance(moment, int):
        return moment
    return (datetime.fromisoformat(moment) - _EPOCH) // timedelta(milliseconds=1)


def lots(order: Order, symbol: Symbol) -> Decimal:
    """The volume asked for, by `volume` or by `units` (rounded down to the step), checked."""
    volume, units = number(order, "volume"), number(order, "units")
    if units is not None:
        volume = Fraction(units) / symbol.contract // Fraction(symbol.step) * symbol.step
    if volume is None or volume < symbol.min_volume or volume > symbol.max_volume:
        raise Refused("volume outside the symbol's limits")
    if volume % symbol.step != 0:
        raise Refused("volume off the step")
    return volume
