"""Rollover: what holding a position over the server's midnight costs or brings.

It is charged for the nights that begin on Monday to Friday, threefold on the symbol's
`swap_rollover3days`; the nights of the weekend are what the threefold one is for. What a night
costs is in `swap`. Source: MQL5's ENUM_SYMBOL_SWAP_MODE.
"""

from __future__ import annotations

import msgspec

from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.deals import new_position, record_deal, shrunk, swap_share
from onefill.terminal.simulator.entries import Held, Ordered
from onefill.terminal.simulator.swap import night_swap, reopening_price

#: 1970-01-01 was a Thursday; MT5 counts from Sunday.
_FIRST_WEEKDAY = 4
_SATURDAY, _SUNDAY = 6, 0


def nights(day: int, triple: int) -> int:
    """How many nights the one counts for that ends when a server day begins: 0, 1 or 3."""
    weekday = (day - 1 + _FIRST_WEEKDAY) % 7
    if weekday in (_SATURDAY, _SUNDAY):
        return 0
    return 3 if weekday == triple else 1


def roll_over(account: Account, day: int) -> None:
    """Charge every open position for the night before `day`; recorded, not yet committed."""
    for listed in account.busy:
        terms = listed.specification.terms
        count = nights(day, terms.swap_rollover3days)
        if not count or not (terms.swap_long or terms.swap_short):
            continue
        for held in list(account.ledger.by_symbol.get(listed.symbol.name, {}).values()):
            price = reopening_price(listed.valuation, 1 - 2 * held.type, count)
            if price is None:
                _charge(account, listed, held, count)
            else:
                _reopen(account, listed, held, price)


def _charge(account: Account, listed: Listed, held: Held, count: int) -> None:
    sign, volume_e8 = 1 - 2 * held.type, to_e8(held.volume)
    swap = night_swap(listed.valuation, sign, volume_e8, listed.opened(held), count)
    if not swap:
        return
    before = round(held.swap * account.ledger.unit)
    account.record(
        msgspec.structs.replace(held, at_ms=account.now_ms, swap=account.money(before + swap))
    )


def _reopen(account: Account, listed: Listed, held: Held, price: int) -> None:
    """Close a position and open it again at another price (points); its ticket changes, its
    identifier does not. No commission is taken."""
    close = listed.feed.bid if held.type == port.TYPE_BUY else listed.feed.ask
    volume_e8 = to_e8(held.volume)
    order = _filled(account, listed, held, 1 - held.type, close)
    account.record(order)
    profit = listed.valuation.profit(1 - 2 * held.type, volume_e8, listed.opened(held), close)
    swap = swap_share(account, held, volume_e8)
    record_deal(
        account, listed, order, held, port.ENTRY_OUT, volume_e8, close,
        profit_minor=profit, swap_minor=swap, is_free=True,
    )  # fmt: skip
    account.record(shrunk(account, listed, held, volume_e8, swap))
    again = _filled(account, listed, held, held.type, price)
    account.record(again)
    record_deal(account, listed, again, held, port.ENTRY_IN, volume_e8, price, is_free=True)
    opened = new_position(account, listed, again, held.identifier, volume_e8, price)
    account.record(
        msgspec.structs.replace(
            opened, sl=held.sl, tp=held.tp, comment=held.comment, reason=held.reason
        )
    )


def _filled(account: Account, listed: Listed, held: Held, side: int, price: int) -> Ordered:
    now_ms = account.now_ms
    return Ordered(
        at_ms=now_ms,
        ticket=account.ledger.next_order,
        symbol=held.symbol,
        type=side,
        state=port.STATE_FILLED,
        magic=held.magic,
        volume_initial=held.volume,
        volume_current=0.0,
        price_open=price / listed.scale,
        sl=0.0,
        tp=0.0,
        price_stoplimit=0.0,
        comment="[rollover]",
        setup_ms=now_ms,
        done_ms=now_ms,
        position_id=held.identifier,
        reason=port.REASON_ROLLOVER,
    )
