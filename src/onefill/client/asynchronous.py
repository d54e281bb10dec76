"""`onefill.AsyncClient`: the same methods, awaited. The work is `Client`'s, on threads."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar, Unpack

from onefill.client.client import ATTEMPTS, TIMEOUT_S, Client
from onefill.client.errors import closed
from onefill.client.events import Events
from onefill.client.fields import Decision, Filters
from onefill.contracts import rest

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 32
"""Calls under way at a time; more wait for a thread."""


class AsyncClient:
    """See `Client`."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str = "",
        timeout: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._client = Client(url, key=key, timeout=timeout, tls=tls, attempts=attempts)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="onefill")

    def __repr__(self) -> str:
        return f"Async{self._client!r}"

    async def decide(self, *, wait: float = 0.0, **decision: Unpack[Decision]) -> rest.Order:
        """See `Client.decide`."""
        return await self._run(self._client.decide, wait=wait, **decision)

    async def decide_all(
        self, decisions: Iterable[Decision], *, wait: float = 0.0
    ) -> list[rest.Decided]:
        """See `Client.decide_all`."""
        return await self._run(self._client.decide_all, decisions, wait=wait)

    async def order(self, id: str, *, account: str | None = None) -> rest.Order:
        """See `Client.order`."""
        return await self._run(self._client.order, id, account=account)

    async def order_events(self, id: str, *, account: str | None = None) -> list[rest.OrderEvent]:
        """See `Client.order_events`."""
        return await self._run(self._client.order_events, id, account=account)

    async def orders_page(self, **filters: Unpack[Filters]) -> rest.Orders:
        """See `Client.orders_page`."""
        return await self._run(self._client.orders_page, **filters)

    async def orders(self, **filters: Unpack[Filters]) -> AsyncIterator[rest.Order]:
        """See `Client.orders`."""
        while True:
            page = await self.orders_page(**filters)
            for order in page.orders:
                yield order
            if page.next is None:
                return
            filters["cursor"] = page.next

    def events(self, *, after: int | None = None, account: str | None = None) -> AsyncEvents:
        """See `Client.events`."""
        return AsyncEvents(self._client.events(after=after, account=account))

    async def cancel(self, id: str, *, account: str | None = None, wait: float = 0.0) -> rest.Order:
        """See `Client.cancel`."""
        return await self._run(self._client.cancel, id, account=account, wait=wait)

    async def accounts(self) -> list[rest.AccountTold]:
        """See `Client.accounts`."""
        return await self._run(self._client.accounts)

    async def register(
        self, account: str, *, server: str = "", broker: str = "", live: bool = False
    ) -> rest.AccountTold:
        """See `Client.register`."""
        return await self._run(
            self._client.register, account, server=server, broker=broker, live=live
        )

    async def positions(self, *, account: str | None = None) -> rest.Positions:
        """See `Client.positions`."""
        return await self._run(self._client.positions, account=account)

    async def quarantine(self) -> list[rest.Order]:
        """See `Client.quarantine`."""
        return await self._run(self._client.quarantine)

    async def resolve(
        self,
        id: str,
        status: str,
        *,
        reason: str,
        account: str | None = None,
        ticket: int | None = None,
    ) -> rest.Order:
        """See `Client.resolve`."""
        return await self._run(
            self._client.resolve, id, status, reason=reason, account=account, ticket=ticket
        )

    async def kill(
        self,
        *,
        reason: str,
        tenant: str | None = None,
        account: str | None = None,
        strategy: int | None = None,
        flatten: bool = False,
    ) -> rest.Killed:
        """See `Client.kill`."""
        return await self._run(
            self._client.kill,
            reason=reason,
            tenant=tenant,
            account=account,
            strategy=strategy,
            flatten=flatten,
        )

    async def resume(
        self,
        *,
        reason: str,
        id: str | None = None,
        tenant: str | None = None,
        account: str | None = None,
        strategy: int | None = None,
    ) -> list[rest.Halted]:
        """See `Client.resume`."""
        return await self._run(
            self._client.resume,
            reason=reason,
            id=id,
            tenant=tenant,
            account=account,
            strategy=strategy,
        )

    async def halts(self) -> list[rest.Halted]:
        """See `Client.halts`."""
        return await self._run(self._client.halts)

    async def access_token(self) -> rest.AccessToken:
        """See `Client.access_token`."""
        return await self._run(self._client.access_token)

    async def ticket(self) -> rest.Ticket:
        """See `Client.ticket`."""
        return await self._run(self._client.ticket)

    async def ready(self) -> rest.Health:
        """See `Client.ready`."""
        return await self._run(self._client.ready)

    async def close(self) -> None:
        """Close the connections, once the calls under way are done; see `Client.close`."""
        await asyncio.to_thread(self._threads.shutdown)
        self._client.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _run(self, call: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        try:
            reached = loop.run_in_executor(self._threads, partial(call, *given, **named))
        except RuntimeError:  # as the threads of a client that was closed answer
            raise closed() from None
        return await reached


class AsyncEvents(AsyncIterator[rest.OrderEvent]):
    """`Events`, awaited; on a thread of its own."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="onefill-events")
        self._reading: asyncio.Future[rest.OrderEvent | None] | None = None
        self._turn = asyncio.Lock()

    @property
    def last_id(self) -> int | None:
        """See `Events.last_id`."""
        return self._events.last_id

    async def __anext__(self) -> rest.OrderEvent:
        """The next event. Who gives up waiting (`asyncio.wait_for`) loses none: what the thread
        reads meanwhile is the next one's."""
        async with self._turn:
            if self._reading is None:
                loop = asyncio.get_running_loop()
                try:
                    self._reading = loop.run_in_executor(self._thread, next, self._events, None)
                except RuntimeError:  # as the thread of a stream that was closed answers
                    raise StopAsyncIteration from None
            reading = self._reading
            await asyncio.wait([reading])
            self._reading = None
        found = reading.result()
        if found is None:
            raise StopAsyncIteration
        return found

    async def close(self) -> None:
        """See `Events.close`."""
        self._events.close()
        await asyncio.to_thread(self._thread.shutdown)

    async def __aenter__(self) -> AsyncEvents:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
