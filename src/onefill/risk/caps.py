"""What each limit is, which of two values is the tighter, and the view of them an order meets."""

from __future__ import annotations

import json
import math
from enum import StrEnum

import msgspec

from onefill.model.throttle import MOMENTS_KEPT

Value = float | bool | str | tuple[str, ...]
"""A limit's value as the levels hold it; numbers are floats, and inf is no limit."""


class Trading(StrEnum):
    """The trading state (control 2), from loose to tight."""

    NORMAL = "normal"
    REDUCE_ONLY = "reduce_only"
    HALTED = "halted"


class Kind(StrEnum):
    """What a limit's value is, in the words of the error messages."""

    STATE = '"normal", "reduce_only" or "halted"'
    SWITCH = "true or false"
    SYMBOLS = 'a list of symbol names, or ["*"] for every symbol'
    NUMBER = "a number of at least 0"
    COUNT = "a whole number of at least 0"


class Limit(msgspec.Struct, frozen=True):
    """One limit: what its value is, the word that stands for no limit, which of two is tighter."""

    kind: Kind
    #: "unlimited" or "off"; empty: there must be a number.
    word: str = ""
    without: float = math.inf
    tighter_is_more: bool = False
    #: Set nowhere it does not deny: `without` holds. For limits that came later than the files.
    optional: bool = False
    #: The greatest number that can be judged by.
    most: float = 1e300


LIMITS: dict[str, Limit] = {
    "trading": Limit(Kind.STATE),
    "auto_trading": Limit(Kind.SWITCH),
    "symbols": Limit(Kind.SYMBOLS),
    "price_collar_percent": Limit(Kind.NUMBER, "unlimited"),
    "max_order_value": Limit(Kind.NUMBER, "unlimited"),
    "max_order_volume": Limit(Kind.NUMBER, "unlimited"),
    "max_exposure_value": Limit(Kind.NUMBER, "unlimited"),
    "max_orders": Limit(Kind.COUNT, "unlimited"),
    "max_positions": Limit(Kind.COUNT, "unlimited"),
    "max_quote_age_s": Limit(Kind.NUMBER, "unlimited"),
    "max_spread_pips": Limit(Kind.NUMBER, "unlimited"),
    "max_slippage_pips": Limit(Kind.NUMBER, "unlimited"),
    "margin_cushion": Limit(Kind.NUMBER, tighter_is_more=True),
    "risk_per_trade_percent": Limit(Kind.NUMBER, "off"),
    "repeat_window_s": Limit(Kind.NUMBER, "off", without=0.0, tighter_is_more=True),
    "max_messages": Limit(Kind.COUNT, "unlimited", optional=True, most=MOMENTS_KEPT),
    "message_window_s": Limit(Kind.NUMBER, without=1.0, tighter_is_more=True, optional=True),
    "max_repeats": Limit(Kind.COUNT, "unlimited", optional=True, most=MOMENTS_KEPT),
    "max_repeats_window_s": Limit(Kind.NUMBER, without=60.0, tighter_is_more=True, optional=True),
    "max_positions_per_symbol": Limit(Kind.COUNT, "unlimited", optional=True),
    "max_volume_per_symbol": Limit(Kind.NUMBER, "unlimited", optional=True),
    "max_volume": Limit(Kind.NUMBER, "unlimited", optional=True),
    "min_margin_level_percent": Limit(
        Kind.NUMBER, "off", without=0.0, tighter_is_more=True, optional=True
    ),
    "max_daily_loss": Limit(Kind.NUMBER, "unlimited", optional=True),
    "max_drawdown_percent": Limit(Kind.NUMBER, "unlimited", optional=True),
}

TOTALS = ("max_exposure_value", "max_orders", "max_positions")
"""Limits on sums: counted where they are set, for the account, a strategy or a symbol."""

_LOOSE_TO_TIGHT = tuple(Trading)


def tightness(name: str, value: Value, symbol: str) -> float:
    """How tight a limit's value is for an order in a symbol: of two, the greater holds."""
    if isinstance(value, str):
        return _LOOSE_TO_TIGHT.index(Trading(value))
    if isinstance(value, tuple):
        return 0.0 if "*" in value or symbol in value else 1.0
    if isinstance(value, bool):
        return 0.0 if value else 1.0
    return value if LIMITS[name].tighter_is_more else -value


def written(name: str, value: Value) -> str:
    """A value as a limits file writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | tuple):
        return json.dumps(value)
    limit = LIMITS[name]
    if limit.word and value == limit.without:
        return f'"{limit.word}"'
    return str(int(value)) if value.is_integer() else repr(value)


class TotalCaps(msgspec.Struct, frozen=True):
    """Caps on sums, all counted in one place: account, strategy or symbol. inf is no limit."""

    scope: str
    exposure_value: float
    orders: float
    positions: float


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that hold for orders of one strategy in one symbol; inf is no limit.

    Money is in account currency. What `missing` names is set nowhere, and its value here means
    nothing.
    """

    magic: int
    symbol: str
    missing: tuple[str, ...]
    trading: Trading
    auto_trading: bool
    permitted: bool
    price_collar_percent: float
    order_value: float
    order_volume_e8: float
    quote_age_ms: float
    spread_pips: float
    slippage_pips: float
    margin_cushion: float
    risk_percent: float
    repeat_window_ms: int
    #: Messages (orders, changes, cancels) of the account in a window.
    messages: float
    message_window_ms: int
    #: Orders alike of one strategy in a window.
    repeats: float
    repeats_window_ms: int
    positions_per_symbol: float
    volume_per_symbol_e8: float
    volume_e8: float
    margin_level_percent: float
    daily_loss: float
    drawdown_percent: float
    account: TotalCaps
    strategy: TotalCaps | None
    in_symbol: TotalCaps | None
