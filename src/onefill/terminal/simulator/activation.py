"""What a tick does: pending orders that it touches first, then the stops of positions."""

from __future__ import annotations

import msgspec

from onefill.model.volume import to_e8, to_lots
from onefill.terminal import port
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.checks import sign_of
from onefill.terminal.simulator.deals import close_by_broker, slipped
from onefill.terminal.simulator.entries import Held, Ordered
from onefill.terminal.simulator.executions import part_of
from onefill.terminal.simulator.netting import fill_order, identifier_for
from onefill.terminal.simulator.pending_orders import ended

_LIMIT_OF = {
    port.TYPE_BUY_STOP_LIMIT: port.TYPE_BUY_LIMIT,
    port.TYPE_SELL_STOP_LIMIT: port.TYPE_SELL_LIMIT,
}
_AT_MARKET = (port.TYPE_BUY, port.TYPE_SELL, port.TYPE_BUY_STOP, port.TYPE_SELL_STOP)


def take_tick(account: Account, listed: Listed) -> None:
    """Look at all that the quote in force touches; each kind in ticket order.

    Positions that this tick opens are looked at too.
    """
    bid, ask = listed.feed.bid, listed.feed.ask
    for ticket in listed.orders.take_touched(bid, ask):
        _activate(account, listed, account.ledger.orders[ticket])
    # A fill may have closed, on a netting account, what this tick would have stopped.
    for ticket in listed.positions.take_touched(bid, ask):
        _stop(account, listed, account.ledger.positions[ticket])


def _activate(account: Account, listed: Listed, order: Ordered) -> None:
    """A pending order's price was reached: a stop limit becomes a limit, others fill."""
    sign = sign_of(order.type)
    price = listed.feed.ask if sign > 0 else listed.feed.bid
    if order.type in _LIMIT_OF:
        order = msgspec.structs.replace(
            order,
            at_ms=account.now_ms,
            type=_LIMIT_OF[order.type],
            price_open=order.price_stoplimit,
            price_stoplimit=0.0,
        )
        limit = round(order.price_open * listed.scale)
        if (limit - price) * sign < 0:
            account.record(order)
            return
    elif order.type in _AT_MARKET:
        price = slipped(account, listed, sign, price, order.ticket)
    _fill(account, listed, order, price)


def _fill(account: Account, listed: Listed, order: Ordered, price: int) -> None:
    """Fill an order at the tick's price; without the money for it, it is rejected (or its rest
    cancelled)."""
    sign, open_e8 = sign_of(order.type), to_e8(order.volume_current)
    parts = order.fate.parts
    filled_e8 = part_of(listed.symbol, open_e8, parts[0]) if parts else open_e8
    margin = account.margin_needed(listed, sign, filled_e8, price)
    no_money = margin > 0 and margin > account.free_margin()
    if order.fate.nothing or no_money:
        partly = order.state == port.STATE_PARTIAL
        state = port.STATE_CANCELED if partly else port.STATE_REJECTED
        account.record(ended(account, order, state))
        return
    identifier = identifier_for(account, order.symbol, order.ticket)
    if filled_e8 < open_e8:
        fate = msgspec.structs.replace(order.fate, parts=parts[1:])
        order = msgspec.structs.replace(
            order,
            at_ms=account.now_ms,
            state=port.STATE_PARTIAL,
            volume_current=to_lots(open_e8 - filled_e8),
            position_id=identifier,
            fate=fate,
        )
        account.record(order)
    else:
        order = ended(account, order, port.STATE_FILLED)
        order = msgspec.structs.replace(order, volume_current=0.0, position_id=identifier)
        account.record(order)
    fill_order(account, listed, order, filled_e8, price)


def _stop(account: Account, listed: Listed, held: Held) -> None:
    """Close a position at its stop loss or take profit; where both are reached, the stop loss."""
    buy = held.type == port.TYPE_BUY
    price = listed.feed.bid if buy else listed.feed.ask
    sign = 1 if buy else -1
    stop_loss = round(held.sl * listed.scale)
    lost = bool(stop_loss) and (price - stop_loss) * sign <= 0
    level, word = (held.sl, "sl") if lost else (held.tp, "tp")
    comment = f"[{word} {level:.{listed.symbol.digits}f}]"
    reason = port.REASON_SL if lost else port.REASON_TP
    close_by_broker(account, listed, held, reason, comment, level=level)
