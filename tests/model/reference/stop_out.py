"""Stop-out: what the server closes once equity no longer covers the positions."""

from __future__ import annotations

from collections.abc import Callable

from .account import Account
from .positions import close_by_server
from .rows import BY_SO, CANCELED
from .terms import Symbol


def is_due(account: Account) -> bool:
    """Equity at the level or below. Positions that bind no margin stay until equity is negative."""
    level = account.broker.stop_out
    if not level or not account.positions:
        return False
    if account.broker.stop_out_money:
        return account.equity() <= level
    bound = account.margin()
    return account.equity() <= bound * level / 100 if bound > 0 else account.equity() < 0


def look(account: Account, is_open: Callable[[Symbol], bool]) -> None:
    """Pending orders go, then the most unprofitable position that can be traded, and so on."""
    if not is_due(account):
        return
    if account.broker.stop_out_removes_orders:
        for order in list(account.orders.values()):
            account.finish(order, CANCELED)
    while is_due(account):
        tradable = [
            one for one in account.positions.values() if is_open(account.symbols[one.symbol])
        ]
        if not tradable:
            return
        worst = min(tradable, key=lambda one: (account.profit_of(one) + one.swap, one.ticket))
        close_by_server(account, worst, BY_SO, _say(account))


def _say(account: Account) -> str:
    equity, bound = account.equity(), account.margin()
    told = f"{float(equity):.2f}/{float(bound):.2f}"
    if not account.broker.stop_out_money:
        told = f"{float(equity / bound * 100) if bound else 0:.2f}%/{told}"
    return f"[so {told}]"[: account.broker.comment_limit]
