"""What an account holds already: positions, working orders and orders of unknown outcome."""

from __future__ import annotations

from typing import NamedTuple

from onefill.model.account import AccountState, Exposure
from onefill.model.market import MarketView
from onefill.model.states import State


class Sums(NamedTuple):
    """Money is in the account currency's smallest unit.

    `orders` are live orders that may still open a position (on their way, working, UNKNOWN),
    `pending` those of them that are pending orders.
    """

    value_minor: int
    margin_minor: int
    positions: int
    orders: int
    pending: int
    #: In 1e-8 lots, buys and sells together.
    volume_e8: int


def account_sums(state: AccountState) -> Sums:
    """Over the whole account; a running sum a symbol, so it costs the same with many orders."""
    value = margin = positions = orders = pending = volume = 0
    for held in state.exposure.values():
        value += held.value_minor
        margin += held.reserved_margin_minor
        positions += held.positions
        orders += held.orders
        pending += held.pending
        volume += held.buy_e8 + held.sell_e8
    return Sums(value, margin, positions, orders, pending, volume)


def symbol_sums(state: AccountState, symbol: str) -> Sums:
    """Over one symbol."""
    held = state.exposure.get(symbol) or Exposure()
    return Sums(
        held.value_minor,
        held.reserved_margin_minor,
        held.positions,
        held.orders,
        held.pending,
        held.buy_e8 + held.sell_e8,
    )


def strategy_sums(state: AccountState, magic: int) -> Sums:
    """Over one strategy, counted anew: looked at only where a strategy has a limit of its own."""
    positions = [held for held in state.positions.values() if held.magic == magic]
    reserved = [
        order.reservation
        for order in state.orders.values()
        if order.reservation is not None and order.intent.magic == magic
    ]
    return Sums(
        sum(held.value_minor for held in positions) + sum(held.value_minor for held in reserved),
        sum(held.margin_minor for held in reserved),
        len(positions),
        len(reserved),
        sum(held.pending for held in reserved),
        sum(held.volume_e8 for held in positions) + sum(held.volume_e8 for held in reserved),
    )


def foreign(state: AccountState, view: MarketView) -> tuple[int, int]:
    """(positions and orders, pending orders) at the broker that are none of ours.

    An order that is being sent is not known at the broker yet: should it have arrived just now, it
    is counted twice for the length of a call, which errs on the safe side.
    """
    counts = state.counts
    known = (
        counts.get(State.WORKING, 0)
        + counts.get(State.PARTIALLY_FILLED, 0)
        + counts.get(State.UNKNOWN, 0)
        + counts.get(State.QUARANTINED, 0)
    )
    at_broker = view.open_positions + view.open_orders
    return (
        max(0, at_broker - len(state.positions) - known),
        max(0, view.open_orders - known),
    )
