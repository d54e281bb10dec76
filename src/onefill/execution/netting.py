"""Netting accounts: the broker has one position a symbol, and every order of ours a share of it.

A share is an open `Position` under the ticket of the order that opened it. The shares of a symbol,
signed, add up to the broker's position; so a close by target closes what that order opened and
nothing else, whatever the deal does to the net position (reduce, enlarge or reverse it).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from onefill.model.account import AccountState, Position
from onefill.model.deal import Deal, DealReason, Entry
from onefill.model.intent import Action
from onefill.model.order import OrderState


def share_of(order: OrderState, deal: Deal) -> Deal:
    """The deal of an order of ours, booked on the share that it opens or closes."""
    resolved = order.order
    if resolved is None or not resolved.netting:
        return deal
    if resolved.action is Action.CLOSE:
        ticket, entry = resolved.position_ticket, Entry.OUT
    else:
        ticket, entry = deal.order, Entry.IN
    return msgspec.structs.replace(deal, position=ticket, entry=entry)


class Shares:
    """The shares of an account as they stand while a batch of deals is attributed."""

    def __init__(self, state: AccountState) -> None:
        self._open = {
            ticket: msgspec.structs.replace(held) for ticket, held in state.positions.items()
        }

    def book(self, deal: Deal, key: str) -> None:
        """Take in a deal that is booked on a share already (its `position`)."""
        held = self._open.get(deal.position)
        if deal.entry is not Entry.IN:
            if held is not None:
                held.volume_e8 -= deal.volume_e8
                if held.volume_e8 <= 0:
                    del self._open[deal.position]
            return
        if held is None:
            held = self._open[deal.position] = Position(
                ticket=deal.position,
                symbol=deal.symbol,
                side=deal.side,
                volume_e8=0,
                price=deal.price,
                key=key,
            )
        held.volume_e8 += deal.volume_e8

    def share_out(self, deal: Deal) -> list[tuple[str, Deal]]:
        """A deal that no order of ours asked for (a stop, a stop-out, a person), booked on the
        shares that it closes, oldest first, each with its order's key.

        What is left of it is a share of nobody's. Where the broker closes the whole net position,
        every share of the symbol ends: those of both sides that had offset each other too.
        """
        shares = [held for held in self._open.values() if held.symbol == deal.symbol]
        net_e8 = sum(held.side.sign * held.volume_e8 for held in shares)
        flat = net_e8 + deal.side.sign * deal.volume_e8 == 0
        if flat and deal.reason is not DealReason.ORDER:
            parts = _parts(deal, [(held, held.volume_e8) for held in shares])
        else:
            closed = list(_oldest(shares, deal))
            parts = _parts(deal, closed)
            rest_e8 = deal.volume_e8 - sum(volume_e8 for _, volume_e8 in closed)
            if rest_e8:
                parts.append(("", _rest(deal, rest_e8, whole=not parts)))
        for key, part in parts:
            self.book(part, key)
        return parts


def _rest(deal: Deal, volume_e8: int, *, whole: bool) -> Deal:
    """What a deal opens; its money is with the part that closes, where there is one."""
    share = msgspec.structs.replace(deal, volume_e8=volume_e8, position=deal.order, entry=Entry.IN)
    if whole:
        return share
    return msgspec.structs.replace(share, profit=0.0, commission=0.0, swap=0.0, fee=0.0)


def _oldest(shares: Iterable[Position], deal: Deal) -> Iterable[tuple[Position, int]]:
    """The opposite shares that a deal closes, and how much of each."""
    left_e8 = deal.volume_e8
    for held in sorted(shares, key=lambda share: share.ticket):
        if held.side is deal.side or not left_e8:
            continue
        volume_e8 = min(held.volume_e8, left_e8)
        left_e8 -= volume_e8
        yield held, volume_e8


def _parts(deal: Deal, closed: list[tuple[Position, int]]) -> list[tuple[str, Deal]]:
    """The deal in parts; the first of them carries its money, so that none is counted twice."""
    parts = []
    for place, (held, volume_e8) in enumerate(closed):
        part = msgspec.structs.replace(
            deal, position=held.ticket, entry=Entry.OUT, volume_e8=volume_e8
        )
        if place:
            part = msgspec.structs.replace(part, profit=0.0, commission=0.0, swap=0.0, fee=0.0)
        parts.append((held.key, part))
    return parts
