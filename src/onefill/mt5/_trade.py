"""Orders, positions, their history, and trade requests."""

from __future__ import annotations

from typing import Any

from onefill.mt5._arguments import (
    INVALID,
    NOT_UNNAMED,
    WRONG_NUMBER,
    Refused,
    first,
    moment,
    named,
    real,
    text,
    uint32,
    uint64,
    unnamed,
)
from onefill.mt5._request import request_of
from onefill.mt5._state import state
from onefill.mt5._structs import (
    OrderCheckResult,
    OrderSendResult,
    TradeDeal,
    TradeOrder,
    TradePosition,
)


def orders_total() -> int | None:
    """How many pending orders there are."""
    total: int | None = state.ask("orders_total", ())
    return total


def orders_get(*args: Any, **kwargs: Any) -> tuple[TradeOrder, ...] | None:
    """Pending orders: orders_get(symbol=..., group=..., ticket=...), or all of them."""
    found = _standing("orders_get", args, kwargs)
    return None if found is None else tuple([tuple.__new__(TradeOrder, row) for row in found])


def positions_total() -> int | None:
    """How many positions are open."""
    total: int | None = state.ask("positions_total", ())
    return total


def positions_get(*args: Any, **kwargs: Any) -> tuple[TradePosition, ...] | None:
    """Open positions: positions_get(symbol=..., group=..., ticket=...), or all of them."""
    found = _standing("positions_get", args, kwargs)
    return None if found is None else tuple([tuple.__new__(TradePosition, row) for row in found])


def _standing(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        if args:
            raise Refused(NOT_UNNAMED)
        asked = (
            named(kwargs, "symbol", text, ""),
            named(kwargs, "group", text, ""),
            named(kwargs, "ticket", uint64, 0),
        )
    except Refused as refused:
        state.refuse(refused)
        return None
    return state.ask(name, asked)


def history_orders_total(*args: Any) -> int | None:
    """How many orders ended in a time: history_orders_total(date_from, date_to)."""
    return _total("history_orders_total", args)


def history_deals_total(*args: Any) -> int | None:
    """How many deals were made in a time: history_deals_total(date_from, date_to)."""
    return _total("history_deals_total", args)


def _total(name: str, args: tuple[Any, ...]) -> int | None:
    try:
        window = unnamed(args, moment, moment)
    except Refused as refused:
        state.refuse(refused)
        return None
    total: int | None = state.ask(name, window)
    return total


def history_orders_get(*args: Any, **kwargs: Any) -> tuple[TradeOrder, ...] | None:
    """Orders that are over: history_orders_get(date_from, date_to, group=...), or
    (ticket=...), or (position=...)."""
    found = _history("history_orders_get", args, kwargs)
    return None if found is None else tuple([tuple.__new__(TradeOrder, row) for row in found])


def history_deals_get(*args: Any, **kwargs: Any) -> tuple[TradeDeal, ...] | None:
    """Deals: history_deals_get(date_from, date_to, group=...), or of an order (ticket=...), or of
    a position (position=...)."""
    found = _history("history_deals_get", args, kwargs)
    return None if found is None else tuple([tuple.__new__(TradeDeal, row) for row in found])


def _history(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        window = first(args, moment, moment)
        group = named(kwargs, "group", text, "")
        ticket = named(kwargs, "ticket", uint64, 0)
        position = named(kwargs, "position", uint64, 0)
        if len(window) == 1:
            raise Refused(WRONG_NUMBER)
        if not (window or ticket or position):
            raise Refused(INVALID)
    except Refused as refused:
        state.refuse(refused)
        return None
    return state.ask(name, (*(window or (None, None)), group, ticket, position))


def order_calc_margin(*args: Any) -> float | None:
    """What an order would bind: order_calc_margin(action, symbol, volume, price)."""
    try:
        asked = unnamed(args, uint32, text, real, real)
    except Refused as refused:
        state.refuse(refused)
        return None
    margin: float | None = state.ask("order_calc_margin", asked)
    return margin


def order_calc_profit(*args: Any) -> float | None:
    """What a deal would bring: order_calc_profit(action, symbol, volume, price_open,
    price_close)."""
    try:
        asked = unnamed(args, uint32, text, real, real, real)
    except Refused as refused:
        state.refuse(refused)
        return None
    profit: float | None = state.ask("order_calc_profit", asked)
    return profit


def order_check(*args: Any, **kwargs: Any) -> OrderCheckResult | None:
    """Whether a request would be taken: order_check(request), a dict or a TradeRequest."""
    try:
        request = request_of(args, kwargs)
    except Refused as refused:
        state.refuse(refused)
        return None
    found = state.ask("order_check", tuple(request))
    return None if found is None else tuple.__new__(OrderCheckResult, (*found, request))


def order_send(*args: Any, **kwargs: Any) -> OrderSendResult | None:
    """Send a trade request: order_send(request), a dict or a TradeRequest."""
    try:
        request = request_of(args, kwargs)
    except Refused as refused:
        state.refuse(refused)
        return None
    found = state.ask("order_send", tuple(request))
    return None if found is None else tuple.__new__(OrderSendResult, (*found, request))
