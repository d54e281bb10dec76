"""Deals into positions: what a fill does to an account's book, its sums and its reservations."""

from __future__ import annotations

from itertools import islice
from typing import TypeVar

from onefill.model.account import REMEMBERED, AccountState, Position
from onefill.model.deal import Deal, DealReason, Entry
from onefill.model.order import OrderState
from onefill.model.resolved import Reservation

K = TypeVar("K")
V = TypeVar("V")


def book(state: AccountState, deal: Deal, order: OrderState | None, key: str = "") -> None:
    """One deal into the position it made or reduced, and out of its order's reservation.

    `key` is the position's, where no order asked for the deal.
    """
    if order is not None and deal.ticket in state.booked:
        _take_over(state, deal, order)
        return
    for ticket, at_ms in remember(state.booked, deal.ticket, deal.time_ms):
        state.forgotten_ticket = max(state.forgotten_ticket, ticket)
        state.forgotten_ms = max(state.forgotten_ms, at_ms)
    if deal.reason is DealReason.ROLLOVER:
        _reopen(state, deal)
    elif deal.entry is Entry.IN:
        _enlarge(state, deal, order, key)
    elif (position := state.positions.get(deal.position)) is not None:
        _reduce(state, position, deal.volume_e8)


def _enlarge(state: AccountState, deal: Deal, order: OrderState | None, key: str) -> None:
    held = _take_share(state, order, deal.volume_e8)
    position = state.positions.get(deal.position)
    if position is None:
        resolved = order.order if order else None
        position = state.positions[deal.position] = Position(
            ticket=deal.position,
            symbol=deal.symbol,
            side=deal.side,
            volume_e8=0,
            price=deal.price,
            key=order.key if order else key,
            magic=deal.magic,
            stop_loss=resolved.stop_loss if resolved else 0.0,
            take_profit=resolved.take_profit if resolved else 0.0,
        )
        state.symbol_exposure(deal.symbol).positions += 1
    position.volume_e8 += deal.volume_e8
    if held is not None:
        position.value_minor += held.value_minor
        position.margin_minor += held.margin_minor
    _side(state, position, deal.volume_e8, held.value_minor if held else 0)


def _reopen(state: AccountState, deal: Deal) -> None:
    """A rollover closes a position and opens it again: the same volume, at another price, which the
    broker knows by another ticket from then on."""
    position = state.positions.get(deal.position)
    if position is not None and deal.entry is Entry.IN:
        position.reopened_as = deal.order
        position.price = deal.price


def _reduce(state: AccountState, position: Position, volume_e8: int) -> None:
    closed = min(volume_e8, position.volume_e8)
    value = position.value_minor * closed // position.volume_e8
    margin = position.margin_minor * closed // position.volume_e8
    position.volume_e8 -= closed
    position.value_minor -= value
    position.margin_minor -= margin
    _side(state, position, -closed, -value)
    if not position.volume_e8:
        exposure = state.symbol_exposure(position.symbol)
        exposure.value_minor -= position.value_minor
        exposure.positions -= 1
        del state.positions[position.ticket]


def _take_over(state: AccountState, deal: Deal, order: OrderState) -> None:
    """A deal that was flagged external turns out to be an order's: its volume was booked then."""
    if deal.entry is not Entry.IN:
        return
    held = _take_share(state, order, deal.volume_e8)
    position = state.positions.get(deal.position)
    if position is None:
        return
    position.key = position.key or order.key
    if held is not None:
        position.value_minor += held.value_minor
        position.margin_minor += held.margin_minor
        state.symbol_exposure(deal.symbol).value_minor += held.value_minor


def _side(state: AccountState, position: Position, volume_e8: int, value_minor: int) -> None:
    exposure = state.symbol_exposure(position.symbol)
    if position.side.sign > 0:
        exposure.buy_e8 += volume_e8
    else:
        exposure.sell_e8 += volume_e8
    exposure.value_minor += value_minor


def _take_share(
    state: AccountState, order: OrderState | None, volume_e8: int
) -> Reservation | None:
    """What filled leaves the reservation and becomes the position's."""
    if order is None or order.reservation is None:
        return None
    held = order.reservation
    exposure = state.symbol_exposure(held.symbol)
    exposure.add(held, -1)
    share = held.part(min(volume_e8, held.volume_e8))
    rest = held.part(held.volume_e8 - share.volume_e8)
    order.reservation = rest if rest.volume_e8 else None
    if order.reservation is not None:
        exposure.add(order.reservation, +1)
    return share


def remember(latest: dict[K, V], key: K, value: V) -> list[tuple[K, V]]:
    """Keep the latest entries, oldest first, `REMEMBERED` of them at most; those that went."""
    latest[key] = value
    if len(latest) <= REMEMBERED:
        return []
    # Half of them at once: to find the first alone, a dict walks over all that went before it.
    return [(old, latest.pop(old)) for old in list(islice(latest, REMEMBERED // 2))]


def is_forgotten(state: AccountState, ticket: int, at_ms: int) -> bool:
    """Whether a deal is older than all that is remembered: then it counts as booked."""
    return ticket <= state.forgotten_ticket and at_ms <= state.forgotten_ms
