"""A proxy of our own between agent and gateway, which misuses the connections: cuts them in the
middle of a frame, holds and delays them, says the gateway's frames twice or in another order.

It runs on a loop in a thread of its own; what tests ask for is safe from any thread.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from tests.chaos.frames import Frames, command_in, is_message

T = TypeVar("T")
#: In a storm a connection is cut after so long, if not by its bytes before.
_STORM_S = 0.08
_STORM_BYTES = 600
_KEPT_S = 0.2
_LATE_S = 0.4
_CHUNK = 65_536


class Wire:
    """Listens; what connects is passed on to the gateway's port."""

    def __init__(self, to_port: int, seed: int) -> None:
        self.to_port = to_port
        self.draw = random.Random(seed)
        #: What was done to the gateway's frames, by word.
        self.done: Counter[str] = Counter()
        #: Keys of commands that reached the agent in another order than the gateway's.
        self.swapped: set[str] = set()
        #: Connections whose handshake the gateway accepted.
        self.connections = 0
        #: How likely a frame of the gateway is said twice, and how likely after its next one.
        self.repeat = self.swap = 0.0
        #: Every chunk of bytes waits so long, both ways.
        self.delay_s = 0.0
        #: Whether every connection is cut soon.
        self.storm = False
        self.pairs: list[Pair] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """End all connections, and the thread."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def connected(self, account: str) -> bool:
        """Whether the account has a connection now."""
        return self._do(lambda: self._pair(account) is not None)

    def on_pair(self, account: str, what: Callable[[Pair], None]) -> bool:
        """Do something to the account's connection; False where there is none."""

        def done() -> bool:
            pair = self._pair(account)
            if pair is not None:
                what(pair)
            return pair is not None

        return self._do(done)

    def _pair(self, account: str) -> Pair | None:
        found = [p for p in self.pairs if p.account == account and p.upgraded and not p.over]
        return found[-1] if found else None

    def _do(self, call: Callable[[], T]) -> T:
        async def work() -> T:
            return call()

        return self._run(work())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            beyond = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.transport.abort()
            return
        pair = Pair(self, (reader, writer), beyond)
        self.pairs.append(pair)
        try:
            await pair.run()
        finally:
            self.pairs.remove(pair)

    async def _end(self) -> None:
        self._server.close()
        for pair in list(self.pairs):
            pair.abort()
        await asyncio.sleep(0.05)


class Pair:
    """One connection of an agent, and the one to the gateway behind it."""

    def __init__(self, wire: Wire, agent: Streams, gateway: Streams) -> None:
        self.account = ""
        self.upgraded = self.over = False
        #: Cut in the middle of the next frame to the agent, or to the gateway.
        self.cut_to_agent = self.cut_to_gateway = False
        self._wire = wire
        self._agent, self._gateway = agent, gateway
        self._open = asyncio.Event()
        self._open.set()
        self._frames = Frames()
        self._kept: bytes | None = None
        self._left = wire.draw.randrange(_STORM_BYTES)

    async def run(self) -> None:
        """Until either end is gone."""
        ways = [
            asyncio.create_task(self._pass(self._agent[0], self._to_gateway)),
            asyncio.create_task(self._pass(self._gateway[0], self._to_agent)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self.abort()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    def abort(self) -> None:
        """Both connections are cut."""
        self.over = True
        for _, writer in (self._agent, self._gateway):
            writer.transport.abort()

    def hold(self, seconds: float) -> None:
        """Nothing passes for so long; both ends believe in the connection."""
        self._open.clear()
        asyncio.get_running_loop().call_later(seconds, self._open.set)

    async def _pass(self, reader: asyncio.StreamReader, on: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while not self.over and (chunk := await reader.read(_CHUNK)):
                if self._wire.delay_s:
                    await asyncio.sleep(self._wire.delay_s)
                await self._open.wait()
                on(chunk)

    def _to_gateway(self, chunk: bytes) -> None:
        if not self.account:
            self.account = chunk.partition(b"mt5_account=")[2].split(b" ")[0].decode()
        if self.cut_to_gateway and self.upgraded:
            self._write(self._gateway, chunk[:-1])
            self._cut("cut half-frame to the gateway")
        else:
            self._write(self._gateway, chunk)

    def _to_agent(self, chunk: bytes) -> None:
        for frame in self._frames.split(chunk):
            if self.over:
                return
            if not self.upgraded:
                self._write(self._agent, frame)
                if self._frames.upgraded:
                    self._begin()
            else:
                self._frame(frame)

    def _begin(self) -> None:
        self.upgraded = True
        self._wire.connections += 1
        if self._wire.storm:
            asyncio.get_running_loop().call_later(_STORM_S, self._cut, "cut in a storm")

    def _frame(self, frame: bytes) -> None:
        wire = self._wire
        if self.cut_to_agent:
            self._write(self._agent, frame[: len(frame) // 2])
            self._cut("cut half-frame to the agent")
            return
        if wire.storm:
            self._left -= len(frame)
            if self._left < 0:
                self._write(self._agent, frame[: len(frame) // 2])
                self._cut("cut half-frame in a storm")
                return
        kept, self._kept = self._kept, None
        if kept is None and is_message(frame) and wire.draw.random() < wire.swap:
            self._kept = frame
            asyncio.get_running_loop().call_later(_KEPT_S, self._release, frame)
            return
        self._write(self._agent, frame)
        if kept is not None:
            self._write(self._agent, kept)
            wire.done["swapped"] += 1
            keys = {command_in(frame), command_in(kept)}
            if "" not in keys:
                wire.swapped |= keys
                wire.done["swapped commands"] += 1
        if is_message(frame) and wire.draw.random() < wire.repeat:
            wire.done["repeated"] += 1
            wire.done["repeated commands"] += bool(command_in(frame))
            late_s = wire.draw.choice((0.0, _LATE_S * wire.draw.random()))
            asyncio.get_running_loop().call_later(late_s, self._write, self._agent, frame)

    def _release(self, frame: bytes) -> None:
        """Nothing came after it."""
        if self._kept is frame:
            self._kept = None
            self._write(self._agent, frame)

    def _cut(self, word: str) -> None:
        if not self.over:
            self._wire.done[word] += 1
            with suppress(OSError):  # what was written goes out before the cut
                self._agent[1].write_eof()
            self.abort_soon()

    def abort_soon(self) -> None:
        """After what was written has had the time to leave."""
        self.over = True
        asyncio.get_running_loop().call_later(0.01, self.abort)

    def _write(self, to: Streams, chunk: bytes) -> None:
        if not self.over and not to[1].transport.is_closing():
            to[1].write(chunk)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
