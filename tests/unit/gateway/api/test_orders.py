"""Orders as they are told: filters, pages, one by its id, what happened to it, and a cancel."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from onefill.gateway.api.settings import ApiSettings
from onefill.model.intent import intent_id
from onefill.model.order import OrderState
from onefill.model.states import State

from .world import World, ask, at, order, world


async def _decide(door: World, *keys: str, **changes: object) -> None:
    for key in keys:
        told = await ask(door.app, "POST", "/v1/decisions", order(key, **changes))
        assert told.status in (200, 202), told.body


async def test_pages_hold_every_order_once_newest_first(door: World) -> None:
    keys = [f"k{n}" for n in range(7)]
    await _decide(door, *keys)
    seen: list[str] = []
    url = "/v1/orders?limit=3"
    while True:
        page = (await ask(door.app, "GET", url)).json
        seen += [one["client_key"] for one in page["orders"]]
        if page["next"] is None:
            break
        url = f"/v1/orders?limit=3&cursor={page['next']}"
    assert seen == keys[::-1]


async def test_a_page_that_looked_far_enough_back_leads_on(tmp_path: Path) -> None:
    async with world(tmp_path / "j", ApiSettings(max_scanned=4)) as door:
        await _decide(door, *(f"k{n}" for n in range(5)))
        seen, url, pages = [], "/v1/orders", 0
        while url:
            page = (await ask(door.app, "GET", url)).json
            seen += [one["client_key"] for one in page["orders"]]
            url = page["next"] and f"/v1/orders?cursor={page['next']}"
            pages += 1
        assert sorted(seen) == [f"k{n}" for n in range(5)]
        assert pages > 1


async def test_filters_choose(door: World) -> None:
    await _decide(door, "a")
    await _decide(door, "b", symbol="HOLD", magic=8)
    await _decide(door, "c", symbol="DENY", user_id="carl")
    await _decide(door, "d", mt5_account="112")

    async def keys(query: str) -> list[str]:
        page = await ask(door.app, "GET", f"/v1/orders?{query}")
        return [one["client_key"] for one in page.json["orders"]]

    assert await keys("state=filled") == ["d", "a"]
    assert await keys("state=sending,denied") == ["c", "b"]
    assert await keys("strategy=8") == ["b"]
    assert await keys("user=carl") == ["c"]
    assert await keys("account=112") == ["d"]
    assert await keys("client_key=a") == ["a"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=wrong", "state"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("cursor=-1", "cursor"),
        ("cursor=99999999999999999999", "cursor"),
        ("strategy=1.5", "strategy"),
        ("acount=1", "query"),
        ("limit=1&limit=2", "limit"),
    ],
)
async def test_a_wrong_filter_is_named(door: World, query: str, field: str) -> None:
    told = await ask(door.app, "GET", f"/v1/orders?{query}")
    assert (told.status, told.json["error"]["field"]) == (422, field)


@pytest.mark.parametrize("key", ["plain", "with/slash", "ü & ? #", "a" * 128, "events"])
async def test_an_order_is_found_by_its_key_and_by_its_intent(door: World, key: str) -> None:
    await _decide(door, key)
    by_key = await ask(door.app, "GET", f"/v1/orders/{at(key)}?account=111")
    assert by_key.json["client_key"] == key
    identity = intent_id("north", "111", key)
    by_intent = await ask(door.app, "GET", f"/v1/orders/{identity}")
    assert by_intent.json == by_key.json
    events = await ask(door.app, "GET", f"/v1/orders/{identity}/events")
    assert [one["type"] for one in events.json["events"]] == ["accepted", "dispatched", "reported"]
    assert not {"content", "reservation"} & events.json["events"][0]["detail"].keys()


async def test_a_live_order_is_found_by_its_intent(door: World) -> None:
    await _decide(door, "a", symbol="HOLD")
    told = await ask(door.app, "GET", f"/v1/orders/{intent_id('north', '111', 'a')}")
    assert told.json["status"] == "sending"


async def test_an_order_is_cancelled(door: World) -> None:
    await _decide(door, "a", symbol="HOLD")
    told = await ask(door.app, "POST", "/v1/orders/a/cancel?account=111")
    assert (told.status, told.json["status"]) == (200, "cancelled")


async def test_a_cancel_may_wait_for_its_outcome(
    door: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk gives a command of its own, which somebody carries out a little later."""
    await _decide(door, "a", symbol="HOLD")

    async def cancel(caller: Any, account: str, key: str) -> OrderState:
        await _decide(door, "b", symbol="HOLD", action="close", target="a")
        made = door.journal.find("north/111", "b")
        assert made is not None
        return made

    monkeypatch.setattr(door.desk, "cancel", cancel)
    path = "/v1/orders/a/cancel?account=111"
    told = await ask(door.app, "POST", path)
    assert (told.status, told.json["status"]) == (202, "sending")
    asked = asyncio.create_task(ask(door.app, "POST", f"{path}&wait=20"))
    await asyncio.sleep(0.02)
    door.desk.report("north/111", "b", State.DONE)
    told = await asked
    assert (told.status, told.json["status"], told.json["client_key"]) == (200, "done", "b")
    assert (await ask(door.app, "POST", f"{path}&wait=31")).json["error"]["field"] == "wait"


async def test_what_an_order_means_and_what_it_asked_for_are_told(door: World) -> None:
    await _decide(door, "a", symbol="HOLD", order_type="limit", price=1.05)
    await _decide(door, "b", symbol="HOLD", action="close", target="a")
    opened = (await ask(door.app, "GET", "/v1/orders/a?account=111")).json
    assert (opened["requested_price"], opened["slippage_pips"], opened["target"]) == (
        1.05,
        None,
        "",
    )
    closes = (await ask(door.app, "GET", "/v1/orders/b?account=111")).json
    assert (closes["target"], closes["requested_price"]) == ("a", None)
    door.desk.report("north/111", "a", State.FILLED, 10**7, requested=1.0999, slippage=1.0)
    await door.desk.outcome("north/111", "a", 0.0)
    filled = (await ask(door.app, "GET", "/v1/orders/a?account=111")).json
    assert (filled["requested_price"], filled["slippage_pips"]) == (1.0999, 1.0)


async def test_positions_and_accounts_are_the_callers(door: World) -> None:
    told = await ask(door.app, "GET", "/v1/accounts")
    names = [one["mt5_account"] for one in told.json["accounts"]]
    assert names == ["111", "112"]
    assert [one["connected"] for one in told.json["accounts"]] == [True, False]
    told = await ask(door.app, "GET", "/v1/positions")
    assert [one["client_key"] for one in told.json["positions"]] == ["k"]
    assert told.json["not_told"] == ["112"]


async def test_a_client_key_without_its_account_is_asked_for_it(door: World) -> None:
    await _decide(door, "a")
    for path in ("/v1/orders/a", "/v1/orders/nobodys"):
        told = await ask(door.app, "GET", path)
        assert (told.status, told.json["error"]["field"]) == (422, "account")
