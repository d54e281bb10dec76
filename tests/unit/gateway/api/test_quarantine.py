"""Orders in quarantine, and a person's word about them."""

from __future__ import annotations

import pytest

from .world import World, ask, order

URL = "/v1/quarantine/a/resolve?account=111"


async def test_a_person_settles_what_is_in_quarantine(door: World) -> None:
    await ask(door.app, "POST", "/v1/decisions", order("a", symbol="LOST"))
    listed = await ask(door.app, "GET", "/v1/quarantine")
    assert [one["client_key"] for one in listed.json["orders"]] == ["a"]
    body = {"as": "not_executed", "reason": "not in the statement"}
    told = await ask(door.app, "POST", URL, body, key="operator")
    assert (told.json["status"], told.json["by"]) == ("not_executed", "olaf")
    again = await ask(door.app, "POST", URL, body, key="operator")
    assert (again.status, again.code) == (409, "NOT_IN_DOUBT")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"as": "sending", "reason": "r"}, "as"),
        ({"as": "gone", "reason": "r"}, "as"),
        ({"as": "filled", "reason": " "}, "reason"),
        ({"as": "filled", "reason": "r", "ticket": 0}, "ticket"),
    ],
)
async def test_a_wrong_field_is_named(door: World, body: dict[str, object], field: str) -> None:
    told = await ask(door.app, "POST", URL, body, key="operator")
    assert (told.status, told.json["error"]["field"]) == (422, field), told.body
