"""Checks 13 and 15 of the security design over every route there is: a route that is added is
tested here without anybody's thinking of it."""

from __future__ import annotations

from typing import Any

import pytest

from onefill.gateway.api.app import ways
from onefill.gateway.api.door import Way
from onefill.gateway.api.settings import ApiSettings
from onefill.gateway.identity.model import Right
from onefill.model.intent import intent_id

from .world import KEYS, World, ask, order

WAYS = ways(ApiSettings(open_metrics=False))
CLOSED = [way for way in WAYS if not way.open]
BODIES: dict[str, Any] = {
    "/v1/decisions": order("new", mt5_account="112"),
    "/v1/accounts": {"mt5_account": "999"},
    "/v1/kill": {"reason": "r", "account": "112"},
    "/v1/resume": {"reason": "r", "account": "112"},
    "/v1/quarantine/{id:path}/resolve": {"as": "not_executed", "reason": "r"},
}
#: Ways that name nothing: they answer with what is the caller's own.
NAMELESS = {
    "/v1/accounts",
    "/v1/tokens",
    "/v1/ws-tickets",
    "/v1/halts",
    "/v1/quarantine",
    "/metrics",
}


def _name(way: Way) -> str:
    return f"{way.method} {way.path}"


def _url(way: Way, id: str = "lost", account: str | None = None) -> str:
    url = way.path.replace("{id:path}", id)
    takes_account = any(one.name == "account" for one in way.query)
    return f"{url}?account={account}" if account and takes_account else url


async def _prepared(door: World) -> None:
    for account in ("111", "112"):
        body = order("lost", symbol="LOST", mt5_account=account)
        assert (await ask(door.app, "POST", "/v1/decisions", body)).status == 200
    await ask(door.app, "POST", "/v1/kill", {"reason": "r", "account": "112"}, key="operator")


@pytest.mark.parametrize("way", CLOSED, ids=_name)
async def test_nobody_gets_in_without_a_key(door: World, way: Way) -> None:
    if way.path == "/metrics":
        return  # open in this world
    for key in (None, "wrong"):
        told = await ask(door.app, way.method, _url(way), BODIES.get(way.path), key=key)
        assert (told.status, told.code) == (401, "UNAUTHENTICATED")
        assert told.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("way", [way for way in CLOSED if way.right is not None], ids=_name)
async def test_a_key_without_the_right_cannot(
    door: World, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way.path == "/metrics":
        return
    assert way.right is not None
    without = frozenset(Right) - {way.right}
    monkeypatch.setitem(
        KEYS, "lame", type(KEYS["trader"])(tenant="north", user="anna", rights=without)
    )
    before = len(list(door.journal.records()))
    told = await ask(door.app, way.method, _url(way), BODIES.get(way.path), key="lame")
    assert (told.status, told.code) == (403, "FORBIDDEN")
    assert way.right.value in told.json["error"]["message"]
    assert len(list(door.journal.records())) == before


@pytest.mark.parametrize("way", CLOSED, ids=_name)
async def test_another_tenants_thing_is_as_if_it_were_not_there(door: World, way: Way) -> None:
    await _prepared(door)
    if way.path in NAMELESS:
        told = await ask(door.app, way.method, _url(way), BODIES.get(way.path), key="stranger")
        assert b"lost" not in told.body
        assert b"112" not in told.body
        return
    if way.path == "/v1/orders":
        mine = await ask(door.app, "GET", "/v1/orders?client_key=lost", key="stranger")
        assert mine.json == {"orders": [], "next": None}
    seen: dict[str, set[tuple[int, bytes]]] = {}
    for id, account in (
        ("lost", "112"),
        ("lost", "no-such"),
        (intent_id("north", "112", "lost"), None),
        (intent_id("north", "112", "none"), None),
        (intent_id("north", "112", "lost"), "222"),
    ):
        if account is None and "{id" not in way.path:
            continue
        body = BODIES.get(way.path)
        if body and "account" in body:
            body = body | {"account": account or "112"}
        if body and "mt5_account" in body:
            body = body | {"mt5_account": account or "112"}
        if account == "222" and "{id" not in way.path:
            continue
        told = await ask(door.app, way.method, _url(way, id, account), body, key="stranger")
        said = told.body
        for word in (account, id) if account else (id,):  # a refusal repeats the caller's own words
            said = said.replace(f"'{word}'".encode(), b"NAME")
        asked_for = "account" if account not in (None, "222") else "order"
        seen.setdefault(asked_for, set()).add((told.status, said))
    assert seen, "say in NAMELESS or here how a new route names things"
    for asked_for, answers in seen.items():
        assert {status for status, _ in answers} == {404}
        assert len(answers) == 1, f"another's {asked_for} must look like one that is not there"


async def test_within_a_tenant_a_key_sees_its_accounts_only(door: World) -> None:
    await _prepared(door)
    for url in (
        "/v1/orders?account=112",
        "/v1/orders/lost?account=112",
        "/v1/positions?account=113",
    ):
        assert (await ask(door.app, "GET", url, key="narrow")).status == 404
    listed = await ask(door.app, "GET", "/v1/orders", key="narrow")
    assert {one["mt5_account"] for one in listed.json["orders"]} == {"111"}
    told = await ask(door.app, "POST", "/v1/kill", {"reason": "r"}, key="narrow")
    assert (told.status, told.code) == (403, "FORBIDDEN")


async def test_a_bearer_token_makes_no_other(door: World) -> None:
    assert (await ask(door.app, "POST", "/v1/tokens", key="token")).status == 403
    told = await ask(door.app, "POST", "/v1/tokens", key="reader")
    assert told.json == {"access_token": "token", "expires_at_ms": 1, "token_type": "Bearer"}
