"""What a run left, read from outside: the brokers' books, both journals, what callers were told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from onefill.channels.local.database import ExecutionDatabase
from onefill.contracts import rest
from tests.chaos.fleet import SERVER, Fleet
from tests.chaos.machine import MachineClock
from tests.chaos.strategy import Strategy
from tests.simulation.witnesses import Book, Chronicle, Json, read_book, read_chronicle

TENANT = "demo"


@dataclass
class AtGateway:
    """One order as the gateway's journal tells it."""

    key: str
    intent: Json
    state: str
    accepted: int = 0
    order_ticket: int = 0
    volume_e8: int = 0


@dataclass
class Gateway:
    """One account as the gateway's journal tells it."""

    orders: dict[str, AtGateway] = field(default_factory=dict)
    #: Numbers of the results that were recorded, and how often each.
    heard: Counter[int] = field(default_factory=Counter)


@dataclass
class Evidence:
    """One account's."""

    account: str
    book: Book
    #: The agent's records of the account, and what they tell.
    records: list[Json]
    chronicle: Chronicle
    #: Every order's answer as the next engine over the agent's journal would give it.
    answers: list[Json]
    gateway: Gateway
    #: What callers were answered, by key.
    acknowledged: Mapping[str, list[rest.Order]]
    #: Commands that the wire brought in another order than the gateway's.
    swapped: frozenset[str]
    agent_clock: MachineClock
    broker_clock: MachineClock


def gather(fleet: Fleet, strategies: list[Strategy]) -> list[Evidence]:
    """Once the fleet was closed."""
    at_gateway = _export(fleet.home / "gateway" / "journal")
    at_agent = _export(fleet.home / "agent" / "journal")
    return [_of_account(fleet, one, at_gateway, at_agent) for one in strategies]


def _of_account(
    fleet: Fleet, strategy: Strategy, at_gateway: list[str], at_agent: list[str]
) -> Evidence:
    name = f"{strategy.account}@{SERVER}"
    lines = [line for line in at_agent if f'"{name}"' in line]
    chronicle = read_chronicle(lines)
    return Evidence(
        account=strategy.account,
        book=read_book(fleet.book(strategy.account)),
        records=[json.loads(line) for line in lines],
        chronicle=chronicle,
        answers=_answers(fleet.home / "agent" / "journal", name, chronicle),
        gateway=read_gateway(at_gateway, f"{TENANT}/{strategy.account}"),
        acknowledged=strategy.acknowledged,
        swapped=frozenset(fleet.wire.swapped),
        agent_clock=fleet.agent_clock,
        broker_clock=fleet.broker_clock,
    )


def _answers(journal: Path, account: str, chronicle: Chronicle) -> list[Json]:
    database = ExecutionDatabase(journal)
    database.open()
    try:
        found = [database.find(account, key) for key in chronicle.lives]
    finally:
        database.close()
    return [one for one in found if one is not None]


def read_gateway(lines: list[str], account: str) -> Gateway:
    """One account of a gateway's journal, as `onefill journal export --format jsonl` tells it."""
    gateway = Gateway()
    for line in lines:
        record = json.loads(line)
        if record["account"] == account:
            _enter(gateway, record["seq"], record["event"])
    return gateway


def _enter(gateway: Gateway, seq: int, event: Json) -> None:
    kind, key = event["type"], event.get("key", "")
    order = gateway.orders.get(key)
    if kind == "accepted" or (kind == "denied" and order is None):
        assert order is None, f"{key} was accepted twice"
        gateway.orders[key] = AtGateway(key, event["intent"], kind, seq)
    elif order is None:
        return
    elif kind == "denied":
        order.state = kind
    elif kind == "dispatched":
        order.state = "sending"
    elif kind == "moved":
        order.state = event["to"]
    elif kind == "reported":
        if event.get("sequence"):
            gateway.heard[event["sequence"]] += 1
        if not event.get("part"):
            order.state = event["to"]
        order.order_ticket = event.get("order_ticket") or order.order_ticket
        order.volume_e8 = max(order.volume_e8, event.get("volume_e8", 0))


def _export(journal: Path) -> list[str]:
    """A journal's records, a JSON object each, from a process that only reads."""
    status, text = _onefill("journal", "export", str(journal), "--format", "jsonl")
    assert status == 0, text
    return text.splitlines()


def verified(journal: Path) -> list[str]:
    """What `onefill journal verify` has to say against a journal."""
    status, text = _onefill("journal", "verify", str(journal))
    return [f"journal verify: {text}"] if status else []


def _onefill(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "onefill", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr * bool(done.returncode)
