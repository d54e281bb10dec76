"""What every route has in common: rates, who asks, what he may, the body, and that every answer is
JSON with a code, a mistake's as much as a success."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from onefill.gateway.api.body import Gone, check_json, read_body, shown
from onefill.gateway.api.books import Books
from onefill.gateway.api.feed import Feed
from onefill.gateway.api.ports import Desk, Issues, Standing
from onefill.gateway.api.refusal import (
    Refusal,
    answer_of,
    invalid,
    malformed,
    not_found,
    out_of_order,
    status_of,
)
from onefill.gateway.api.settings import ApiSettings
from onefill.gateway.api.throttle import Crowd, Rates, address_name
from onefill.gateway.identity.model import Account, Caller, Right
from onefill.gateway.ports import Directory
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.runtime.clock import Clock

_log = logging.getLogger("onefill.gateway.api")
_encode = msgspec.json.Encoder().encode
HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_JSON = [(b"content-type", b"application/json"), *HEADERS]
MAX_QUERY = 8_192
"""Bytes of a query."""


class Shown(Protocol):
    """The numbers that `/metrics` shows."""

    @property
    def registry(self) -> CollectorRegistry:
        """Where they are."""
        ...


@dataclass(slots=True)
class Door:
    """What the routes work with."""

    desk: Desk
    directory: Directory
    authenticate: Callable[[str], Caller]
    journal: Journal
    books: Books
    feed: Feed
    clock: Clock
    settings: ApiSettings
    standing: Standing
    issues: Issues
    rates: Rates
    numbers: Shown
    #: Calls that wait for an outcome, and event streams, by tenant.
    waiting: Crowd = field(default_factory=Crowd)
    streams: Crowd = field(default_factory=Crowd)

    def account(self, caller: Caller, name: str) -> Account:
        """An account that the caller sees; for all others it is not there."""
        account = self.directory.account(caller.tenant, name)
        if account is None or not caller.sees(account):
            raise not_found("account", name)
        return account

    def accounts(self, caller: Caller) -> list[Account]:
        """Every account that the caller sees."""
        return [one for one in self.directory.accounts(caller.tenant) if caller.sees(one)]


class Call:
    """A request that got through the door."""

    __slots__ = ("_caller", "body", "door", "query", "scope")

    def __init__(
        self, door: Door, scope: Scope, caller: Caller | None, query: dict[str, str], body: bytes
    ) -> None:
        self.door = door
        self.scope = scope
        self._caller = caller
        self.query = query
        self.body = body

    @property
    def caller(self) -> Caller:
        """Who asks; only where the route asks for a right."""
        assert self._caller is not None
        return self._caller

    @property
    def id(self) -> str:
        """The `{id}` of the path."""
        return str(self.scope["path_params"]["id"])

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number of the query. Raises `Refusal` (422)."""
        text = self.query.get(name)
        if text is None:
            return default
        try:
            number = float(text) if len(text) <= 32 else float("nan")
        except ValueError:
            number = float("nan")
        if not low <= number <= high:  # true for NaN
            raise invalid(name, f"expected a number from {low:g} to {high:g}")
        return number

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number of the query. Raises `Refusal` (422)."""
        text = self.query.get(name)
        if text is None:
            return default
        if text.isascii() and text.isdecimal() and len(text) <= 19 and low <= int(text) <= high:
            return int(text)
        raise invalid(name, f"expected a whole number from {low} to {high}")


class Answered:
    """A JSON answer, encoded once and sent without further ado."""

    __slots__ = ("body", "status")

    def __init__(self, value: Any, status: int = 200) -> None:
        self.body = _encode(value)
        self.status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", str(len(self.body)).encode())
        start = {
            "type": "http.response.start",
            "status": self.status,
            "headers": [*_JSON, length],
        }
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


def _credential(scope: Scope) -> str:
    """What the caller shows; nothing where he shows two, of which something in front of the gateway
    may have looked at the other one."""
    shown = [value for key, value in scope["headers"] if key == b"authorization"]
    return str(shown[0].decode("latin-1")) if len(shown) == 1 else ""


Answer = Answered | Response
Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query, as the document describes it."""

    name: str
    kind: dict[str, Any]
    text: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A route: where, who may, what comes in and what goes out."""

    method: str
    path: str
    handler: Handler
    summary: str
    #: None: whoever proves who he is.
    right: Right | None
    tag: str
    #: Nobody need prove anything.
    open: bool = False
    #: The body's type, for the document; None: the route takes none.
    takes: Any = None
    #: Status to the types that it comes with.
    gives: dict[int, tuple[type, ...]] = field(default_factory=dict)
    query: tuple[Query, ...] = ()
    #: Refusals of its own, beside those that every route may answer.
    refuses: tuple[int, ...] = ()
    examples: dict[str, Any] = field(default_factory=dict)
    #: The body may be left out.
    takes_optional: bool = False


class Endpoint:
    """An ASGI application for one way."""

    def __init__(self, door: Door, way: Way) -> None:
        self._door = door
        self.way = way
        self._known = frozenset(one.name for one in way.query)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer: Any
        try:
            answer = await self._answer(scope, receive)
        except OnefillError as wrong:
            if status_of(wrong) == 503 and not isinstance(wrong, Refusal):
                _log.error("%s %s: %s", self.way.method, self.way.path, wrong.message)
                wrong = out_of_order(wrong.code)  # whose files lie where is not for callers
            answer = answer_of(wrong)
        except Gone:
            return
        except Exception:  # noqa: BLE001 - told without what it was; the log has it
            _log.exception("%s %s failed", self.way.method, self.way.path)
            answer = answer_of(
                Refusal(500, "INTERNAL", "the gateway failed; what happened is in its log")
            )
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Any:
        door, way = self._door, self.way
        client = scope.get("client")
        address = address_name(client[0]) if client else ""
        door.rates.ip.take(address, "an address")
        caller = None if way.open else self._proven(scope, address)
        query = self._query(scope)
        body = b""
        if way.takes is not None:
            body = await read_body(
                scope, receive, door.settings.max_body, door.settings.body_timeout_s
            )
            if body or not way.takes_optional:
                check_json(scope)
        return await way.handler(Call(door, scope, caller, query, body))

    def _proven(self, scope: Scope, address: str) -> Caller:
        door, right = self._door, self.way.right
        door.rates.refused.check(address, "an address that could not prove who it is")
        try:
            caller = door.authenticate(_credential(scope))
        except OnefillError as wrong:
            door.rates.refused.spend(address)
            raise Refusal(401, "UNAUTHENTICATED", wrong.message) from None
        door.rates.count(caller)
        if right is not None and not caller.may(right):
            raise Refusal(
                403, "FORBIDDEN", f"this needs the right to {right}, which the key does not have"
            )
        return caller

    def _query(self, scope: Scope) -> dict[str, str]:
        raw: bytes = scope["query_string"]
        if not raw:
            return {}
        if len(raw) > MAX_QUERY:
            raise Refusal(414, "TOO_LONG", f"a query may have {MAX_QUERY} bytes, not more")
        try:
            pairs = parse_qsl(
                raw.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict"
            )
        except ValueError:
            raise malformed("the query cannot be read: expected name=value&name=value") from None
        found: dict[str, str] = {}
        for name, value in pairs:
            if name not in self._known:
                known = ", ".join(sorted(self._known)) or "none"
                raise invalid("query", f"there is no parameter {shown(name)!r}; this takes {known}")
            if name in found:
                raise invalid(name, "is given twice")
            found[name] = value
        return found
