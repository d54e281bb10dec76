"""The bare prototype that the gateway and its agent are measured beside: the same processes, the
same wires (HTTP in, a WebSocket, a socket to a worker) and as many fsynced commits, and nothing of
what Onefill does between: no rules, no states, no accounts, no recovery.

`python -m benchmarks.bench_gateway_bare gateway|agent ...`, or `worker` on its standard input.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter_ns
from typing import Any

import apsw
import msgspec
import uvicorn
from websockets.asyncio.client import connect

from benchmarks.bench_gateway_driver import Notes
from onefill.runtime.collector import calm_collector
from onefill.runtime.loop import run

GATEWAY_COMMITS, AGENT_COMMITS = (1, 1), (2, 1)
"""Before a command goes on and after its result; before the worker is asked and after."""
_PATH = "/ws"
_ASK = bytes(300)


class Commits:
    """Rows into SQLite, fsynced in groups by a thread."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._database = apsw.Connection(str(path))
        self._database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE rows (seq INTEGER PRIMARY KEY, body BLOB)")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._busy = False
        self._groups: SimpleQueue[list[tuple[bytes, asyncio.Future[None]]]] = SimpleQueue()
        threading.Thread(target=self._write, daemon=True).start()

    async def commit(self, body: bytes) -> None:
        """Back when it is durable."""
        done = self._loop.create_future()
        self._waiting.append((body, done))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._begin)
        await done

    def _begin(self) -> None:
        group, self._waiting = self._waiting, []
        self._groups.put(group)

    def _write(self) -> None:
        while True:
            group = self._groups.get()
            with self._database:
                self._database.executemany(
                    "INSERT INTO rows (body) VALUES (?)", [(body,) for body, _ in group]
                )
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._end, group)

    def _end(self, group: list[tuple[bytes, asyncio.Future[None]]]) -> None:
        for _, done in group:
            if not done.done():
                done.set_result(None)
        self._busy = bool(self._waiting)
        if self._busy:
            self._loop.call_soon(self._begin)


class Told(msgspec.Struct):
    """What a decision says, as far as the prototype cares."""

    client_key: str


class BareGateway:
    """An ASGI application: a decision is committed and sent on, its result committed and told."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._send: Any = None
        self._awaited: dict[str, asyncio.Future[bytes]] = {}
        self._decode = msgspec.json.Decoder(Told).decode
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request, or the agent's connection."""
        if scope["type"] == "websocket":
            await self._serve_agent(receive, send)
            return
        body = (await receive())["body"]
        key = self._decode(body).client_key
        for _ in range(GATEWAY_COMMITS[0]):
            await self._commits.commit(body)
        done = self._awaited[key] = asyncio.get_running_loop().create_future()
        await self._send({"type": "websocket.send", "bytes": body})
        answer = await done
        length = str(len(answer)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _serve_agent(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self._send = send
        while (event := await receive())["type"] == "websocket.receive":
            task = asyncio.get_running_loop().create_task(self._heard(event["bytes"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _heard(self, frame: bytes) -> None:
        for _ in range(GATEWAY_COMMITS[1]):
            await self._commits.commit(frame)
        self._awaited.pop(self._decode(frame).client_key).set_result(frame)


async def _gateway(directory: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    app = BareGateway(Commits(directory / "gateway.sqlite"))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_level="warning",
            access_log=False,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
        )
    )
    print(json.dumps({"url": f"http://127.0.0.1:{listening.getsockname()[1]}"}), flush=True)
    await server.serve(sockets=[listening])


class _Worker(asyncio.Protocol):
    """A process that answers so many bytes with as many."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            words = [sys.executable, "-m", "benchmarks.bench_gateway_bare", "worker"]
            self._process = subprocess.Popen(words, stdin=theirs.fileno())
        self._transport: Any = None
        self._awaited: list[asyncio.Future[None]] = []
        self._came = 0

    async def start(self) -> None:
        """Have the loop read it."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, sock=self._ours)

    async def ask(self) -> None:
        """There and back."""
        done = asyncio.get_running_loop().create_future()
        self._awaited.append(done)
        self._transport.write(_ASK)
        await done

    def data_received(self, data: bytes) -> None:
        self._came += len(data)
        while self._came >= len(_ASK):
            self._came -= len(_ASK)
            self._awaited.pop(0).set_result(None)


def _work() -> None:
    with socket.socket(fileno=0) as line:
        while came := line.recv(65_536):
            line.sendall(came)


async def _agent(directory: Path, url: str, notes: Notes) -> None:
    commits, worker = Commits(directory / "agent.sqlite"), _Worker()
    await worker.start()
    decode = msgspec.json.Decoder(Told).decode
    tasks = set()
    async with connect(url.replace("http", "ws", 1) + _PATH, compression=None) as line:
        print("{}", flush=True)

        async def carry_out(frame: bytes) -> None:
            for _ in range(AGENT_COMMITS[0]):
                await commits.commit(frame)
            await worker.ask()
            for _ in range(AGENT_COMMITS[1]):
                await commits.commit(frame)
            await line.send(frame)

        with suppress(asyncio.CancelledError, KeyboardInterrupt):
            async for frame in line:
                assert isinstance(frame, bytes)
                notes.came_ns[decode(frame).client_key] = perf_counter_ns()
                task = asyncio.create_task(carry_out(frame))
                tasks.add(task)
                task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    calm_collector()
    match sys.argv[1:]:
        case ["gateway", directory]:
            run(_gateway(Path(directory)))
        case ["agent", directory, url, notes]:
            found = Notes()
            run(_agent(Path(directory), url, found))
            Path(notes).write_bytes(msgspec.json.encode(found))
        case _:
            _work()
