"""POST /v1/decisions: what is taken, what is refused, and how each is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from onefill.contracts.rest import MAX_BATCH
from onefill.model.events import Accepted
from onefill.model.states import State

from .world import World, ask, order

URL = "/v1/decisions"
CLOSE: dict[str, Any] = {"action": "close", "volume": ..., "side": ..., "symbol": ...}


async def test_a_decision_is_taken_and_answered_with_its_order(door: World) -> None:
    told = await ask(door.app, "POST", URL, order("a", reason="because", confidence_score=0.7))
    assert told.status == 200
    assert told.json["status"] == "filled"
    assert told.json["filled_volume"] == 0.1
    assert (told.json["decision_reason"], told.json["confidence_score"]) == ("because", 0.7)
    assert told.json["mt5_account"] == "111"
    assert told.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in told.headers


async def test_the_same_key_and_content_are_answered_from_the_journal(door: World) -> None:
    first = await ask(door.app, "POST", URL, order("a"))
    again = await ask(door.app, "POST", URL, order("a"))
    assert first.json == again.json
    assert sum(len(list(door.journal.records(account=name))) for name in ("north/111",)) == 3


async def test_the_same_key_with_other_content_is_a_conflict(door: World) -> None:
    await ask(door.app, "POST", URL, order("a"))
    told = await ask(door.app, "POST", URL, order("a", volume=0.2))
    assert (told.status, told.code) == (409, "KEY_REUSED")


async def test_a_decision_not_marked_for_execution_is_recorded_and_goes_nowhere(
    door: World,
) -> None:
    told = await ask(door.app, "POST", URL, order("a", auto_execute=...))
    assert (told.status, told.json["status"]) == (200, "denied")
    assert told.json["reason"]["code"] == "ADVICE_ONLY"


async def test_an_order_under_way_is_202_and_waiting_brings_its_outcome(door: World) -> None:
    told = await ask(door.app, "POST", URL, order("a", symbol="HOLD"))
    assert (told.status, told.json["status"]) == (202, "sending")
    waiting = asyncio.create_task(
        ask(door.app, "POST", f"{URL}?wait=20", order("a", symbol="HOLD"))
    )
    await asyncio.sleep(0.02)
    door.desk.report("north/111", "a", State.REJECTED)
    told = await waiting
    assert (told.status, told.json["status"]) == (200, "rejected")


async def test_an_account_may_be_given_as_a_number(door: World) -> None:
    told = await ask(door.app, "POST", URL, order("a", mt5_account=111))
    assert told.json["mt5_account"] == "111"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"client_key": ...}, "client_key"),
        ({"client_key": ""}, "client_key"),
        ({"client_key": "a/12"}, "client_key"),
        ({"mt5_account": ...}, "mt5_account"),
        ({"mt5_account": True}, "mt5_account"),
        ({"symbol": ...}, "symbol"),
        ({"symbol": "EUR\nUSD"}, "symbol"),
        ({"side": "long"}, "side"),
        ({"volume": -1}, "volume"),
        ({"volume": "0.1"}, "volume"),
        ({"volume": 0.1, "units": 5}, "units"),
        ({"magic": 2**63}, "magic"),
        ({"magic": 1.5}, "magic"),
        ({"comment": "x" * 300}, "comment"),
        ({"confidence_score": 1.5}, "confidence_score"),
        ({"auto_execute": "yes"}, "auto_execute"),
        ({"at": 5}, "at"),
        ({"reason": "a\x1b[2J"}, "reason"),
        ({"volumne": 1}, "volumne"),
        ({"decisions": []}, "decisions"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 1_795_275_745}, "expires_at"),
        ({"order_type": "limit", "price": 1.1, "expiration": 1_795_275_745.5}, "expiration"),
        ({"action": "close", "volume": ..., "side": ..., "symbol": ...}, "target"),
        ({"order_type": "limit"}, "price"),
        ({"position_ticket": 5}, "position_ticket"),
        (CLOSE | {"position_ticket": 0}, "position_ticket"),
        (CLOSE | {"position_ticket": "5"}, "position_ticket"),
        (CLOSE | {"position_ticket": 5, "target": "b"}, "position_ticket"),
        (CLOSE | {"order_ticket": 5}, "order_ticket"),
        (CLOSE | {"action": "cancel", "position_ticket": 5}, "position_ticket"),
        (CLOSE | {"action": "close_all", "position_ticket": 5}, "position_ticket"),
        (CLOSE | {"action": "modify", "position_ticket": 5, "order_ticket": 6}, "position_ticket"),
    ],
)
async def test_a_wrong_field_is_named(door: World, changes: dict[str, Any], field: str) -> None:
    told = await ask(door.app, "POST", URL, order("a", **changes))
    assert (told.status, told.code) == (422, "INVALID"), told.body
    assert told.json["error"]["field"] == field
    assert told.json["error"]["message"]


async def test_an_expiry_in_seconds_is_told_as_it_must_be_written(door: World) -> None:
    told = await ask(door.app, "POST", URL, order("a", expires_at=1_795_275_745))
    assert "is a time in seconds: write 1795275745000" in told.json["error"]["message"]
    later = await ask(door.app, "POST", URL, order("b", expires_at=1_795_275_745_000))
    assert (later.status, later.json["expires_at_ms"]) == (200, 1_795_275_745_000)


@pytest.mark.parametrize(
    ("action", "named", "position", "pending"),
    [
        ("close", "position_ticket", 501, None),
        ("modify", "position_ticket", 501, None),
        ("modify", "order_ticket", None, 501),
        ("cancel", "order_ticket", None, 501),
    ],
)
async def test_what_is_meant_may_be_named_by_the_brokers_ticket(
    door: World, action: str, named: str, position: int | None, pending: int | None
) -> None:
    told = await ask(door.app, "POST", URL, order("a", **CLOSE | {"action": action, named: 501}))
    assert (told.json["action"], told.json["target_ticket"]) == (action, 501), told.body
    accepted = next(iter(door.journal.records(account="north/111"))).event
    assert isinstance(accepted, Accepted)
    assert (accepted.intent.target_ticket, accepted.intent.target_order) == (position, pending)


async def test_an_order_tells_all_that_was_asked_for(door: World) -> None:
    asked = {
        "order_type": "stop_limit",
        "price": 1.2,
        "stop_limit_price": 1.19,
        "expiration": 1_795_275_745_000,
        "volume": ...,
        "units": 2_500,
        "deviation": 3,
    }
    told = (await ask(door.app, "POST", URL, order("a", **asked))).json
    assert (told["units"], told["volume"], told["deviation"]) == (2_500, None, 3)
    assert (told["price"], told["stop_limit_price"]) == (1.2, 1.19)
    assert told["expiration_ms"] == 1_795_275_745_000


async def test_a_size_may_be_left_to_what_the_accounts_holder_prefers(door: World) -> None:
    told = await ask(door.app, "POST", URL, order("a", volume=...))
    assert (told.status, told.json["volume"]) == (200, None), told.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'"text"',
        b"null",
        b"7",
        b'{"client_key":"a","mt5_account":"1","volume":NaN}',
        b'{"client_key":"a","mt5_account":"1","volume":1e999}',
        b'{"client_key":"a","mt5_account":"1","volume":1' + b"0" * 5_000 + b"}",
        b'{"client_key":"a","client_key":"b","mt5_account":"1"}',
        b"\xff\xfe{}",
        b'{"client_key":"\\ud800","mt5_account":"1"}',
        b"[" * 5_000,
        b'{"a":' * 5_000,
        b"[]",
        b'[{"a":1},',
    ],
)
async def test_what_is_no_decision_is_the_callers_mistake(door: World, body: bytes) -> None:
    told = await ask(door.app, "POST", URL, body)
    assert told.status in (400, 422), told.body
    assert set(told.json) == {"error"}
    assert told.json["error"]["message"]


async def test_a_name_given_twice_is_refused_even_where_both_would_do(door: World) -> None:
    body = json.dumps(order("a")).replace('"volume": 0.1', '"volume": 0.1, "volume": 5.0')
    told = await ask(door.app, "POST", URL, body.encode())
    assert (told.status, told.json["error"]["field"]) == (422, "volume")
    assert not list(door.journal.records())


async def test_each_decision_of_a_batch_has_its_own_answer(door: World) -> None:
    batch = [
        order("a"),
        order("b", volume=-1),
        order("c", symbol="DENY"),
        order("d", mt5_account="999"),
        [1],
        order("a", volume=9),
    ]
    told = await ask(door.app, "POST", URL, batch)
    assert told.status == 200
    one, two, three, four, five, six = told.json["decisions"]
    assert one["order"]["status"] == "filled"
    assert (two["client_key"], two["error"]["field"]) == ("b", "volume")
    assert three["order"]["status"] == "denied"
    assert four["error"]["code"] == "ACCOUNT_UNKNOWN"
    assert (five["client_key"], five["error"]["code"]) == (None, "INVALID")
    assert six["error"]["code"] == "KEY_REUSED"


async def test_a_batch_has_a_limit(door: World) -> None:
    told = await ask(door.app, "POST", URL, [order(str(n)) for n in range(MAX_BATCH + 1)])
    assert (told.status, told.code) == (422, "INVALID")
    assert not list(door.journal.records())


async def test_an_account_of_another_and_one_that_is_not_there_look_the_same(door: World) -> None:
    others = await ask(door.app, "POST", URL, order("a", mt5_account="222"))
    nobodys = await ask(door.app, "POST", URL, order("a", mt5_account="999"))
    assert others.status == nobodys.status == 404
    assert others.body == nobodys.body


@pytest.mark.parametrize("wait", ["31", "-1", "nan", "x", "1e400", "", "1" * 400])
async def test_a_wait_out_of_range_is_refused(door: World, wait: str) -> None:
    told = await ask(door.app, "POST", f"{URL}?wait={wait}", order("a"))
    assert (told.status, told.json["error"]["field"]) == (422, "wait")


async def test_what_a_comment_says_is_only_text(door: World) -> None:
    nasty = "'; DROP TABLE records; -- ${jndi:ldap://x} {0} %s <script>"
    told = await ask(door.app, "POST", URL, order("a';--", comment=nasty, symbol="E'; DROP--"))
    assert told.json["comment"] == nasty
    again = await ask(door.app, "GET", "/v1/orders/a%27;--?account=111")
    assert again.json == told.json
