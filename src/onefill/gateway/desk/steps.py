"""The way from one state to another through the order-status table, where no step leads there."""

from __future__ import annotations

from functools import cache

from onefill.model.states import FINAL, State, may_follow

_THROUGH = (State.ACCEPTED, State.SENDING, State.UNKNOWN)
"""What may lie between: nothing in it claims more than is known."""


@cache
def steps(before: State, after: State) -> tuple[State, ...] | None:
    """The fewest steps that lead from `before` to `after`, `after` included; None: no way.

    An order is not proven not to be executed by an answer that it was denied, once its outcome was
    in doubt: that is `NOT_EXECUTED`, for which the caller asks.
    """
    ways: list[tuple[State, ...]] = [()]
    seen = {before}
    while ways:
        way = ways.pop(0)
        stands = way[-1] if way else before
        if may_follow(stands, after):
            return (*way, after)
        for state in _THROUGH:
            if state not in seen and may_follow(stands, state):
                seen.add(state)
                ways.append((*way, state))
    return None


_PROGRESS = {
    State.RECEIVED: 0,
    State.ACCEPTED: 0,
    State.SENDING: 1,
    State.UNKNOWN: 1,
    State.QUARANTINED: 1,
    State.WORKING: 2,
    State.PARTIALLY_FILLED: 3,
}


def progress(state: State) -> int:
    """How far along an order's life a state lies: of two results, which is the older news."""
    return 4 if state in FINAL else _PROGRESS[state]
