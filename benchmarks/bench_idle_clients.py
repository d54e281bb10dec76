"""Clients that are connected to the gateway and idle: what each costs, and how fast they are
reached; beside a bare uvicorn and Starlette application that only echoes.

The server runs in a process of its own, so that its memory is seen; the clients are the cheapest
that can be: sockets that shake hands and tell when a frame comes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from benchmarks.report import Row, print_rows
from onefill.contracts.bare import TRADING_CLIENT
from onefill.contracts.framing import SUBPROTOCOL
from onefill.contracts.messages import Command
from onefill.gateway.delivery.protocols import server_options
from onefill.gateway.delivery.sessions import Sessions
from onefill.gateway.delivery.settings import DeliverySettings
from onefill.gateway.identity.model import Account, Caller, Right, account_id
from onefill.gateway.ports import Directory, Hears
from onefill.model.intent import Action, OrderIntent
from onefill.runtime.clock import SystemClock
from onefill.runtime.collector import calm_collector

_MEMORY = Path("/proc/self/statm")
_CROWDS = (1_000, 5_000)
_TENANT = "bench"
#: As long as a command is on the wire, for the floor.
_FRAME = bytes(100)
_AT_ONCE = 100
_HALF_OPEN = 1_000


def run(quick: bool) -> list[Row]:
    """Memory, delivery to one, and to all, at each size."""
    if not _MEMORY.exists():
        return []  # Linux tells a process's memory there, and its processes share a clock
    rows = []
    for size in _CROWDS[:1] if quick else _CROWDS:
        ours = asyncio.run(_measure(_serve_sessions, size, 200 if quick else 1_000))
        floor = asyncio.run(_measure(_serve_echo, size, 200 if quick else 1_000))
        what = f"{size:,} idle clients"
        least = "bare uvicorn + Starlette"
        rows += [
            Row(f"{what}: memory of each", ours[0], "KB", least, floor[0]),
            Row(f"{what}: to one, p99", ours[1], "ms", least, floor[1]),
            Row(f"{what}: CLOSE_ALL to all", ours[2], "ms", least, floor[2]),
            Row(
                f"{what}: to one while 1,000 handshakes stop half-way, p99",
                ours[3],
                "ms",
                "without them",
                ours[1],
            ),
        ]
    return rows


# The crowd.


class _Crowd:
    """So many connections, and when what came to them."""

    def __init__(self) -> None:
        self.frames = 0
        self.wanted = 0
        self.done: asyncio.Future[int] | None = None

    def came(self) -> None:
        """A frame came to one of them."""
        self.frames += 1
        if self.frames == self.wanted and self.done is not None:
            self.done.set_result(perf_counter_ns())

    async def all_came(self) -> int:
        """When the last one came, in nanoseconds of the clock that a machine's processes share."""
        assert self.done is not None
        return await asyncio.wait_for(self.done, 60.0)

    def expect(self, count: int) -> None:
        """From here on, so many frames are waited for."""
        self.wanted = self.frames + count
        self.done = asyncio.get_running_loop().create_future()


class _Client(asyncio.Protocol):
    """Shakes hands, then only looks at what kind of frame comes."""

    def __init__(self, crowd: _Crowd, number: int) -> None:
        self._crowd = crowd
        self._number = number
        self._open = False
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        cast(asyncio.Transport, transport).write(
            f"GET {TRADING_CLIENT}?mt5_account={self._number} HTTP/1.1\r\nHost: localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"
            f"Authorization: Bearer {'t' * 400}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """The server's answer, and then frames (one a read, for they are far apart)."""
        if self._open:
            if data[0] == 0x82:
                self._crowd.came()
            return
        if b" 101 " not in data:
            self.opened.set_exception(RuntimeError(data.decode(errors="replace")))
            return
        self._open = True
        self.opened.set_result(None)


async def _measure(serve: Callable[..., None], size: int, deliveries: int) -> list[float]:
    """KB a client; milliseconds to one (p99), to all (median), and to one (p99) while others stop
    half-way through their handshakes."""
    _many_files()
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    mine, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(listening, theirs), daemon=True)
    process.start()
    await asyncio.to_thread(mine.recv)
    crowd = _Crowd()
    transports: list[asyncio.BaseTransport] = []

    async def ask(*words: Any) -> Any:
        mine.send(words)
        return await asyncio.to_thread(mine.recv)

    async def connect(number: int) -> None:
        transport, client = await loop.create_connection(
            lambda: _Client(crowd, number), *listening.getsockname()
        )
        transports.append(transport)
        await client.opened

    async def fill(first: int, last: int) -> None:
        for begin in range(first, last, _AT_ONCE):
            await asyncio.gather(*map(connect, range(begin, min(begin + _AT_ONCE, last))))

    warm = _AT_ONCE
    await fill(0, warm)
    before = await ask("memory")
    await fill(warm, warm + size)
    await asyncio.sleep(1.0)
    kilobytes = (await ask("memory") - before) / size / 1_000

    async def to_one() -> float:
        times = list[float]()
        for turn in range(deliveries):
            crowd.expect(1)
            began = await ask("one", turn * 7 % size)
            times.append((await crowd.all_came() - began) / 1e6)
        return quantiles(times, n=100)[98]

    async def half_open() -> None:
        for _ in range(_HALF_OPEN):
            made = await loop.create_connection(asyncio.Protocol, *listening.getsockname())
            made[0].write(b"GET / HTTP/1.1\r\n")
            transports.append(made[0])

    calm = await to_one()
    to_all = []
    for _ in range(5):
        crowd.expect(warm + size)
        began = await ask("all")
        to_all.append((await crowd.all_came() - began) / 1e6)
    opening = asyncio.create_task(half_open())
    stormy = await to_one()
    await opening
    mine.send(("stop",))
    for transport in transports:
        transport.abort()  # type: ignore[attr-defined]
    await asyncio.to_thread(process.join, 30)
    process.kill()
    listening.close()
    return [kilobytes, calm, median(to_all), stormy]


def _many_files() -> None:
    resource = import_module("resource")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# The servers.


def _serve_sessions(listening: socket.socket, pipe: Connection) -> None:
    """The gateway's delivery, with a desk that does nothing."""
    calm_collector()

    async def main() -> None:
        settings = DeliverySettings(
            connections_of_tenant=10_000,
            connections_of_address=10_000,
            half_open_of_address=2_000,
            handshake_s=60.0,
            liveness_s=3_600.0,
        )
        caller = Caller(tenant=_TENANT, user="u", rights=frozenset({Right.CLIENT}), key="k")
        held: dict[str, Account] = {}
        sessions = Sessions(
            cast(Hears, _Desk()),
            cast(Directory, _Accounts(held)),
            SystemClock(),
            settings,
            authenticate=lambda header: caller,
            redeem=lambda ticket: caller,
            still_valid=lambda found: True,
        )
        intent = OrderIntent(client_key="k" * 32, action=Action.CLOSE_ALL, expires_at_ms=1 << 42)
        command = Command(intent=intent, made_ms=1)

        def one(number: int) -> None:
            refused = sessions.hand(account_id(_TENANT, str(number)), command)
            assert not refused, refused

        def everybody() -> None:
            for name in held:
                refused = sessions.hand(name, command)
                assert not refused, refused

        app = Starlette(routes=sessions.routes)
        await _serve(app, listening, pipe, one, everybody, **server_options(settings))

    _run(main)


class _Accounts:
    """Everybody's account is there."""

    def __init__(self, held: dict[str, Account]) -> None:
        self._held = held

    def account(self, tenant: str, name: str) -> Account:
        """Made when it is first asked for."""
        key = account_id(tenant, name)
        return self._held.setdefault(key, Account(tenant=tenant, name=name, user="u"))


class _Desk:
    """Hears, and does nothing."""

    async def arrived(self, account: Account, *, enveloped: bool) -> None:
        """A client is there."""

    async def left(self, account: Account) -> None:
        """It is gone."""


def _serve_echo(listening: socket.socket, pipe: Connection) -> None:
    """The least: connections in a list."""
    calm_collector()

    async def main() -> None:
        held: list[WebSocket] = []
        tasks = set()

        async def echo(websocket: WebSocket) -> None:
            await websocket.accept()
            held.append(websocket)
            async for frame in websocket.iter_bytes():
                await websocket.send_bytes(frame)

        def one(number: int) -> None:
            task = asyncio.get_running_loop().create_task(held[number].send_bytes(_FRAME))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        async def _everybody() -> None:
            for websocket in held:
                await websocket.send_bytes(_FRAME)

        def everybody() -> None:
            task = asyncio.get_running_loop().create_task(_everybody())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        app = Starlette(routes=[WebSocketRoute(TRADING_CLIENT, echo)])
        options = {"ws_ping_interval": None, "access_log": False, "log_level": "warning"}
        await _serve(app, listening, pipe, one, everybody, **options)

    _run(main)


async def _serve(
    app: Starlette,
    listening: socket.socket,
    pipe: Connection,
    one: Callable[[int], None],
    everybody: Callable[[], None],
    **options: Any,
) -> None:
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", **options))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)

    def asked() -> None:
        match pipe.recv():
            case ("memory",):
                pages = int(_MEMORY.read_text().split()[1])
                pipe.send(pages * import_module("resource").getpagesize())
            case ("one", int(number)):
                began = perf_counter_ns()
                one(number)
                pipe.send(began)
            case ("all",):
                began = perf_counter_ns()
                everybody()
                pipe.send(began)
            case _:
                os._exit(0)

    asyncio.get_running_loop().add_reader(pipe.fileno(), asked)
    pipe.send("ready")
    await serving


def _run(main: Callable[[], Any]) -> None:
    _many_files()
    factory = uvicorn.Config(None).get_loop_factory()  # type: ignore[arg-type]
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


if __name__ == "__main__":
    print_rows(run(quick="quick" in sys.argv))
