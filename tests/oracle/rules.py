"""Which price is looked at, what is on its right side, and what slippage is."""

from decimal import Decimal
from fractions import Fraction

from .records import Deal, Order, Outcome, Pending, Position, Refused, number
from .ticks import Tick


def below(first: Decimal, second: Decimal, side: int) -> bool:
    """Whether `first` < `second` for a buy; mirrored for a sell."""
    return first < second if side > 0 else first > second


def opening_price(side: int, quote: Tick) -> Decimal:
    """A buy opens at the ask, a sell at the bid."""
    return quote.ask if side > 0 else quote.bid


def closing_price(side: int, quote: Tick) -> Decimal:
    """A buy closes at the bid, a sell at the ask."""
    return quote.bid if side > 0 else quote.ask


def changed_stops(order: Order, old: Pending | Position) -> tuple[Decimal | None, Decimal | None]:
    """Stop loss and take profit after a modify: absent or null leaves, 0 removes."""
    loss, gain = number(order, "stop_loss"), number(order, "take_profit")
    return (
        old.stop_loss if loss is None else loss or None,
        old.take_profit if gain is None else gain or None,
    )


def check_stops(side: int, loss: Decimal | None, price: Decimal, gain: Decimal | None) -> None:
    """Refuse stops that are not on their sides of `price`."""
    if loss is not None and not below(loss, price, side):
        raise Refused("stop loss on the wrong side")
    if gain is not None and not below(price, gain, side):
        raise Refused("take profit on the wrong side")


def check_pending(order: Pending, market: Decimal) -> None:
    """Refuse a working order whose prices are not on their sides of `market`."""
    side = order.side
    if order.kind == "limit" and not below(order.price, market, side):
        raise Refused("limit not below the market")
    if order.kind in ("stop", "stop_limit") and not below(market, order.price, side):
        raise Refused("stop not above the market")
    if order.kind == "stop_limit" and not below(order.limit_price, order.price, side):
        raise Refused("stop limit's limit not below its stop")
    check_stops(side, order.stop_loss, order.limit_price, order.take_profit)


def fill(outcome: Outcome, deal: Deal, requested: Decimal, pip: Decimal) -> None:
    """Tell an order of the deal that filled it; slippage is positive where it is worse."""
    outcome.status = "filled"
    outcome.deal_number = deal.number
    outcome.filled_at_ms = deal.time_ms
    outcome.requested_price = requested
    outcome.fill_price = deal.price
    outcome.filled_volume = deal.volume
    outcome.slippage_pips = Fraction((deal.price - requested) * deal.side) / Fraction(pip)
