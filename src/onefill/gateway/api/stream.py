"""`GET /v1/events`: the journal's records as server-sent events, with a resume that leaves no gap.

An event's id is the journal's number of its record. A heartbeat is a comment together with an id,
which moves the reader's place on without an event: he need not read over others' records again.
"""

from __future__ import annotations

import asyncio
import logging

from starlette.types import Receive, Scope, Send

from onefill.gateway.api.body import header
from onefill.gateway.api.door import HEADERS, Call, Door, Query, Way
from onefill.gateway.api.refusal import Refusal, invalid
from onefill.gateway.identity.model import Caller, Right
from onefill.model.errors import OnefillError

_log = logging.getLogger("onefill.gateway.api")
_MOST_SEQ = 2**62
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"x-accel-buffering", b"no"),
        *HEADERS,
    ],
}


async def events(call: Call) -> Stream:
    """The stream, from `Last-Event-ID`, from `after`, or from now on."""
    door, tenant = call.door, call.caller.tenant
    now = door.journal.durable_seq
    asked = header(call.scope, b"last-event-id")
    if asked:
        if not (asked.isascii() and asked.isdecimal() and len(asked) <= 19):
            raise invalid("Last-Event-ID", "expected the id of an event of this stream")
        after = int(asked)
    else:
        after = call.whole("after", now, 0, _MOST_SEQ)
    if after > now:
        raise Refusal(
            409,
            "EVENT_UNKNOWN",
            f"event {after} has not happened here: the last one is {now}; "
            "begin again with after=0, or without an id",
            field="Last-Event-ID" if asked else "after",
        )
    only = call.query.get("account")
    if only is not None:
        door.account(call.caller, only)
    most, most_of_tenant = door.settings.max_streams, door.settings.max_streams_per_tenant
    if door.feed.ended:
        raise Refusal(503, "SHUTTING_DOWN", "the gateway is about to stop", retry_after_s=1)
    if not door.streams.room(tenant, most, most_of_tenant):
        raise Refusal(
            429,
            "TOO_MANY_STREAMS",
            f"a tenant may follow with {most_of_tenant} streams at once; end some",
            retry_after_s=5,
        )
    return Stream(door, call.caller, header(call.scope, b"authorization"), after, only)


class Stream:
    """One reader. Pulled at his pace, so that nothing piles up for him; he who takes nothing for
    long is let go, and can resume."""

    def __init__(
        self, door: Door, caller: Caller, credentials: str, after: int, only: str | None
    ) -> None:
        self._door = door
        self._caller = caller
        self._credentials = credentials
        self._at = after
        self._only = only
        #: Which accounts he sees, as far as looked up since the last heartbeat.
        self._seen: dict[str, bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader goes, the gateway stops, or he may read no more."""
        self._door.streams.enter(self._caller.tenant)
        sending = asyncio.ensure_future(self._send(send))
        going = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((sending, going), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._door.streams.leave(self._caller.tenant)
            for task in (sending, going):
                task.cancel()
            for failed in await asyncio.gather(sending, going, return_exceptions=True):
                if isinstance(failed, Exception) and not isinstance(failed, TimeoutError | OSError):
                    _log.error("an event stream failed", exc_info=failed)

    async def _send(self, send: Send) -> None:
        settings, feed = self._door.settings, self._door.feed
        loop = asyncio.get_running_loop()
        await send(_START)
        await self._put(send, _beat(self._at))
        beat_at = loop.time() + settings.heartbeat_s
        while not feed.ended:
            if loop.time() >= beat_at:
                if not self._still_may():
                    break
                await self._put(send, _beat(self._at))
                beat_at = loop.time() + settings.heartbeat_s
            lines = await feed.after(self._at)
            if not lines:
                await feed.grown(max(0.001, beat_at - loop.time()))
                continue
            text = b"".join(line.text() for line in lines if self._sees(line.account))
            self._at = lines[-1].seq
            if text:
                await self._put(send, text)
        await self._put(send, b"", more=False)

    async def _put(self, send: Send, text: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._door.settings.slow_reader_s):
            await send({"type": "http.response.body", "body": text, "more_body": more})

    def _still_may(self) -> bool:
        """Whether his key is still good; what he sees is looked up anew."""
        self._seen.clear()
        try:
            caller = self._door.authenticate(self._credentials)
        except OnefillError:
            return False
        self._caller = caller
        return caller.may(Right.READ)

    def _sees(self, account_id: str) -> bool:
        seen = self._seen.get(account_id)
        if seen is None:
            tenant, _, name = account_id.partition("/")
            account = None
            if tenant == self._caller.tenant and self._only in (None, name):
                account = self._door.directory.account(tenant, name)
            seen = self._seen[account_id] = account is not None and self._caller.sees(account)
        return seen


def _beat(seq: int) -> bytes:
    return b": alive\nid: %d\n\n" % seq


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


WAYS = (
    Way(
        method="GET",
        path="/v1/events",
        handler=events,
        summary="Follow everything that happens, as server-sent events; resume with Last-Event-ID",
        right=Right.READ,
        tag="events",
        query=(
            Query("after", {"type": "integer", "minimum": 0}, "follow from after this event on"),
            Query("account", {"type": "string"}, "of this `mt5_account` only"),
        ),
        refuses=(404, 409),
    ),
)
