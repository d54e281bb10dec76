"""What a stage asks its driver to do. Every effect is a place where a process may die."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from onefill.model.account import AccountState
from onefill.model.events import Event
from onefill.model.intent import OrderIntent
from onefill.terminal.port import Request


class Commit(NamedTuple):
    """Append events to the account's journal; comes back when they are durable."""

    events: tuple[Event, ...]
    point: str


class Call(NamedTuple):
    """Call the terminal; comes back with a `Reply`."""

    request: Request
    point: str


class Sleep(NamedTuple):
    """Comes back at or after a time (Unix ms, UTC)."""

    until_ms: int


class Until(NamedTuple):
    """Comes back when the account's state fulfils the condition, or at `until_ms`.

    Those that wait come back in the order in which they began to wait; those for an order, in the
    order in which the orders came.
    """

    condition: Callable[[AccountState], bool]
    until_ms: int | None = None
    #: Whether all that wait so stand in one line: where its first cannot go on, none can.
    in_line: bool = False
    #: The number of the order that is held back until then; 0: it is about no order.
    number: int = 0


class Start(NamedTuple):
    """Begin another order beside this one (a child of a close_all)."""

    intent: OrderIntent


class Tell(NamedTuple):
    """Tell the door something that is durable already."""

    what: Any
    point: str


Effect = Commit | Call | Sleep | Until | Start | Tell
Steps = Generator[Effect, Any, Any]
"""A stage, or a whole order: effects out, answers in."""
