"""What the broker does when a day of its server begins: orders of the day go, swaps are charged,
and symbols whose last day is over are no longer traded.
"""

from __future__ import annotations

import msgspec

from onefill.terminal import port
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.deals import close_by_broker
from onefill.terminal.simulator.entries import DayBegun
from onefill.terminal.simulator.pending_orders import ended
from onefill.terminal.simulator.rollover import roll_over

#: `order_gtc_mode`: orders without an end last until then, or for the day, with or without stops.
_DAILY = (1, 2)
_DAILY_WITH_STOPS = 1


def next_day_ms(account: Account) -> int | None:
    """When the server's next day begins; None where that would change nothing."""
    for listed in account.busy:
        if listed.ends_days:
            return account.clock.next_day_ms(account.now_ms)
    return None


def begin_day(account: Account) -> None:
    """The server's day of `account.now_ms` begins, at the quotes in force; recorded, not yet
    committed."""
    day = account.clock.day_of(account.now_ms)
    account.record(DayBegun(at_ms=account.now_ms, day=day))
    for listed in account.busy:
        ends_ms = listed.sessions.ends_ms
        if ends_ms is not None and account.now_ms >= ends_ms:
            _delist(account, listed)
        elif listed.specification.terms.order_gtc_mode in _DAILY:
            _end_orders(account, listed)
    roll_over(account, day)


def _delist(account: Account, listed: Listed) -> None:
    """The symbol is not traded any more: its orders expire, its positions are closed at the last
    price."""
    name = listed.symbol.name
    for order in [one for one in account.ledger.orders.values() if one.symbol == name]:
        account.record(ended(account, order, port.STATE_EXPIRED))
    for held in list(account.ledger.by_symbol.get(name, {}).values()):
        close_by_broker(account, listed, held, port.REASON_CLIENT, "[expired]")


def _end_orders(account: Account, listed: Listed) -> None:
    """Orders without an end last for the day; so do stops, where the symbol's terms say so."""
    name = listed.symbol.name
    for order in [one for one in account.ledger.orders.values() if one.symbol == name]:
        if order.type_time == port.TIME_GTC:
            account.record(ended(account, order, port.STATE_EXPIRED))
    if listed.specification.terms.order_gtc_mode != _DAILY_WITH_STOPS:
        return
    for held in list(account.ledger.by_symbol.get(name, {}).values()):
        if held.sl or held.tp:
            bare = msgspec.structs.replace(held, at_ms=account.now_ms, sl=0.0, tp=0.0)
            account.record(bare)
