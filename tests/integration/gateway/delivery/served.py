"""The clients' WebSockets behind a real uvicorn in a thread, with a desk and a directory that only
remember; and a client that speaks through the `websockets` library."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from onefill.contracts.bare import EXECUTION, TRADING_CLIENT, Bare, End
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
    Status,
    WireError,
)
from onefill.gateway.delivery.protocols import server_options
from onefill.gateway.delivery.sessions import Sessions
from onefill.gateway.delivery.settings import DeliverySettings
from onefill.gateway.identity.model import Account, Caller, Right, account_id
from onefill.gateway.identity.tickets import Tickets
from onefill.gateway.ports import Directory
from onefill.model.errors import OnefillError
from onefill.model.intent import Action, OrderIntent, Side
from onefill.runtime.clock import SystemClock, VirtualClock

T = TypeVar("T")
TENANT = "acme"
PATIENCE_S = 60.0


def command(key: str, **changes: Any) -> Command:
    """A market order of 0.1 lots EURUSD."""
    said: dict[str, Any] = {"action": Action.OPEN, "symbol": "EURUSD", "side": Side.BUY}
    said |= {"volume": 0.1, "magic": 7, "expires_at_ms": 4_000_000_000_000} | changes
    return Command(intent=OrderIntent(client_key=key, **said), account="1001", made_ms=1)


def result(key: str, sequence: int = 0) -> Result:
    """The command filled."""
    return Result(
        command_id=key, status=Status.SUCCESS, order_ticket=77, price=1.1, sequence=sequence
    )


def profile(account: str, user: str = "ann") -> Profile:
    """An account as its client tells it."""
    return Profile(user_id=user, account=account, broker="Onefill", server="Demo", equity=1_000.0)


class Desk:
    """Hears everything and remembers it; hands what waits to whoever arrives."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.waiting: dict[str, list[Command]] = {}
        self.todo: dict[str, list[Command]] = {}
        self.known: dict[str, str] = {}
        self.contacts = 0
        self.profiles: list[Profile] = []
        self.results: list[Result] = []
        self.hearing_s = 0.0
        self.broken = False
        self.sessions = cast(Sessions, None)

    async def arrived(self, account: Account, *, enveloped: bool) -> None:
        self.told.append(("arrived", account.id, "enveloped" if enveloped else "bare"))
        self.todo[account.id] = list(self.waiting.get(account.id, []))
        self.go_on(account.id)

    def go_on(self, account: str) -> None:
        """Hand what there is room for; the rest in a moment."""
        todo = self.todo.get(account, [])
        while todo:
            said = self.sessions.hand(account, todo[0])
            self.told.append(("handed", said))
            if said == "QUEUE_FULL":
                asyncio.get_running_loop().call_later(0.02, self.go_on, account)
            if said:
                return
            todo.pop(0)

    async def left(self, account: Account) -> None:
        self.told.append(("left", account.id))

    async def heard(self, account: Account, result: Result) -> Ack:
        if self.known and self.known.get(result.command_id) != account.id:
            raise OnefillError("COMMAND_UNKNOWN", f"no command {result.command_id}")
        self.told.append(("hearing", account.id, result.command_id))
        await asyncio.sleep(self.hearing_s)
        if self.broken:
            raise RuntimeError("the journal cannot be written")
        self.told.append(("heard", account.id, result.command_id))
        self.results.append(result)
        waiting = self.waiting.get(account.id, [])
        self.waiting[account.id] = [
            each for each in waiting if each.intent.client_key != result.command_id
        ]
        return Ack(result.command_id, result.sequence)

    async def profiled(self, account: Account, profile: Profile) -> None:
        self.told.append(("profiled", account.id))
        self.profiles.append(profile)

    async def acknowledged(self, account: Account, ack: Ack) -> None:
        self.told.append(("acknowledged", account.id, ack.id))

    async def warned(self, account: Account, error: WireError) -> None:
        self.told.append(("warned", account.id, error.code, error.id))

    def contact(self, account: Account, at_ms: int) -> None:
        self.contacts += 1

    def count(self, *words: str) -> int:
        """How often it was told just that."""
        return self.told.count(words)


class Register:
    """Accounts by name; a profile registers a new one."""

    def __init__(self) -> None:
        self.rows: dict[str, Account] = {}
        self.refusing: OnefillError | None = None

    def add(self, name: str, user: str = "ann", tenant: str = TENANT) -> Account:
        row = Account(tenant=tenant, name=name, user=user)
        self.rows[row.id] = row
        return row

    def account(self, tenant: str, name: str) -> Account | None:
        return self.rows.get(account_id(tenant, name))

    def seen(self, caller: Caller, profile: Profile) -> Account:
        if self.refusing is not None:
            raise self.refusing
        row = self.account(caller.tenant, profile.account)
        if row is None:
            return self.add(profile.account, caller.user, caller.tenant)
        if not caller.sees(row):
            raise OnefillError("ACCOUNT_NOT_YOURS", f"{profile.account} is another user's")
        return row


@dataclass
class Gateway:
    """What a test needs of the server: where it listens, and its parts, in its own thread."""

    port: int
    loop: asyncio.AbstractEventLoop
    sessions: Sessions
    desk: Desk
    register: Register
    tickets: Tickets
    clock: VirtualClock
    callers: dict[str, Caller] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    def call(self, what: Callable[[], T]) -> T:
        """Do it in the server's thread."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(what())
            except BaseException as trouble:  # noqa: BLE001 (handed to the caller)
                done.set_exception(trouble)

        self.loop.call_soon_threadsafe(run)
        return done.result(PATIENCE_S)

    def hand(self, account: str, *commands: Command) -> list[str]:
        """What the server's Post says to each."""
        return self.call(lambda: [self.sessions.hand(account, each) for each in commands])

    def tell(self, account: str, message: ConfigUpdate | WireError) -> bool:
        return self.call(lambda: self.sessions.tell(account, message))

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for it to become true."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 (it is another thread's)
                await asyncio.sleep(0.005)

    async def client(
        self,
        path: str = TRADING_CLIENT,
        *,
        token: str = "Bearer ann",
        enveloped: bool = True,
        query: str = "",
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> Client:
        """A connected client."""
        sent = {"Authorization": token} if token else {}
        options.setdefault("compression", None)
        connection = await connect(
            f"ws://127.0.0.1:{self.port}{path}{query}",
            additional_headers=sent | (headers or {}),
            subprotocols=[Subprotocol(SUBPROTOCOL)] if enveloped else None,
            proxy=None,
            close_timeout=2.0,
            **options,
        )
        dialect = Dialect.EXECUTION if path == EXECUTION else Dialect.TRADING
        framing: Framing = Enveloped() if enveloped else Bare(dialect, path, end=End.CLIENT)
        return Client(connection, framing)

    async def refusal(self, **options: Any) -> tuple[int, str]:
        """Status and code with which a handshake is refused."""
        try:
            client = await self.client(**options)
        except InvalidStatus as refused:
            body = json.loads(refused.response.body or b"{}")
            assert set(body["error"]) == {"code", "message"}
            return refused.response.status_code, body["error"]["code"]
        await client.close()
        return 101, ""


class Client:
    """One connection of a test, and its framing."""

    def __init__(self, connection: ClientConnection, framing: Framing) -> None:
        self.connection = connection
        self.framing = framing
        #: What the last heartbeat's answer said of the gateway's clock.
        self.told_ms = 0

    async def say(self, *messages: Message) -> None:
        for message in messages:
            frame = self.framing.pack(message)
            assert frame is not None
            await self.connection.send(frame)

    async def hear(self) -> Message:
        async with asyncio.timeout(PATIENCE_S):
            frame = await self.connection.recv()
        assert isinstance(frame, bytes)
        message = self.framing.unpack(frame)
        assert message is not None
        if isinstance(message, Heartbeat):
            self.told_ms = message.clock_ms
            return Heartbeat(message.sent_at_ms)
        return message

    async def keys(self, count: int) -> list[str]:
        """The ids of so many commands, as they come."""
        found = []
        for _ in range(count):
            message = await self.hear()
            assert isinstance(message, Command)
            found.append(message.intent.client_key)
        return found

    async def ended(self) -> tuple[int, str]:
        """Read on to the end: the close code and the reason."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self.connection.recv()
        except ConnectionClosed:
            return self.connection.close_code or 0, self.connection.close_reason or ""

    async def close(self) -> None:
        await self.connection.close()

    def cut(self) -> None:
        """As if the cable was pulled, and the machine's network told the gateway."""
        self.connection.transport.abort()


@contextmanager
def gateway(**settings: Any) -> Iterator[Gateway]:
    """Serve until the end of the block. Users `ann` and `bob` of one tenant, `eve` of another."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    ready: Future[Gateway] = Future()

    async def serve() -> None:
        desk, register, clock = Desk(), Register(), VirtualClock(1_800_000_000_000)
        rights = frozenset({Right.CLIENT})
        callers = {
            name: Caller(tenant=tenant, user=name, rights=rights, key=name)
            for name, tenant in (("ann", TENANT), ("bob", TENANT), ("eve", "evil"))
        }
        revoked: set[str] = set()
        holder = SimpleNamespace(holds=lambda caller: caller.key not in revoked)
        tickets = Tickets(cast(Any, holder), clock)

        def authenticate(header: str) -> Caller:
            caller = callers.get(header.split()[-1]) if header.split() else None
            if caller is None:
                raise OnefillError("UNAUTHENTICATED", "nobody is known by that")
            return caller

        limits = DeliverySettings(**settings)
        sessions = desk.sessions = Sessions(
            desk,
            cast(Directory, register),
            SystemClock(),
            limits,
            authenticate=authenticate,
            redeem=tickets.redeem,
            still_valid=holder.holds,
        )
        app = Starlette(routes=sessions.routes)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", **server_options(limits)))
        made = Gateway(
            listening.getsockname()[1], asyncio.get_running_loop(), sessions, desk, register,
            tickets, clock, callers, revoked,
        )  # fmt: skip
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.005)
        ready.set_result(made)
        await stopping.wait()
        await sessions.close()
        server.should_exit = True
        await serving

    stopping = cast(asyncio.Event, None)

    def run() -> None:
        nonlocal stopping

        async def main() -> None:
            nonlocal stopping
            stopping = asyncio.Event()
            await serve()

        try:
            uvicorn_loop(main)
        except BaseException as trouble:
            if not ready.done():
                ready.set_exception(trouble)
            raise

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    made = ready.result(PATIENCE_S)
    try:
        yield made
    finally:
        made.loop.call_soon_threadsafe(stopping.set)
        thread.join(PATIENCE_S)
        listening.close()
        assert not thread.is_alive()


def uvicorn_loop(main: Callable[[], Any]) -> None:
    """Run it on the loop that the gateway's uvicorn uses here."""
    factory = uvicorn.Config(None).get_loop_factory()  # type: ignore[arg-type]
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())
