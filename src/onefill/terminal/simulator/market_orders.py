"""Deals asked for: opening at the market, and closing a position by its ticket; on a netting
account adding to the symbol's position, reducing or reversing it."""

from __future__ import annotations

from functools import partial

from onefill.model.resolved import BrokerRequest
from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.simulator import checks, limits, retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.answers import Opening, Plan, Refusal
from onefill.terminal.simulator.entries import Held
from onefill.terminal.simulator.executions import execute


def plan_deal(account: Account, listed: Listed, request: BrokerRequest) -> Plan:
    """A deal at the quotes in force. Raises `Refusal`."""
    if request.type not in (port.TYPE_BUY, port.TYPE_SELL):
        raise Refusal(retcodes.INVALID_ORDER)
    named: Held | None = None
    if request.position:
        named = account.ledger.positions.get(request.position)
        if named is None:
            raise Refusal(retcodes.POSITION_CLOSED)
        if named.symbol != listed.symbol.name:
            raise Refusal(retcodes.INVALID)
    price = listed.feed.ask if request.type == port.TYPE_BUY else listed.feed.bid
    if account.nets:
        return _plan_netted(account, listed, request, named, price)
    if named is not None:
        return _plan_close(account, listed, request, named, price)
    opening = _opening(account, listed, request, to_e8(request.volume), price)
    return Plan(partial(execute, account, listed, request, None, price), opening)


def _plan_netted(
    account: Account, listed: Listed, request: BrokerRequest, named: Held | None, price: int
) -> Plan:
    """What becomes of the symbol's position. A request that names it never reverses it."""
    held = account.net_position(listed.symbol.name)
    opening: Opening | None = None
    if held is None or held.type == request.type:
        opening = _opening(account, listed, request, to_e8(request.volume), price)
    else:
        more_e8 = to_e8(request.volume) - to_e8(held.volume)
        if more_e8 <= 0 or named is not None:
            _refuse_close(account, listed, request, held, price)
        else:
            _refuse_frozen(listed, held, price)
            opening = _opening(account, listed, request, more_e8, price)
    return Plan(partial(execute, account, listed, request, None, price), opening)


def _opening(
    account: Account, listed: Listed, request: BrokerRequest, opens_e8: int, price: int
) -> Opening:
    """What forbids a deal that opens so much (on a netting account the rest of it reduces)."""
    symbol, feed = listed.symbol, listed.feed
    sign, volume_e8 = checks.sign_of(request.type), to_e8(request.volume)
    refused = (
        checks.order_mode_code(symbol, request)
        or checks.trade_mode_code(symbol, sign)
        or checks.volume_code(symbol, request.volume)
        or checks.filling_code(symbol, request.type_filling, pending=False)
        or _deviation_code(listed, request, price)
        or checks.stops_code(
            symbol,
            sign,
            checks.points_of(request.sl, listed.scale, listed.tick),
            checks.points_of(request.tp, listed.scale, listed.tick),
            feed.bid if sign > 0 else feed.ask,
        )
        or limits.hedge_code(account, listed, sign)
        or limits.positions_code(account, listed)
        or limits.volume_code(account, listed, sign, volume_e8, pending=False)
    )
    if refused:
        raise Refusal(refused)
    opening = Opening(listed, sign, opens_e8, price)
    margin = account.margin_needed(listed, sign, volume_e8, price)
    if margin > 0 and margin > account.free_margin():
        raise Refusal(retcodes.NO_MONEY, opening)
    return opening


def _plan_close(
    account: Account, listed: Listed, request: BrokerRequest, held: Held, price: int
) -> Plan:
    """Close a position of a hedging account, or part of it, by the opposite deal."""
    if held.type == request.type:
        raise Refusal(retcodes.INVALID)
    _refuse_close(account, listed, request, held, price)
    return Plan(partial(execute, account, listed, request, held, price))


def _refuse_close(
    account: Account, listed: Listed, request: BrokerRequest, held: Held, price: int
) -> None:
    symbol = listed.symbol
    # What is left of a position may be below the least.
    whole = to_e8(request.volume) == to_e8(held.volume) > 0
    refused = (
        checks.filling_code(symbol, request.type_filling, pending=False)
        or (0 if whole else checks.volume_code(symbol, request.volume))
        or _deviation_code(listed, request, price)
    )
    if refused:
        raise Refusal(refused)
    if to_e8(request.volume) > to_e8(held.volume):
        raise Refusal(retcodes.INVALID_CLOSE_VOLUME)
    if not account.nets and (refused := limits.fifo_code(account, held)):
        raise Refusal(refused)
    _refuse_frozen(listed, held, price)


def _refuse_frozen(listed: Listed, held: Held, price: int) -> None:
    levels = (round(held.sl * listed.scale), round(held.tp * listed.scale))
    if checks.is_frozen(listed.symbol, price, *levels):
        raise Refusal(retcodes.FROZEN)


def _deviation_code(listed: Listed, request: BrokerRequest, price: int) -> int:
    """Request and instant execution: the price asked for, unless it moved too far."""
    if listed.symbol.execution_mode >= 2:
        return 0
    asked = checks.points_of(request.price, listed.scale, listed.tick)
    if not asked:
        return retcodes.INVALID_PRICE
    return retcodes.REQUOTE if abs(price - asked) > request.deviation else 0
