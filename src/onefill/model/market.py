"""What risk and validation look at: one symbol's quote and the account, from one moment."""

from __future__ import annotations

import msgspec


class MarketView(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the terminal. Money is in the account currency; times are UTC milliseconds.

    `quote_ms` 0 means that no quote has come yet.
    """

    symbol: str
    quote_ms: int
    bid: float
    ask: float
    #: Account money that one point of price is worth, for one lot.
    point_value: float
    #: Margin of one lot opened at the current quote.
    margin_per_lot: float
    session_open: bool
    balance: float
    equity: float
    margin: float
    margin_free: float
    currency: str
    currency_digits: int
    open_positions: int
    open_orders: int
