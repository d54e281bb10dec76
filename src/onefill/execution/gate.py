"""What may close an account's way to the broker from outside: halts, and a lost gateway."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from onefill.execution.denial import Refused
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action, OrderIntent
from onefill.risk.caps import Trading

KILLED = "KILLED"
"""The code of an order that a halt stopped; nothing of it was sent."""


class Halted(NamedTuple):
    """A halt that covers an order."""

    halt: Halt
    #: The gateway whose it is, by its address; empty: not told.
    gateway: str = ""


class Gate(Protocol):
    """Asked right before anything begins that opens or changes. Closes and cancels always pass."""

    @property
    def trading(self) -> Trading:
        """The trading state (control 2) that holds beside the limits' own."""
        ...

    @property
    def trading_set_by(self) -> str:
        """Who set that state, in words that a sentence can begin with."""
        ...

    def halted(self, magic: int) -> Halted | None:
        """The halt (control 1) that covers orders of a magic number; None: there is none."""
        ...

    def out_of_contact(self) -> str:
        """Why sends wait for a gateway, as a sentence; empty where they need not."""
        ...

    def closes_in_ms(self) -> int | None:
        """After how long sends wait unless the gateway is heard of again; None: never."""
        ...


class OpenGate:
    """Nothing closes it: an engine without a gateway."""

    trading = Trading.NORMAL
    trading_set_by = "nobody"

    def halted(self, magic: int) -> Halted | None:
        """None."""
        return None

    def out_of_contact(self) -> str:
        """Empty."""
        return ""

    def closes_in_ms(self) -> int | None:
        """None."""
        return None


def may_be_stopped(intent: OrderIntent) -> bool:
    """Whether a closed gate stops it: closes and cancels always pass."""
    return intent.action in (Action.OPEN, Action.MODIFY)


def stopped(gate: Gate, intent: OrderIntent, magics: Iterable[int]) -> Refused | None:
    """Why an order may not be sent at all now; None where it may. `magics`: those that a halt of a
    strategy covers it by (`target.magics`)."""
    if not may_be_stopped(intent):
        return None
    for magic in magics:
        if (halted := gate.halted(magic)) is not None:
            return Refused(KILLED, f"{_told(halted)}; nothing was sent")
    if intent.action is Action.OPEN and gate.trading is Trading.REDUCE_ONLY:
        why = f"{gate.trading_set_by} lets this account only reduce; not sent"
        return Refused("REDUCE_ONLY", why)
    if gate.trading is Trading.HALTED:
        why = f"{gate.trading_set_by} halted trading on this account; not sent"
        return Refused("TRADING_HALTED", why)
    return None


def waits(gate: Gate, intent: OrderIntent) -> str:
    """Why an order must wait, as a sentence; empty where it need not."""
    return gate.out_of_contact() if may_be_stopped(intent) else ""


def _told(halted: Halted) -> str:
    halt, gateway = halted
    strategy = halt.scope is Scope.STRATEGY
    reach = f"strategy {halt.strategy}" if strategy else f"the {halt.scope}"
    by = f" by {halt.by}" if halt.by else ""
    at = f" at gateway {gateway}" if gateway else ""
    why = f" ({halt.reason})" if halt.reason else ""
    return f"{reach} is halted{by}{why}{at}"
