"""The door in front of the real desk, the real identity and a journal, as `onefill gateway` makes
it; no client is connected, so orders wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from onefill.client import errors
from onefill.client.client import Client
from onefill.gateway.config import GatewayConfig
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.identity.model import Right
from onefill.gateway.identity.opening import Identity
from onefill.gateway.server import Gateway, serving
from onefill.model.states import State
from onefill.runtime.clock import SystemClock

T = TypeVar("T")
ENGINE = frozenset({Right.READ, Right.TRADE, Right.OPERATE})


def _key(identity: Identity, tenant: str, account: str, rights: frozenset[Right] = ENGINE) -> str:
    people = identity.admin.people
    if identity.directory.tenant(tenant) is None:
        people.create_tenant(tenant, by="test")
        people.create_user(tenant, "anna", auto_trading=True, by="test")
        people.create_account(tenant, account, user="anna", by="test")
    _, text = identity.admin.credentials.create_key(tenant, "anna", rights, by="test")
    return text


async def _with(
    folder: Path, work: Callable[[Client, Client], T], rights: frozenset[Right] = ENGINE
) -> T:
    """Work of a blocking client of one tenant, beside another tenant's."""

    def run(gateway: Gateway, ours: str, theirs: str) -> T:
        with (
            Client(gateway.url, key=ours, attempts=1) as mine,
            Client(gateway.url, key=theirs, attempts=1) as stranger,
        ):
            return work(mine, stranger)

    desk = DeskSettings(lease_ms=300, lease_margin_ms=100)
    async with serving(GatewayConfig(data=folder, port=0, desk=desk), SystemClock()) as gateway:
        ours = _key(gateway.identity, "north", "111", rights)
        theirs = _key(gateway.identity, "south", "222")
        return await asyncio.to_thread(run, gateway, ours, theirs)


def _close_all(client: Client, key: str, **changes: Any) -> Any:
    decision: Any = {
        "client_key": key,
        "mt5_account": "111",
        "auto_execute": True,
        "action": "close_all",
    }
    return client.decide(**(decision | changes))


async def test_a_decision_is_taken_found_followed_and_cancelled(tmp_path: Path) -> None:
    def work(client: Client, stranger: Client) -> None:
        assert client.ready().status == "ready"
        order = _close_all(client, "a")
        assert order.status is State.ACCEPTED
        assert _close_all(client, "a") == order
        with pytest.raises(errors.Conflict):
            _close_all(client, "a", magic=4)
        assert client.order(order.intent_id) == order
        assert [one.client_key for one in client.orders(state="accepted")] == ["a"]
        with pytest.raises(errors.NotFound) as theirs:
            stranger.order("a", account="111")
        with pytest.raises(errors.NotFound) as nobodys:
            stranger.order("none", account="none")
        assert theirs.value.message.replace("'111'", "'none'") == nobodys.value.message
        with pytest.raises(errors.NotFound):
            _close_all(stranger, "x")
        advice = _close_all(client, "advice", auto_execute=False)
        assert advice.status is State.DENIED
        assert client.cancel("a", account="111").status is State.CANCELLED
        with client.events(after=0) as events:
            assert next(events).client_key == "a"

    await _with(tmp_path, work)


async def test_what_was_answered_is_there_after_a_restart(tmp_path: Path) -> None:
    before = await _with(tmp_path, lambda client, _: _close_all(client, "a"))
    after = await _with(tmp_path, lambda client, _: client.order(before.intent_id))
    assert after.client_key == "a"


async def test_a_kill_holds_and_is_lifted(tmp_path: Path) -> None:
    def work(client: Client, stranger: Client) -> None:
        killed = client.kill(reason="prices look wrong")
        assert [one.mt5_account for one in killed.accounts] == ["111"]
        assert client.kill(reason="prices look wrong").halt.id == killed.halt.id
        assert [halt.id for halt in client.halts()] == [killed.halt.id]
        assert stranger.halts() == []
        with pytest.raises(errors.NotFound):
            stranger.resume(reason="no", id=killed.halt.id)
        lost = client.decide(
            client_key="b",
            mt5_account="111",
            auto_execute=True,
            symbol="EURUSD",
            side="buy",
            volume=0.1,
        )
        assert lost.status is State.DENIED
        assert lost.reason is not None
        assert lost.reason.code == "HALTED"
        assert client.resume(reason="feed is back", id=killed.halt.id)[0].id == killed.halt.id
        assert client.halts() == []

    await _with(tmp_path, work)


async def test_a_token_stands_for_its_key_and_makes_no_other(tmp_path: Path) -> None:
    def work(client: Client, _: Client) -> None:
        token = client.access_token()
        assert client.ticket().ticket
        url = client._wire._where
        with Client(url, key=token.access_token) as short:
            assert [one.mt5_account for one in short.accounts()] == ["111"]
            with pytest.raises(errors.Forbidden):
                short.access_token()

    await _with(tmp_path, work)


async def test_a_read_key_cannot_trade(tmp_path: Path) -> None:
    def work(client: Client, _: Client) -> None:
        with pytest.raises(errors.Forbidden):
            _close_all(client, "a")
        assert list(client.orders()) == []

    await _with(tmp_path, work, frozenset({Right.READ}))


async def test_a_user_registers_an_account_which_waits_for_its_broker(tmp_path: Path) -> None:
    def work(client: Client, stranger: Client) -> None:
        made = client.register("333", server="Broker-Demo", broker="Nobody's")
        assert (made.mt5_account, made.user_id, made.standing) == ("333", "anna", "pending")
        assert client.register("333", server="Broker-Demo", broker="Nobody's") == made
        with pytest.raises(errors.Conflict) as wrong:
            client.register("333", server="Broker-Live")
        assert wrong.value.code == "ACCOUNT_SERVER_DIFFERS"
        assert {one.mt5_account for one in client.accounts()} == {"111", "333"}
        assert {one.mt5_account for one in stranger.accounts()} == {"222"}
        with pytest.raises(errors.Invalid) as bad:
            client.register("no such name!")
        assert bad.value.code == "NAME_INVALID"

    await _with(tmp_path, work)
