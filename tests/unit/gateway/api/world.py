"""A small world behind the REST door: two tenants, a desk that fills at once, a real journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec
from starlette.applications import Starlette

from onefill.contracts.messages import HeldPosition
from onefill.gateway.api.app import make_api
from onefill.gateway.api.ports import Issued
from onefill.gateway.api.settings import ApiSettings
from onefill.gateway.delivery.counters import Counters
from onefill.gateway.desk.kill_report import (
    AccountKilled,
    Confirmation,
    Flattening,
    KillReport,
)
from onefill.gateway.identity.model import (
    Account,
    Caller,
    Right,
    Tenant,
    User,
    account_id,
)
from onefill.gateway.identity.model import (
    Standing as AccountStanding,
)
from onefill.gateway.ports import Decision
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.events import Accepted, Denied, Dispatched, Reported
from onefill.model.halt import Halt
from onefill.model.intent import Side, content_hash, intent_id
from onefill.model.order import OrderState
from onefill.model.resolved import ResolvedOrder
from onefill.model.states import FINAL, State
from onefill.model.volume import to_e8
from onefill.risk.limits import Limits
from onefill.runtime.clock import SystemClock

ALL = frozenset(Right)
KEYS: dict[str, Caller] = {
    "trader": Caller(tenant="north", user="anna", rights=frozenset({Right.READ, Right.TRADE})),
    "reader": Caller(tenant="north", user="anna", rights=frozenset({Right.READ})),
    "operator": Caller(tenant="north", user="olaf", rights=ALL),
    "narrow": Caller(tenant="north", user="olaf", rights=ALL, accounts=("111",)),
    "stranger": Caller(tenant="south", user="sam", rights=ALL),
    "firm": Caller(tenant="house", user="fred", rights=ALL),
    "token": Caller(tenant="north", user="anna", rights=frozenset({Right.READ}), kid="k1"),
}
ACCOUNTS = [
    Account(tenant="north", name="111", user="anna", server="Demo", broker="Demo Ltd"),
    Account(tenant="north", name="112", user="anna"),
    Account(tenant="north", name="113", user="bert"),
    Account(tenant="south", name="222", user="sam"),
    Account(tenant="south", name="111", user="sam"),
]


def order(key: str, **changes: Any) -> dict[str, Any]:
    """A decision to buy 0.1 EURUSD, to be carried out."""
    plain = {
        "client_key": key,
        "mt5_account": "111",
        "auto_execute": True,
        "symbol": "EURUSD",
        "side": "buy",
        "volume": 0.1,
        "magic": 7,
    }
    return {name: value for name, value in (plain | changes).items() if value is not ...}


def authenticate(header: str) -> Caller:
    name = header.removeprefix("Bearer ")
    if name not in KEYS:
        raise OnefillError("UNAUTHENTICATED", "the credentials are missing or wrong")
    return msgspec.structs.replace(KEYS[name], key=f"id-{name}")


class People:
    """Implements `Directory`, as far as the door asks."""

    def __init__(self) -> None:
        self.in_force: dict[str, Halt] = {}

    def tenant(self, tenant: str) -> Tenant | None:
        known = tenant in ("north", "south", "house")
        return Tenant(id=tenant, name=tenant) if known else None

    def user(self, tenant: str, user: str) -> User | None:
        return User(tenant=tenant, id=user)

    def account(self, tenant: str, name: str) -> Account | None:
        found = [one for one in ACCOUNTS if (one.tenant, one.name) == (tenant, name)]
        return found[0] if found else None

    def accounts(self, tenant: str) -> list[Account]:
        return [one for one in ACCOUNTS if one.tenant == tenant]

    def broker_approved(self, tenant: str, broker: str) -> bool:
        return True

    def limits(self, account: Account) -> Limits:
        raise NotImplementedError

    def seen(self, caller: Caller, profile: Any) -> Account:
        return Account(
            tenant=caller.tenant,
            name=profile.account,
            user=caller.user,
            server=profile.server,
            broker=profile.broker,
            live=profile.live,
            standing=AccountStanding.PENDING,
        )

    def halts(self) -> tuple[Halt, ...]:
        return tuple(self.in_force.values())

    def add_halt(self, halt: Halt) -> None:
        self.in_force[halt.id] = halt

    def end_halt(self, id: str, by: str, reason: str) -> None:
        del self.in_force[id]


_OUTCOMES = (Confirmation.CONFIRMED, Confirmation.UNREACHABLE)


class FakeDesk:
    """Accepts, dispatches, and reports the fill of what it decides; all durable in the journal.

    A symbol says what becomes of an order: HOLD stays under way until somebody settles it, DENY is
    denied, LOST is quarantined."""

    def __init__(self, journal: Journal, writer: GroupWriter, people: People) -> None:
        self._journal = journal
        self._writer = writer
        self._people = people
        self._sequence = 0

    async def decide(self, caller: Caller, decision: Decision) -> OrderState:
        account = self._people.account(caller.tenant, decision.account)
        if account is None or not caller.sees(account):
            raise OnefillError("ACCOUNT_UNKNOWN", "there is no such account")
        intent, name = decision.intent, account.id
        key, content = intent.client_key, content_hash(intent)
        known = self._journal.find(name, key)
        if known is not None:
            if known.content != content:
                raise OnefillError("KEY_REUSED", f"client_key {key!r} was used before")
            await self._writer.durable()
            return known
        identity = intent_id(caller.tenant, account.name, key)
        denied = "" if decision.auto_execute else "ADVICE_ONLY"
        if intent.symbol == "DENY":
            denied = "SYMBOL_NOT_ALLOWED"
        if denied:
            self._append(
                name,
                Denied(
                    key=key,
                    code=denied,
                    message="it is denied",
                    intent_id=identity,
                    content=content,
                    intent=intent,
                ),
            )
        else:
            volume_e8 = to_e8(intent.volume or 0.0) or 0
            resolved = ResolvedOrder(
                action=intent.action,
                symbol=intent.symbol,
                side=intent.side or Side.BUY,
                volume_e8=volume_e8,
            )
            self._append(
                name,
                Accepted(
                    key=key, intent_id=identity, content=content, intent=intent, order=resolved
                ),
            )
            self._append(name, Dispatched(key=key))
            if intent.symbol == "LOST":
                self.report(name, key, State.UNKNOWN)
                self.report(name, key, State.QUARANTINED)
            elif intent.symbol != "HOLD":
                self.report(name, key, State.FILLED, volume_e8)
        await self._writer.durable()
        found = self._journal.find(name, key)
        assert found is not None
        return msgspec.structs.replace(found)

    def report(
        self,
        account: str,
        key: str,
        to: State,
        volume_e8: int = 0,
        by: str = "",
        requested: float = 0.0,
        slippage: float | None = None,
    ) -> None:
        self._sequence += 1
        self._append(
            account,
            Reported(
                key=key,
                to=to,
                price=1.1,
                volume_e8=volume_e8,
                by=by,
                sequence=self._sequence,
                requested_price=requested,
                slippage_pips=slippage,
            ),
        )

    async def outcome(self, account: str, key: str, timeout_s: float) -> OrderState:
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            found = self._journal.find(account, key)
            assert found is not None
            if found.state in FINAL or asyncio.get_running_loop().time() >= deadline:
                await self._writer.durable()
                return found
            await asyncio.sleep(0.005)

    async def cancel(self, caller: Caller, account: str, key: str) -> OrderState:
        name = account_id(caller.tenant, account)
        found = self._journal.find(name, key)
        assert found is not None
        if not found.is_final:
            self.report(name, key, State.CANCELLED)
        await self._writer.durable()
        return found

    async def settle(
        self, caller: Caller, account: str, key: str, to: State, why: str, ticket: int = 0
    ) -> OrderState:
        name = account_id(caller.tenant, account)
        before = self._journal.find(name, key)
        assert before is not None
        if before.state is not State.QUARANTINED:
            raise OnefillError("NOT_IN_DOUBT", "its outcome is not in doubt")
        self.report(name, key, to, by=caller.user)
        await self._writer.durable()
        found = self._journal.find(name, key)
        assert found is not None
        return found

    def positions(self, account_id: str) -> tuple[HeldPosition, ...] | None:
        if account_id != "north/111":
            return None
        held = HeldPosition(
            ticket=9, symbol="EURUSD", side=Side.BUY, volume=0.1, price=1.1, command_id="k"
        )
        return (held,)

    async def kill(self, halt: Halt) -> KillReport:
        self._people.add_halt(halt)
        covered = [
            one.id
            for one in ACCOUNTS
            if halt.tenant in ("", one.tenant) and halt.account in ("", one.name)
        ]
        last = len(covered) - 1
        accounts = tuple(
            AccountKilled(account=account, confirmation=_OUTCOMES[n == last])
            for n, account in enumerate(covered)
        )
        return KillReport(halt=halt, accounts=accounts)

    def flattening(self, halt: Halt) -> list[Flattening]:
        return [
            Flattening(halt=halt.id, account=account, positions=2)
            for account in ("north/111", "south/222")
        ]

    async def resume(self, id: str, by: str, reason: str) -> None:
        self._people.end_halt(id, by, reason)

    def _append(self, account: str, event: Any) -> None:
        self._writer.append(account, event, SystemClock().now_ms())


class Standing:
    """Implements `Standing`."""

    def __init__(self) -> None:
        self.why_not: list[str] = []
        self.clients = Counters(connected=1, frames_in=3)

    def problems(self) -> list[str]:
        return self.why_not

    def gauges(self) -> Mapping[str, float]:
        return self.clients.gauges()

    def counters(self) -> Mapping[str, float]:
        return self.clients.counters()

    def connected(self, account_id: str) -> bool:
        return account_id == "north/111"


class Issuer:
    """Implements `Issues`."""

    def access_token(self, caller: Caller) -> Issued:
        return Issued("token", 1)

    def ticket(self, caller: Caller) -> Issued:
        return Issued("ticket", 2)


class World(NamedTuple):
    """Everything, running."""

    app: Starlette
    journal: Journal
    desk: FakeDesk
    people: People
    standing: Standing


@asynccontextmanager
async def world(
    directory: Path, settings: ApiSettings | None = None, *, lifespan: bool = True
) -> AsyncIterator[World]:
    """The door over a journal in a directory. Without `lifespan`, a server runs the app's."""
    if settings is None:
        settings = ApiSettings(operating_tenant="house")
    with Journal.open(directory) as journal:
        async with GroupWriter(journal) as writer:
            people, standing = People(), Standing()
            desk = FakeDesk(journal, writer, people)
            app = make_api(
                desk,
                people,
                authenticate,
                journal,
                SystemClock(),
                settings,
                standing=standing,
                issues=Issuer(),
            )
            made = World(app, journal, desk, people, standing)
            if not lifespan:
                yield made
                return
            writer.followers.append(app.state.feed.nudge)
            async with app.router.lifespan_context(app):
                yield made


class Told(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


async def ask(
    app: Starlette,
    method: str,
    url: str,
    body: Any = None,
    *,
    key: str | None = "trader",
    headers: Mapping[str, str] | None = None,
    client: str = "10.0.0.1",
) -> Told:
    """One request, through the application itself. A body that is no bytes is sent as JSON."""
    parts = urlsplit(url)
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent = {"content-type": "application/json"} if body is not None else {}
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    sent |= headers or {}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": _unquoted(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": (client, 1),
        "server": ("test", 80),
        "state": {},
    }
    messages: list[Any] = []
    given = [{"type": "http.request", "body": raw, "more_body": False}]

    async def receive() -> Any:
        return given.pop() if given else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *rest = messages
    names = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Told(start["status"], names, b"".join(part.get("body", b"") for part in rest))


def _unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


def at(key: str) -> str:
    """A key in a path."""
    return quote(key, safe="")
