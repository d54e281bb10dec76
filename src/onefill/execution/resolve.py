"""What only the market can say of an intent: lots from units, levels on the step, tickets."""

from __future__ import annotations

from onefill.execution.denial import Refused
from onefill.model.account import Position
from onefill.model.errors import OnefillError
from onefill.model.intent import Action, OrderIntent, OrderType, Side
from onefill.model.market import MarketView
from onefill.model.resolved import ResolvedOrder
from onefill.model.symbol import Symbol
from onefill.model.volume import to_e8, to_lots, units_to_e8
from onefill.terminal.filling import market_filling
from onefill.terminal.port import OrderRow, PositionRow


def resolve_open(
    intent: OrderIntent,
    symbol: Symbol,
    view: MarketView,
    deviation_pips: int,
    *,
    netting: bool = False,
) -> ResolvedOrder:
    """A new order: market at the quote in force, or pending at its own price."""
    assert intent.side is not None
    quote = view.ask if intent.side is Side.BUY else view.bid
    price = _level(symbol, intent.price, "price")
    kind = _kind(intent, quote, price)
    market = kind is OrderType.MARKET
    if market and not _takes_deals(symbol):
        raise _no_filling(symbol, "a pending order can be placed")
    volume_e8, units_left = _volume(intent, symbol)
    deviation = intent.deviation
    return ResolvedOrder(
        action=Action.OPEN,
        symbol=symbol.name,
        side=intent.side,
        order_type=kind,
        volume_e8=volume_e8,
        price=0.0 if market else price,
        stop_limit_price=_level(symbol, intent.stop_limit_price, "stop_limit_price"),
        stop_loss=_level(symbol, intent.stop_loss, "stop_loss"),
        take_profit=_level(symbol, intent.take_profit, "take_profit"),
        deviation=deviation_pips * symbol.pip_points if deviation is None else deviation,
        expiration_ms=intent.expiration_ms or 0,
        requested_price=_requested(symbol, intent, quote, price),
        pip_points=symbol.pip_points,
        digits=symbol.digits,
        units_left=units_left,
        netting=netting,
    )


def _kind(intent: OrderIntent, quote: float, price: float) -> OrderType:
    """PENDING says neither limit nor stop: better than the market is a limit, worse a stop."""
    if intent.order_type is not OrderType.PENDING:
        return intent.order_type
    better = price <= quote if intent.side is Side.BUY else price >= quote
    return OrderType.LIMIT if better else OrderType.STOP


def _requested(symbol: Symbol, intent: OrderIntent, quote: float, price: float) -> float:
    """What the decision expected: its own price, else the quote; a stop limit fills as a limit."""
    if intent.order_type is OrderType.STOP_LIMIT:
        return _level(symbol, intent.stop_limit_price, "stop_limit_price")
    return price or quote


def resolve_close(
    intent: OrderIntent,
    position: Position,
    symbol: Symbol,
    view: MarketView,
    deviation_pips: int,
    *,
    netting: bool = False,
) -> ResolvedOrder:
    """A close of one position, whole or in part, by a deal of the opposite side."""
    side = position.side.opposite
    quote = view.ask if side is Side.BUY else view.bid
    asked = intent.volume is not None or intent.units is not None
    volume_e8, units_left = _volume(intent, symbol) if asked else (position.volume_e8, 0.0)
    if volume_e8 > position.volume_e8:
        raise Refused(
            "CLOSE_VOLUME_TOO_BIG",
            f"volume {to_lots(volume_e8):g} lots is more than the {to_lots(position.volume_e8):g} "
            f"lots still open in position {position.ticket}",
        )
    if not _takes_deals(symbol):
        raise _no_filling(
            symbol,
            f"close position {position.ticket} by hand in the terminal, or by its stop loss or "
            "take profit",
        )
    deviation = intent.deviation
    return ResolvedOrder(
        action=Action.CLOSE,
        symbol=symbol.name,
        side=side,
        volume_e8=volume_e8,
        deviation=deviation_pips * symbol.pip_points if deviation is None else deviation,
        position_ticket=position.ticket,
        target=position.key,
        requested_price=_level(symbol, intent.price, "price") or quote,
        pip_points=symbol.pip_points,
        digits=symbol.digits,
        units_left=units_left,
        netting=netting,
    )


def resolve_modify_position(
    intent: OrderIntent,
    row: PositionRow,
    symbol: Symbol,
    target: str,
    *,
    share: int = 0,
) -> ResolvedOrder:
    """New stop loss and take profit of a position; what is not named stays. Where the account nets
    it is the symbol's one position whose levels change, and `share` the ticket of the target's."""
    if intent.price or intent.stop_limit_price or intent.expiration_ms is not None:
        raise Refused(
            "NOT_A_PENDING_ORDER",
            f"target {target!r} is an open position: only stop_loss and take_profit can change",
        )
    return ResolvedOrder(
        action=Action.MODIFY,
        symbol=symbol.name,
        side=Side.BUY if row.type == 0 else Side.SELL,
        stop_loss=_kept(symbol, intent.stop_loss, row.sl, "stop_loss"),
        take_profit=_kept(symbol, intent.take_profit, row.tp, "take_profit"),
        position_ticket=share or row.ticket,
        target=target,
        pip_points=symbol.pip_points,
        digits=symbol.digits,
        netting=bool(share),
    )


def resolve_modify_order(
    intent: OrderIntent, row: OrderRow, symbol: Symbol, target: str
) -> ResolvedOrder:
    """New levels of a pending order; what is not named stays."""
    kinds = {2: OrderType.LIMIT, 3: OrderType.LIMIT, 4: OrderType.STOP, 5: OrderType.STOP}
    expiration = row.expiration_ms if intent.expiration_ms is None else intent.expiration_ms
    return ResolvedOrder(
        action=Action.MODIFY,
        symbol=symbol.name,
        side=Side.BUY if row.type % 2 == 0 else Side.SELL,
        order_type=kinds.get(row.type, OrderType.STOP_LIMIT),
        volume_e8=0,
        price=_kept(symbol, intent.price, row.price_open, "price"),
        stop_limit_price=_kept(
            symbol, intent.stop_limit_price, row.price_stoplimit, "stop_limit_price"
        ),
        stop_loss=_kept(symbol, intent.stop_loss, row.sl, "stop_loss"),
        take_profit=_kept(symbol, intent.take_profit, row.tp, "take_profit"),
        expiration_ms=expiration,
        order_ticket=row.ticket,
        target=target,
        pip_points=symbol.pip_points,
        digits=symbol.digits,
    )


def resolve_cancel(order_ticket: int, symbol: str, target: str) -> ResolvedOrder:
    """The removal of a pending order."""
    return ResolvedOrder(
        action=Action.CANCEL, symbol=symbol, order_ticket=order_ticket, target=target
    )


def _takes_deals(symbol: Symbol) -> bool:
    return market_filling(symbol.filling_flags, symbol.execution_mode) is not None


def _no_filling(symbol: Symbol, instead: str) -> Refused:
    """It would be answered 10030, whichever mode it asked for."""
    return Refused(
        "FILLING_UNSUPPORTED",
        f"the broker says of {symbol.name} that it takes market orders with no filling mode at "
        f"all, so none is sent; {instead}",
    )


def _volume(intent: OrderIntent, symbol: Symbol) -> tuple[int, float]:
    """Lots asked for, never resized, but units rounded down to the step; and what was left."""
    if intent.volume is not None:
        return to_e8(intent.volume), 0.0
    assert intent.units is not None
    volume_e8 = units_to_e8(intent.units, symbol.contract_size, symbol.volume_step_e8)
    left = intent.units - to_lots(volume_e8) * symbol.contract_size
    return volume_e8, round(max(left, 0.0), 8)


def _level(symbol: Symbol, price: float | None, field: str) -> float:
    if not price:
        return 0.0
    try:
        return symbol.normalise(price, field)
    except OnefillError as wrong:
        raise Refused(wrong.code, wrong.message) from None


def _kept(symbol: Symbol, price: float | None, now: float, field: str) -> float:
    return now if price is None else _level(symbol, price, field)
