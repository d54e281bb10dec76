"""Pending orders placed, changed and removed, and stops of positions changed."""

from __future__ import annotations

import msgspec

from onefill.model.resolved import BrokerRequest
from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from onefill.terminal.port import SendResult
from onefill.terminal.simulator import checks, retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.answers import Refusal, answer_done, recorded
from onefill.terminal.simulator.entries import Fate, Held, Ordered

_STOP_LIMITS = (port.TYPE_BUY_STOP_LIMIT, port.TYPE_SELL_STOP_LIMIT)


def place(
    account: Account, listed: Listed, request: BrokerRequest, fate: Fate, late: int
) -> SendResult:
    """Put a pending order into the book. Raises `Refusal`."""
    symbol, scale = listed.symbol, listed.scale
    if not port.TYPE_BUY_LIMIT <= request.type <= port.TYPE_SELL_STOP_LIMIT:
        raise Refusal(retcodes.INVALID_ORDER)
    sign = checks.sign_of(request.type)
    price = checks.points_of(request.price, scale)
    limit = checks.points_of(request.stoplimit, scale)
    expiration = checks.expiration_of(
        symbol, request.type_time, request.expiration_ms, account.now_ms
    )
    refused = (
        checks.order_mode_code(symbol, request)
        or checks.trade_mode_code(symbol, sign)
        or checks.volume_code(symbol, request.volume)
        or checks.filling_code(symbol, request.type_filling, pending=True)
        or (retcodes.INVALID_EXPIRATION if expiration is None else 0)
        or _levels_code(listed, request, request.type)
    )
    if refused:
        raise Refusal(refused)
    assert price
    assert limit is not None
    assert expiration is not None
    stop_limit = request.type in _STOP_LIMITS
    volume_e8 = to_e8(request.volume)
    margin = account.margin_needed(listed, sign, volume_e8, limit if stop_limit else price)
    if margin > account.free_margin():
        raise Refusal(retcodes.NO_MONEY)
    ticket = account.ledger.next_order
    order = Ordered(
        at_ms=account.now_ms,
        ticket=ticket,
        symbol=symbol.name,
        type=request.type,
        state=port.STATE_PLACED,
        magic=request.magic,
        volume_initial=to_lots(volume_e8),
        volume_current=to_lots(volume_e8),
        price_open=price / scale,
        sl=_level(request.sl, scale),
        tp=_level(request.tp, scale),
        price_stoplimit=limit / scale if stop_limit else 0.0,
        comment=account.comment(request, fate),
        setup_ms=account.now_ms,
        expiration_ms=expiration,
        type_filling=request.type_filling,
        type_time=request.type_time,
        fate=fate,
    )
    recorded(account, request, retcodes.DONE, ticket, late)
    account.record(order)
    return answer_done(account, ticket, order.volume_initial)


def _level(price: float, scale: int) -> float:
    return round(price * scale) / scale


def _levels_code(listed: Listed, request: BrokerRequest, order_type: int) -> int:
    """Price, limit and stops of a pending order that is to be of this type."""
    symbol, scale, feed = listed.symbol, listed.scale, listed.feed
    price = checks.points_of(request.price, scale)
    limit = checks.points_of(request.stoplimit, scale)
    code = checks.pending_price_code(symbol, order_type, price, limit, feed.bid, feed.ask)
    if code or price is None or limit is None:
        return code
    return checks.stops_code(
        symbol,
        checks.sign_of(order_type),
        checks.points_of(request.sl, scale),
        checks.points_of(request.tp, scale),
        limit if order_type in _STOP_LIMITS else price,
    )


def change_order(
    account: Account, listed: Listed, request: BrokerRequest, order: Ordered, late: int
) -> SendResult:
    """New prices, stops and expiration of a pending order, all named again. Raises `Refusal`."""
    symbol, scale = listed.symbol, listed.scale
    _refuse_frozen(listed, order)
    expiration = checks.expiration_of(
        symbol, request.type_time, request.expiration_ms, account.now_ms
    )
    refused = (retcodes.INVALID_EXPIRATION if expiration is None else 0) or _levels_code(
        listed, request, order.type
    )
    if refused:
        raise Refusal(refused)
    assert expiration is not None
    changed = msgspec.structs.replace(
        order,
        at_ms=account.now_ms,
        price_open=_level(request.price, scale),
        price_stoplimit=_level(request.stoplimit, scale) if order.type in _STOP_LIMITS else 0.0,
        sl=_level(request.sl, scale),
        tp=_level(request.tp, scale),
        expiration_ms=expiration,
        type_time=request.type_time,
    )
    if changed == msgspec.structs.replace(order, at_ms=account.now_ms):
        raise Refusal(retcodes.NO_CHANGES)
    recorded(account, request, retcodes.DONE, order.ticket, late)
    account.record(changed)
    return answer_done(account, order.ticket)


def remove_order(
    account: Account, listed: Listed, request: BrokerRequest, order: Ordered, late: int
) -> SendResult:
    """Cancel a pending order, or what is left of it. Raises `Refusal`."""
    _refuse_frozen(listed, order)
    recorded(account, request, retcodes.DONE, order.ticket, late)
    account.record(ended(account, order, port.STATE_CANCELED))
    return answer_done(account, order.ticket)


def ended(account: Account, order: Ordered, state: int) -> Ordered:
    """A pending order that is over; what is still open of it stays so."""
    now_ms, hide_ms = account.now_ms, order.fate.hide_ms
    return msgspec.structs.replace(
        order,
        at_ms=now_ms,
        state=state,
        done_ms=now_ms,
        hidden_ms=now_ms + hide_ms if hide_ms else 0,
    )


def _refuse_frozen(listed: Listed, order: Ordered) -> None:
    feed = listed.feed
    market = feed.ask if checks.sign_of(order.type) > 0 else feed.bid
    if checks.is_frozen(listed.symbol, market, round(order.price_open * listed.scale)):
        raise Refusal(retcodes.FROZEN)


def change_stops(
    account: Account, listed: Listed, request: BrokerRequest, held: Held, late: int
) -> SendResult:
    """New stop loss and take profit of a position. Raises `Refusal`."""
    symbol, scale, feed = listed.symbol, listed.scale, listed.feed
    buy = held.type == port.TYPE_BUY
    closing = feed.bid if buy else feed.ask
    if checks.is_frozen(symbol, closing, round(held.sl * scale), round(held.tp * scale)):
        raise Refusal(retcodes.FROZEN)
    stop_loss = checks.points_of(request.sl, scale)
    take_profit = checks.points_of(request.tp, scale)
    refused = checks.stops_code(symbol, 1 if buy else -1, stop_loss, take_profit, closing)
    if refused:
        raise Refusal(refused)
    assert stop_loss is not None
    assert take_profit is not None
    if (stop_loss / scale, take_profit / scale) == (held.sl, held.tp):
        raise Refusal(retcodes.NO_CHANGES)
    recorded(account, request, retcodes.DONE, 0, late)
    changed = msgspec.structs.replace(
        held, at_ms=account.now_ms, sl=stop_loss / scale, tp=take_profit / scale
    )
    account.record(changed)
    return answer_done(account)
