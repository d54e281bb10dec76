"""The server of one simulated broker: connections in, their calls carried out one after another.

Everything happens in one event loop and one thread, so that nothing at the broker needs a lock.
What a connection does wrong ends that connection alone; what goes wrong inside the broker ends the
server, because its book is whole up to then and would not be after.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from itertools import count
from typing import Any

from onefill.runtime.secret import new_secret
from onefill.terminal.simulator.remote import wire
from onefill.terminal.simulator.remote.calls import WrongCall, checked
from onefill.terminal.simulator.remote.connection import Connection, Dropped
from onefill.terminal.simulator.remote.floor import Floor
from onefill.terminal.simulator.remote.limits import LIMITS, Limits
from onefill.terminal.simulator.remote.pace import Pace
from onefill.terminal.simulator.remote.time_kept import TimeKept
from onefill.terminal.simulator.surface.backend import Answer

_log = logging.getLogger(__name__)

#: The longest that the broker is left without a turn, in seconds, where time goes by the clock.
_TURN_S = 0.05


class Server:
    """Accepts connections from `open` to `close`."""

    def __init__(
        self,
        floor: Floor,
        pace: Pace,
        token: str,
        *,
        kept: TimeKept | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        """`kept` is told of every time before a client is."""
        self._floor = floor
        self._pace = pace
        self._token = token
        self._kept = kept or TimeKept(None)
        self._limits = limits
        self._numbers = count(1)
        self._strangers = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients = 0
        self._server: asyncio.Server | None = None
        #: Set where something may be due sooner than was thought.
        self._sooner = asyncio.Event()
        self._closing = False
        #: Set by whatever ends the server from inside.
        self._failed: asyncio.Future[None] | None = None

    async def open(self, listening: socket.socket) -> None:
        """Begin to accept on a bound socket, and to let time go."""
        self._failed = asyncio.get_running_loop().create_future()
        self._server = await asyncio.start_server(self._accept, sock=listening)
        if self._pace.speed:
            self._watch_over(asyncio.create_task(self._keep_time()))

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises what went wrong inside the broker."""
        assert self._failed is not None, "open comes first"
        stopping = asyncio.create_task(stop.wait())
        either: set[asyncio.Future[Any]] = {stopping, self._failed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._failed.done():
            self._failed.result()

    async def close(self) -> None:
        """Accept nothing more, and end every connection. The broker is whoever opened it's."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Connections.

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._limits)
        self._watch_over(asyncio.create_task(self._serve(connection)))

    def _watch_over(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        wrong = task.exception()
        if wrong is not None and self._failed is not None and not self._failed.done():
            self._failed.set_exception(wrong)

    async def _serve(self, connection: Connection) -> None:
        try:
            await self._connected(connection)
        except Dropped as why:
            if why.code:
                _log.warning("%s: %s (%s)", connection.peer, why.sentence, why.code)
                await connection.refuse(why)
        except ConnectionError:
            _log.info("%s: connection lost", connection.peer)
        finally:
            connection.close()

    async def _connected(self, connection: Connection) -> None:
        if self._strangers >= self._limits.strangers:
            most = self._limits.strangers
            raise Dropped(
                "TOO_MANY_STRANGERS", f"over {most} connections that have not shown the token yet"
            )
        self._strangers += 1
        try:
            answer = await self._proven(connection)
        finally:
            self._strangers -= 1
        if self._clients >= self._limits.clients:
            raise Dropped("TOO_MANY_CLIENTS", f"there are {self._limits.clients} clients already")
        client = next(self._numbers)
        self._clients += 1
        self._floor.join(client)
        try:
            await connection.send(
                wire.frame(wire.Welcome(answer, self._pace.name, self._pace.speed))
            )
            await self._answer_calls(client, connection)
        finally:
            self._clients -= 1
            self._waiting.pop(client, None)
            self._floor.leave(client)
            self._turn()

    async def _proven(self, connection: Connection) -> bytes:
        """Let nobody in who does not have the token; what proves to a client that we have it."""
        nonce = new_secret(wire.NONCE_BYTES)
        try:
            async with asyncio.timeout(self._limits.hello_seconds):
                await connection.send(wire.frame(wire.Hello(wire.NAME, wire.VERSION, nonce)))
                told = await connection.receive(self._limits.hello_bytes)
        except TimeoutError:
            raise Dropped("HELLO_LATE", "the token was not shown in time") from None
        if told is None:
            raise Dropped("", "")
        if not isinstance(told, wire.Proof):
            raise Dropped("HELLO_EXPECTED", "the token is to be shown before anything else")
        if told.version != wire.VERSION:
            raise Dropped(
                "VERSION_UNKNOWN",
                f"this broker speaks version {wire.VERSION}, the client {told.version}",
            )
        if not wire.is_proof(told.proof, self._token, "client", nonce):
            raise Dropped("TOKEN_WRONG", "the token is not this broker's")
        return wire.proof(self._token, "server", told.nonce)

    async def _answer_calls(self, client: int, connection: Connection) -> None:
        while True:
            told = await connection.receive(self._limits.request_bytes)
            if told is None:
                return
            if not isinstance(told, wire.Call):
                raise Dropped("CALL_EXPECTED", "the token was shown already")
            try:
                arguments = checked(told.name, told.arguments)
            except WrongCall as wrong:
                refusal = wire.Refused(told.number or 1, wrong.code, str(wrong))
                await connection.send(wire.frame(refusal))
                continue
            answer = await self._carry_out(client, told.name, arguments, connection)
            if answer is None:
                return
            await connection.send(self._framed(told.number, answer))

    async def _carry_out(
        self, client: int, name: str, arguments: tuple[object, ...], connection: Connection
    ) -> Answer | None:
        """The answer; None where the client has gone while it waited."""
        answer = self._floor.call(client, name, arguments)
        if answer is not None:
            self._turn()
            return answer
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[client] = waiting
        self._turn()
        async with connection.watched() as gone:
            await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else None

    def _framed(self, number: int, answer: Answer) -> bytes:
        code, text = answer.error
        framed = wire.frame(wire.Answered(number, answer.value, code, text))
        if len(framed) - wire.LENGTH_BYTES <= self._limits.answer_bytes:
            return framed
        most = self._limits.answer_bytes
        text = f"No memory: the answer is over {most} bytes; ask for less at a time"
        return wire.frame(wire.Answered(number, None, -3, text))

    # Time.

    def _turn(self) -> None:
        """Let the market go on, and hand out what has come of it."""
        if self._closing:  # a client that is sent away then is no reason for time to go on
            return
        answered = self._floor.turn()
        self._kept.keep(self._floor.now_ms)
        for client, answer in answered:
            waiting = self._waiting.pop(client, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        self._sooner.set()

    async def _keep_time(self) -> None:
        """Where time goes by the clock: turns, when something is due and every now and then."""
        while True:
            self._turn()
            self._sooner.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._rest_s()):
                    await self._sooner.wait()

    def _rest_s(self) -> float:
        due_ms = self._floor.due_ms()
        if due_ms is None:
            return _TURN_S
        return min(max(0.001, (due_ms - self._floor.now_ms) / self._pace.speed / 1_000), _TURN_S)
