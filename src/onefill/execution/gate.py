"""What may close an account's way to the broker from outside: halts, and a lost gateway."""

from __future__ import annotations

from typing import Protocol

from onefill.execution.denial import Refused
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action, OrderIntent
from onefill.risk.caps import Trading

KILLED = "KILLED"
"""The code of an order that a halt stopped; nothing of it was sent."""


class Gate(Protocol):
    """Asked right before anything begins that opens or changes. Closes and cancels always pass."""

    @property
    def trading(self) -> Trading:
        """The trading state (control 2) that holds beside the limits' own."""
        ...

    def halted(self, magic: int) -> Halt | None:
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

    def halted(self, magic: int) -> Halt | None:
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


def stopped(gate: Gate, intent: OrderIntent) -> Refused | None:
    """Why an order may not be sent at all now; None where it may."""
    if not may_be_stopped(intent):
        return None
    halt = gate.halted(intent.magic)
    if halt is not None:
        return Refused(KILLED, f"{_reach(halt)}{_why(halt)}; nothing was sent")
    if intent.action is Action.OPEN and gate.trading is Trading.REDUCE_ONLY:
        return Refused("REDUCE_ONLY", "the gateway lets this account only reduce; not sent")
    if gate.trading is Trading.HALTED:
        return Refused("TRADING_HALTED", "the gateway halted trading on this account; not sent")
    return None


def waits(gate: Gate, intent: OrderIntent) -> str:
    """Why an order must wait, as a sentence; empty where it need not."""
    return gate.out_of_contact() if may_be_stopped(intent) else ""


def _reach(halt: Halt) -> str:
    if halt.scope is Scope.STRATEGY:
        return f"strategy {halt.strategy} is halted"
    return f"the {halt.scope} is halted"


def _why(halt: Halt) -> str:
    by = f" by {halt.by}" if halt.by else ""
    return f"{by} ({halt.reason})" if halt.reason else by
