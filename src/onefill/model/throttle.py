"""When an account sent messages and orders alike lately (controls 6 and 7): moments in Unix ms,
oldest first."""

from __future__ import annotations

from bisect import bisect_right

from onefill.model.intent import OrderIntent

MOMENTS_KEPT = 100_000
"""How many moments are kept of one thing; no limit on a count in a window is above it."""
KINDS_KEPT = 8_192
"""How many kinds of order are told apart; far more than are in a window."""
_SWEPT_EVERY = 1_024


def add_moment(moments: list[int], at_ms: int, window_ms: int) -> None:
    """Take a moment in, and let go of what has left the window, many at once.

    Where the clock went back, what it had told after that moment is forgotten: a window that ends
    in the future would never be over.
    """
    if moments and moments[-1] > at_ms:
        del moments[bisect_right(moments, at_ms) :]
    moments.append(at_ms)
    if moments[len(moments) // 2] <= at_ms - window_ms:
        del moments[: bisect_right(moments, at_ms - window_ms)]
    if len(moments) >= 2 * MOMENTS_KEPT:
        del moments[:-MOMENTS_KEPT]


def count_within(moments: list[int], now_ms: int, window_ms: int) -> int:
    """How many of the moments are in the window that ends now; one a whole window old is not."""
    if not moments or moments[-1] <= now_ms - window_ms:
        return 0
    return bisect_right(moments, now_ms) - bisect_right(moments, now_ms - window_ms)


def kind_of_order(intent: OrderIntent) -> str:
    """What makes two opening orders of a strategy alike: symbol, side, kind, size and price."""
    return (
        f"{intent.magic}|{intent.symbol}|{intent.side}|{intent.order_type}"
        f"|{intent.volume}|{intent.units}|{intent.price}"
    )


def add_alike(alike: dict[str, list[int]], kind: str, at_ms: int, window_ms: int) -> None:
    """Count an order of a kind; kinds that have left the window are let go of, many at once."""
    moments = alike.get(kind)
    if moments is None:
        moments = alike[kind] = []
        if not len(alike) % _SWEPT_EVERY:
            _sweep(alike, kind, at_ms - window_ms)
    add_moment(moments, at_ms, window_ms)


def forget_strategy(alike: dict[str, list[int]], magic: int) -> None:
    """Once a person lets a strategy go on, the count of its orders begins anew."""
    for kind in [kind for kind in alike if kind.startswith(f"{magic}|")]:
        del alike[kind]


def _sweep(alike: dict[str, list[int]], new: str, before_ms: int) -> None:
    old = [kind for kind, moments in alike.items() if kind != new and moments[-1] <= before_ms]
    if len(alike) - len(old) > KINDS_KEPT:
        old = list(alike)[: len(alike) // 2]
    for kind in old:
        del alike[kind]
