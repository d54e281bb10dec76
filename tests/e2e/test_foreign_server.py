"""`onefill agent` and a gateway that shares no code with Onefill: both dialects, bare and
enveloped, on a served broker whose own book is the judge."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Dealt, Held
from tests.e2e.gateway_stage import AgentFiles, ServedBroker, foreign_server, until

FIRST, SECOND = "execution_command", "trading_command"
#: How the agent is started, and which commands such a gateway sends.
SPOKEN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bare-execution": (("--bare",), (FIRST,)),
    "bare-trading": (("--bare", "--dialect", "trading"), (SECOND,)),
    "enveloped": ((), (FIRST, SECOND)),
}
CASES = [(name, field) for name, (_, fields) in SPOKEN.items() for field in fields]


class Desk:
    """A foreign gateway and the agent that came to it."""

    def __init__(self, name: str, files: AgentFiles, broker: ServedBroker) -> None:
        self.name, self.broker = name, broker
        self.before = dealt(broker)
        self.enveloped = name == "enveloped"
        self.gateway = foreign_server(enveloped=self.enveloped)
        port = self.gateway.hear(lambda one: "port" in one)["port"]
        self.agent = files.start(f"ws://127.0.0.1:{port}", *SPOKEN[name][0])
        self.gateway.hear(lambda one: "connected" in one)
        self.agent.hear(lambda one: one.get("event") == "connected")

    def send(self, field: str, key: str, **fields: Any) -> None:
        self.gateway.tell(send=field, fields=command(field, key, **fields))

    def results(self, key: str) -> list[dict[str, Any]]:
        return [
            one["message"]
            for one in self.gateway.said
            if one.get("field") == "execution_result" and one["message"]["command_id"] == key
        ]

    def result(self, key: str, count: int = 1) -> dict[str, Any]:
        """The n-th result of a command."""
        try:
            until(lambda: len(self.results(key)) >= count, what=key)
        except AssertionError:
            raise AssertionError(f"{self.gateway.text[-3_000:]}\n{self.agent.text}") from None
        return self.results(key)[count - 1]

    def stop(self) -> None:
        assert self.agent.end() == 0
        self.gateway.end()


def command(field: str, key: str, **fields: Any) -> dict[str, Any]:
    """A command as its dialect has it; `type`, `side`, `kind`, `volume`, `price`, `sl`, `target`,
    `clear` and `expires` are said in either."""
    said = {"type": "OPEN_POSITION", "symbol": "EURUSD", "side": "BUY", "kind": "", **fields}
    now_ms = int(time.time() * 1_000)
    common = {"command_id": key, "user_id": "anna"}
    levels = {
        "stop_loss": said.get("sl", 0.0),
        "target_command_id": said.get("target", ""),
        "clear_stop_loss": said.get("clear", False),
    }
    if field == SECOND:
        return common | levels | {
            "type": said["type"],
            "symbol": said["symbol"],
            "order_type": f"{said['side']}_{said['kind']}".strip("_"),
            "lot_size": said.get("volume", 0.0),
            "entry_price": said.get("price", 0.0),
            "expires_at": said.get("expires", now_ms + 60_000),
        }  # fmt: skip
    return common | {
        "mt5_account": said.get("account", "1000001"),
        "action": levels | {
            "type": said["type"],
            "symbol": said["symbol"],
            "direction": said["side"],
            "volume": said.get("volume", 0.0),
            "price": said.get("price", 0.0),
        },
        "params": {"order_type": said["kind"] or "MARKET", "slippage": 50, "magic_number": 9},
        "timestamp": now_ms,
        "expires_at": said.get("expires", 0),
    }  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBroker]:
    with ServedBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def desks(
    tmp_path_factory: pytest.TempPathFactory, broker: ServedBroker
) -> Iterator[dict[str, Desk]]:
    """The desk in use; one agent at a time holds the account."""
    made: dict[str, Desk] = {}
    yield made
    for desk in made.values():
        desk.stop()


@pytest.fixture(params=CASES, ids="-".join, scope="module")
def spoken(
    request: pytest.FixtureRequest,
    desks: dict[str, Desk],
    broker: ServedBroker,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Desk, str]:
    name, field = request.param
    if name not in desks:
        for former in [desks.pop(one) for one in list(desks)]:
            former.stop()
        home = tmp_path_factory.getbasetemp() / "foreign-agent"
        home.mkdir(exist_ok=True)
        desks[name] = Desk(name, AgentFiles(home, broker), broker)
    return desks[name], field


def _key(spoken: tuple[Desk, str], name: str) -> str:
    return f"{name}-{spoken[0].name}-{spoken[1][0]}"


def _deals(broker: ServedBroker, ticket: str) -> list[Dealt]:
    return [
        row for row in read_book(broker.book) if isinstance(row, Dealt) and row.order == int(ticket)
    ]


def _held(broker: ServedBroker, ticket: str) -> Held | None:
    rows = [row for row in read_book(broker.book) if isinstance(row, Held)]
    found = {row.ticket: row for row in rows}.get(int(ticket))
    return found if found is not None and found.volume else None


def test_the_agent_shakes_hands_and_introduces_itself(spoken: tuple[Desk, str]) -> None:
    desk, _ = spoken
    told = desk.gateway.hear(lambda one: "connected" in one)
    path = "/ws/trading-client" if desk.name == "bare-trading" else "/ws/execution"
    assert told["connected"] == f"{path}?mt5_account=1000001"
    assert told["authorization"] == "Bearer"
    assert told["subprotocol"] == ("onefill.v1" if desk.enveloped else None)
    if desk.name != "bare-execution":
        profile = desk.gateway.hear(lambda one: one.get("field") == "account_profile")["message"]
        assert (profile["account_number"], profile["account_type"]) == ("1000001", "DEMO")
        assert profile["balance"] > 0


def test_a_command_is_carried_out_once_however_often_it_comes(spoken: tuple[Desk, str]) -> None:
    desk, field = spoken
    key = _key(spoken, "open")
    fields = command(field, key, volume=0.1)
    desk.gateway.tell(send=field, fields=fields)
    told = desk.result(key)
    assert (told["status"], told["error_message"]) == ("SUCCESS", "")
    assert told["executed_price"] > 1
    for _ in range(2):
        desk.gateway.tell(send=field, fields=fields)
        time.sleep(0.1)
    again = desk.result(key, 2)
    kept = ("status", "order_ticket", "executed_price", "execution_time")
    assert [again[name] for name in kept] == [told[name] for name in kept]
    deals = _deals(desk.broker, told["order_ticket"])
    assert [(deal.volume, deal.price) for deal in deals] == [(0.1, told["executed_price"])]
    opened = [
        row for row in read_book(desk.broker.book) if isinstance(row, Dealt) and not row.entry
    ]
    assert len([row for row in opened if row.order == int(told["order_ticket"])]) == 1


def test_a_position_is_changed_and_closed_in_parts(spoken: tuple[Desk, str]) -> None:
    desk, field = spoken
    key = _key(spoken, "held")
    desk.send(field, key, volume=0.2)
    ticket = desk.result(key)["order_ticket"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("moved", {"type": "MODIFY_POSITION", "sl": 1.05}),
        ("bared", {"type": "MODIFY_POSITION", "clear": True}),
        ("half", {"type": "CLOSE_POSITION", "volume": 0.05}),
        ("rest", {"type": "CLOSE_POSITION"}),
    ]
    seen = []
    for name, fields in steps:
        desk.send(field, f"{name}-{key}", target=key, **fields)
        told = desk.result(f"{name}-{key}")
        assert (told["status"], bool(told["order_ticket"])) == ("SUCCESS", True), told
        held = _held(desk.broker, ticket)
        seen.append((round(held.volume, 2), held.sl) if held else None)
        assert bool(told["executed_price"]) == name.startswith(("half", "rest"))
    assert seen == [(0.2, 1.05), (0.2, 0.0), (0.15, 0.0), None]


def test_a_pending_order_answers_twice(spoken: tuple[Desk, str]) -> None:
    desk, field = spoken
    numbers = itertools.count()

    def placed() -> str:
        """Its key, once the market stands above it."""
        key = _key(spoken, f"limit{next(numbers)}")
        desk.send(field, key, volume=0.05, kind="LIMIT", price=desk.broker.between)
        return key if desk.result(key)["status"] == "SUCCESS" else ""

    key = until(placed)
    working = desk.result(key)
    assert (working["status"], working["executed_price"]) == ("SUCCESS", 0.0)
    filled = desk.result(key, 2)
    assert filled["status"] == "SUCCESS"
    assert filled["order_ticket"] == working["order_ticket"]
    assert [deal.price for deal in _deals(desk.broker, filled["order_ticket"])] == [
        filled["executed_price"]
    ]


def test_a_cancel_is_told_of_both(spoken: tuple[Desk, str]) -> None:
    desk, field = spoken
    if field == SECOND:
        return  # it has no word for it
    key = _key(spoken, "far")
    desk.send(field, key, volume=0.05, kind="LIMIT", price=1.0)
    desk.result(key)
    desk.send(field, f"off-{key}", type="CANCEL_ORDER", target=key)
    assert desk.result(f"off-{key}")["status"] == "SUCCESS"
    told = desk.result(key, 2)
    assert (told["status"], told["error_message"][:9]) == ("FAILED", "cancelled")
    assert not _deals(desk.broker, told["order_ticket"] or "0")


def test_what_has_expired_is_never_executed(spoken: tuple[Desk, str]) -> None:
    desk, field = spoken
    key = _key(spoken, "late")
    before = len(read_book(desk.broker.book))
    desk.send(field, key, volume=0.33, expires=int(time.time() * 1_000) - 1_000)
    told = desk.result(key)
    assert (told["status"], told["order_ticket"]) == ("FAILED", "")
    assert "expired" in told["error_message"].lower()
    after = read_book(desk.broker.book)[before:]
    assert not [row for row in after if isinstance(row, Dealt) and round(row.volume, 2) == 0.33]


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("no-symbol", {"symbol": ""}, "symbol"),
        ("no-size", {"volume": 0.0}, "volume"),
        ("no-such-symbol", {"symbol": "NOPE"}, "NOPE"),
        ("no-target", {"type": "CLOSE_POSITION", "symbol": "GBPUSD"}, ""),
        ("negative", {"volume": -1.0}, "volume"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_answered_with_a_sentence(
    spoken: tuple[Desk, str], name: str, fields: dict[str, Any], says: str
) -> None:
    desk, field = spoken
    key = _key(spoken, name)
    desk.send(field, key, **{"volume": 0.1, **fields})
    told = desk.result(key)
    assert (told["status"], told["order_ticket"], told["executed_price"]) == ("FAILED", "", 0.0)
    assert says in told["error_message"]
    assert " " in told["error_message"]


def test_frames_that_are_nothing_hurt_nobody(spoken: tuple[Desk, str]) -> None:
    desk, field = spoken
    for raw in ("", "ff" * 40, "0a"):
        desk.gateway.tell(raw=raw)
    key = _key(spoken, "after")
    desk.send(field, key, volume=0.01)
    assert desk.result(key)["status"] == "SUCCESS"
    assert desk.agent.process.poll() is None


def test_close_all_answers_by_position_and_for_the_whole(spoken: tuple[Desk, str]) -> None:
    desk, field = spoken
    if field == FIRST:
        return  # it has no word for it
    for number in range(2):
        desk.send(field, _key(spoken, f"open{number}"), volume=0.03)
        desk.result(_key(spoken, f"open{number}"))
    held = len(desk.broker.positions())
    assert held >= 2
    key = _key(spoken, "all")
    desk.send(SECOND, key, type="CLOSE_ALL", symbol="")
    told = [desk.result(key, number + 1) for number in range(held + 1)]
    assert {one["status"] for one in told} == {"SUCCESS"}
    parts, whole = told[:-1], told[-1]
    assert all(one["executed_price"] and one["order_ticket"] for one in parts)
    assert len({one["order_ticket"] for one in parts}) == held
    assert whole["executed_price"] == 0.0
    assert not desk.broker.positions()


def test_results_are_numbered_without_gaps(spoken: tuple[Desk, str]) -> None:
    desk, field = spoken
    for number in range(3):
        desk.send(field, _key(spoken, f"number{number}"), volume=0.02)
    for number in range(3):
        desk.result(_key(spoken, f"number{number}"))
    told = [one["message"] for one in desk.gateway.said if one.get("field") == "execution_result"]
    numbers = [int(one["sequence"]) for one in told if int(one["sequence"])]
    assert len(numbers) >= 3
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for one in told:
        assert one["status"] != "FAILED" or one["error_message"]
        assert one["status"] == "FAILED" or one["order_ticket"] or one["state"] == "DONE"


def test_nothing_was_executed_that_nobody_asked_for(spoken: tuple[Desk, str]) -> None:
    desk, _ = spoken
    told = {
        int(one["message"]["order_ticket"] or 0)
        for one in desk.gateway.said
        if one.get("field") == "execution_result"
    }
    assert dealt(desk.broker) - desk.before <= told


def dealt(broker: ServedBroker) -> set[int]:
    """The broker's orders that made deals."""
    return {row.order for row in read_book(broker.book) if isinstance(row, Dealt) and row.order}
