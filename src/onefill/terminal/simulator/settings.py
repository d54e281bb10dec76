"""What holds for a whole simulated broker, and for the account on it: the [broker] table."""

from __future__ import annotations

from typing import Literal

import msgspec

MarginMode = Literal["netting", "exchange", "hedging"]
MARGIN_MODES: dict[str, int] = {"netting": 0, "exchange": 1, "hedging": 2}
"""MT5's `margin_mode` by name."""
TRADE_MODES: dict[str, int] = {"demo": 0, "contest": 1, "real": 2}
"""MT5's `trade_mode` of an account by name."""


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money is in account currency, times in ms, levels in MT5's units."""

    name: str
    company: str
    server: str
    login: int
    #: What a login must give; empty: anything will do.
    password: str
    #: The account holder's name.
    account_name: str
    trade_mode: Literal["demo", "contest", "real"]
    margin_mode: MarginMode
    #: Deposit and currency of an account for which none are asked.
    currency: str
    balance: float
    leverage: int
    #: Margin call and stop-out: levels in per cent of margin, or equity in money.
    stop_out_mode: Literal["percent", "money"]
    margin_call: float
    #: 0: no stop-out.
    stop_out: float
    #: Pending orders that an account may have; 0: no limit.
    limit_orders: int
    #: Open positions that an account may have; 0: no limit.
    limit_positions: int
    #: Positions of one symbol and side must be closed oldest first.
    fifo_close: bool
    #: A symbol's positions must all be of one side.
    hedging_prohibited: bool = False
    #: What the broker adds before and after the symbols' names.
    prefix: str
    suffix: str
    #: The server's clock: `UTC`, `Europe/Athens`, `America/New_York+7`.
    time_zone: str
    #: Letters of a comment that the broker keeps, 16 to 31.
    comment_limit: int
    #: Letters of a comment beyond which the package refuses the request.
    comment_accepted: int
    #: Account money a lot and deal.
    commission_per_lot: float
    #: Of a deal's value, in per cent, on top.
    commission_percent: float
    #: Account money a lot and deal, told as `fee`.
    fee_per_lot: float
    #: Which deals commission and fee are for.
    commission_on: Literal["both", "in"]
    latency_ms: int
    #: History shows an order's end and its deals so much later; 0: at once.
    history_lag_ms: int
    #: Points by which a market execution may be worse than the quote, seeded, and at most.
    slippage_points: int
    quote_age_ms: int
    #: Whether an answer to a deal tells bid and ask.
    answer_quotes: bool
    #: Whether a pending order's answer echoes the request's comment.
    answer_echoes_comment: bool
    #: What a stop-out does with pending orders that bind margin.
    stop_out_removes_orders: bool
    #: Seed of slippage and of the generated market.
    seed: int
