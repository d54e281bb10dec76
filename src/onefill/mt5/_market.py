"""Symbols, quotes, market depth, rates and ticks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onefill.mt5._arguments import (
    Reader,
    Refused,
    first,
    int32,
    moment,
    named,
    text,
    unnamed,
)
from onefill.mt5._state import state
from onefill.mt5._structs import BookInfo, Tick
from onefill.mt5._symbol_info import SymbolInfo

_Columns = NDArray[np.void]


def _ask(name: str, args: tuple[Any, ...], *readers: Reader) -> Any:
    """The answer to a function that takes so many unnamed arguments and no others."""
    try:
        arguments = unnamed(args, *readers)
    except Refused as refused:
        state.refuse(refused)
        return None
    return state.ask(name, arguments)


def symbols_total() -> int | None:
    """How many symbols there are."""
    total: int | None = state.ask("symbols_total", ())
    return total


def symbols_get(*args: Any, **kwargs: Any) -> tuple[SymbolInfo, ...] | None:
    """All symbols, or those of a group: symbols_get(group="*")."""
    try:
        (group,) = first(args, text) or (named(kwargs, "group", text, ""),)
    except Refused as refused:
        state.refuse(refused)
        return None
    found = state.ask("symbols_get", (group,))
    return None if found is None else tuple([tuple.__new__(SymbolInfo, row) for row in found])


def symbol_info(*args: Any) -> SymbolInfo | None:
    """A symbol: symbol_info(symbol)."""
    found = _ask("symbol_info", args, text)
    return None if found is None else tuple.__new__(SymbolInfo, found)


def symbol_info_tick(*args: Any) -> Tick | None:
    """A symbol's last quote: symbol_info_tick(symbol)."""
    found = _ask("symbol_info_tick", args, text)
    return None if found is None else tuple.__new__(Tick, found)


def symbol_select(*args: Any) -> bool:
    """Show a symbol in Market Watch, or hide it: symbol_select(symbol, enable=True)."""
    given = args if len(args) == 2 else (*args, True)
    return bool(_ask("symbol_select", given, text, bool))


def market_book_add(*args: Any) -> bool:
    """Ask for a symbol's market depth: market_book_add(symbol)."""
    return bool(_ask("market_book_add", args, text))


def market_book_get(*args: Any) -> tuple[BookInfo, ...] | None:
    """A symbol's market depth: market_book_get(symbol)."""
    found = _ask("market_book_get", args, text)
    return None if found is None else tuple([tuple.__new__(BookInfo, row) for row in found])


def market_book_release(*args: Any) -> bool:
    """No longer ask for a symbol's market depth: market_book_release(symbol)."""
    return bool(_ask("market_book_release", args, text))


def copy_rates_from(*args: Any) -> _Columns | None:
    """Bars up to a time: copy_rates_from(symbol, timeframe, date_from, count)."""
    found: _Columns | None = _ask("copy_rates_from", args, text, int32, moment, int32)
    return found


def copy_rates_from_pos(*args: Any) -> _Columns | None:
    """Bars before the present one: copy_rates_from_pos(symbol, timeframe, start_pos, count)."""
    found: _Columns | None = _ask("copy_rates_from_pos", args, text, int32, int32, int32)
    return found


def copy_rates_range(*args: Any) -> _Columns | None:
    """Bars of a time: copy_rates_range(symbol, timeframe, date_from, date_to)."""
    found: _Columns | None = _ask("copy_rates_range", args, text, int32, moment, moment)
    return found


def copy_ticks_from(*args: Any) -> _Columns | None:
    """Ticks from a time on: copy_ticks_from(symbol, date_from, count, flags)."""
    found: _Columns | None = _ask("copy_ticks_from", args, text, moment, int32, int32)
    return found


def copy_ticks_range(*args: Any) -> _Columns | None:
    """Ticks of a time: copy_ticks_range(symbol, date_from, date_to, flags)."""
    found: _Columns | None = _ask("copy_ticks_range", args, text, moment, moment, int32)
    return found
