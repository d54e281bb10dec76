"""The three functions that MetaTrader5 has written in Python: `Buy`, `Sell` and `Close`."""

from __future__ import annotations

from typing import Any, Literal

from onefill.mt5 import _constants as mt5
from onefill.mt5._market import symbol_info_tick
from onefill.mt5._structs import OrderSendResult, TradePosition
from onefill.mt5._trade import order_send, positions_get

_TRIES = 10
_DEVIATION = 10
#: What another try at a new price may mend.
_PRICES_MOVED = (mt5.TRADE_RETCODE_REQUOTE, mt5.TRADE_RETCODE_PRICE_OFF)


def Buy(  # noqa: N802 - MetaTrader5's name
    symbol: str,
    volume: float,
    price: float | None = None,
    *,
    comment: str | None = None,
    ticket: int | None = None,
) -> OrderSendResult | None:
    """Buy at a price, or at the quote, tried ten times; `ticket` names a position to close."""
    return _deal(mt5.ORDER_TYPE_BUY, symbol, volume, price, comment, ticket)


def Sell(  # noqa: N802 - MetaTrader5's name
    symbol: str,
    volume: float,
    price: float | None = None,
    *,
    comment: str | None = None,
    ticket: int | None = None,
) -> OrderSendResult | None:
    """Sell at a price, or at the quote, tried ten times; `ticket` names a position to close."""
    return _deal(mt5.ORDER_TYPE_SELL, symbol, volume, price, comment, ticket)


def Close(  # noqa: N802 - MetaTrader5's name
    symbol: str, *, comment: str | None = None, ticket: int | None = None
) -> bool | Literal["Partially"] | None:
    """Close a symbol's positions, or the one with this ticket: True when all were closed,
    "Partially" when some were, False when none was, None when no answer was had."""
    found = positions_get(symbol=symbol) if ticket is None else positions_get(ticket=ticket)
    if found is None:
        return None
    closed = 0
    for position in found:
        result = _close(symbol, position, comment)
        if result is None:
            return None
        closed += result.retcode == mt5.TRADE_RETCODE_DONE
    if not closed:
        return False
    return True if closed == len(found) else "Partially"


def _close(symbol: str, position: TradePosition, comment: str | None) -> OrderSendResult | None:
    bought = position.type == mt5.POSITION_TYPE_BUY
    side = mt5.ORDER_TYPE_SELL if bought else mt5.ORDER_TYPE_BUY
    return _deal(side, symbol, position.volume, None, comment, position.ticket)


def _deal(
    side: int,
    symbol: str,
    volume: float,
    price: float | None,
    comment: str | None,
    ticket: int | None,
) -> OrderSendResult | None:
    """One try at a given price, or some at the quotes of their moments."""
    request: dict[str, Any] = {
        "action": mt5.TRADE_ACTION_DEAL,
        "type": side,
        "symbol": symbol,
        "volume": volume,
        "price": price,
        "deviation": _DEVIATION,
    }
    if comment is not None:
        request["comment"] = comment
    if ticket is not None:
        request["position"] = ticket
    if price is not None:
        return order_send(request)
    result = None
    for _ in range(_TRIES):
        tick = symbol_info_tick(symbol)
        if tick is None:
            return None
        request["price"] = tick.ask if side == mt5.ORDER_TYPE_BUY else tick.bid
        result = order_send(request)
        if result is None or result.retcode not in _PRICES_MOVED:
            break
    return result
