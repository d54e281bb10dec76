"""Which filling mode a market order may ask for: one rule for sending and for checking.

MT5 (`SYMBOL_FILLING_MODE`, `SYMBOL_TRADE_EXEMODE`): request and instant execution take every mode,
market execution what the flags say and never RETURN, exchanges the flags and always RETURN.
"""

from __future__ import annotations

from onefill.terminal import port

FOK_BIT, IOC_BIT = 1, 2
_MARKET, _EXCHANGE = 2, 3


def market_filling(flags: int, execution_mode: int) -> int | None:
    """The mode of a market order; None where the symbol takes none.

    Immediate-or-cancel first: what can be had is had, and what is missing is told.
    """
    if flags & IOC_BIT or execution_mode < _MARKET:
        return port.FILLING_IOC
    if flags & FOK_BIT:
        return port.FILLING_FOK
    return port.FILLING_RETURN if execution_mode == _EXCHANGE else None
