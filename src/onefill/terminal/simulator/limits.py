"""What an account may hold at most: orders, positions, volume of a symbol and side; and what its
broker forbids beside. Each check answers a return code, 0 where it has nothing against."""

from __future__ import annotations

from onefill.terminal.simulator import retcodes
from onefill.terminal.simulator.account import Account, Listed
from onefill.terminal.simulator.entries import Held


def orders_code(account: Account) -> int:
    """Whether another pending order may be placed."""
    limit = account.settings.limit_orders
    return retcodes.LIMIT_ORDERS if limit and len(account.ledger.orders) >= limit else 0


def positions_code(account: Account, listed: Listed) -> int:
    """Whether an order may be taken that opens a position. On a hedging account pending orders
    count as the positions that they will open; on a netting one a symbol that has a position gets
    no other."""
    limit = account.settings.limit_positions
    if not limit:
        return 0
    ledger = account.ledger
    if account.nets:
        full = len(ledger.positions) >= limit and account.net_position(listed.symbol.name) is None
    else:
        full = len(ledger.positions) + len(ledger.orders) >= limit
    return retcodes.LIMIT_POSITIONS if full else 0


def volume_code(
    account: Account, listed: Listed, sign: int, volume_e8: int, *, pending: bool
) -> int:
    """Whether positions and orders of a side may grow by a volume."""
    limit = listed.volume_limit_e8
    if not limit:
        return 0
    if account.nets and not pending:
        volume_e8 = max(0, volume_e8 - listed.held.of(-sign))
    total = listed.held.of(sign) + listed.ordered.of(sign) + volume_e8
    return retcodes.LIMIT_VOLUME if volume_e8 and total > limit else 0


def hedge_code(account: Account, listed: Listed, sign: int) -> int:
    """Whether a position of the other side may be opened beside those of this one."""
    prohibited = account.settings.hedging_prohibited and not account.nets
    return retcodes.HEDGE_PROHIBITED if prohibited and listed.held.of(-sign) else 0


def fifo_code(account: Account, held: Held) -> int:
    """Whether a position is the oldest of its symbol and side, where those go first."""
    if not account.settings.fifo_close:
        return 0
    age = (held.time_ms, held.ticket)
    beside = account.ledger.by_symbol[held.symbol].values()
    older = any(one.type == held.type and (one.time_ms, one.ticket) < age for one in beside)
    return retcodes.FIFO_CLOSE if older else 0
