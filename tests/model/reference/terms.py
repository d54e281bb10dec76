"""What a broker offers: the terms of its symbols and of the account."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

Number = Fraction
ZERO: Final = Fraction(0)
DAY_MS: Final = 86_400_000


def exact(number: float | str) -> Fraction:
    """The decimal number that somebody wrote, not the binary one nearest to it."""
    return Fraction(str(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """Levels and distances are in points, the rest in the units of MetaTrader."""

    name: str
    calculation: str
    base: str
    profit: str
    margin: str
    digits: int
    contract: Number
    tick_size: Number
    tick_value: Number
    volume_min: Number
    volume_max: Number
    volume_step: Number
    volume_limit: Number = ZERO
    stops_level: int = 0
    freeze_level: int = 0
    filling_bits: int = 3
    expiration_bits: int = 15
    order_bits: int = 127
    #: 0 request, 1 instant, 2 market, 3 exchange.
    execution: int = 2
    #: 0 disabled, 1 long only, 2 short only, 3 close only, 4 full.
    trade_mode: int = 4
    margin_initial: Number = ZERO
    margin_maintenance: Number = ZERO
    margin_rate_long: Number = Fraction(1)
    margin_rate_short: Number = Fraction(1)
    #: None: as the contract size (or margin_initial).
    margin_hedged: Number | None = None
    margin_larger_leg: bool = False
    swap_mode: int = 0
    swap_long: Number = ZERO
    swap_short: Number = ZERO
    #: 0 Sunday .. 6 Saturday.
    triple_day: int = 3
    #: 0 until cancelled, 1 orders and stops end with the day, 2 orders only.
    gtc_mode: int = 0
    #: Begin and end of trade on every weekday (Monday to Friday), ms of the server's day.
    session: tuple[int, int] | None = None
    #: First price of the market that the test makes, and its usual spread and move in points.
    start: float = 1.0
    spread: int = 10
    move: int = 12

    @property
    def point(self) -> Number:
        """The last digit of a price."""
        return Fraction(1, 10**self.digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The account and what holds for all of it; money in account currency."""

    name: str
    symbols: tuple[Symbol, ...]
    #: 0 retail netting, 1 exchange netting, 2 retail hedging.
    margin_mode: int = 2
    currency: str = "USD"
    currency_digits: int = 2
    balance: Number = Fraction(10_000)
    leverage: int = 100
    #: Level in per cent of margin, or equity in money.
    stop_out: Number = ZERO
    stop_out_money: bool = False
    stop_out_removes_orders: bool = True
    limit_orders: int = 0
    limit_positions: int = 0
    fifo_close: bool = False
    hedging_prohibited: bool = False
    comment_limit: int = 31
    comment_accepted: int = 31
    commission_per_lot: Number = ZERO
    commission_percent: Number = ZERO
    fee_per_lot: Number = ZERO
    commission_on_entry_only: bool = False
    answer_quotes: bool = True
    echoes_comment: bool = False
    quote_age_ms: int = 0
    #: Points by which executions at the market may be worse than the quote, at most.
    slippage: int = 0
    #: The server's clock is ahead of UTC by so much.
    clock_ms: int = 0

    @property
    def hedging(self) -> bool:
        """Whether several positions of a symbol live side by side."""
        return self.margin_mode == 2
