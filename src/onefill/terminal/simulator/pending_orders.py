"""Pending orders placed, changed and removed, and stops of positions changed."""

from __future__ import annotations

from functools import partial

import msgspec

from onefill.model.resolved import BrokerRequest
from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from onefill.terminal.port import SendResult
from onefill.terminal.simulator import checks, limits, retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.answers import Opening, Plan, Refusal, answer_done, recorded
from onefill.terminal.simulator.entries import Fate, Held, Ordered

_STOP_LIMITS = (port.TYPE_BUY_STOP_LIMIT, port.TYPE_SELL_STOP_LIMIT)
_PENDING = range(port.TYPE_BUY_LIMIT, port.TYPE_SELL_STOP_LIMIT + 1)
_BECOME_LIMITS = (port.TYPE_BUY_LIMIT, port.TYPE_SELL_LIMIT, *_STOP_LIMITS)


def plan_pending(account: Account, listed: Listed, request: BrokerRequest) -> Plan:
    """A pending order put into the book. Raises `Refusal`."""
    symbol = listed.symbol
    if request.type not in _PENDING:
        raise Refusal(retcodes.INVALID_ORDER)
    sign, volume_e8 = checks.sign_of(request.type), to_e8(request.volume)
    expiration = checks.expiration_of(
        symbol, account.clock, request.type_time, request.expiration_ms, account.now_ms
    )
    refused = (
        checks.order_mode_code(symbol, request)
        or checks.trade_mode_code(symbol, sign)
        or checks.volume_code(symbol, request.volume)
        or checks.filling_code(
            symbol, request.type_filling, pending=True, limit=request.type in _BECOME_LIMITS
        )
        or (retcodes.INVALID_EXPIRATION if expiration is None else 0)
        or _levels_code(listed, request, request.type)
        or limits.orders_code(account)
        or limits.hedge_code(account, listed, sign)
        or limits.positions_code(account, listed)
        or limits.volume_code(account, listed, sign, volume_e8, pending=True)
    )
    if refused:
        raise Refusal(refused)
    assert expiration is not None
    told = request.stoplimit if request.type in _STOP_LIMITS else request.price
    opening = Opening(listed, sign, volume_e8, round(told * listed.scale))
    margin = account.margin_needed(listed, sign, volume_e8, opening.price)
    if margin > 0 and margin > account.free_margin():
        raise Refusal(retcodes.NO_MONEY, opening)
    return Plan(partial(_place, account, listed, request, expiration), opening)


def _place(
    account: Account,
    listed: Listed,
    request: BrokerRequest,
    expiration: int,
    fate: Fate,
    late: int,
) -> SendResult:
    scale, ticket = listed.scale, account.ledger.next_order
    volume = to_lots(to_e8(request.volume))
    order = Ordered(
        at_ms=account.now_ms,
        ticket=ticket,
        symbol=request.symbol,
        type=request.type,
        state=port.STATE_PLACED,
        magic=request.magic,
        volume_initial=volume,
        volume_current=volume,
        price_open=_level(request.price, scale),
        sl=_level(request.sl, scale),
        tp=_level(request.tp, scale),
        price_stoplimit=_level(request.stoplimit, scale) if request.type in _STOP_LIMITS else 0.0,
        comment=account.comment(request, fate),
        setup_ms=account.now_ms,
        expiration_ms=expiration,
        type_filling=request.type_filling,
        type_time=request.type_time,
        fate=fate,
    )
    recorded(account, request, retcodes.DONE, ticket, late)
    account.record(order)
    return answer_done(account, ticket, volume, order.comment)


def _level(price: float, scale: int) -> float:
    return round(price * scale) / scale


def _levels_code(listed: Listed, request: BrokerRequest, order_type: int) -> int:
    """Price, limit and stops of a pending order that is to be of this type."""
    symbol, scale, tick, feed = listed.symbol, listed.scale, listed.tick, listed.feed
    price = checks.points_of(request.price, scale, tick)
    limit = checks.points_of(request.stoplimit, scale, tick)
    code = checks.pending_price_code(symbol, order_type, price, limit, feed.bid, feed.ask)
    if code or price is None or limit is None:
        return code
    return checks.stops_code(
        symbol,
        checks.sign_of(order_type),
        checks.points_of(request.sl, scale, tick),
        checks.points_of(request.tp, scale, tick),
        limit if order_type in _STOP_LIMITS else price,
    )


def plan_change(account: Account, listed: Listed, request: BrokerRequest, order: Ordered) -> Plan:
    """New prices, stops and expiration of a pending order, all named again; what is not a stop
    limit has no limit, and the rest of a market order cannot be changed. Raises `Refusal`."""
    symbol, scale = listed.symbol, listed.scale
    if order.type not in _PENDING:
        raise Refusal(retcodes.INVALID)
    _refuse_frozen(listed, order)
    expiration = checks.expiration_of(
        symbol, account.clock, request.type_time, request.expiration_ms, account.now_ms
    )
    refused = (
        checks.stops_mode_code(symbol, request)
        or (retcodes.INVALID_EXPIRATION if expiration is None else 0)
        or _levels_code(listed, request, order.type)
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
    return Plan(partial(_record_order, account, request, changed))


def plan_removal(account: Account, listed: Listed, request: BrokerRequest, order: Ordered) -> Plan:
    """Cancel a pending order, or what is left of an order. Raises `Refusal`."""
    _refuse_frozen(listed, order)
    return Plan(
        partial(_record_order, account, request, ended(account, order, port.STATE_CANCELED))
    )


def _record_order(
    account: Account, request: BrokerRequest, order: Ordered, fate: Fate, late: int
) -> SendResult:
    recorded(account, request, retcodes.DONE, order.ticket, late)
    account.record(order)
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
    if order.type not in _PENDING:
        return
    feed = listed.feed
    market = feed.ask if checks.sign_of(order.type) > 0 else feed.bid
    if checks.is_frozen(listed.symbol, market, round(order.price_open * listed.scale)):
        raise Refusal(retcodes.FROZEN)


def plan_stops(account: Account, listed: Listed, request: BrokerRequest, held: Held) -> Plan:
    """New stop loss and take profit of a position. Raises `Refusal`."""
    symbol, scale, feed = listed.symbol, listed.scale, listed.feed
    buy = held.type == port.TYPE_BUY
    closing = feed.bid if buy else feed.ask
    if checks.is_frozen(symbol, closing, round(held.sl * scale), round(held.tp * scale)):
        raise Refusal(retcodes.FROZEN)
    stop_loss = checks.points_of(request.sl, scale, listed.tick)
    take_profit = checks.points_of(request.tp, scale, listed.tick)
    refused = checks.stops_mode_code(symbol, request) or checks.stops_code(
        symbol, 1 if buy else -1, stop_loss, take_profit, closing
    )
    if refused:
        raise Refusal(refused)
    assert stop_loss is not None
    assert take_profit is not None
    if (stop_loss / scale, take_profit / scale) == (held.sl, held.tp):
        raise Refusal(retcodes.NO_CHANGES)
    changed = msgspec.structs.replace(
        held, at_ms=account.now_ms, sl=stop_loss / scale, tp=take_profit / scale
    )
    return Plan(partial(_record_stops, account, request, changed))


def _record_stops(
    account: Account, request: BrokerRequest, changed: Held, fate: Fate, late: int
) -> SendResult:
    recorded(account, request, retcodes.DONE, 0, late)
    account.record(changed)
    return answer_done(account)
