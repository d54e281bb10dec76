"""Stop-out: what the broker closes by itself once equity no longer covers the positions.

First pending orders go, where the profile says so, then positions, the most unprofitable first,
until the level is kept again. MetaTrader's help: "Margin Call/Stop Out".
"""

from __future__ import annotations

from fractions import Fraction

from onefill.model.volume import to_e8
from onefill.terminal import port
from onefill.terminal.simulator.account import Account
from onefill.terminal.simulator.deals import close_by_broker
from onefill.terminal.simulator.entries import Held
from onefill.terminal.simulator.pending_orders import ended


class StopOut:
    """The account's stop-out level, and what happens once it is reached."""

    def __init__(self, account: Account) -> None:
        self._account = account
        settings = account.settings
        level = Fraction(repr(settings.stop_out))
        self.is_on = level > 0
        self._in_money = settings.stop_out_mode == "money"
        level = level * account.ledger.unit if self._in_money else level / 100
        self._above, self._below = level.numerator, level.denominator

    def threshold(self) -> int:
        """The highest equity (minor units) at which there is a stop-out: at the level, and below.
        Positions that bind no margin are kept until equity is negative."""
        if self._in_money:
            return self._above // self._below
        margin = self._account.margin()
        return margin * self._above // self._below if margin > 0 else -1

    def room(self) -> int:
        """How much equity is above that; 0 or less: there is a stop-out."""
        return self._account.equity() - self.threshold()

    def next_ms(self, limit_ms: int) -> int | None:
        """When it must be looked at next, at a time at the latest; None: not before."""
        if not self.is_on:
            return None
        return self._account.watch.next_ms(limit_ms, self.room)

    def look(self) -> None:
        """Close what must be closed at the quotes in force; recorded, not yet committed."""
        account = self._account
        if not self.is_on or not account.ledger.positions:
            return
        if self.room() <= 0:
            self._stop_out()
        account.watch.settle()

    def _stop_out(self) -> None:
        account = self._account
        if account.settings.stop_out_removes_orders:
            for order in list(account.ledger.orders.values()):
                account.record(ended(account, order, port.STATE_CANCELED))
        while self.room() <= 0:
            worst = self._worst()
            if worst is None:
                return
            listed = account.listed[worst.symbol]
            close_by_broker(account, listed, worst, port.REASON_SO, self._comment())

    def _worst(self) -> Held | None:
        """The most unprofitable of the positions whose market is open, swap counted; of equal ones
        the oldest. None: there is none to close."""
        account = self._account
        found: tuple[int, int] | None = None
        for held in account.ledger.positions.values():
            listed = account.listed[held.symbol]
            if not listed.sessions.is_open(account.now_ms):
                continue
            close = listed.feed.bid if held.type == port.TYPE_BUY else listed.feed.ask
            profit = listed.valuation.profit(
                1 - 2 * held.type, to_e8(held.volume), listed.opened(held), close
            )
            profit += round(held.swap * account.ledger.unit)
            if found is None or (profit, held.ticket) < found:
                found = profit, held.ticket
        return None if found is None else account.ledger.positions[found[1]]

    def _comment(self) -> str:
        """Such as `[so 48.93%/489.30/1000.00]`: level, equity, margin."""
        account = self._account
        equity, margin = account.equity(), account.margin()
        level = equity / margin * 100 if margin > 0 else 0.0
        money = f"{account.money(equity):.2f}/{account.money(margin):.2f}"
        text = f"[so {money}]" if self._in_money else f"[so {level:.2f}%/{money}]"
        return text[: account.settings.comment_limit]
