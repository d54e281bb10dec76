"""`onefill.Client` and `onefill.AsyncClient` against a real server, over real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import onefill
from onefill.client import errors
from onefill.client.asynchronous import AsyncClient
from onefill.client.client import Client
from onefill.contracts.rest import Order, OrderEvent
from onefill.model.errors import OnefillError
from onefill.model.states import State

from .conftest import GENEROUS
from .served import Served

OPEN: Any = {
    "mt5_account": "111",
    "auto_execute": True,
    "symbol": "EURUSD",
    "side": "buy",
    "volume": 0.1,
}


def _open(client: Client, key: str, **changes: Any) -> Order:
    decision: Any = OPEN | changes | {"client_key": key}
    return client.decide(**decision)


def _named(key: str) -> Any:
    return OPEN | {"client_key": key}


def test_both_are_public() -> None:
    assert (onefill.Client, onefill.AsyncClient) == (Client, AsyncClient)


def test_an_engine_trades_looks_and_halts(served: Served) -> None:
    with Client(served.url, key="trader") as trader:
        assert trader.ready().status == "ready"
        order = _open(trader, "a", reason="why")
        assert (order.status, order.filled_volume) == (State.FILLED, 0.1)
        assert trader.order("a", account="111") == order
        assert trader.order(order.intent_id) == order
        assert [one.type for one in trader.order_events(order.intent_id)][-1] == "reported"
        decided = trader.decide_all([_named("b"), {"client_key": "c"}])
        assert decided[0].order is not None
        assert decided[1].error is not None
        assert decided[1].error.field == "mt5_account"
        assert [one.client_key for one in trader.orders(limit=1)] == ["b", "a"]
        assert trader.positions().positions[0].ticket == 9
        assert [one.mt5_account for one in trader.accounts()] == ["111", "112"]
        _open(trader, "held", symbol="HOLD")
        assert trader.cancel("held", account="111").status is State.CANCELLED
        _open(trader, "lost", symbol="LOST")
        assert [one.client_key for one in trader.quarantine()] == ["lost"]
    with Client(served.url, key="operator") as operator:
        settled = operator.resolve("lost", "not_executed", reason="looked", account="111")
        assert settled.status is State.NOT_EXECUTED
        killed = operator.kill(reason="prices", account="111")
        assert [one.outcome for one in killed.accounts] == ["unreachable"]
        assert [halt.id for halt in operator.halts()] == [killed.halt.id]
        assert operator.resume(reason="back", id=killed.halt.id)[0].id == killed.halt.id
        assert operator.ticket().ticket == "ticket"
        assert operator.access_token().access_token == "token"
        assert "'t" not in repr((operator.ticket(), operator.access_token()))


def test_refusals_have_types_codes_and_sentences(served: Served) -> None:
    with Client(served.url, key="nobody") as client, pytest.raises(errors.Unauthenticated):
        client.halts()
    with Client(served.url, key="reader") as client, pytest.raises(errors.Forbidden):
        _open(client, "a")
    with Client(served.url, key="trader") as client:
        with pytest.raises(errors.NotFound) as unknown:
            client.order("none", account="111")
        assert (unknown.value.code, unknown.value.status) == ("NOT_FOUND", 404)
        _open(client, "a")
        with pytest.raises(errors.Conflict) as reused:
            _open(client, "a", volume=9.0)
        assert reused.value.code == "KEY_REUSED"
        with pytest.raises(errors.Invalid) as invalid:
            _open(client, "b", volume=-1.0)
        assert invalid.value.field == "volume"
        assert isinstance(invalid.value, OnefillError)


def test_a_key_is_in_no_repr_and_a_wrong_address_is_a_sentence() -> None:
    assert "s3cret" not in repr(Client("http://127.0.0.1:1", key="s3cret"))
    for url in ("127.0.0.1:8000", "ftp://x", "http://", "http://x:99999", "http://a:b@x"):
        with pytest.raises(OnefillError) as wrong:
            Client(url)
        assert wrong.value.code == "URL_INVALID"
    with pytest.raises(errors.Unavailable) as gone:
        Client("http://127.0.0.1:1", attempts=1).ready()
    assert gone.value.code == "GATEWAY_UNREACHABLE"


def test_a_decision_outlives_a_restart_of_the_gateway_and_is_taken_once(tmp_path: Path) -> None:
    served = Served(tmp_path / "journal", GENEROUS)
    with served, Client(served.url, key="trader") as client:
        _open(client, "a")
        served.stop()
        again = threading.Timer(0.3, served.start)
        again.start()
        order = _open(client, "a")
        again.join()
        assert order.status is State.FILLED
        assert len(client.order_events(order.intent_id)) == 3
        assert _open(client, "b").status is State.FILLED


async def test_the_awaited_client_does_the_same(served: Served) -> None:
    async with AsyncClient(served.url, key="trader") as client:
        orders = await asyncio.gather(*(client.decide(**_named(f"k{n}")) for n in range(20)))
        assert {order.status for order in orders} == {State.FILLED}
        found = [order.client_key async for order in client.orders(limit=7)]
        assert sorted(found) == sorted(f"k{n}" for n in range(20))
        async with client.events(after=0) as events:
            first = await anext(events)
            assert (first.type, first.seq) == ("accepted", 1)


async def test_who_gives_up_waiting_for_an_event_hears_it_the_next_time(served: Served) -> None:
    async with AsyncClient(served.url, key="trader") as client:
        await client.decide(**_named("before"))
        async with client.events(after=0) as events:
            heard = [await anext(events) for _ in range(3)]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(events), 0.05)
            await client.decide(**_named("after"))
            heard += [await asyncio.wait_for(anext(events), 10) for _ in range(3)]
            assert [one.seq for one in heard] == [1, 2, 3, 4, 5, 6]
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_client_that_was_closed_says_so_and_calls_nobody(served: Served) -> None:
    client = Client(served.url, key="trader")
    client.ready()
    client.close()
    with pytest.raises(errors.CallFailed) as closed:
        _open(client, "a")
    assert closed.value.code == "CLIENT_CLOSED"
    awaited = AsyncClient(served.url, key="trader")
    await awaited.close()
    with pytest.raises(errors.CallFailed) as closed:
        await awaited.ready()
    assert closed.value.code == "CLIENT_CLOSED"


def test_a_decimal_goes_as_its_number_and_a_datetime_as_its_moment(served: Served) -> None:
    with Client(served.url, key="trader") as client:
        order = client.decide(
            client_key="a",
            mt5_account="111",
            auto_execute=True,
            symbol="EURUSD",
            side="buy",
            volume=Decimal("0.10"),
            stop_loss=Decimal("1.05"),
            expires_at=datetime(2040, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        )
        assert (order.volume, order.stop_loss) == (0.1, 1.05)
        assert order.expires_at_ms == 2_208_988_800_000


def test_what_answers_as_no_gateway_does_is_not_repeated_to_the_terminal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            met, _ = other.accept()
            with met:
                met.recv(65_536)
                met.sendall(b"\x1b]0;hello\x07 nobody\r\n")

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(errors.Unavailable) as wrong:
            Client(f"http://127.0.0.1:{other.getsockname()[1]}", attempts=1).ready()
    assert wrong.value.message.endswith(
        "what came is no HTTP; is that the gateway's port, and is it http or https?"
    )


def test_followers_hear_of_what_they_may_see_only(served: Served) -> None:
    with Client(served.url, key="trader") as north, Client(served.url, key="stranger") as south:
        _open(south, "theirs", mt5_account="222")
        _open(north, "ours")
        with north.events(after=0) as events:
            assert {one.client_key for one in islice(events, 3)} == {"ours"}
        with south.events(after=0, account="222") as events:
            assert {one.client_key for one in islice(events, 3)} == {"theirs"}
        with pytest.raises(errors.NotFound):
            next(south.events(account="112"))
        with pytest.raises(errors.Conflict) as ahead:
            next(south.events(after=10_000))
        assert ahead.value.code == "EVENT_UNKNOWN"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_follower_loses_nothing_and_hears_nothing_twice_across_restarts(
    tmp_path: Path, seed: int
) -> None:
    served = Served(tmp_path / "journal", GENEROUS)
    heard: list[OrderEvent] = []
    with served, Client(served.url, key="trader") as client:
        events = client.events(after=0)
        follower = threading.Thread(target=lambda: heard.extend(islice(events, 60 * 3)))
        follower.start()
        for n in range(60):
            if n % (10 + seed * 7) == seed:
                served.stop()
                served.start()
            _open(client, f"k{n}")
        follower.join(30)
        events.close()
        assert not follower.is_alive()
    assert [one.seq for one in heard] == list(range(1, 181))
