"""All clients' connections: each from its handshake to its end, and how the desk reaches them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from onefill.contracts.bare import EXECUTION, TRADING_CLIENT, Bare
from onefill.contracts.enveloped import Enveloped
from onefill.contracts.framing import SUBPROTOCOL
from onefill.contracts.messages import Command, ConfigUpdate, Dialect, Profile, WireError
from onefill.gateway.delivery.closing import CloseCode
from onefill.gateway.delivery.counters import Counters
from onefill.gateway.delivery.handshake import Admission, Handshake, Refused
from onefill.gateway.delivery.outgoing import Outgoing
from onefill.gateway.delivery.profiles import take_profile
from onefill.gateway.delivery.protocols import abort_of
from onefill.gateway.delivery.seats import Seats
from onefill.gateway.delivery.session import Session
from onefill.gateway.delivery.settings import DeliverySettings
from onefill.gateway.delivery.watch import Watch
from onefill.gateway.identity.model import Caller
from onefill.gateway.ports import Directory, Hears
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock

_PATHS = {EXECUTION: Dialect.EXECUTION, TRADING_CLIENT: Dialect.TRADING}
#: Of the contract.
_LATER = frozenset({"/ws/mt5", "/ws/market-data"})
#: Bare framings keep nothing of a connection: all clients share them.
_BARE = {dialect: Bare(dialect, path) for path, dialect in _PATHS.items()}


class Sessions:
    """The clients' WebSockets (`routes`), and the desk's `Post`.

    `hears` may be set after this was made, before the first connection. `authenticate` is given
    the Authorization header as it came, `redeem` a one-use ticket; both raise `OnefillError`.
    `still_valid` says whether a caller's token or key neither ran out nor was revoked; it is asked
    every `look_s` seconds for each connection, so it must answer from memory.
    """

    def __init__(
        self,
        hears: Hears,
        directory: Directory,
        clock: Clock,
        settings: DeliverySettings,
        *,
        authenticate: Callable[[str], Caller],
        redeem: Callable[[str], Caller],
        still_valid: Callable[[Caller], bool],
    ) -> None:
        self.hears = hears
        self.directory = directory
        self.clock = clock
        self.settings = settings
        self.counters = Counters()
        self.seats = Seats(self)
        self.refused: dict[str, str] = {}
        self._handshake = Handshake(directory, authenticate, redeem, settings)
        self._live: set[Session] = set()
        self._watch = Watch(self._live, settings, still_valid)
        self._closing = False
        self._emptied = asyncio.Event()

    @property
    def routes(self) -> list[WebSocketRoute]:
        """For the application that uvicorn serves, with `protocols.server_options`."""
        served = [
            WebSocketRoute(path, _Door(self, dialect), name=dialect)
            for path, dialect in _PATHS.items()
        ]
        return [*served, WebSocketRoute("/{path:path}", self.lost, name="lost")]

    async def close(self) -> None:
        """Refuse new clients and let go those that are here; back when all are gone, which a
        client that does not answer delays by `close_s`."""
        self._closing = True
        self._watch.stop()
        for session in self._live:
            session.out.close(CloseCode.RESTARTING, "the gateway stops; connect again")
        while self._live:
            self._emptied.clear()
            await self._emptied.wait()

    # The desk's Post.

    def present(self, account: str) -> bool:
        """Whether a client of the account is connected and has been greeted."""
        return self.seats.holder(account) is not None

    def hand(self, account: str, command: Command) -> str:
        """Queue a command. Empty: done; else why not. QUEUE_FULL passes: try again soon, or when
        the client arrives anew."""
        session = self.seats.holder(account)
        if session is None:
            return "AWAY"
        try:
            frame = session.framing.pack(command)
        except OnefillError:
            frame = None
        if frame is None or not session.note(account, command.intent.client_key):
            return "NOT_EXPRESSIBLE"
        return "" if session.out.put(frame, account) else "QUEUE_FULL"

    def tell(self, account: str, message: ConfigUpdate | WireError) -> bool:
        """Something beside commands; False where the client is away or cannot be told."""
        session = self.seats.holder(account)
        if session is None:
            return False
        if isinstance(message, ConfigUpdate):
            return session.configure(account, message)
        return session.say(message, account)

    # One connection.

    async def connected(self, dialect: Dialect, scope: Scope, receive: Receive, send: Send) -> None:
        """A connection from its handshake to its end."""
        websocket = WebSocket(scope, receive, send)
        try:
            if self._closing:
                raise Refused(503, "GATEWAY_STOPPING", "the gateway stops; try again soon")
            admission = self._handshake.admit(websocket, dialect)
        except Refused as refused:
            await self._deny(websocket, refused)
            return
        _forget_secrets(scope)
        try:
            await websocket.accept(SUBPROTOCOL if admission.enveloped else None)
            await self._serve(admission, dialect, scope, receive, send)
        finally:
            self._handshake.leave(admission)

    async def lost(self, websocket: WebSocket) -> None:
        """A handshake on a path that is none of ours, whoever asks."""
        paths = " and ".join(_PATHS)
        path = websocket.scope["path"]
        what = f"{path} is not served yet" if path in _LATER else "no WebSocket is served here"
        await self._deny(websocket, Refused(404, "PATH_UNKNOWN", f"{what}; clients use {paths}"))

    async def profiled(self, session: Session, profile: Profile) -> None:
        """A profile came."""
        await take_profile(self, session, profile)

    async def _deny(self, websocket: WebSocket, refused: Refused) -> None:
        self.counters.refused[refused.code] += 1
        _forget_secrets(websocket.scope)
        await websocket.send_denial_response(_denial(refused))

    async def _serve(
        self, admission: Admission, dialect: Dialect, scope: Scope, receive: Receive, send: Send
    ) -> None:
        loop = asyncio.get_running_loop()
        abort = abort_of(scope)
        framing = (
            Enveloped(dialect=dialect, tenant=admission.caller.tenant)
            if admission.enveloped
            else _BARE[dialect]
        )
        out = Outgoing(send, abort, self.settings, self.counters)
        session = Session(self, admission.caller, framing, out, loop.time())
        self._live.add(session)
        self.counters.connected += 1
        self._watch.start()
        try:
            if admission.account is not None:
                await self.seats.take(session, admission.account)
            await session.run(receive)
        finally:
            self._live.discard(session)
            self._emptied.set()
            self.counters.connected -= 1
            # Whatever the server still has for a peer that does not read goes with it.
            loop.call_later(self.settings.close_s, abort)
            for account in list(session.accounts.values()):
                await self.seats.give_up(session, account)


class _Door:
    """A path, as an ASGI application: some coroutines less a client than an endpoint function."""

    def __init__(self, sessions: Sessions, dialect: Dialect) -> None:
        self._sessions = sessions
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._sessions.connected(self._dialect, scope, receive, send)


def _forget_secrets(scope: Scope) -> None:
    """A token or ticket is not kept for as long as the connection lives, nor logged by a server."""
    scope["headers"], scope["query_string"] = [], b""


def _denial(refused: Refused) -> JSONResponse:
    headers = {}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    elif refused.status in (429, 503):
        headers["Retry-After"] = "5"
    body = {"error": {"code": refused.code, "message": refused.message}}
    return JSONResponse(body, refused.status, headers)
