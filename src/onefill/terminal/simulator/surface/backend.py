"""What stands behind `onefill.mt5`: MT5's functions by name, in this process or behind a socket.

`onefill.mt5` checks what a program passes and names the fields of what comes back; a backend
answers in plain values: tuples in the order of MT5's struct fields, so that they travel.

| name | arguments | value |
|---|---|---|
| `login` | login, password, server (0 and "" where not given) | bool |
| `version` | | (500, build, date) |
| `account_info`, `terminal_info` | | the struct's fields |
| `symbols_total`, `orders_total`, `positions_total` | | int |
| `symbols_get` | group ("" for all) | a tuple of symbols |
| `symbol_info`, `symbol_info_tick` | name | the struct's fields |
| `symbol_select` | name, enable | bool |
| `market_book_add`, `market_book_release` | name | bool |
| `market_book_get` | name | a tuple of levels |
| `copy_rates_from` | name, timeframe, from_s, count | numpy array |
| `copy_rates_from_pos` | name, timeframe, position, count | numpy array |
| `copy_rates_range` | name, timeframe, from_s, to_s | numpy array |
| `copy_ticks_from` | name, from_s, count, flags | numpy array |
| `copy_ticks_range` | name, from_s, to_s, flags | numpy array |
| `orders_get`, `positions_get` | symbol, group, ticket ("" and 0 where not given) | rows |
| `history_orders_total`, `history_deals_total` | from_s, to_s | int |
| `history_orders_get`, `history_deals_get` | from_s, to_s, group, ticket, position | rows |
| `order_calc_margin` | action, name, volume, price | float |
| `order_calc_profit` | action, name, volume, price_open, price_close | float |
| `order_check`, `order_send` | the 17 fields of a trade request | the struct's fields, `request` |
| | in MT5's order | left out (it is echoed by `onefill.mt5`) |

Times in arguments and rows (`*_s` are float seconds; `from_s` None where no window was given) are
the server's clock as MT5 tells it. A value of None, with an error, is what MT5 answers as None.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class Answer(NamedTuple):
    """A function's value, and what `last_error` says after it."""

    value: Any
    error: tuple[int, str] = (1, "Success")


class Backend(Protocol):
    """A terminal to which a program is connected."""

    def call(self, name: str, arguments: tuple[Any, ...]) -> Answer:
        """Answer a function of the table; an unknown name is a programming error (KeyError)."""
        ...

    def now_ms(self) -> int:
        """The market's time, UTC Unix ms."""
        ...

    def sleep_ms(self, duration_ms: float) -> None:
        """Let so much of the market's time pass."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...
