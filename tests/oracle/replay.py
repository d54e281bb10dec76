"""The plain loop: ticks and orders by time, through one book."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from .book import Book
from .records import Deal, Order, Outcome, milliseconds
from .ticks import Tick, read_ticks


@dataclass(frozen=True)
class OracleRun:
    """Everything expected of a run; outcomes in order of arrival, `floating_profit` is that of open
    positions."""

    outcomes: list[Outcome]
    deals: list[Deal]
    balance: Decimal
    equity: Decimal
    floating_profit: Decimal
    margin: Decimal


def replay(
    ticks_files: Sequence[Path | str],
    orders: Sequence[Order],
    balance: Decimal,
    currency: str = "USD",
    leverage: int = 100,
) -> OracleRun:
    """Replay tick files with orders (in the orders file's order) on a fresh account."""
    return replay_ticks(read_ticks(ticks_files), orders, balance, currency, leverage)


def replay_ticks(
    ticks: Sequence[Tick],
    orders: Sequence[Order],
    balance: Decimal,
    currency: str = "USD",
    leverage: int = 100,
) -> OracleRun:
    """Ticks up to and including an order's time come before it; equal times go by line."""
    book = Book(balance, currency, leverage)
    waiting = [(milliseconds(order["at"]), order) for order in orders]
    waiting.sort(key=lambda pair: pair[0])
    for tick in ticks:
        while waiting and waiting[0][0] < tick.time_ms:
            book.order(waiting.pop(0)[1])
        book.tick(tick)
    for _, order in waiting:
        book.order(order)
    floating = book.floating()
    return OracleRun(
        outcomes=list(book.outcomes.values()),
        deals=book.deals,
        balance=book.balance,
        equity=book.balance + floating,
        floating_profit=floating,
        margin=book.used_margin(),
    )
