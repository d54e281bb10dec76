"""Kill and resume, by the tenant's operators and by the firm's."""

from __future__ import annotations

import pytest

from .world import World, ask


async def _kill(door: World, key: str = "operator", **what: object) -> object:
    told = await ask(door.app, "POST", "/v1/kill", {"reason": "prices", **what}, key=key)
    assert told.status == 200, told.body
    return told.json


async def test_a_kill_says_who_confirmed_and_who_could_not_be_reached(door: World) -> None:
    told = await ask(door.app, "POST", "/v1/kill", {"reason": "prices"}, key="operator")
    assert told.json["halt"]["scope"] == "tenant"
    assert told.json["halt"]["by"] == "olaf"
    assert told.json["complete"] is False
    outcomes = {one["mt5_account"]: one["outcome"] for one in told.json["accounts"]}
    assert outcomes == {"111": "confirmed", "112": "confirmed", "113": "unreachable"}


async def test_the_same_kill_twice_is_one_halt(door: World) -> None:
    first = await _kill(door, account="111")
    assert first == await _kill(door, account="111")
    assert len(door.people.in_force) == 1
    await _kill(door, account="111", flatten=True)
    assert len(door.people.in_force) == 2


async def test_what_is_killed_is_resumed_by_id_or_by_what_it_covers(door: World) -> None:
    await _kill(door, account="111")
    await _kill(door, strategy=7)
    halts = (await ask(door.app, "GET", "/v1/halts")).json["halts"]
    assert [(one["scope"], one["mt5_account"], one["strategy"]) for one in halts] == [
        ("account", "111", None),
        ("strategy", "", 7),
    ]
    by_reach = {"reason": "back", "strategy": 7}
    assert (await ask(door.app, "POST", "/v1/resume", by_reach, key="operator")).status == 200
    by_id = {"reason": "back", "id": halts[0]["id"]}
    assert (await ask(door.app, "POST", "/v1/resume", by_id, key="operator")).status == 200
    assert not door.people.in_force
    told = await ask(door.app, "POST", "/v1/resume", by_id, key="operator")
    assert (told.status, told.json["error"]["code"]) == (404, "HALT_UNKNOWN")
    assert f"no halt with the id '{halts[0]['id']}' is in force" in told.json["error"]["message"]
    told = await ask(door.app, "POST", "/v1/resume", by_reach, key="operator")
    assert (told.status, told.json["error"]["code"]) == (404, "HALT_UNKNOWN")
    assert "no halt on just that is in force" in told.json["error"]["message"]


async def test_an_id_that_no_halt_has_is_told_like_that_of_another_tenants_halt(
    door: World,
) -> None:
    await ask(door.app, "POST", "/v1/kill", {"reason": "r", "tenant": "south"}, key="firm")
    (theirs,) = door.people.in_force
    told = [
        await ask(door.app, "POST", "/v1/resume", {"reason": "r", "id": id}, key="operator")
        for id in ("NOPE", theirs, "N" * 100_000)
    ]
    assert {(one.status, one.json["error"]["code"]) for one in told} == {(404, "HALT_UNKNOWN")}
    assert "no halt with the id 'NOPE' is in force" in told[0].json["error"]["message"]
    assert len(told[2].json["error"]["message"]) < 300


async def test_only_the_firms_operators_halt_all_and_others(door: World) -> None:
    told = await ask(
        door.app, "POST", "/v1/kill", {"reason": "r", "tenant": "south"}, key="operator"
    )
    assert told.status == 404
    whole = await ask(door.app, "POST", "/v1/kill", {"reason": "r"}, key="firm")
    assert whole.json["halt"]["scope"] == "firm"
    assert {one["mt5_account"] for one in whole.json["accounts"]} >= {"north/111", "south/111"}
    one = await ask(door.app, "POST", "/v1/kill", {"reason": "r", "tenant": "south"}, key="firm")
    assert one.json["halt"]["by"] == "house/fred"


async def test_a_tenant_does_not_lift_what_the_firm_put_on_it(door: World) -> None:
    await ask(door.app, "POST", "/v1/kill", {"reason": "r"}, key="firm")
    await ask(door.app, "POST", "/v1/kill", {"reason": "r", "tenant": "north"}, key="firm")
    halts = (await ask(door.app, "GET", "/v1/halts")).json["halts"]
    assert [one["scope"] for one in halts] == ["firm", "tenant"]
    for halt in halts:
        body = {"reason": "r", "id": halt["id"]}
        assert (await ask(door.app, "POST", "/v1/resume", body, key="operator")).status == 403
        assert (await ask(door.app, "POST", "/v1/resume", body, key="firm")).status == 200


async def test_flattening_is_told_without_others_accounts(door: World) -> None:
    await _kill(door, flatten=True)
    halts = (await ask(door.app, "GET", "/v1/halts")).json["halts"]
    assert halts[0]["flattening"] == [
        {"mt5_account": "111", "positions": 2, "flat": False, "foreign": 0, "why": ""}
    ]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/kill", {}, "reason"),
        ("/v1/kill", {"reason": " "}, "reason"),
        ("/v1/kill", {"reason": "a\nb"}, "reason"),
        ("/v1/kill", {"reason": "r", "strategy": -1}, "strategy"),
        ("/v1/kill", {"reason": "r", "strategy": "7"}, "strategy"),
        ("/v1/kill", {"reason": "r", "flatten": 1}, "flatten"),
        ("/v1/kill", {"reason": "r", "acount": "1"}, "acount"),
    ],
)
async def test_a_wrong_field_is_named(
    door: World, path: str, body: dict[str, object], field: str
) -> None:
    told = await ask(door.app, "POST", path, body, key="operator")
    assert (told.status, told.json["error"]["field"]) == (422, field), told.body
    assert not door.people.in_force
