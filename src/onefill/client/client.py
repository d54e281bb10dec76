"""`onefill.Client`: a gateway's REST door as methods that return values."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, Unpack
from urllib.parse import quote, urlencode

import msgspec

from onefill.client.errors import CallFailed, TooMany, Unavailable
from onefill.client.events import Events
from onefill.client.fields import Decision, Filters
from onefill.client.wire import Wire
from onefill.contracts import rest
from onefill.runtime.clock import pause
from onefill.runtime.draws import Draws
from onefill.runtime.secret import new_secret

T = TypeVar("T")
TIMEOUT_S = 10.0
"""How long an answer may take, beyond what it was asked to wait."""
ATTEMPTS = 6
"""How often a call that is safe to repeat is made in all."""
BACKOFF_S, MOST_BACKOFF_S = 0.1, 5.0
"""The first pause before a repetition, and the longest."""
KILL_S = 120.0
"""A kill comes back when leases have run out."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Client:
    """A gateway, called with an API key or an access token. Several threads may share one.

    What is safe to repeat is repeated where the gateway was not reached or failed: what only
    reads, a decision (its client_key makes it the same decision), a kill. Raises `CallFailed` and
    its kinds.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str = "",
        timeout: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._wire = Wire(url, key, timeout, tls)
        self._attempts = attempts
        self._draws = Draws(int.from_bytes(new_secret(8), "big"))
        self._pauses = 0

    def __repr__(self) -> str:
        return f"Client({self._wire!r})"

    def decide(self, *, wait: float = 0.0, **decision: Unpack[Decision]) -> rest.Order:
        """Have a decision taken; the order as it stands then, or after at most `wait` seconds once
        its outcome is known. The same client_key with the same content is the same decision."""
        return self._decide(decision, wait, rest.Order)

    def decide_all(self, decisions: Iterable[Decision], *, wait: float = 0.0) -> list[rest.Decided]:
        """Have several taken, at most `rest.MAX_BATCH`; what became of each, in their order."""
        return self._decide(list(decisions), wait, rest.Decisions).decisions

    def order(self, id: str, *, account: str | None = None) -> rest.Order:
        """An order by its intent id, or by its client_key and its account."""
        return self._get(f"/v1/orders/{_segment(id)}", rest.Order, account=account)

    def order_events(self, id: str, *, account: str | None = None) -> list[rest.OrderEvent]:
        """What happened to an order, oldest first."""
        path = f"/v1/orders/{_segment(id)}/events"
        return self._get(path, rest.OrderEvents, account=account).events

    def orders_page(self, **filters: Unpack[Filters]) -> rest.Orders:
        """A page of orders, newest first."""
        unknown = filters.keys() - Filters.__annotations__.keys()
        if unknown:
            raise TypeError(f"orders are not looked for by {', '.join(sorted(unknown))}")
        return self._get("/v1/orders", rest.Orders, **filters)

    def orders(self, **filters: Unpack[Filters]) -> Iterator[rest.Order]:
        """Orders, newest first, page by page as they are taken; filters as of `orders_page`."""
        while True:
            page = self.orders_page(**filters)
            yield from page.orders
            if page.next is None:
                return
            filters["cursor"] = page.next

    def events(self, *, after: int | None = None, account: str | None = None) -> Events:
        """Everything that happens from now on, or after event `after`; an iterator to be closed."""
        return Events(self._wire, self._pause, after=after, account=account)

    def cancel(self, id: str, *, account: str | None = None, wait: float = 0.0) -> rest.Order:
        """Take an order back, or have its pending order removed: the order itself where that ends
        it at once, else the cancel, an order of its own; as it stands then, or after at most `wait`
        seconds once its outcome is known."""
        path = f"/v1/orders/{_segment(id)}/cancel"
        query = {"account": account} | _waiting(wait)
        return self._post(path, None, rest.Order, query=query, patience_s=wait)

    def accounts(self) -> list[rest.AccountTold]:
        """The key's accounts."""
        return self._get("/v1/accounts", rest.AccountsTold).accounts

    def register(
        self, account: str, *, server: str = "", broker: str = "", live: bool = False
    ) -> rest.AccountTold:
        """Register an account of one's own by its login; it waits until its broker is approved."""
        body = {"mt5_account": account, "server": server, "broker": broker, "live": live}
        return self._post("/v1/accounts", body, rest.AccountTold, repeat=True)

    def positions(self, *, account: str | None = None) -> rest.Positions:
        """Open positions, as the accounts' clients last told."""
        return self._get("/v1/positions", rest.Positions, account=account)

    def quarantine(self) -> list[rest.Order]:
        """Orders whose outcome a person must decide."""
        return self._get("/v1/quarantine", rest.Orders).orders

    def resolve(
        self,
        id: str,
        status: str,
        *,
        reason: str,
        account: str | None = None,
        ticket: int | None = None,
    ) -> rest.Order:
        """Decide what became of an order in quarantine, with the broker's order `ticket` where it
        has one; recorded with whose key it was, and told to the account's agent."""
        body = {"as": status, "reason": reason, "ticket": ticket}
        path = f"/v1/quarantine/{_segment(id)}/resolve"
        return self._post(path, body, rest.Order, query={"account": account})

    def kill(
        self,
        *,
        reason: str,
        tenant: str | None = None,
        account: str | None = None,
        strategy: int | None = None,
        flatten: bool = False,
    ) -> rest.Killed:
        """Halt all that the key may halt, or what is named; says who confirmed."""
        body = _reach(reason, tenant, account, strategy) | {"flatten": flatten}
        return self._post("/v1/kill", body, rest.Killed, repeat=True, patience_s=KILL_S)

    def resume(
        self,
        *,
        reason: str,
        id: str | None = None,
        tenant: str | None = None,
        account: str | None = None,
        strategy: int | None = None,
    ) -> list[rest.Halted]:
        """Lift the halt of an id, or those on just what is named."""
        body = _reach(reason, tenant, account, strategy) | ({} if id is None else {"id": id})
        return self._post("/v1/resume", body, rest.Resumed).resumed

    def halts(self) -> list[rest.Halted]:
        """Halts in force."""
        return self._get("/v1/halts", rest.Halts).halts

    def access_token(self) -> rest.AccessToken:
        """A short-lived access token for the API key."""
        return self._post("/v1/tokens", None, rest.AccessToken)

    def ticket(self) -> rest.Ticket:
        """A one-use ticket for a WebSocket."""
        return self._post("/v1/ws-tickets", None, rest.Ticket)

    def ready(self) -> rest.Health:
        """Whether the gateway takes decisions. Raises `Unavailable` where it does not."""
        return self._get("/readyz", rest.Health)

    def close(self) -> None:
        """Close the connections; further calls raise `CallFailed` (`CLIENT_CLOSED`)."""
        self._wire.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _decide(self, what: Any, wait_s: float, gives: type[T]) -> T:
        query = _waiting(wait_s)
        return self._post("/v1/decisions", what, gives, query=query, repeat=True, patience_s=wait_s)

    def _get(self, path: str, gives: type[T], **query: Any) -> T:
        return self._call("GET", path, None, gives, query, repeat=True, patience_s=0.0)

    def _post(
        self,
        path: str,
        body: Any,
        gives: type[T],
        *,
        query: dict[str, Any] | None = None,
        repeat: bool = False,
        patience_s: float = 0.0,
    ) -> T:
        text = b"" if body is None else _encode(body)
        return self._call(
            "POST", path, text, gives, query or {}, repeat=repeat, patience_s=patience_s
        )

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        gives: type[T],
        query: dict[str, Any],
        *,
        repeat: bool,
        patience_s: float,
    ) -> T:
        given = {name: value for name, value in query.items() if value is not None}
        whole = f"{path}?{urlencode(given)}" if given else path
        attempt = 0
        while True:
            try:
                answer = self._wire.call(method, whole, body, patience_s)
                return msgspec.json.decode(answer.body, type=gives)
            except (Unavailable, TooMany) as wrong:
                attempt += 1
                if attempt >= self._attempts or not _repeatable(wrong, repeat):
                    raise
                self._pause(attempt - 1, wrong.retry_after_s)
            except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
                fault = rest.Fault(code="NOT_A_GATEWAY", message=f"{self._wire!r}: {wrong}")
                raise CallFailed(fault) from None

    def _pause(self, attempt: int, at_least_s: float = 0.0) -> None:
        """Wait between attempts, each time longer, never two callers in step."""
        self._pauses += 1
        most_s = min(MOST_BACKOFF_S, BACKOFF_S * 2.0 ** min(attempt, 10))
        drawn_s = most_s * (0.5 + self._draws.uniform("pause", self._pauses) / 2)
        pause(max(drawn_s, min(at_least_s, MOST_BACKOFF_S)))


def _repeatable(wrong: CallFailed, repeat: bool) -> bool:
    """A call that was turned away at the door was not carried out, whatever it is."""
    return repeat or isinstance(wrong, TooMany)


def _waiting(wait_s: float) -> dict[str, Any]:
    return {"wait": f"{wait_s:g}"} if wait_s else {}


def _segment(text: str) -> str:
    return quote(text, safe="")


def _reach(
    reason: str, tenant: str | None, account: str | None, strategy: int | None
) -> dict[str, Any]:
    named = {"tenant": tenant, "account": account, "strategy": strategy}
    return {"reason": reason} | {name: what for name, what in named.items() if what is not None}
