"""A desk with a real journal, and a directory and a post that are plain objects in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from onefill.contracts.client_config import decode_client_config
from onefill.contracts.messages import (
    Ack,
    Command,
    ConfigUpdate,
    HeldPosition,
    Preferences,
    Profile,
    Result,
    RiskProfile,
    Status,
    WireError,
)
from onefill.gateway.desk.directing import Directing
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.identity.model import Account, Caller, Right, Tenant, User
from onefill.gateway.ports import Decision
from onefill.journal.journal import Journal
from onefill.model.errors import OnefillError
from onefill.model.events import Alerted, Event
from onefill.model.halt import Halt
from onefill.model.intent import Action, OrderIntent, OrderType, Side
from onefill.model.order import OrderState
from onefill.model.states import State
from onefill.risk.limits import Limits, limits_text, parse_limits
from onefill.runtime.clock import VirtualClock

START_MS = 1_800_000_000_000
TENANT = "acme"
NAME = "70001"
ID = f"{TENANT}/{NAME}"
USER = "ann"
ACCOUNT = Account(tenant=TENANT, name=NAME, user=USER, broker="Broker Ltd")
CALLER = Caller(tenant=TENANT, user=USER, rights=frozenset({Right.TRADE, Right.READ}))
OPERATOR = Caller(tenant=TENANT, user="olga", rights=frozenset({Right.TRADE, Right.OPERATE}))


def limits(text: str = "") -> Limits:
    """The shipped limits, and more text."""
    return parse_limits(limits_text() + text, "limits.toml")


class MemoryDirectory:
    """Who is who, as the test says."""

    def __init__(self) -> None:
        self.users = {(TENANT, USER): User(tenant=TENANT, id=USER, auto_trading=True)}
        self.held = {ID: ACCOUNT}
        self.brokers = {"Broker Ltd"}
        self.in_force: dict[str, Halt] = {}
        self.limit = limits()

    def tenant(self, tenant: str) -> Tenant | None:
        return Tenant(id=tenant, name=tenant) if tenant == TENANT else None

    def user(self, tenant: str, user: str) -> User | None:
        return self.users.get((tenant, user))

    def account(self, tenant: str, name: str) -> Account | None:
        return self.held.get(f"{tenant}/{name}")

    def accounts(self, tenant: str) -> list[Account]:
        return [one for one in self.held.values() if one.tenant == tenant]

    def broker_approved(self, tenant: str, broker: str) -> bool:
        return broker in self.brokers

    def limits(self, account: Account) -> Limits:
        return self.limit

    def halts(self) -> tuple[Halt, ...]:
        return tuple(self.in_force.values())

    def add_halt(self, halt: Halt) -> None:
        self.in_force.setdefault(halt.id, halt)

    def end_halt(self, id: str, by: str, reason: str) -> None:
        if self.in_force.pop(id, None) is None:
            raise OnefillError("HALT_UNKNOWN", f"no halt {id!r} is in force")

    def seen(self, caller: Caller, profile: Profile) -> Account:
        return self.held[f"{caller.tenant}/{profile.account}"]

    def change(self, **fields: Any) -> None:
        """Change the account."""
        self.held[ID] = msgspec.structs.replace(self.held[ID], **fields)

    def change_user(self, **fields: Any) -> None:
        """Change its user."""
        user = self.users[TENANT, USER]
        self.users[TENANT, USER] = msgspec.structs.replace(user, **fields)


class MemoryPost:
    """Clients' queues. `full` and `silent` make `hand` refuse."""

    def __init__(self) -> None:
        self.here: set[str] = set()
        self.handed: list[Command] = []
        self.configs: list[ConfigUpdate] = []
        self.answer = ""
        self.bare = False
        #: Called with each command as it is handed over.
        self.watch: Any = None

    def present(self, account: str) -> bool:
        return account in self.here

    def hand(self, account: str, command: Command) -> str:
        if account not in self.here:
            return "AWAY"
        if self.answer:
            return self.answer
        if self.watch is not None:
            self.watch(account, command)
        self.handed.append(command)
        return ""

    def tell(self, account: str, message: ConfigUpdate | WireError) -> bool:
        if self.bare or account not in self.here:
            return False
        if isinstance(message, ConfigUpdate):
            self.configs.append(message)
        return True

    def sent(self) -> list[str]:
        """The commands handed over, by key, in order."""
        return [command.intent.client_key for command in self.handed]


class FlushingLog:
    """The journal's writer without a thread, so that a crash can come between any two steps."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        #: How many turns of the loop a commit takes.
        self.turns = 1

    def append(self, account: str, event: Event, at_ms: int) -> int:
        return self.journal.append(account, event, at_ms)

    async def durable(self, seq: int | None = None) -> None:
        if seq is not None and seq <= self.journal.durable_seq:
            return
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.journal.flush()


class World:
    """A gateway's desk that can be stopped, crashed and started again."""

    def __init__(self, path: Path, settings: DeskSettings | None = None) -> None:
        self.path = path
        self.settings = settings or DeskSettings()
        self.clock = VirtualClock(START_MS)
        self.steady = VirtualClock(START_MS)
        self.directory = MemoryDirectory()
        self.post = MemoryPost()
        self.sequence = 0
        self.journal: Journal
        self.log: FlushingLog
        self.desk: Directing

    async def start(self) -> World:
        self.journal = Journal.open(self.path, synchronous="NORMAL")
        self.log = FlushingLog(self.journal)
        self.desk = Directing(
            self.journal,
            self.log,
            self.directory,
            self.clock,
            self.settings,
            self.steady.now_ms,
        )
        await self.desk.open(self.post)
        return self

    async def crash(self) -> None:
        """What is not durable is gone; clients are cut off."""
        await self.desk.close()
        self.journal.abandon()
        self.post.here.clear()

    async def restart(self) -> None:
        await self.crash()
        await self.start()

    async def settle(self) -> None:
        """Let what is under way come to rest."""
        for _ in range(30):
            await asyncio.sleep(0)

    async def pass_ms(self, duration_ms: int) -> None:
        self.steady.advance(self.steady.now_ms() + duration_ms)
        await self.jump_ms(duration_ms)

    async def jump_ms(self, duration_ms: int) -> None:
        """The time of day is set forward."""
        self.clock.advance(self.clock.now_ms() + duration_ms)
        self.desk.due()
        await self.settle()

    async def arrive(self, *, enveloped: bool = True, **profile: Any) -> None:
        """The account's client comes and tells its profile."""
        self.post.here.add(ID)
        self.post.bare = not enveloped
        await self.desk.arrived(self.directory.held[ID], enveloped=enveloped)
        await self.profile(**profile)

    async def profile(self, **fields: Any) -> None:
        await self.desk.profiled(self.directory.held[ID], told(**fields))
        await self.settle()

    async def leave(self) -> None:
        self.post.here.discard(ID)
        await self.desk.left(self.directory.held[ID])

    async def decide(self, key: str, caller: Caller = CALLER, **fields: Any) -> OrderState:
        auto = fields.pop("auto_execute", True)
        decision = Decision(intent=opening(key, **fields), account=NAME, auto_execute=auto)
        return await self.desk.decide(caller, decision)

    async def hear(self, key: str, state: State | None, **fields: Any) -> Ack:
        """The client tells what became of a command; numbered, unless `sequence` says otherwise."""
        if "sequence" not in fields:
            self.sequence += 1
            fields["sequence"] = self.sequence
        ack = await self.desk.heard(self.directory.held[ID], result(key, state, **fields))
        await self.settle()
        return ack

    async def state(self, key: str) -> State:
        order = await self.desk.order(ID, key)
        assert order is not None
        return order.state

    def alerts(self) -> list[str]:
        """The codes of all durable alerts, in order."""
        records = self.journal.records()
        return [one.event.code for one in records if isinstance(one.event, Alerted)]

    def trading(self) -> str:
        """What the last configuration says."""
        return decode_client_config(self.post.configs[-1].document).trading

    async def confirm(self) -> None:
        """The agent takes its last configuration."""
        version = self.post.configs[-1].version
        await self.desk.acknowledged(ACCOUNT, Ack(f"config/{version}"))


def opening(key: str, **fields: Any) -> OrderIntent:
    whole: dict[str, Any] = {
        "action": Action.OPEN,
        "symbol": "EURUSD",
        "side": Side.BUY,
        "volume": 0.1,
    }
    whole |= fields
    if whole["action"] in (Action.CLOSE_ALL, Action.CANCEL, Action.CLOSE):
        whole |= {"volume": fields.get("volume"), "side": fields.get("side")}
    return OrderIntent(client_key=key, **whole)


def pending(**fields: Any) -> dict[str, Any]:
    return {"order_type": OrderType.LIMIT, "price": 1.05} | fields


def told(**fields: Any) -> Profile:
    whole: dict[str, Any] = {
        "user_id": USER,
        "account": NAME,
        "broker": "Broker Ltd",
        "currency": "USD",
        "balance": 10_000.0,
        "equity": 10_000.0,
        "margin_free": 10_000.0,
        "positions": (),
        "risk": RiskProfile(),
        "preferences": Preferences(),
    }
    return Profile(**whole | fields)


def held(ticket: int, symbol: str = "EURUSD", **fields: Any) -> HeldPosition:
    whole: dict[str, Any] = {"side": Side.BUY, "volume": 0.1, "price": 1.1}
    return HeldPosition(ticket=ticket, symbol=symbol, **whole | fields)


_STATUS = {
    State.WORKING: Status.SUCCESS,
    State.FILLED: Status.SUCCESS,
    State.DONE: Status.SUCCESS,
    State.PARTIALLY_FILLED: Status.PARTIAL,
}


def result(key: str, state: State | None, **fields: Any) -> Result:
    whole: dict[str, Any] = {"status": _STATUS.get(state or State.DENIED, Status.FAILED)}
    if whole["status"] is Status.FAILED:
        whole["error"] = "MARKET_CLOSED: the market is closed"
    else:
        whole["order_ticket"] = 11
    if state in (State.FILLED, State.PARTIALLY_FILLED):
        whole |= {"price": 1.1, "volume": 0.1 if state is State.FILLED else 0.05}
    return Result(command_id=key, state=state, **whole | fields)
