"""What a fill makes of positions: on a hedging account each order has its own; on a netting one a
fill adds to the symbol's position, reduces it, closes it or reverses it."""

from __future__ import annotations

import msgspec

from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.deals import (
    close_deal,
    grown,
    new_position,
    open_deal,
    record_deal,
    shrunk,
)
from onefill.terminal.simulator.entries import Dealt, Held, Ordered


def fill_order(
    account: Account, listed: Listed, order: Ordered, volume_e8: int, price: int
) -> Dealt:
    """Execute (part of) an order that names no position of a hedging account, at `price` in
    points."""
    held = account.net_position(order.symbol)
    if held is None:
        return open_deal(account, listed, order, volume_e8, price)
    if held.type == order.type % 2:
        return _add(account, listed, order, held, volume_e8, price)
    if volume_e8 <= to_e8(held.volume):
        return close_deal(account, listed, order, held, volume_e8, price)
    return _reverse(account, listed, order, held, volume_e8, price)


def identifier_for(account: Account, symbol: str, ticket: int) -> int:
    """The identifier of the position on which an order of this ticket will be filled."""
    held = account.net_position(symbol)
    return ticket if held is None else held.identifier


def _add(
    account: Account, listed: Listed, order: Ordered, held: Held, volume_e8: int, price: int
) -> Dealt:
    """More of the same side. Magic and stops are those of the last order; its zeros delete the
    stops (MetaQuotes' rules of their inheritance on netting accounts)."""
    deal = record_deal(account, listed, order, held, port.ENTRY_IN, volume_e8, price)
    more = grown(account, listed, held, volume_e8, price)
    account.record(msgspec.structs.replace(more, magic=order.magic, sl=order.sl, tp=order.tp))
    return deal


def _reverse(
    account: Account, listed: Listed, order: Ordered, held: Held, volume_e8: int, price: int
) -> Dealt:
    """One deal closes the position and opens the rest on the other side: the identifier stays, the
    ticket becomes the order's, as do magic and stops."""
    open_e8 = to_e8(held.volume)
    profit = listed.valuation.profit(1 - 2 * held.type, open_e8, listed.opened(held), price)
    swap = round(held.swap * account.ledger.unit)
    deal = record_deal(
        account,
        listed,
        order,
        held,
        port.ENTRY_INOUT,
        volume_e8,
        price,
        profit_minor=profit,
        swap_minor=swap,
        opened_e8=volume_e8 - open_e8,
    )
    account.record(shrunk(account, listed, held, open_e8, swap))
    account.record(
        new_position(account, listed, order, held.identifier, volume_e8 - open_e8, price)
    )
    return deal
