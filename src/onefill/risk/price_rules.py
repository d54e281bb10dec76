"""Control 16, prices: on which side of what they must lie, and how far from it (MT5's rules).

Buy limit < ask < buy stop; sell stop < bid < sell limit. Stop loss and take profit enclose the
price at which the position would be closed now; those of a pending order, its own price.
"""

from __future__ import annotations

from onefill.model.intent import OrderType, Side
from onefill.risk.case import Case, entry_price
from onefill.risk.reasons import Denial, DenialCode, deny


def own_price(case: Case) -> float:
    """What stop loss and take profit must enclose."""
    if case.order.order_type is not OrderType.MARKET:
        return entry_price(case)
    return case.view.bid if case.order.side is Side.BUY else case.view.ask


def price_sides(case: Case) -> Denial | None:
    """A pending order's prices: on their sides, and no closer than the stops level."""
    order, symbol = case.order, case.symbol
    if order.order_type is OrderType.MARKET:
        return None
    missing = _missing(case)
    if missing:
        return deny(DenialCode.PRICE_MISSING, what=_what(case), field=missing)
    away = symbol.points(order.price) - symbol.points(case.quote)
    gap = away * order.side.sign
    if order.order_type is OrderType.LIMIT:
        gap = -gap
    if gap <= 0:
        above = (order.order_type is OrderType.LIMIT) is (order.side is Side.SELL)
        return _wrong_side(case, "price", order.price, above, case.quote)
    if gap < symbol.stops_level:
        return deny(
            DenialCode.PRICE_TOO_CLOSE,
            price=order.price,
            points=gap,
            quote=case.quote,
            level=symbol.stops_level,
        )
    if order.order_type is not OrderType.STOP_LIMIT:
        return None
    below = symbol.points(order.price) - symbol.points(order.stop_limit_price)
    if below * order.side.sign > 0:
        return None
    above = order.side is Side.SELL
    return _wrong_side(case, "stop_limit_price", order.stop_limit_price, above, order.price)


def stop_sides(case: Case, own: float) -> Denial | None:
    """Stop loss and take profit: on their sides of `own`, and no closer than the stops level."""
    order = case.order
    if order.stop_loss:
        refused = _enclosed(case, "stop_loss", order.stop_loss, own, -order.side.sign)
        if refused is not None:
            return refused
    if order.take_profit:
        return _enclosed(case, "take_profit", order.take_profit, own, order.side.sign)
    return None


def frozen(case: Case) -> Denial | None:
    """A change while the price is within the freeze level of what would trigger."""
    level = case.symbol.freeze_level
    if not level:
        return None
    market, prices = _triggers(case)
    for field, price in prices:
        points = abs(case.symbol.points(price) - case.symbol.points(market))
        if price and points <= level:
            return deny(
                DenialCode.FROZEN,
                field=field,
                price=price,
                points=points,
                quote=market,
                level=level,
            )
    return None


def _triggers(case: Case) -> tuple[float, tuple[tuple[str, float], ...]]:
    """The quote that triggers what stands now, and the prices at which it does."""
    order, state = case.order, case.state
    position = state.positions.get(order.position_ticket)
    if position is not None:
        closing = case.view.bid if position.side is Side.BUY else case.view.ask
        stops = (("stop_loss", position.stop_loss), ("take_profit", position.take_profit))
        return closing, stops
    working = state.orders.get(state.tickets.get(order.order_ticket, ""))
    if working is None or working.order is None:
        return case.quote, ()
    return case.quote, (("price", working.order.price),)


def _enclosed(case: Case, field: str, price: float, own: float, sign: int) -> Denial | None:
    """`sign` +1: the price must be above `own`; -1: below."""
    gap = (case.symbol.points(price) - case.symbol.points(own)) * sign
    if gap <= 0:
        return _wrong_side(case, field, price, sign > 0, own)
    if gap < case.symbol.stops_level:
        return deny(
            DenialCode.STOPS_TOO_CLOSE,
            field=field,
            price=price,
            points=gap,
            other=own,
            level=case.symbol.stops_level,
        )
    return None


def _missing(case: Case) -> str:
    order = case.order
    if not order.price:
        return "price"
    needs_limit = order.order_type is OrderType.STOP_LIMIT and not order.stop_limit_price
    return "stop_limit_price" if needs_limit else ""


def _wrong_side(case: Case, field: str, price: float, above: bool, other: float) -> Denial:
    stop = field in ("stop_loss", "take_profit")
    return deny(
        DenialCode.STOPS_WRONG_SIDE if stop else DenialCode.PRICE_WRONG_SIDE,
        field=field,
        price=price,
        what=_what(case),
        relation="above" if above else "below",
        other=other,
    )


def _what(case: Case) -> str:
    order = case.order
    if order.position_ticket:
        return f"{order.side} position"
    kind = order.order_type.replace("_", " ")
    return f"{order.side} {'market order' if order.order_type is OrderType.MARKET else kind}"
