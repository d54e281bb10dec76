"""Executions: the deal, and what it makes of its position. What a fill does where positions are
netted is in `netting`, what closes two positions by each other in `close_by`."""

from __future__ import annotations

import msgspec

from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.entries import Dealt, Held, Ordered
from onefill.terminal.simulator.rates import PRICE_E8, RATE_E12, average, rounded


def record_deal(
    account: Account,
    listed: Listed,
    order: Ordered,
    held: Held | None,
    entry: int,
    volume_e8: int,
    price: int,
    *,
    side: int | None = None,
    profit_minor: int = 0,
    swap_minor: int = 0,
    told: float | None = None,
    opened_e8: int | None = None,
    is_free: bool = False,
) -> Dealt:
    """Record a deal of an order at `price` (points; `told`: the price it shows, where that lies
    between points), on a position or (None) on the one that the order opens. `opened_e8`: what of
    a reversal's volume opens; `is_free`: it costs nothing."""
    commission = fee = 0
    if not is_free:
        commission, fee = account.deal_costs(listed, volume_e8, price, entry, opened_e8)
    deal = Dealt(
        at_ms=account.now_ms,
        ticket=account.ledger.next_deal,
        order=order.ticket,
        position_id=order.ticket if held is None else held.identifier,
        symbol=order.symbol,
        type=order.type % 2 if side is None else side,
        entry=entry,
        magic=order.magic,
        reason=order.reason,
        volume=to_lots(volume_e8),
        price=price / listed.scale if told is None else told,
        profit=account.money(profit_minor),
        commission=account.money(commission),
        swap=account.money(swap_minor),
        fee=account.money(fee),
        comment=order.comment,
        time_ms=account.now_ms,
    )
    account.record(deal)
    return deal


def open_deal(
    account: Account, listed: Listed, order: Ordered, volume_e8: int, price: int
) -> Dealt:
    """Execute (part of) an order that opens, at `price` in points: its deal and its position."""
    before = _opened_by(account, order)
    deal = record_deal(account, listed, order, before, port.ENTRY_IN, volume_e8, price)
    if before is None:
        account.record(new_position(account, listed, order, order.ticket, volume_e8, price))
    else:
        account.record(grown(account, listed, before, volume_e8, price))
    return deal


def _opened_by(account: Account, order: Ordered) -> Held | None:
    """The position that an order's earlier fills made, if it is still there; a rollover may have
    changed its ticket."""
    ledger, ticket = account.ledger, order.ticket
    if ticket not in ledger.deals_of:
        return None
    found = ledger.positions.get(ticket)
    if found is not None:
        return found
    beside = ledger.by_symbol.get(order.symbol, {}).values()
    return next((held for held in beside if held.identifier == ticket), None)


def new_position(
    account: Account, listed: Listed, order: Ordered, identifier: int, volume_e8: int, price: int
) -> Held:
    """What an order opens; its ticket is the order's."""
    valuation, side = listed.valuation, order.type % 2
    rate = valuation.margin_rate(1 - 2 * side)
    return Held(
        at_ms=account.now_ms,
        ticket=order.ticket,
        identifier=identifier,
        symbol=order.symbol,
        type=side,
        magic=order.magic,
        volume=to_lots(volume_e8),
        price_open=price / listed.scale,
        sl=order.sl,
        tp=order.tp,
        comment=order.comment,
        time_ms=account.now_ms,
        update_ms=account.now_ms,
        margin_rate=rate,
        reason=order.reason,
    )


def grown(account: Account, listed: Listed, held: Held, volume_e8: int, price: int) -> Held:
    """The position after another fill of its side: at the averages of price and rate."""
    before_e8, rate = to_e8(held.volume), listed.valuation.margin_rate(1 - 2 * held.type)
    total_e8 = before_e8 + volume_e8
    opened = average(listed.opened(held), before_e8, (price, 1), volume_e8, PRICE_E8)
    rate = average(held.margin_rate, before_e8, rate, volume_e8, RATE_E12)
    return msgspec.structs.replace(
        held,
        at_ms=account.now_ms,
        update_ms=account.now_ms,
        volume=to_lots(total_e8),
        price_open=opened[0] / (opened[1] * listed.scale),
        average=None if opened[1] == 1 else opened,
        margin_rate=rate,
    )


def close_deal(
    account: Account, listed: Listed, order: Ordered, held: Held, volume_e8: int, price: int
) -> Dealt:
    """Execute an order that closes (part of) a position, at `price` in points."""
    profit = listed.valuation.profit(1 - 2 * held.type, volume_e8, listed.opened(held), price)
    swap = swap_share(account, held, volume_e8)
    deal = record_deal(
        account,
        listed,
        order,
        held,
        port.ENTRY_OUT,
        volume_e8,
        price,
        side=1 - held.type,
        profit_minor=profit,
        swap_minor=swap,
    )
    account.record(shrunk(account, listed, held, volume_e8, swap))
    return deal


def swap_share(account: Account, held: Held, volume_e8: int) -> int:
    """What of a position's swap goes to the deal that closes so much of it (minor units)."""
    if not held.swap:
        return 0
    return rounded(round(held.swap * account.ledger.unit) * volume_e8, to_e8(held.volume))


def shrunk(account: Account, listed: Listed, held: Held, volume_e8: int, swap_minor: int) -> Held:
    """The position without what was closed of it; its price stays."""
    rest_e8 = to_e8(held.volume) - volume_e8
    assert rest_e8 >= 0, "more was closed than there was"
    return msgspec.structs.replace(
        held,
        at_ms=account.now_ms,
        update_ms=account.now_ms,
        volume=to_lots(rest_e8),
        swap=account.money(round(held.swap * account.ledger.unit) - swap_minor),
    )


def close_by_broker(
    account: Account,
    listed: Listed,
    held: Held,
    reason: int,
    comment: str,
    *,
    level: float = 0.0,
) -> Dealt:
    """The broker closes a whole position at the quote in force, by an order of its own: for its
    stop loss or take profit (`level`), or for a stop-out. Recorded, not yet committed."""
    sign = 2 * held.type - 1
    price = listed.feed.ask if sign > 0 else listed.feed.bid
    now_ms, ticket = account.now_ms, account.ledger.next_order
    if reason != port.REASON_TP:
        price = slipped(account, listed, sign, price, ticket)
    order = Ordered(
        at_ms=now_ms,
        ticket=ticket,
        symbol=held.symbol,
        type=1 - held.type,
        state=port.STATE_FILLED,
        magic=held.magic,
        volume_initial=held.volume,
        volume_current=0.0,
        price_open=level or price / listed.scale,
        sl=0.0,
        tp=0.0,
        price_stoplimit=0.0,
        comment=comment,
        setup_ms=now_ms,
        done_ms=now_ms,
        position_id=held.identifier,
        reason=reason,
    )
    account.record(order)
    return close_deal(account, listed, order, held, to_e8(held.volume), price)


def slipped(account: Account, listed: Listed, sign: int, price: int, ticket: int) -> int:
    """A price in points as an order gets it that is executed at the market: worse by what is drawn
    for its ticket. `sign` +1 where it buys, -1 where it sells."""
    most = account.settings.slippage_points // listed.tick
    if not most:
        return price
    worse = account.draws.between(0, most, "slippage", ticket) * listed.tick
    return max(listed.tick, price + sign * worse)
