"""What a program made of the account: money, deals, what is open, the calls it made."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from onefill.terminal import port
from onefill.terminal.simulator.account import Account
from onefill.terminal.simulator.entries import Dealt
from onefill.terminal.simulator.ledger import Ledger

_TRADES = (port.TYPE_BUY, port.TYPE_SELL)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The account when a program ended. Money is in account currency."""

    program: str
    profile: str
    currency: str
    currency_digits: int
    #: What put the account's money there: its deposit.
    deposit: float
    balance: float
    equity: float
    #: Balance without the deposit: closed profit with all costs.
    profit: float
    floating: float
    margin: float
    commission: float
    swap: float
    fee: float
    #: Deals that bought or sold, and of those that closed something, how many won and lost.
    deals: int
    wins: int
    losses: int
    #: The deepest that the balance fell below the highest that it had been.
    max_drawdown: float
    positions: int
    orders: int
    #: The market's time that the program saw, Unix ms (UTC).
    from_ms: int
    to_ms: int
    #: Why it ended: `program`, `end of data`, `time limit`, `interrupted`.
    ended: str
    exit_status: int
    #: How often each of MT5's functions was called.
    calls: dict[str, int]
    #: Of the machine's time; the only figure that differs between two equal runs.
    elapsed_seconds: float


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a run of a program went, apart from its account."""

    program: str
    profile: str
    from_ms: int
    to_ms: int
    ended: str
    exit_status: int
    elapsed_seconds: float


def summarise(account: Account, ending: Ending, calls: Mapping[str, int]) -> Summary:
    """The account as it is now."""
    ledger = account.ledger
    opened = ledger.account
    assert opened is not None, "an account has been opened"
    deals = [row for row in ledger.history if isinstance(row, Dealt) and row.type in _TRADES]
    outcomes = [_money(ledger, row) for row in deals if row.entry != port.ENTRY_IN]

    def total(field: str) -> float:
        return account.money(sum(round(getattr(row, field) * ledger.unit) for row in deals))

    return Summary(
        **msgspec.structs.asdict(ending),
        currency=opened.currency,
        currency_digits=opened.currency_digits,
        deposit=account.money(ledger.deposit_minor),
        balance=account.money(ledger.balance_minor),
        equity=account.money(account.equity()),
        profit=account.money(ledger.balance_minor - ledger.deposit_minor),
        floating=account.money(account.floating()),
        margin=account.money(account.margin()),
        commission=total("commission"),
        swap=total("swap"),
        fee=total("fee"),
        deals=len(deals),
        wins=sum(outcome > 0 for outcome in outcomes),
        losses=sum(outcome < 0 for outcome in outcomes),
        max_drawdown=account.money(_drawdown(ledger)),
        positions=len(ledger.positions),
        orders=len(ledger.orders),
        calls=dict(sorted(calls.items())),
    )


def _money(ledger: Ledger, deal: Dealt) -> int:
    """What a deal did to the balance, in minor units."""
    return round((deal.profit + deal.commission + deal.swap + deal.fee) * ledger.unit)


def _drawdown(ledger: Ledger) -> int:
    balance = highest = deepest = 0
    for row in ledger.history:
        if isinstance(row, Dealt):
            balance += _money(ledger, row)
            highest = max(highest, balance)
            deepest = max(deepest, highest - balance)
    return deepest
