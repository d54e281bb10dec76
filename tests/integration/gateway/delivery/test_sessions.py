"""Sessions of accounts: greeting, order, acks, the newer that wins and the older that is fenced."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from onefill.contracts.bare import EXECUTION, TRADING_CLIENT, Bare, End
from onefill.contracts.framing import Statuses
from onefill.contracts.messages import (
    Ack,
    Command,
    ConfigUpdate,
    Dialect,
    Heartbeat,
    Message,
    Result,
    Status,
    WireError,
)
from onefill.contracts.wire.trading import execution_command_pb2 as pb
from onefill.gateway.identity.model import account_id
from onefill.model.errors import OnefillError
from onefill.model.intent import Action
from onefill.runtime.clock import SystemClock
from tests.integration.gateway.delivery.served import (
    TENANT,
    Client,
    Gateway,
    command,
    gateway,
    profile,
    result,
)

ONE, TWO = account_id(TENANT, "1001"), account_id(TENANT, "1002")
HELD = "?mt5_account=1001"


@pytest.fixture
def served() -> Iterator[Gateway]:
    with gateway() as made:
        made.register.add("1001")
        yield made


async def _held(served: Gateway, path: str = TRADING_CLIENT, *, enveloped: bool = True) -> Client:
    """A client that holds account 1001 and was greeted."""
    arrivals = sum(each[0] == "arrived" for each in served.desk.told)
    client = await served.client(path, enveloped=enveloped, query=HELD)
    await served.until(lambda: sum(it[0] == "arrived" for it in served.desk.told) > arrivals)
    return client


@pytest.mark.parametrize("enveloped", [True, False], ids=["enveloped", "bare"])
@pytest.mark.parametrize("path", [EXECUTION, TRADING_CLIENT])
async def test_a_command_goes_out_and_its_result_comes_back(
    served: Gateway, path: str, enveloped: bool
) -> None:
    client = await _held(served, path, enveloped=enveloped)
    assert served.hand(ONE, command("k1")) == [""]
    assert await client.keys(1) == ["k1"]
    await client.say(result("k1", 1))
    await served.until(lambda: served.desk.count("heard", ONE, "k1"))
    if enveloped:
        assert await client.hear() == Ack("k1", 1)
    await client.close()
    await served.until(lambda: served.desk.count("left", ONE))


@pytest.mark.parametrize("enveloped", [True, False], ids=["enveloped", "bare"])
async def test_commands_leave_in_the_order_in_which_they_were_handed(
    served: Gateway, enveloped: bool
) -> None:
    client = await _held(served, enveloped=enveloped)
    keys = [f"k{number}" for number in range(500)]
    assert set(served.hand(ONE, *(command(key) for key in keys))) == {""}
    assert await client.keys(500) == keys
    await client.close()


async def test_no_command_leaves_before_the_desk_was_told_of_the_client(served: Gateway) -> None:
    assert served.hand(ONE, command("early")) == ["AWAY"]
    client = await served.client()
    assert served.hand(ONE, command("unnamed")) == ["AWAY"]
    assert not served.call(lambda: served.sessions.present(ONE))
    served.desk.waiting[ONE] = [command("first"), command("second")]
    await client.say(profile("1001"))
    assert await client.keys(2) == ["first", "second"]
    assert served.desk.told[:3] == [("arrived", ONE, "enveloped"), ("handed", ""), ("handed", "")]
    assert served.call(lambda: served.sessions.present(ONE))
    await client.close()


async def test_a_profile_of_an_account_that_nobody_knew_registers_it(served: Gateway) -> None:
    client = await served.client(enveloped=False)
    await client.say(profile("7777"))
    seventh = account_id(TENANT, "7777")
    await served.until(lambda: served.desk.count("profiled", seventh))
    assert served.hand(seventh, command("k1")) == [""]
    assert await client.keys(1) == ["k1"]
    await client.close()


async def test_a_profile_of_anothers_account_is_answered_as_one_that_nobody_has(
    served: Gateway,
) -> None:
    served.register.add("2002", "bob")
    client = await served.client()
    await client.say(profile("2002"))
    said = await client.hear()
    assert said == WireError("ACCOUNT_UNKNOWN", "you have no account of that name")
    await client.close()
    bare = await served.client(enveloped=False)
    await bare.say(profile("2002"))
    assert (await bare.ended())[0] == 4004
    assert not served.desk.told


async def test_an_account_whose_kind_changed_gets_no_command_any_more(served: Gateway) -> None:
    client = await _held(served)
    served.register.refusing = OnefillError("ACCOUNT_KIND_DIFFERS", "it was demo, it is live now")
    await client.say(profile("1001"))
    assert await client.hear() == WireError("ACCOUNT_KIND_DIFFERS", "it was demo, it is live now")
    assert served.hand(ONE, command("k1")) == ["AWAY"]
    assert served.desk.count("warned", ONE, "ACCOUNT_KIND_DIFFERS", "")
    await client.close()


async def test_an_account_of_another_kind_than_registered_is_alerted_once(served: Gateway) -> None:
    served.register.refusing = OnefillError("ACCOUNT_KIND_DIFFERS", "it is demo, its terminal live")
    for _ in range(3):  # as often as it connects
        client = await served.client()
        await client.say(profile("1001"))
        said = await client.hear()
        assert said == WireError("ACCOUNT_KIND_DIFFERS", "it is demo, its terminal live")
        await client.close()
    assert served.desk.count("warned", ONE, "ACCOUNT_KIND_DIFFERS", "") == 1
    served.register.refusing = None
    good = await served.client()
    await good.say(profile("1001"))
    await served.until(lambda: served.desk.count("profiled", ONE))
    served.register.refusing = OnefillError("ACCOUNT_KIND_DIFFERS", "again")
    await good.say(profile("1001"))
    await served.until(lambda: served.desk.count("warned", ONE, "ACCOUNT_KIND_DIFFERS", "") == 2)
    await good.close()


async def test_the_newer_wins_and_the_older_is_told(served: Gateway) -> None:
    older = await _held(served)
    newer = await _held(served)
    told = await older.hear()
    assert isinstance(told, WireError)
    assert told.code == "SESSION_REPLACED"
    assert (await older.ended())[0] == 4001
    assert served.hand(ONE, command("k1")) == [""]
    assert await newer.keys(1) == ["k1"]
    assert not served.desk.count("left", ONE)
    await newer.close()
    await served.until(lambda: served.desk.count("left", ONE) == 1)


async def test_a_bare_older_client_is_closed_with_the_code(served: Gateway) -> None:
    older = await _held(served, enveloped=False)
    newer = await _held(served, EXECUTION, enveloped=False)
    assert (await older.ended())[0] == 4001
    await newer.close()


async def test_nothing_that_a_fenced_client_sends_counts(served: Gateway) -> None:
    older = await _held(served)
    await older.say(profile("1002"))
    await served.until(lambda: served.desk.count("arrived", TWO, "enveloped"))
    newer = await _held(served)
    replaced = await older.hear()
    assert isinstance(replaced, WireError)
    # It still holds 1002; for 1001 it is fenced, and its profile does not win it back.
    served.desk.known = {"k1": ONE, "k2": TWO}
    await older.say(result("k1"), profile("1001"), result("k2"))
    answers = [await older.hear() for _ in range(3)]
    assert [each.code for each in answers if isinstance(each, WireError)] == [
        "COMMAND_UNKNOWN",
        "SESSION_REPLACED",
    ]
    assert answers[2] == Ack("k2")
    assert not served.desk.count("heard", ONE, "k1")
    assert served.hand(ONE, command("to-newer")) == [""]
    assert await newer.keys(1) == ["to-newer"]
    await older.close()
    await newer.close()


async def test_what_waits_for_the_older_goes_to_the_newer_alone() -> None:
    with gateway(close_s=0.5) as served:
        served.register.add("1001")
        older = await served.client(query=HELD)
        await served.until(lambda: served.desk.count("arrived", ONE, "enveloped"))
        older.connection.transport.pause_reading()
        keys = [f"k{number}" for number in range(100)]
        big = [command(key, comment="c", reason="r" * 400) for key in keys]
        served.desk.waiting[ONE] = big
        # Handed and replaced in one turn of the server's loop: nothing was written yet.
        served.hand(ONE, *big)
        newer = await served.client(query=HELD)
        assert await newer.keys(100) == keys
        await newer.close()
        older.cut()


async def test_two_accounts_of_one_connection_get_their_own(served: Gateway) -> None:
    client = await served.client()
    await client.say(profile("1001"), profile("1002"))
    await served.until(lambda: served.desk.count("profiled", TWO))
    served.desk.known = {"a": ONE, "b": TWO}
    assert served.hand(ONE, command("a")) == served.hand(TWO, command("b")) == [""]
    # One id for two accounts of one client: its answer could not be told apart.
    assert served.hand(TWO, command("a")) == ["NOT_EXPRESSIBLE"]
    assert await client.keys(2) == ["a", "b"]
    await client.say(result("b"), result("a"), Ack("a"))
    assert {await client.hear(), await client.hear()} == {Ack("a"), Ack("b")}
    await served.until(lambda: served.desk.count("acknowledged", ONE, "a"))
    assert not served.desk.count("acknowledged", TWO, "a")
    for account in (ONE, TWO):
        assert served.tell(account, ConfigUpdate(9, b"{}"))
    await client.say(Ack("config/9"))
    await served.until(lambda: served.desk.count("acknowledged", ONE, "config/9"))
    assert not served.desk.count("acknowledged", TWO, "config/9")
    await client.say(Ack("config/9"), Ack("config/9"))
    await served.until(lambda: served.desk.count("acknowledged", TWO, "config/9"))
    assert served.desk.count("acknowledged", ONE, "config/9") == 1
    await client.close()
    await served.until(lambda: served.desk.count("left", ONE) and served.desk.count("left", TWO))


async def test_a_result_is_acknowledged_only_once_it_was_heard(served: Gateway) -> None:
    client = await _held(served)
    served.desk.hearing_s = 0.2
    keys = [f"k{number}" for number in range(20)]
    await client.say(*(result(key) for key in keys))
    assert [await client.hear() for _ in keys] == [Ack(key) for key in keys]
    hearing = [it[2] for it in served.desk.told if it[0] == "hearing"]
    assert hearing == keys, "the desk is asked in the order of the frames"
    last = max(n for n, it in enumerate(served.desk.told) if it[0] == "hearing")
    first = min(n for n, it in enumerate(served.desk.told) if it[0] == "heard")
    assert last < first, "they are made durable together"
    await client.close()


async def test_results_before_a_profile_are_heard_before_it(served: Gateway) -> None:
    client = await _held(served)
    served.desk.hearing_s = 0.05
    await client.say(result("k1"), profile("1001"), result("k2"))
    await served.until(lambda: served.desk.count("heard", ONE, "k2"))
    order = [it for it in served.desk.told if it[0] in ("heard", "profiled")]
    assert order == [("heard", ONE, "k1"), ("profiled", ONE), ("heard", ONE, "k2")]
    await client.close()


async def test_a_result_that_cannot_be_made_durable_is_not_acknowledged(served: Gateway) -> None:
    client = await _held(served)
    served.desk.broken = True
    await client.say(result("k1"))
    code, _ = await client.ended()
    assert code == 1011
    served.desk.broken = False
    again = await _held(served)
    await again.say(result("k1"))
    assert await again.hear() == Ack("k1")
    await again.close()


async def test_a_result_of_an_unknown_command_is_answered_with_an_error(served: Gateway) -> None:
    client = await _held(served)
    served.desk.known = {"other": ONE}
    await client.say(result("k1"))
    said = await client.hear()
    assert isinstance(said, WireError)
    assert (said.code, said.id) == ("COMMAND_UNKNOWN", "k1")
    await client.close()


async def test_a_result_with_impossible_values_is_told_to_the_desk_as_a_warning(
    served: Gateway,
) -> None:
    client = await _held(served, EXECUTION, enveloped=False)
    impossible = pb.ExecutionResult(command_id="k1", executed_price=float("nan"))
    await client.connection.send(impossible.SerializeToString())
    await served.until(lambda: served.desk.count("warned", ONE, "RESULT_INVALID", "k1"))
    await client.close()


async def test_what_a_bare_client_says_in_vain_is_told_to_the_desk(served: Gateway) -> None:
    client = await _held(served, enveloped=False)
    unclear = pb.ExecutionResult(command_id="k1", order_ticket="7")  # a profile might say as much
    await client.connection.send(unclear.SerializeToString())
    await served.until(lambda: served.desk.count("warned", ONE, "FRAME_INVALID", "k1"))
    assert served.sessions.counters.rejected["FRAME_INVALID"] == 1
    await client.close()


async def test_a_heartbeat_comes_back_as_it_was_with_our_clock_and_is_contact(
    served: Gateway,
) -> None:
    client = await _held(served)
    before_ms = SystemClock().now_ms()
    await client.say(Heartbeat(123_456_789))
    assert await client.hear() == Heartbeat(123_456_789)
    assert before_ms <= client.told_ms <= SystemClock().now_ms()
    assert served.desk.contacts == 1
    await client.close()


async def test_configuration_and_errors_are_told_to_enveloped_clients_only(
    served: Gateway,
) -> None:
    update: Message = ConfigUpdate(3, b"{}")
    assert isinstance(update, ConfigUpdate)
    assert not served.tell(ONE, update)
    client = await _held(served)
    assert served.tell(ONE, update)
    assert served.tell(ONE, WireError("HALTED", "by hand"))
    assert [await client.hear(), await client.hear()] == [update, WireError("HALTED", "by hand")]
    await client.say(Ack("config/3"), WireError("QUARANTINED", "look at it", "k1"))
    await served.until(lambda: served.desk.count("warned", ONE, "QUARANTINED", "k1"))
    assert served.desk.count("acknowledged", ONE, "config/3")
    bare = await _held(served, enveloped=False)
    assert not served.tell(ONE, update)
    await bare.close()


async def test_a_command_that_the_dialect_has_no_words_for_is_not_sent(served: Gateway) -> None:
    client = await _held(served, EXECUTION, enveloped=False)
    every = command("all", action=Action.CLOSE_ALL, symbol="", side=None, volume=None)
    assert served.hand(ONE, every, command("k1")) == ["NOT_EXPRESSIBLE", ""]
    assert await client.keys(1) == ["k1"]
    await client.close()


async def test_ten_reconnects_a_second_lose_no_command_and_no_result(served: Gateway) -> None:
    keys = [f"k{number}" for number in range(60)]
    served.desk.waiting[ONE] = [command(key) for key in keys]
    for turn in range(30):
        client = await served.client(query=HELD, enveloped=bool(turn % 2))
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(0.1):
                for _ in range(2):
                    said = await client.hear()
                    if isinstance(said, Command):
                        await client.say(result(said.intent.client_key))
        client.cut()
        if not served.desk.waiting[ONE]:
            break
    last = await _held(served)
    while served.desk.waiting[ONE]:
        said = await last.hear()
        if isinstance(said, Command):
            await last.say(result(said.intent.client_key))
    heard = [it[2] for it in served.desk.told if it[0] == "heard"]
    assert set(heard) == set(keys)
    await last.close()
    await served.until(lambda: not served.sessions.counters.connected)
    lives = [it[0] for it in served.desk.told if it[0] in ("arrived", "left")]
    assert lives[-1] == "left"
    assert ("left", "left") not in pairwise(lives)


async def test_closing_lets_every_client_go_and_admits_no_other(served: Gateway) -> None:
    clients = [await served.client() for _ in range(3)]
    closing = asyncio.run_coroutine_threadsafe(served.sessions.close(), served.loop)
    assert [(await each.ended())[0] for each in clients] == [1012] * 3
    await asyncio.wrap_future(closing)
    assert await served.refusal() == (503, "GATEWAY_STOPPING")
    assert served.sessions.counters.closed[1012] == 3


@pytest.mark.parametrize("named", [True, False], ids=["at the handshake", "by its profile"])
async def test_a_bare_client_that_numbers_statuses_otherwise_is_understood(
    served: Gateway, named: bool
) -> None:
    row = served.register.rows[ONE]
    served.register.rows[ONE] = msgspec.structs.replace(row, statuses="1,2,3")
    client = await served.client(enveloped=False, query=HELD if named else "")
    client.framing = Bare(
        Dialect.TRADING, TRADING_CLIENT, end=End.CLIENT, statuses=Statuses(1, 2, 3)
    )
    if not named:
        await client.say(profile("1001"))
    for key, status in (("k1", Status.SUCCESS), ("k2", Status.FAILED), ("k3", Status.PARTIAL)):
        filled = msgspec.structs.replace(result(key), status=status, error="as it was told")
        await client.say(filled)
    await served.until(lambda: served.desk.count("heard", ONE, "k3"))
    statuses = [each.status for each in served.desk.results]
    assert statuses == [Status.SUCCESS, Status.FAILED, Status.PARTIAL]
    assert not served.sessions.counters.rejected
    await client.close()


async def test_a_failed_command_is_heard_like_any_other(served: Gateway) -> None:
    client = await _held(served, enveloped=False)
    await client.say(Result(command_id="k1", status=Status.FAILED, error="no money"))
    await served.until(lambda: served.desk.count("heard", ONE, "k1"))
    await client.close()
