"""A gateway that does as the test says, and misbehaves where it is told to: the server's side of
the wire, over a real socket, with none of the server's code."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from onefill.contracts.bare import Bare as BareFrames
from onefill.contracts.bare import End
from onefill.contracts.client_config import ClientConfig, Settlement, encode_client_config
from onefill.contracts.enveloped import Enveloped
from onefill.contracts.framing import SUBPROTOCOL, Framing
from onefill.contracts.messages import (
    Ack,
    Command,
    ConfigUpdate,
    Dialect,
    Heartbeat,
    Message,
    Profile,
    Result,
    WireError,
)
from onefill.model.halt import Halt
from onefill.model.intent import Action, OrderIntent, Side
from tests.own_port import own_port

TOKEN = "head.eyJzdWIiOiAiYW5uIn0.seal"  # names "ann"


class FaultyGateway:
    """Answers as a gateway should unless its switches say otherwise."""

    def __init__(
        self,
        *,
        lease_ms: int = 5_000,
        bare: Dialect | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tls = tls
        self.lease_ms = lease_ms
        self.bare = bare
        self.halts: tuple[Halt, ...] = ()
        self.trading = "normal"
        self.settled: tuple[Settlement, ...] = ()
        # The switches.
        self.greets = True
        self.answers_beats = True
        self.tells_clock = True
        self.ahead_ms = 0
        self.acknowledges = True
        self.accepts = True
        #: How it does not accept, and the body and headers with it.
        self.refusal = HTTPStatus.UNAUTHORIZED
        self.refusal_body = ""
        self.points_to = ""
        self.ready = True
        self.knows_accounts = True
        # What came, by account.
        self.heard: list[tuple[str, Message]] = []
        self.tokens: list[str | None] = []
        self.connections = 0
        #: Heartbeats that were answered.
        self.beats = 0
        self._live: dict[str, tuple[ServerConnection, Framing]] = {}
        self._versions = itertools.count(1)
        self._server: Server | None = None
        self.port = own_port()

    async def start(self) -> FaultyGateway:
        """Listen, on the same port as before."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            subprotocols=None if self.bare else [SUBPROTOCOL],  # type: ignore[list-item]
            compression=None,
            ssl=self.tls,
            ping_interval=None,
            process_request=self._request,
        )
        return self

    async def stop(self) -> None:
        """Be gone, without a word."""
        if self._server is not None:
            for socket, _ in self._live.values():
                socket.transport.abort()
            self._server.close(close_connections=True)
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> FaultyGateway:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}"

    # What came.

    def of(self, kind: type, account: str | None = None) -> list[Any]:
        """The messages of a kind, in order of arrival."""
        return [
            message
            for who, message in self.heard
            if isinstance(message, kind) and account in (None, who)
        ]

    @property
    def results(self) -> list[Result]:
        return self.of(Result)

    def results_of(self, key: str) -> list[Result]:
        return [result for result in self.results if result.command_id == key]

    def acked(self, key: str) -> list[Ack]:
        return [ack for ack in self.of(Ack) if ack.id == key]

    @property
    def profiles(self) -> list[Profile]:
        return self.of(Profile)

    @property
    def errors(self) -> list[WireError]:
        return self.of(WireError)

    async def until(self, condition: Callable[[], Any], patience_s: float = 60.0) -> Any:
        """Comes back with what the condition is once it holds."""
        for _ in range(int(patience_s * 100)):
            if found := condition():
                return found
            await asyncio.sleep(0.01)
        heard = [one for one in self.heard if not isinstance(one[1], Profile)]
        raise AssertionError(f"it never came to be; heard last: {heard[-8:]}")

    async def connected(self, account: str) -> None:
        await self.until(lambda: account in self._live)

    # What goes out.

    def is_live(self, account: str) -> bool:
        return account in self._live

    async def say(self, account: str, *messages: Message) -> None:
        """Messages to an account's client."""
        await self.until(lambda: account in self._live)
        socket, framing = self._live[account]
        for message in messages:
            frame = framing.pack(message)
            assert frame is not None
            await socket.send(frame)

    async def deliver(self, account: str, command: Command) -> None:
        """A command, told again until there is a result: a session may end under the telling."""
        for _ in range(100):
            with suppress(ConnectionClosed):
                await self.say(account, command)
            with suppress(AssertionError):
                await self.until(lambda: self.results_of(command.intent.client_key), 1.0)
                return
        raise AssertionError(f"{command.intent.client_key} never had a result")

    async def raw(self, account: str, frame: bytes | str) -> None:
        socket, _ = self._live[account]
        await socket.send(frame)

    def cut(self, account: str, half_a_frame: bytes = b"") -> None:
        """Cut the connection, in the middle of a frame where one is given."""
        socket, _ = self._live[account]
        socket.transport.write(half_a_frame)
        socket.transport.abort()

    async def close(self, account: str, code: int, reason: str) -> None:
        await self._live[account][0].close(code, reason)

    async def configure(self, account: str) -> int:
        """Tell what holds now; the version."""
        version = next(self._versions)
        await self.say(account, self._config(version))
        return version

    def _config(self, version: int) -> ConfigUpdate:
        config = ClientConfig(
            lease_ms=self.lease_ms,
            halts=self.halts,
            trading=self.trading,
            settled=self.settled,
        )
        return ConfigUpdate(version, encode_client_config(config))

    # The server.

    def _request(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path == "/readyz":
            well = self.ready
            return socket.respond(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, "")
        self.tokens.append(request.headers.get("Authorization"))
        if not self.accepts:
            response = socket.respond(self.refusal, self.refusal_body)
            if self.points_to:
                response.headers["Location"] = self.points_to
            return response
        if not self.knows_accounts and "mt5_account" in request.path:
            return socket.respond(HTTPStatus.NOT_FOUND, "")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        account = socket.request.path.partition("mt5_account=")[2]
        framing: Framing = Enveloped()
        if self.bare is not None:
            path = socket.request.path.partition("?")[0]
            framing = BareFrames(self.bare, path, end=End.SERVER)
        self.connections += 1
        if account:
            self._live[account] = (socket, framing)
        try:
            if not account:
                account = await self._introduced(socket, framing)
            if self.greets and framing.enveloped:
                await socket.send(framing.pack(self._config(next(self._versions))) or b"")
            async for frame in socket:
                assert isinstance(frame, bytes)
                message = framing.unpack(frame)
                assert message is not None
                await self._hear(account, socket, framing, message)
        except ConnectionClosed:
            return
        finally:
            if self._live.get(account, (None,))[0] is socket:
                del self._live[account]

    async def _introduced(self, socket: ServerConnection, framing: Framing) -> str:
        """A client that names no account: it says which by its profile, before anything else."""
        async for frame in socket:
            assert isinstance(frame, bytes)
            message = framing.unpack(frame)
            assert message is not None
            self.heard.append(("", message))
            if isinstance(message, Profile):
                self._live[message.account] = (socket, framing)
                return message.account
        return ""

    async def _hear(
        self, account: str, socket: ServerConnection, framing: Framing, message: Message
    ) -> None:
        if isinstance(message, Heartbeat):
            if self.answers_beats:
                clock_ms = time.time_ns() // 1_000_000 + self.ahead_ms if self.tells_clock else 0
                answer = Heartbeat(message.sent_at_ms, clock_ms)
                await socket.send(framing.pack(answer) or b"")
                self.beats += 1
            return
        self.heard.append((account, message))
        numbered = isinstance(message, Result) and message.sequence and framing.enveloped
        if numbered and self.acknowledges and isinstance(message, Result):
            ack = Ack(message.command_id, message.sequence)
            await socket.send(framing.pack(ack) or b"")


def opening(key: str, volume: float = 0.1, **more: Any) -> Command:
    """A market order."""
    fields = {"symbol": "EURUSD", "side": Side.BUY, **more}
    return command(key, action=Action.OPEN, volume=volume, **fields)


def command(key: str, account: str = "", **fields: Any) -> Command:
    """Any command."""
    now_ms = time.time_ns() // 1_000_000
    fields = {"expires_at_ms": now_ms + 600_000, **fields}
    intent = OrderIntent(client_key=key, **fields)
    return Command(intent=intent, account=account, user_id="ann", made_ms=now_ms)


def sequences(results: Sequence[Result]) -> list[int]:
    """Their numbers, repeats left out, in order of arrival."""
    return list(dict.fromkeys(result.sequence for result in results if result.sequence))
