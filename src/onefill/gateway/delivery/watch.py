"""Looks at every live connection now and then: who fell silent, whose token is no longer good.

One task for all of them; a timer for each would cost more than the rest of an idle client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from onefill.gateway.delivery.closing import CloseCode
from onefill.gateway.delivery.session import Session
from onefill.gateway.delivery.settings import DeliverySettings
from onefill.gateway.identity.model import Caller

_log = logging.getLogger(__name__)


class Watch:
    """Runs from the first connection until `stop`."""

    def __init__(
        self,
        live: set[Session],
        settings: DeliverySettings,
        still_valid: Callable[[Caller], bool],
    ) -> None:
        self._live = live
        self._settings = settings
        self._still_valid = still_valid
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())
            self._task.add_done_callback(self._ended)

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._settings.look_s)
            now_s = loop.time()
            for session in list(self._live):
                self._look_at(session, now_s)

    def _look_at(self, session: Session, now_s: float) -> None:
        settings = self._settings
        if not self._still_valid(session.caller):
            session.shut_out("the token ran out or was revoked; connect with another")
        elif not session.accounts and now_s - session.since_s > settings.profile_s:
            sentence = f"no account profile within {settings.profile_s:g} s"
            session.out.close(CloseCode.NO_ACCOUNT, sentence)
        elif session.framing.enveloped and now_s - session.heard_s > settings.liveness_s:
            sentence = f"nothing came for {settings.liveness_s:g} s; send heartbeats"
            session.out.close(CloseCode.SILENT, sentence)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nobody is served whose token cannot be looked at again."""
        if not task.cancelled() and (trouble := task.exception()):
            _log.error("the connections could not be looked at", exc_info=trouble)
            for session in self._live:
                session.out.close(CloseCode.FAILED, "the gateway is in trouble; connect again")
