"""A market's depth as it may well be: levels around the quote, each with a seeded volume.

It holds nobody's orders: what is traded does not change it. Volumes belong to the price level and
the tick, grow away from the quote, and are whole steps of the symbol's volume.
"""

from __future__ import annotations

from typing import NamedTuple

from onefill.runtime.draws import Draws

SELL, BUY = 1, 2
"""`BOOK_TYPE_SELL`: an offer, at or above the ask; `BOOK_TYPE_BUY`: at or below the bid."""


class Level(NamedTuple):
    """One price of the ladder; points, 1e-8 lots."""

    type: int
    price: int
    volume_e8: int


class Quote(NamedTuple):
    """What the ladder stands around."""

    symbol: str
    time_ms: int
    bid: int
    ask: int


def ladder(
    quote: Quote, levels: int, tick: int, volumes_e8: tuple[int, int], draws: Draws
) -> tuple[Level, ...]:
    """`levels` offers, highest first, then as many bids, as MT5 lists them. Prices are `tick`
    points apart; `volumes_e8`: the smallest volume and its step."""
    least, step = volumes_e8

    def volume(side: int, price: int, depth: int) -> int:
        draw = draws.uniform("depth", quote.symbol, side, price, quote.time_ms)
        return least + step * int((1 + depth) * 100 * (0.25 + draw))

    offers = [
        Level(SELL, quote.ask + depth * tick, volume(SELL, quote.ask + depth * tick, depth))
        for depth in reversed(range(levels))
    ]
    bids = [
        Level(BUY, quote.bid - depth * tick, volume(BUY, quote.bid - depth * tick, depth))
        for depth in range(levels)
        if quote.bid > depth * tick
    ]
    return (*offers, *bids)
