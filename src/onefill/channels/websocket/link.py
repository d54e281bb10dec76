"""One account's way to its gateway, for as long as the agent runs: connected, cut, reconnected,
failed over, and back."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from onefill.channels.websocket.address import Gateway
from onefill.channels.websocket.connection import Connection, Peer
from onefill.channels.websocket.course import Course
from onefill.channels.websocket.refusal import certificate_trouble, why_refused
from onefill.channels.websocket.repeated import Repeated
from onefill.channels.websocket.token import access_token, opener, subject_of
from onefill.contracts.bare import EXECUTION, TRADING_CLIENT, Bare, End
from onefill.contracts.enveloped import Enveloped
from onefill.contracts.framing import MAX_FRAME, SUBPROTOCOL, Framing
from onefill.contracts.messages import Dialect
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock, monotonic_ns

OPEN_S = 10.0
"""How long a handshake may take."""
CLOSE_S = 2.0
FRAMES_MOST = 64
"""Frames that were read and wait to be heard."""
PROBE_S = 5.0
_NOT_FOUND = 404
_QUIET = logging.Logger("onefill.websocket", logging.CRITICAL)

Say = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one account speaks with its gateways."""

    login: int
    token_file: Path
    dialect: Dialect = Dialect.EXECUTION
    #: Whether frames go without envelopes, as peers of the plain contract speak.
    bare: bool = False


class _Straight(connect):
    """A handshake with the gateway that was named; wherever it points to is not asked."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Link:
    """Runs from `run` to `close`. `say` hears what happens, as a word and fields."""

    def __init__(self, terms: Terms, course: Course, peer: Peer, clock: Clock, say: Say) -> None:
        self._terms = terms
        self._course = course
        self._peer = peer
        self._clock = clock
        self._say = say
        self._repeated = Repeated()
        self._closing = asyncio.Event()
        self._over = asyncio.Event()
        self._over.set()
        self._connection: Connection | None = None
        #: Whom the last token names; empty where it does not tell.
        self.subject = ""

    async def run(self) -> None:
        """Be connected, until `close`."""
        self._over.clear()
        try:
            await self._keep_connected()
        finally:
            self._over.set()

    async def _keep_connected(self) -> None:
        while not self._closing.is_set():
            gateway, began_ns, connected = self._course.gateway, monotonic_ns(), False
            try:
                socket = await self._open(gateway)
                connected, began_ns = True, monotonic_ns()
                why = await self._live(socket, gateway)
            except InvalidStatus as refused:
                why = why_refused(refused, self._terms.token_file)
            except (OnefillError, OSError, WebSocketException, EOFError) as wrong:
                why = certificate_trouble(wrong) or str(wrong) or type(wrong).__name__
            await self._wait(gateway, why, began_ns, connected=connected)

    async def close(self) -> None:
        """Write what waits, and end; `run` comes back."""
        self._closing.set()
        if self._connection is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._connection.flushed(), CLOSE_S)
            self._connection.end("the agent stops")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), 2 * CLOSE_S)

    async def _open(self, gateway: Gateway) -> ClientConnection:
        token = await access_token(self._terms.token_file, gateway)
        self.subject = subject_of(token)
        try:
            return await self._shake_hands(gateway, token, self._terms.login)
        except InvalidStatus as refused:
            introduces_itself = not self._terms.bare or self._terms.dialect is Dialect.TRADING
            if refused.response.status_code != _NOT_FOUND or not introduces_itself:
                raise
        # An account that nobody registered is made known by its profile.
        return await self._shake_hands(gateway, token, None)

    async def _shake_hands(
        self, gateway: Gateway, token: str, login: int | None
    ) -> ClientConnection:
        socket = await _Straight(
            gateway.endpoint(login, self._terms.dialect),
            additional_headers={"Authorization": f"Bearer {token}"},
            subprotocols=None if self._terms.bare else [Subprotocol(SUBPROTOCOL)],
            compression=None,
            proxy=None if gateway.loopback else True,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            ping_interval=None,  # our own heartbeats say more: they are counted towards the lease
            max_size=MAX_FRAME,
            max_queue=FRAMES_MOST,
            user_agent_header="onefill",
            logger=_QUIET,
        )
        if not self._terms.bare and socket.subprotocol != SUBPROTOCOL:
            await socket.close()
            raise OnefillError(
                "SUBPROTOCOL_MISSING",
                f"{gateway} does not speak {SUBPROTOCOL}; --bare speaks the plain contract",
            )
        return socket

    async def _live(self, socket: ClientConnection, gateway: Gateway) -> str:
        connection = Connection(socket, str(gateway), self._framing(), self._peer, self._clock)
        self._connection = connection
        self._repeated.over(str(gateway))
        self._say("connected", gateway=str(gateway))
        probing = None
        if self._course.on_backup:
            probing = asyncio.create_task(self._return_to_primary(connection))
        try:
            return await connection.live()
        finally:
            if probing is not None:
                probing.cancel()

    def _framing(self) -> Framing:
        if not self._terms.bare:
            return Enveloped(source="onefill-agent")
        dialect = self._terms.dialect
        path = EXECUTION if dialect is Dialect.EXECUTION else TRADING_CLIENT
        return Bare(dialect, path, end=End.CLIENT)

    async def _wait(self, gateway: Gateway, why: str, began_ns: int, *, connected: bool) -> None:
        """Until the next try."""
        connection, self._connection = self._connection, None
        if self._closing.is_set():
            return
        lasted_s = (monotonic_ns() - began_ns) / 1e9 if connected else 0.0
        if connection is not None and connection.replaced:
            wait_s = self._course.replaced()
            self._say(
                "replaced",
                gateway=str(gateway),
                why="another agent holds the account's session; stop one of them",
                again_in_s=round(wait_s, 1),
            )
        elif self._course.gateway is not gateway:
            return  # on the way back to the primary
        else:
            wait_s = self._course.lost(lasted_s)
            if self._repeated.due(str(gateway), why):
                self._say("away", gateway=str(gateway), why=why, again_in_s=round(wait_s, 1))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), wait_s)

    async def _return_to_primary(self, connection: Connection) -> None:
        """From the backup: look at the primary until it was well several times in a row."""
        well = 0
        while well < self._course.looks:
            await asyncio.sleep(self._course.probe_s)
            well = well + 1 if await asyncio.to_thread(_is_well, self._course.primary) else 0
        self._say("returning", gateway=str(self._course.primary))
        self._course.back()
        connection.end("the primary gateway is back")


def _is_well(gateway: Gateway) -> bool:
    """Whether a gateway says that it is ready; one that has no such page is, where it answers."""
    try:
        with opener(gateway).open(gateway.page("/readyz"), timeout=PROBE_S):
            return True
    except urllib.error.HTTPError as told:
        told.close()
        return told.code in (401, 403, 404, 426)
    except (OSError, ValueError, http.client.HTTPException):
        return False
