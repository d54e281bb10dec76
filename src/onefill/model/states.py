"""The order-status table: code, diagram and test oracle all read it from here."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an order is in its life (design: the placement protocol)."""

    RECEIVED = "received"
    DENIED = "denied"
    ACCEPTED = "accepted"
    SENDING = "sending"
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    DONE = "done"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    QUARANTINED = "quarantined"
    NOT_EXECUTED = "not_executed"


_S = State

TRANSITIONS: dict[State, tuple[State, ...]] = {
    _S.RECEIVED: (_S.DENIED, _S.ACCEPTED),
    _S.ACCEPTED: (_S.SENDING, _S.DENIED, _S.CANCELLED, _S.EXPIRED, _S.DONE),
    _S.SENDING: (
        _S.WORKING,
        _S.PARTIALLY_FILLED,
        _S.FILLED,
        _S.DONE,
        _S.REJECTED,
        _S.CANCELLED,
        _S.EXPIRED,
        _S.UNKNOWN,
        _S.ACCEPTED,
    ),
    _S.WORKING: (
        _S.PARTIALLY_FILLED,
        _S.FILLED,
        _S.CANCELLED,
        _S.EXPIRED,
        _S.REJECTED,
        _S.UNKNOWN,
    ),
    _S.PARTIALLY_FILLED: (
        _S.PARTIALLY_FILLED,
        _S.FILLED,
        _S.CANCELLED,
        _S.EXPIRED,
        _S.UNKNOWN,
    ),
    _S.UNKNOWN: (
        _S.WORKING,
        _S.PARTIALLY_FILLED,
        _S.FILLED,
        _S.DONE,
        _S.REJECTED,
        _S.CANCELLED,
        _S.EXPIRED,
        _S.NOT_EXECUTED,
        _S.QUARANTINED,
    ),
    _S.QUARANTINED: (
        _S.WORKING,
        _S.PARTIALLY_FILLED,
        _S.FILLED,
        _S.DONE,
        _S.REJECTED,
        _S.CANCELLED,
        _S.EXPIRED,
        _S.NOT_EXECUTED,
    ),
    _S.NOT_EXECUTED: (_S.WORKING, _S.PARTIALLY_FILLED, _S.FILLED),
    _S.REJECTED: (_S.WORKING, _S.PARTIALLY_FILLED, _S.FILLED),
    _S.CANCELLED: (_S.WORKING, _S.PARTIALLY_FILLED, _S.FILLED),
    _S.EXPIRED: (_S.WORKING, _S.PARTIALLY_FILLED, _S.FILLED),
    _S.DENIED: (),
    _S.FILLED: (),
    _S.DONE: (),
}
"""What may follow what. `ACCEPTED -> DONE` is a close_all's: it sends nothing itself."""

FINAL = frozenset(
    {_S.DENIED, _S.FILLED, _S.DONE, _S.REJECTED, _S.CANCELLED, _S.EXPIRED, _S.NOT_EXECUTED}
)
"""States that only late evidence leaves."""

LATE_FROM = frozenset({_S.NOT_EXECUTED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED})
"""Final states that late evidence may leave, with a critical alert."""

#: The broker may have the order, and nobody has proven what became of it.
UNPROVEN = frozenset({_S.SENDING, _S.UNKNOWN, _S.QUARANTINED})

#: What an operator or evidence may settle a quarantined order as.
SETTLED = TRANSITIONS[_S.QUARANTINED]

_ALLOWED = {state: frozenset(after) for state, after in TRANSITIONS.items()}


def may_follow(before: State, after: State) -> bool:
    """Whether the table allows the step."""
    return after in _ALLOWED[before]


def mermaid() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> RECEIVED"]
    lines += [f"    {a.name} --> {b.name}" for a, after in TRANSITIONS.items() for b in after]
    lines += [f"    {state.name} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)
