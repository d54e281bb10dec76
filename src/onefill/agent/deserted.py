"""Control 18: where no gateway was heard of for too long, the account's working orders are
cancelled, through the engine and on the record."""

from __future__ import annotations

import asyncio

from onefill.agent.commands import OWN
from onefill.agent.lease import Lease
from onefill.agent.lines import Say
from onefill.execution.drivers.live import LiveDriver
from onefill.model.intent import Action, OrderIntent
from onefill.model.states import State
from onefill.runtime.clock import Clock, monotonic_ns

LOOK_S = 0.5
_WORKING = frozenset({State.WORKING, State.PARTIALLY_FILLED})


class Deserted:
    """One account's policy; `after_s` 0: none."""

    def __init__(
        self, driver: LiveDriver, lease: Lease, after_s: float, clock: Clock, say: Say
    ) -> None:
        self._driver = driver
        self._lease = lease
        self._after_ns = int(after_s * 1e9)
        self._clock = clock
        self._say = say

    async def run(self) -> None:
        """Watch, for ever. What begins to work later in the same absence is cancelled too."""
        since_ns = monotonic_ns()
        while self._after_ns:
            await asyncio.sleep(LOOK_S)
            if self._lease.holds:
                since_ns = monotonic_ns()
            elif monotonic_ns() - since_ns >= self._after_ns:
                await self._cancel()

    async def _cancel(self) -> None:
        state = self._driver.desk.state
        working = [
            order
            for order in state.orders.values()
            if order.state in _WORKING and order.intent.action is Action.OPEN
        ]
        if not working:
            return
        self._say("cancelling", orders=len(working), why="no gateway for cancel_after_disconnect_s")
        at_ms = self._clock.now_ms()
        cancels = [
            OrderIntent(
                client_key=f"{OWN}cancel-{at_ms}-{order.number}",
                action=Action.CANCEL,
                target=order.key,
                reason="no gateway was heard of for longer than the operator allows",
            )
            for order in working
        ]
        await asyncio.gather(*(self._driver.execute(cancel) for cancel in cancels))
