"""How a stage says no: a code and a sentence, raised where it is found and recorded once."""

from __future__ import annotations

from onefill.model.errors import OnefillError


class Refused(OnefillError):
    """The order cannot be carried out as asked; nothing was sent."""


def unknown_symbol(symbol: str) -> Refused:
    """The terminal has no such symbol."""
    return Refused(
        "SYMBOL_UNKNOWN",
        f"the terminal knows no symbol {symbol!r}; check its spelling and the broker's suffix",
    )


def target_unknown(target: str) -> Refused:
    """No order has that key."""
    return Refused("TARGET_UNKNOWN", f"no order has the client_key {target!r} named as target")


def target_not_open(target: str, state: str) -> Refused:
    """The target has no open position."""
    return Refused(
        "TARGET_NOT_OPEN",
        f"target {target!r} has no open position: it is {state} and nothing of it is open",
    )


def target_is_many(target: str) -> Refused:
    """The target is a close_all, which has no position and no pending order of its own."""
    return Refused(
        "TARGET_IS_CLOSE_ALL",
        f"target {target!r} is a close_all; name the order whose position or order is meant",
    )


def target_not_working(target: str, state: str) -> Refused:
    """The target is no pending order any more."""
    return Refused(
        "TARGET_NOT_WORKING", f"target {target!r} is {state}: it is no working pending order"
    )
