"""Orders whose outcome nobody knows: told to the gateway as errors, once each on a connection,
because they are no results."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from onefill.contracts.messages import Message, Result, WireError
from onefill.contracts.results import result_of
from onefill.model.account import AccountState
from onefill.model.order import OrderState
from onefill.model.states import State

_OPEN = frozenset({State.UNKNOWN, State.QUARANTINED})


class Troubles:
    """One account's."""

    def __init__(
        self,
        state: AccountState,
        durable: Callable[[], Awaitable[None]],
        send: Callable[[Message], None],
    ) -> None:
        """`durable` comes back when all that the state says is on the disk."""
        self._state = state
        self._durable = durable
        self._send = send
        self._told: set[tuple[str, State]] = set()
        self._telling: set[asyncio.Task[None]] = set()

    def connected(self) -> None:
        """A new connection hears of each of them anew."""
        self._told.clear()
        self.look()

    def look(self) -> None:
        """Tell of those that were not told yet."""
        if not self._told and not self._state.counts.keys() & _OPEN:
            return
        open_now = {
            (order.key, order.state)
            for order in self._state.orders.values()
            if order.state in _OPEN
        }
        self._told &= open_now
        fresh = sorted(open_now - self._told)
        self._told |= open_now
        errors = [
            told
            for key, _ in fresh
            if isinstance(told := self._words(self._state.orders[key]), WireError)
        ]
        if errors:
            task = asyncio.create_task(self._tell(errors))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    @staticmethod
    def _words(order: OrderState) -> Result | WireError | None:
        return result_of(order, sequence=0, at_ms=order.unknown_since_ms)

    async def _tell(self, errors: list[WireError]) -> None:
        await self._durable()
        for error in errors:
            self._send(error)
