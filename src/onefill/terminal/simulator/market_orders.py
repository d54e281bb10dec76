"""Deals asked for: opening at the market, and closing a position by its ticket."""

from __future__ import annotations

from onefill.model.resolved import BrokerRequest
from onefill.model.symbol import Symbol
from onefill.model.volume import LOT_E8, to_e8
from onefill.terminal import port
from onefill.terminal.port import SendResult
from onefill.terminal.simulator import checks, retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.answers import Refusal, answer_deal, recorded
from onefill.terminal.simulator.deals import close_deal, open_deal
from onefill.terminal.simulator.entries import Fate, Held, Ordered


def market_order(
    account: Account, listed: Listed, request: BrokerRequest, fate: Fate, late: int
) -> SendResult:
    """Carry out a deal at the quotes in force. Raises `Refusal`."""
    symbol, feed = listed.symbol, listed.feed
    if request.type not in (port.TYPE_BUY, port.TYPE_SELL):
        raise Refusal(retcodes.INVALID_ORDER)
    if request.position:
        return _close(account, listed, request, fate, late)
    sign = 1 if request.type == port.TYPE_BUY else -1
    bid, ask, scale = feed.bid, feed.ask, listed.scale
    price, closing = (ask, bid) if sign > 0 else (bid, ask)
    refused = (
        checks.order_mode_code(symbol, request)
        or checks.trade_mode_code(symbol, sign)
        or checks.volume_code(symbol, request.volume)
        or checks.filling_code(symbol, request.type_filling, pending=False)
        or _deviation_code(symbol, request, price, scale)
        or checks.stops_code(
            symbol,
            sign,
            checks.points_of(request.sl, scale),
            checks.points_of(request.tp, scale),
            closing,
        )
    )
    if refused:
        raise Refusal(refused)
    margin = account.margin_needed(listed, sign, to_e8(request.volume), price)
    if margin > account.free_margin():
        raise Refusal(retcodes.NO_MONEY)
    return _execute(account, listed, request, None, price, fate, late)


def _close(
    account: Account, listed: Listed, request: BrokerRequest, fate: Fate, late: int
) -> SendResult:
    """Close a position, or part of it, by the opposite deal."""
    symbol, feed = listed.symbol, listed.feed
    held = account.ledger.positions.get(request.position)
    if held is None:
        raise Refusal(retcodes.POSITION_CLOSED)
    if held.symbol != symbol.name or held.type == request.type:
        raise Refusal(retcodes.INVALID)
    price = feed.ask if request.type == port.TYPE_BUY else feed.bid
    whole = request.volume == held.volume  # what is left of a position may be below the least
    refused = (
        checks.filling_code(symbol, request.type_filling, pending=False)
        or (0 if whole else checks.volume_code(symbol, request.volume))
        or _deviation_code(symbol, request, price, listed.scale)
    )
    if refused:
        raise Refusal(refused)
    if to_e8(request.volume) > to_e8(held.volume):
        raise Refusal(retcodes.INVALID_CLOSE_VOLUME)
    levels = (round(held.sl * listed.scale), round(held.tp * listed.scale))
    if checks.is_frozen(symbol, price, *levels):
        raise Refusal(retcodes.FROZEN)
    return _execute(account, listed, request, held, price, fate, late)


def _execute(
    account: Account,
    listed: Listed,
    request: BrokerRequest,
    held: Held | None,
    price: int,
    fate: Fate,
    late: int,
) -> SendResult:
    """Fill what can be had, at `price` in points; close `held`, or (None) open a position."""
    volume_e8 = to_e8(request.volume)
    filled_e8 = _filled(listed.symbol, request, volume_e8, fate)
    # An order that is cancelled without a fill was taken all the same.
    retcode = retcodes.DONE if filled_e8 in (0, volume_e8) else retcodes.DONE_PARTIAL
    order = _finished(account, listed, request, price, filled_e8, fate)
    recorded(account, request, retcode, order.ticket, late)
    account.record(order)
    if not filled_e8:
        deal = None
    elif held is None:
        deal = open_deal(account, listed, order, filled_e8, price)
    else:
        deal = close_deal(account, listed, order, held, filled_e8, price)
    return answer_deal(account, listed, retcode, order.ticket, deal)


def _deviation_code(symbol: Symbol, request: BrokerRequest, price: int, scale: int) -> int:
    """Request and instant execution: the price asked for, unless it moved too far."""
    if symbol.execution_mode >= 2:
        return 0
    asked = checks.points_of(request.price, scale)
    if not asked:
        return retcodes.INVALID_PRICE
    return retcodes.REQUOTE if abs(price - asked) > request.deviation else 0


def _filled(symbol: Symbol, request: BrokerRequest, volume_e8: int, fate: Fate) -> int:
    """How much of a market order fills: all, unless faults will otherwise."""
    if fate.nothing:
        return 0
    if fate.parts and request.type_filling == port.FILLING_IOC:
        return part_of(symbol, volume_e8, fate.parts[0])
    return volume_e8


def part_of(symbol: Symbol, volume_e8: int, share: float) -> int:
    """A share of a volume: at least one step, and one step less than all where it can be."""
    steps = volume_e8 // symbol.volume_step_e8
    return max(1, min(steps - 1, int(share * steps))) * symbol.volume_step_e8


def _finished(
    account: Account,
    listed: Listed,
    request: BrokerRequest,
    price: int,
    filled_e8: int,
    fate: Fate,
) -> Ordered:
    """The order of a deal, which is over at once; what did not fill is cancelled."""
    now_ms, scale = account.now_ms, listed.scale
    ticket, volume_e8 = account.ledger.next_order, to_e8(request.volume)
    opens = not request.position
    return Ordered(
        at_ms=now_ms,
        ticket=ticket,
        symbol=request.symbol,
        type=request.type,
        state=port.STATE_FILLED if filled_e8 == volume_e8 else port.STATE_CANCELED,
        magic=request.magic,
        volume_initial=volume_e8 / LOT_E8,
        volume_current=(volume_e8 - filled_e8) / LOT_E8,
        price_open=price / scale,
        sl=round(request.sl * scale) / scale if opens else 0.0,
        tp=round(request.tp * scale) / scale if opens else 0.0,
        price_stoplimit=0.0,
        comment=account.comment(request, fate),
        setup_ms=now_ms,
        done_ms=now_ms,
        position_id=request.position or (ticket if filled_e8 else 0),
        type_filling=request.type_filling,
        hidden_ms=now_ms + fate.hide_ms if fate.hide_ms else 0,
    )
