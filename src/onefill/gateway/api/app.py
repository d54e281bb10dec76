"""The REST door as one application: the ways, the document that describes them, the errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onefill.gateway.api import (
    accounts,
    decisions,
    health,
    operations,
    orders,
    quarantine,
    stream,
)
from onefill.gateway.api.books import Books
from onefill.gateway.api.door import Door, Endpoint, Way
from onefill.gateway.api.feed import Feed
from onefill.gateway.api.openapi import document
from onefill.gateway.api.ports import Desk, Issues, Standing
from onefill.gateway.api.refusal import Refusal, answer_of, not_found
from onefill.gateway.api.settings import ApiSettings
from onefill.gateway.api.throttle import Rates
from onefill.gateway.identity.model import Caller
from onefill.gateway.ports import Directory
from onefill.journal.journal import Journal
from onefill.runtime.clock import Clock


def ways(settings: ApiSettings) -> tuple[Way, ...]:
    """Every way of the door; a request takes the first that fits."""
    return (
        *decisions.WAYS,
        *orders.WAYS,
        *stream.WAYS,
        *accounts.WAYS,
        *operations.WAYS,
        *quarantine.WAYS,
        *health.WAYS,
        health.metrics_way(is_open=settings.open_metrics),
    )


def make_api(
    desk: Desk,
    directory: Directory,
    authenticate: Callable[[str], Caller],
    journal: Journal,
    clock: Clock,
    settings: ApiSettings,
    *,
    standing: Standing,
    issues: Issues,
    beside: Sequence[BaseRoute] = (),
) -> Starlette:
    """The application; `beside` are other routes of the one port (WebSockets).

    Its lifespan follows the journal. `app.state.feed.end_streams()` lets event streams end, which
    a server that waits for its connections needs before it stops.
    """
    books = Books(journal)
    feed = Feed(journal, books, poll_s=settings.poll_s, kept=settings.kept_events)
    numbers = health.Numbers()
    door = Door(
        desk=desk,
        directory=directory,
        authenticate=authenticate,
        journal=journal,
        books=books,
        feed=feed,
        clock=clock,
        settings=settings,
        standing=standing,
        issues=issues,
        rates=Rates(settings),
        numbers=numbers,
    )
    numbers.watch(door)
    all_ways = ways(settings)
    described = msgspec.json.encode(document(all_ways))

    async def openapi(request: Request) -> Response:
        return Response(described, media_type="application/json")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        feed.start()
        try:
            yield
        finally:
            await feed.close()
            await books.close()

    routes = [Route(way.path, Endpoint(door, way), methods=[way.method]) for way in all_ways]
    app = Starlette(
        routes=[*routes, Route("/openapi.json", openapi), *beside],
        exception_handlers={HTTPException: _refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.door = door
    app.state.feed = feed
    app.state.ways = all_ways
    return app


async def _refused(request: Request, wrong: Exception) -> Response:
    """No such route, or none with such a method."""
    assert isinstance(wrong, HTTPException)
    if wrong.status_code == 405:
        allowed = (wrong.headers or {}).get("Allow", "")
        answer = answer_of(Refusal(405, "METHOD_NOT_ALLOWED", f"this takes {allowed}"))
        answer.headers["Allow"] = allowed
        return answer
    return answer_of(not_found())
