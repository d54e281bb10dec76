"""`onefill gateway` and a client that shares no code with Onefill: both dialects, bare and
enveloped, over real sockets."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tests.foreign
from onefill.client.client import Client
from onefill.contracts.rest import Order
from onefill.model.states import State
from tests.e2e.gateway_stage import (
    BROKER,
    ROOT,
    GatewayProcess,
    Part,
    becomes,
    foreign_client,
)

FIRST, SECOND = "execution", "trading"
PATHS = {FIRST: "/ws/execution", SECOND: "/ws/trading-client"}
SPEAKERS = {
    "1001": (FIRST, False), "1002": (FIRST, True), "1003": (SECOND, False), "1004": (SECOND, True),
}  # fmt: skip
SERVER = "Foreign-Demo"


class Speaker:
    """A foreign client of one account, and the decisions for it."""

    def __init__(self, gateway: GatewayProcess, account: str, engine: Client) -> None:
        self.gateway, self.account, self.engine = gateway, account, engine
        self.dialect, self.enveloped = SPEAKERS[account]
        self.ticket = int(account) * 1_000
        self.part = self.connect()

    def connect(self, **more: Any) -> Part:
        """Another connection of the same account."""
        path = PATHS[self.dialect]
        introduces_itself = self.enveloped or self.dialect == SECOND
        wanted = {
            "url": self.gateway.sockets,
            "path": path if introduces_itself else f"{path}?mt5_account={self.account}",
            "token": self.gateway.tokens[self.account],
            "enveloped": self.enveloped,
            "headers": {"x-user-id": "trader"},
            "profile": self.profile() if introduces_itself else None,
        }
        return foreign_client(**wanted | more)

    def profile(self, **more: Any) -> dict[str, Any]:
        told = {
            "user_id": "trader",
            "account_number": self.account,
            "broker_name": BROKER,
            "server_name": SERVER,
            "base_currency": "USD",
            "balance": 10_000,
            "equity": 10_000,
            "margin_free": 10_000,
            "preferences": {"preferred_lot_size": 0.07},
        }
        return told | more

    def decide(self, key: str, **fields: Any) -> Order:
        fields = {"symbol": "EURUSD", **fields}
        if fields.get("action") == "close_all":
            del fields["symbol"]
        return self.engine.decide(
            client_key=key, mt5_account=self.account, auto_execute=True, **fields
        )

    def commanded(self, key: str, **fields: Any) -> dict[str, Any]:
        """A decision, and the command that it became."""
        order = self.decide(key, **fields)
        assert order.status in (State.ACCEPTED, State.SENDING), order
        return self.command(key)

    def command(self, key: str, after: int = 0) -> dict[str, Any]:
        field = "execution_command" if self.dialect == FIRST else "trading_command"
        told = self.part.hear(lambda one: is_command(one, field, key), after)
        message: dict[str, Any] = told["message"]
        assert (message["command_id"], message["user_id"]) == (key, "trader")
        assert message["mt5_account"] == self.account
        return message

    def answer(self, key: str, **fields: Any) -> None:
        """A result, as the contract's own fields tell it; the ticket is a new one. `odd` adds
        fields that nobody knows."""
        odd = fields.pop("odd", False)
        if fields.get("status", "SUCCESS") != "FAILED" and "order_ticket" not in fields:
            self.ticket += 1
            fields["order_ticket"] = str(self.ticket)
        told = {"command_id": key, "execution_time": int(time.time() * 1_000), **fields}
        self.part.tell(send="execution_result", fields=told, odd=odd)

    def becomes(self, key: str, *states: State) -> Order:
        return becomes(self.engine, self.account, key, *states)

    def opened(self, key: str, **fields: Any) -> dict[str, Any]:
        """A position, filled."""
        command = self.commanded(key, **{"side": "buy", "volume": 0.1, **fields})
        self.answer(key, executed_price=1.1)
        self.becomes(key, State.FILLED)
        return command


def is_command(one: dict[str, Any], field: str, key: str) -> bool:
    return one.get("field") == field and one["message"]["command_id"] == key


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    home = tmp_path_factory.mktemp("gateway")
    # A bare client of the first dialect has no words for a profile.
    config = "[desk]\ntrade_without_profile = true\n"
    with GatewayProcess(home, *SPEAKERS, config=config, broker=BROKER) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def speakers(gateway: GatewayProcess) -> Iterator[dict[str, Speaker]]:
    """All four connect at once."""
    with gateway.client() as engine:
        made = {account: Speaker(gateway, account, engine) for account in SPEAKERS}
        for speaker in made.values():
            speaker.part.hear(lambda one: "connected" in one)
        yield made
        for speaker in made.values():
            speaker.part.end()


@pytest.fixture(params=SPEAKERS, ids=lambda one: "-".join(map(str, SPEAKERS[one])))
def speaker(request: pytest.FixtureRequest, speakers: dict[str, Speaker]) -> Speaker:
    found = speakers[request.param]
    assert found.part.process.poll() is None, found.part.text
    return found


def spoken_by(*accounts: str) -> pytest.MarkDecorator:
    """The test is for these only."""
    names = ["-".join(map(str, SPEAKERS[one])) for one in accounts]
    return pytest.mark.parametrize("speaker", accounts, indirect=True, ids=names)


def test_the_foreign_peers_share_no_code_with_onefill() -> None:
    for file in Path(str(tests.foreign.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.partition(".")[0] == "onefill"], file
            assert all(
                name.startswith("tests.foreign") for name in names if name.startswith("tests")
            )
    assert (ROOT / "tests/foreign/first.proto").is_file()


def test_the_handshake_gives_the_subprotocol_that_was_asked_for(speaker: Speaker) -> None:
    told = speaker.part.hear(lambda one: "connected" in one)
    assert told["subprotocol"] == ("onefill.v1" if speaker.enveloped else None)
    if speaker.enveloped:
        config = speaker.part.hear(lambda one: one.get("field") == "config_update")
        assert int(config["message"]["version"]) > 0


@spoken_by("1002", "1003", "1004")
def test_a_profile_makes_the_account_known(speaker: Speaker) -> None:
    account = next(one for one in speaker.engine.accounts() if one.mt5_account == speaker.account)
    assert (account.server, account.broker, account.connected) == (SERVER, BROKER, True)
    command = speaker.commanded("preferred", side="buy")  # the size that the profile prefers
    body = command["action"] if speaker.dialect == FIRST else command
    assert body["volume" if speaker.dialect == FIRST else "lot_size"] == 0.07
    speaker.answer("preferred", executed_price=1.1)
    speaker.becomes("preferred", State.FILLED)


@spoken_by("1001", "1002")
@pytest.mark.parametrize(
    ("fields", "kind", "price"),
    [
        ({"side": "buy", "volume": 0.11}, "MARKET", 0.0),
        ({"side": "sell", "volume": 0.12, "order_type": "limit", "price": 1.2}, "LIMIT", 1.2),
        ({"side": "buy", "volume": 0.13, "order_type": "stop", "price": 1.25}, "STOP", 1.25),
        ({"side": "buy", "volume": 0.14, "order_type": "pending", "price": 1.05}, "PENDING", 1.05),
    ],
)
def test_an_opening_arrives_in_the_first_dialect(
    speaker: Speaker, fields: dict[str, Any], kind: str, price: float
) -> None:
    expires = int(time.time() * 1_000) + 50_000
    later = {} if kind == "MARKET" else {"expiration": expires + 3_600_000}
    command = speaker.commanded(
        f"open-{kind}", stop_loss=1.01, take_profit=1.3, deviation=15, magic=77, comment="by hand",
        correlation_id="signal-9", expires_at=expires, **fields, **later,
    )  # fmt: skip
    action, params = command["action"], command["params"]
    assert (action["type"], action["symbol"]) == ("OPEN_POSITION", "EURUSD")
    assert (action["direction"], action["volume"]) == (fields["side"].upper(), fields["volume"])
    assert (action["price"], action["stop_loss"], action["take_profit"]) == (price, 1.01, 1.3)
    assert (params["order_type"], params["slippage"], params["magic_number"]) == (kind, 15, 77)
    assert (params["comment"], command["correlation_id"]) == ("by hand", "signal-9")
    assert (int(command["expires_at"]), int(params["expiration"])) == (
        expires, later.get("expiration", 0),
    )  # fmt: skip
    assert abs(int(command["timestamp"]) - expires) < 120_000
    speaker.answer(f"open-{kind}", status="FAILED", error_message="no money")
    order = speaker.becomes(f"open-{kind}", State.REJECTED)
    assert order.reason is not None
    assert "no money" in order.reason.message


@spoken_by("1003", "1004")
@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"side": "buy", "volume": 0.11}, "BUY"),
        ({"side": "sell", "volume": 0.12}, "SELL"),
        ({"side": "buy", "volume": 0.13, "order_type": "limit", "price": 1.05}, "BUY_LIMIT"),
        ({"side": "sell", "volume": 0.14, "order_type": "limit", "price": 1.2}, "SELL_LIMIT"),
        ({"side": "buy", "volume": 0.15, "order_type": "stop", "price": 1.25}, "BUY_STOP"),
        ({"side": "sell", "volume": 0.16, "order_type": "stop", "price": 1.06}, "SELL_STOP"),
    ],
)
def test_an_opening_arrives_in_the_second_dialect(
    speaker: Speaker, fields: dict[str, Any], kind: str
) -> None:
    expires = int(time.time() * 1_000) + 50_000
    command = speaker.commanded(
        f"open-{kind}", reason="the averages crossed", confidence_score=0.75, expires_at=expires,
        **{"stop_loss": 1.01, "take_profit": 1.3} if fields["side"] == "buy" else {}, **fields,
    )  # fmt: skip
    assert (command["type"], command["symbol"]) == ("OPEN_POSITION", "EURUSD")
    assert (command["order_type"], command["lot_size"]) == (kind, fields["volume"])
    assert command["entry_price"] == fields.get("price", 0.0)
    levels = (1.01, 1.3) if fields["side"] == "buy" else (0.0, 0.0)
    assert (command["stop_loss"], command["take_profit"]) == levels
    assert (command["reason"], command["confidence_score"]) == ("the averages crossed", 0.75)
    assert int(command["expires_at"]) == expires
    speaker.answer(f"open-{kind}", status="FAILED", error_message="no money")
    speaker.becomes(f"open-{kind}", State.REJECTED)


def test_closes_and_changes_arrive_with_what_they_mean(speaker: Speaker) -> None:
    speaker.opened("held", volume=0.2)
    half = speaker.commanded("half", action="close", target="held", volume=0.05)
    speaker.answer("half", executed_price=1.101)
    whole = speaker.commanded("whole", action="close", side="buy")
    speaker.answer("whole", executed_price=1.102)
    moved = speaker.commanded("moved", action="modify", target="held", stop_loss=1.02)
    speaker.answer("moved")
    bared = speaker.commanded("bared", action="modify", target="held", stop_loss=0, take_profit=0)
    speaker.answer("bared")
    bodies = [one.get("action", one) for one in (half, whole, moved, bared)]
    if speaker.dialect == FIRST:
        kinds, volume = [one["type"] for one in bodies], "volume"
    else:
        kinds, volume = [one["type"] for one in (half, whole, moved, bared)], "lot_size"
    assert kinds == ["CLOSE_POSITION"] * 2 + ["MODIFY_POSITION"] * 2
    assert [one[volume] for one in bodies] == [0.05, 0.0, 0.0, 0.0]
    assert [one["target_command_id"] for one in bodies] == ["held", "", "held", "held"]
    assert bodies[2]["stop_loss"] == 1.02
    assert [one["clear_stop_loss"] for one in bodies] == [False, False, False, True]
    assert [one["clear_take_profit"] for one in bodies] == [False, False, False, True]
    for key, state in (("half", State.FILLED), ("whole", State.FILLED), ("bared", State.DONE)):
        speaker.becomes(key, state)


def test_a_pending_order_works_then_fills_and_another_is_cancelled(speaker: Speaker) -> None:
    pending = {"side": "buy", "order_type": "limit", "price": 1.05}
    for key, volume in (("works", 0.03), ("goes", 0.04)):
        speaker.commanded(key, volume=volume, **pending)
        speaker.answer(key, executed_price=0.0)
        speaker.becomes(key, State.WORKING)
    speaker.answer("works", executed_price=1.05)
    filled = speaker.becomes("works", State.FILLED)
    assert (filled.fill_price, filled.filled_volume) == (1.05, 0.03)
    if speaker.dialect == FIRST:
        taken_back = speaker.commanded("take-back", action="cancel", target="goes")
        assert taken_back["action"]["type"] == "CANCEL_ORDER"
        assert taken_back["action"]["target_command_id"] == "goes"
        speaker.answer("take-back")
        speaker.becomes("take-back", State.DONE)
    fields = {"state": "CANCELLED"} if speaker.enveloped else {}
    speaker.answer("goes", status="FAILED", error_message="cancelled", **fields)
    speaker.becomes("goes", State.CANCELLED if speaker.enveloped else State.REJECTED)


@spoken_by("1001", "1003")
def test_what_a_dialect_cannot_say_is_told_and_not_sent(speaker: Speaker) -> None:
    speaker.decide("unsayable", **_unsayable(speaker))
    order = speaker.becomes("unsayable", State.DENIED)
    assert order.reason is not None
    assert order.reason.code == "NOT_EXPRESSIBLE"
    assert order.reason.message
    assert '"unsayable"' not in speaker.part.text


@spoken_by("1002", "1004")
def test_an_envelope_says_in_the_other_dialect_what_the_paths_own_cannot(speaker: Speaker) -> None:
    if speaker.dialect == SECOND:
        speaker.commanded("goes-too", side="buy", volume=0.02, order_type="limit", price=1.04)
        speaker.answer("goes-too")
        speaker.becomes("goes-too", State.WORKING)
    assert speaker.decide("other", **_unsayable(speaker)).status is not State.DENIED
    field = "trading_command" if speaker.dialect == FIRST else "execution_command"
    speaker.part.hear(lambda one: is_command(one, field, "other"))
    speaker.answer("other", status="FAILED", error_message="not now")
    speaker.becomes("other", State.REJECTED)


def _unsayable(speaker: Speaker) -> dict[str, Any]:
    if speaker.dialect == FIRST:
        return {"action": "close_all"}
    return {"action": "cancel", "target": "goes-too"}


@spoken_by("1003", "1004")
def test_close_all_is_answered_by_position_and_as_a_whole(speaker: Speaker) -> None:
    speaker.opened("p1", volume=0.02)
    command = speaker.commanded("all", action="close_all")
    assert (command["type"], command["symbol"]) == ("CLOSE_ALL", "")
    part = {"position_ticket": "5"} if speaker.enveloped else {}
    speaker.answer("all", executed_price=1.1, **part)
    assert speaker.engine.order("all", account=speaker.account).status is State.SENDING
    speaker.answer("all", order_ticket="")
    speaker.becomes("all", State.DONE)


def test_results_are_taken_once_with_what_they_carry(speaker: Speaker) -> None:
    speaker.commanded("part", side="sell", volume=0.3)
    extra = {"executed_volume": 0.1, "retcode": 10010} if speaker.enveloped else {}
    speaker.answer("part", status="PARTIAL", executed_price=1.1, order_ticket="77", **extra)
    partly = speaker.becomes("part", State.PARTIALLY_FILLED)
    if speaker.enveloped:
        assert partly.filled_volume == 0.1
    extra = {"executed_volume": 0.3} if speaker.enveloped else {}
    for _ in range(3):
        speaker.answer("part", executed_price=1.1001, order_ticket="77", odd=True, **extra)
    order = speaker.becomes("part", State.FILLED)
    assert (order.order_ticket, order.filled_volume) == (77, 0.3)
    if speaker.enveloped:
        acks = [one["message"]["duplicate"] for one in _after(speaker, "ack", "part", 4)]
        assert sorted(acks) == [False, False, True, True]
    events = speaker.engine.order_events("part", account=speaker.account)
    assert [one.detail["to"] for one in events if one.type == "reported"] == [
        "partially_filled", "filled",
    ]  # fmt: skip


def _after(speaker: Speaker, field: str, key: str, count: int) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]]:
        return [
            one
            for one in speaker.part.said
            if one.get("field") == field and one["message"]["id"] == key
        ]

    speaker.part.hear(lambda _: len(found()) >= count)
    return found()


def test_a_result_of_a_command_that_nobody_gave_is_refused(speaker: Speaker) -> None:
    speaker.answer("never-given", executed_price=1.0)
    if speaker.enveloped:
        error = _after(speaker, "error", "never-given", 1)[0]
        assert error["message"]["code"] == "COMMAND_UNKNOWN"
    speaker.opened("goes-on", volume=0.01)  # the connection lives


def test_a_newer_connection_takes_over_and_is_told_what_was_not_answered(
    speaker: Speaker,
) -> None:
    first = speaker.commanded("handed-on", side="buy", volume=0.06)
    older, speaker.part = speaker.part, speaker.connect()
    assert speaker.command("handed-on") == first
    closed = older.hear(lambda one: "closed" in one)
    older.end()
    assert closed["reason"].startswith("a newer connection holds the account")
    speaker.answer("handed-on", executed_price=1.1)
    speaker.becomes("handed-on", State.FILLED)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("no-ticket", {"order_ticket": "", "executed_price": 1.1}),
        ("no-price", {"executed_price": 0.0}),
        ("no-reason", {"status": "FAILED"}),
        ("failed-and-filled", {"status": "FAILED", "error_message": "x", "executed_price": 1.1}),
    ],
)
def test_a_result_that_contradicts_itself_makes_the_order_unknown(
    speaker: Speaker, name: str, fields: dict[str, Any]
) -> None:
    symbol = {"no-ticket": "GBPUSD", "no-price": "USDJPY", "no-reason": "USDCHF"}.get(
        name, "AUDUSD"
    )
    speaker.commanded(name, side="buy", volume=0.02, symbol=symbol)
    speaker.answer(name, **fields)
    order = speaker.becomes(name, State.UNKNOWN)
    assert order.reason is not None
    assert order.reason.code == "RESULT_CONTRADICTS"
    # What is proven later ends the doubt.
    speaker.answer(name, executed_price=1.1)
    speaker.becomes(name, State.FILLED)
