"""Stage 2: the broker's request, built from the resolved order and nothing else."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.model.intent import Action, OrderType, Side, token_of
from onefill.model.order import OrderState
from onefill.model.resolved import BrokerRequest, ResolvedOrder
from onefill.model.symbol import Symbol
from onefill.model.volume import to_lots
from onefill.terminal import port
from onefill.terminal.filling import market_filling

_PENDING_TYPES = {
    (OrderType.LIMIT, Side.BUY): port.TYPE_BUY_LIMIT,
    (OrderType.LIMIT, Side.SELL): port.TYPE_SELL_LIMIT,
    (OrderType.STOP, Side.BUY): port.TYPE_BUY_STOP,
    (OrderType.STOP, Side.SELL): port.TYPE_SELL_STOP,
    (OrderType.STOP_LIMIT, Side.BUY): port.TYPE_BUY_STOP_LIMIT,
    (OrderType.STOP_LIMIT, Side.SELL): port.TYPE_SELL_STOP_LIMIT,
}


def build_request(desk: Desk, order: OrderState) -> BrokerRequest:
    """The request for one attempt. Its comment begins with the intent's token."""
    resolved = order.order
    assert resolved is not None
    symbol = desk.symbols[resolved.symbol]
    if resolved.action is Action.OPEN and resolved.order_type is not OrderType.MARKET:
        return _pending(desk, order, resolved)
    if resolved.action in (Action.OPEN, Action.CLOSE):
        return _deal(desk, order, resolved, symbol)
    if resolved.action is Action.CANCEL:
        return BrokerRequest(
            action=port.ACTION_REMOVE, order=resolved.order_ticket, comment=_comment(desk, order)
        )
    return _modify(desk, resolved)


def _deal(desk: Desk, order: OrderState, resolved: ResolvedOrder, symbol: Symbol) -> BrokerRequest:
    filling = market_filling(symbol.filling_flags, symbol.execution_mode)
    # None only where the broker has changed the symbol's terms since the order was accepted.
    return BrokerRequest(
        action=port.ACTION_DEAL,
        symbol=resolved.symbol,
        magic=order.intent.magic,
        volume=to_lots(resolved.volume_e8),
        price=resolved.requested_price,
        sl=resolved.stop_loss,
        tp=resolved.take_profit,
        deviation=resolved.deviation,
        type=port.TYPE_BUY if resolved.side is Side.BUY else port.TYPE_SELL,
        type_filling=port.FILLING_FOK if filling is None else filling,
        position=_position(desk, resolved),
        comment=_comment(desk, order),
    )


def _pending(desk: Desk, order: OrderState, resolved: ResolvedOrder) -> BrokerRequest:
    return BrokerRequest(
        action=port.ACTION_PENDING,
        symbol=resolved.symbol,
        magic=order.intent.magic,
        volume=to_lots(resolved.volume_e8),
        price=resolved.price,
        stoplimit=resolved.stop_limit_price,
        sl=resolved.stop_loss,
        tp=resolved.take_profit,
        type=_PENDING_TYPES[resolved.order_type, resolved.side],
        type_filling=port.FILLING_RETURN,
        type_time=port.TIME_SPECIFIED if resolved.expiration_ms else port.TIME_GTC,
        expiration_ms=resolved.expiration_ms,
        comment=_comment(desk, order),
    )


def _modify(desk: Desk, resolved: ResolvedOrder) -> BrokerRequest:
    if resolved.order_ticket:
        return BrokerRequest(
            action=port.ACTION_MODIFY,
            symbol=resolved.symbol,
            order=resolved.order_ticket,
            price=resolved.price,
            stoplimit=resolved.stop_limit_price,
            sl=resolved.stop_loss,
            tp=resolved.take_profit,
            type_time=port.TIME_SPECIFIED if resolved.expiration_ms else port.TIME_GTC,
            expiration_ms=resolved.expiration_ms,
        )
    return BrokerRequest(
        action=port.ACTION_SLTP,
        symbol=resolved.symbol,
        sl=resolved.stop_loss,
        tp=resolved.take_profit,
        position=_position(desk, resolved),
    )


def _position(desk: Desk, resolved: ResolvedOrder) -> int:
    """The ticket by which the broker knows the position now; 0 where the account nets, whose one
    position the symbol names."""
    if resolved.netting:
        return 0
    held = desk.state.positions.get(resolved.position_ticket)
    return held.reopened_as if held is not None and held.reopened_as else resolved.position_ticket


def _comment(desk: Desk, order: OrderState) -> str:
    """The token, then as much of the caller's comment as the broker's limit leaves."""
    token = token_of(order.intent_id)
    text = order.intent.comment
    return f"{token} {text}"[: desk.config.comment_limit].rstrip() if text else token
