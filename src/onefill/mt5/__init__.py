"""A drop-in for the `MetaTrader5` package: the same names, values, types and refusals, in front of
a simulated terminal. `import onefill.mt5 as mt5`.

Its types are told in `__init__.pyi`.
"""

from onefill.mt5._constants import *
from onefill.mt5._market import (
    copy_rates_from,
    copy_rates_from_pos,
    copy_rates_range,
    copy_ticks_from,
    copy_ticks_range,
    market_book_add,
    market_book_get,
    market_book_release,
    symbol_info,
    symbol_info_tick,
    symbol_select,
    symbols_get,
    symbols_total,
)
from onefill.mt5._python import Buy, Close, Sell
from onefill.mt5._structs import (
    AccountInfo,
    BookInfo,
    OrderCheckResult,
    OrderSendResult,
    TerminalInfo,
    Tick,
    TradeDeal,
    TradeOrder,
    TradePosition,
    TradeRequest,
)
from onefill.mt5._symbol_info import SymbolInfo
from onefill.mt5._terminal import (
    account_info,
    initialize,
    last_error,
    login,
    shutdown,
    terminal_info,
    version,
)
from onefill.mt5._trade import (
    history_deals_get,
    history_deals_total,
    history_orders_get,
    history_orders_total,
    order_calc_margin,
    order_calc_profit,
    order_check,
    order_send,
    orders_get,
    orders_total,
    positions_get,
    positions_total,
)

__author__ = "MetaQuotes Ltd."
__version__ = "5.0.6231"
