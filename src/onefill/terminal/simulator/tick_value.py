"""What a tick of a symbol is worth for one lot now, as `symbol_info` shows it: floats."""

from __future__ import annotations

from typing import NamedTuple

from onefill.terminal.simulator.contract import tick_size
from onefill.terminal.simulator.rates import Rate
from onefill.terminal.simulator.valuation import Valuation


class TickValues(NamedTuple):
    """`trade_tick_value_profit`, which is `trade_tick_value` too, and `trade_tick_value_loss`, in
    account currency; `trade_tick_size` in units of price."""

    profit: float
    loss: float
    size: float


def tick_values(valuation: Valuation) -> TickValues:
    """At the quotes in force. Zeros where there are none yet, or where nothing converts the
    profit currency to the account's.

    A symbol whose price converts its own profit is converted at its own quote: profit at the ask,
    loss at the bid, as through any other symbol (a real terminal's USDJPY on an account in pounds:
    profit at GBPJPY's ask).
    """
    size = tick_size(valuation.specification)
    if not valuation.is_convertible or not valuation.is_quoted:
        return TickValues(0.0, 0.0, float(size))
    feed = valuation.feed
    return TickValues(
        _value(valuation, valuation.profit_rate(feed.ask, gain=True)),
        _value(valuation, valuation.profit_rate(feed.bid, gain=False)),
        float(size),
    )


def _value(valuation: Valuation, rate: Rate) -> float:
    size = tick_size(valuation.specification)
    points, point = size * valuation.scale, valuation.point_of_lot
    above = points.numerator * point[0] * rate[0]
    return above / (points.denominator * point[1] * rate[1])
