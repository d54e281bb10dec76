"""Stage 6: the fill against the intended price, in pips, signed; beyond the limit it is told."""

from __future__ import annotations

from onefill.execution.desk import Desk
from onefill.execution.outcome import Outcome
from onefill.model.events import Alerted
from onefill.model.order import OrderState


def measure_slippage(desk: Desk, order: OrderState, outcome: Outcome) -> tuple[Alerted, ...]:
    """An alert for each deal that slipped beyond `max_slippage_pips`; positive is worse.

    The position is live: it is reported as filled, never as rejected, whatever it slipped.
    """
    resolved = order.order
    if not outcome.deals or resolved is None or not resolved.requested_price:
        return ()
    limit = desk.limits.slippage_limit(order.intent.magic, resolved.symbol)
    symbol = desk.symbols.get(resolved.symbol)
    if symbol is None:
        return ()  # the terminal no longer offers it
    alerts = []
    for deal in outcome.deals:
        pips = symbol.pips_between(deal.price, resolved.requested_price) * resolved.side.sign
        if pips > limit:
            alerts.append(
                Alerted(
                    code="SLIPPAGE_EXCEEDED",
                    message=f"order {order.key!r} filled {pips:g} pips worse than intended, "
                    f"beyond the limit of {limit:g}; the position was kept",
                    key=order.key,
                )
            )
    return tuple(alerts)
