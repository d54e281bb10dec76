"""The functions that may be asked for over a connection, and what each is passed.

A client is checked here before anything of its call reaches the broker: a number in the place of a
name would otherwise fail somewhere inside.
"""

from __future__ import annotations

from typing import Any

import msgspec

_Nothing = tuple[()]
_Rows = tuple[str, str, int]
_Window = tuple[float, float]
_History = tuple[float | None, float | None, str, int, int]
#: The 17 fields of MT5's trade request, in its order.
_Request = tuple[
    int, int, int, str, float, float, float, float, float,
    int, int, int, int, int, str, int, int,
]  # fmt: skip

_PASSED: dict[str, Any] = {
    "login": tuple[int, str, str],
    "version": _Nothing,
    "account_info": _Nothing,
    "terminal_info": _Nothing,
    "symbols_total": _Nothing,
    "orders_total": _Nothing,
    "positions_total": _Nothing,
    "symbols_get": tuple[str],
    "symbol_info": tuple[str],
    "symbol_info_tick": tuple[str],
    "symbol_select": tuple[str, bool],
    "market_book_add": tuple[str],
    "market_book_release": tuple[str],
    "market_book_get": tuple[str],
    "copy_rates_from": tuple[str, int, float, int],
    "copy_rates_from_pos": tuple[str, int, int, int],
    "copy_rates_range": tuple[str, int, float, float],
    "copy_ticks_from": tuple[str, float, int, int],
    "copy_ticks_range": tuple[str, float, float, int],
    "orders_get": _Rows,
    "positions_get": _Rows,
    "history_orders_total": _Window,
    "history_deals_total": _Window,
    "history_orders_get": _History,
    "history_deals_get": _History,
    "order_calc_margin": tuple[int, str, float, float],
    "order_calc_profit": tuple[int, str, float, float, float],
    "order_check": _Request,
    "order_send": _Request,
    "now_ms": _Nothing,
    "sleep_ms": tuple[float],
}


class WrongCall(Exception):
    """No such function, or not what it is passed. `code` is `CALL_UNKNOWN` or `CALL_INVALID`."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def checked(name: str, arguments: list[Any]) -> tuple[Any, ...]:
    """The arguments as the function has them. Raises `WrongCall`."""
    passed = _PASSED.get(name)
    if passed is None:
        raise WrongCall("CALL_UNKNOWN", f"there is no function {name!r}")
    try:
        found: tuple[Any, ...] = msgspec.convert(arguments, passed)
    except msgspec.ValidationError as wrong:
        raise WrongCall("CALL_INVALID", f"{name}: {wrong}") from None
    if name == "sleep_ms" and not 0 <= found[0] <= MAX_SLEEP_MS:
        raise WrongCall("CALL_INVALID", f"sleep_ms: {found[0]} is not in 0 to {MAX_SLEEP_MS}")
    return found


#: Ten years of the market's time.
MAX_SLEEP_MS = 10 * 366 * 86_400_000
