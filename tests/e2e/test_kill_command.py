"""`onefill orders --follow`, `kill`, `resume` and `positions` on a whole desk: gateway, agent and
broker as processes, of which some are stopped or killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from onefill.contracts.rest import Order
from onefill.model.states import State
from onefill.terminal.simulator.remote.client import connect
from tests.e2e.command import Ran, onefill
from tests.e2e.gateway_stage import LOGIN, Part, TradingDesk, becomes, until
from tests.integration.terminal.served import CONTINUE, KILL, STOP

ACCOUNT, ABSENT = str(LOGIN), "2002"
CONFIG = "[desk]\nlease_ms = 2000\nlease_margin_ms = 200\nflatten_every_ms = 500\n"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP, no SIGKILL")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradingDesk]:
    with TradingDesk(tmp_path_factory.mktemp("desk"), ABSENT, config=CONFIG) as desk:
        yield desk


@pytest.fixture(autouse=True)
def nothing_halted(desk: TradingDesk) -> Iterator[None]:
    yield
    if desk.gateway.part is None or desk.gateway.part.process.poll() is not None:
        return
    with desk.gateway.client() as engine:
        for halt in engine.halts():
            engine.resume(id=halt.id, reason="the next test")


def command(desk: TradingDesk, *words: object) -> Ran:
    """A command of an operator."""
    return onefill(*words, "--gateway", desk.gateway.url, "--key-file", desk.gateway.key_file)


def objects(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def decide(desk: TradingDesk, key: str, **fields: Any) -> Order:
    said: dict[str, Any] = {"symbol": "EURUSD", "side": "buy", "volume": 0.1, **fields}
    with desk.gateway.client() as engine:
        return engine.decide(
            client_key=key, mt5_account=ACCOUNT, auto_execute=True, wait=10, **said
        )


def is_state(one: dict[str, Any], key: str, state: str) -> bool:
    return one.get("client_key") == key and one["detail"].get("to") == state


def test_follow_shows_a_fill_as_it_comes_until_ctrl_c(desk: TradingDesk) -> None:
    follow = Part(
        *("-m", "onefill", "orders", "--follow", "--json"),
        *("--gateway", desk.gateway.url, "--key-file", desk.gateway.key_file),
    )
    people = Part(
        *("-m", "onefill", "orders", "--follow", "--account", ACCOUNT),
        *("--gateway", desk.gateway.url, "--key-file", desk.gateway.key_file),
    )
    until(lambda: people.text)  # it has shown what there is, and follows
    assert decide(desk, "first").status is State.FILLED
    follow.hear(lambda one: "first" in one.values())  # in its list, or as it comes: it follows
    second = decide(desk, "second", volume=0.2)
    assert second.status is State.FILLED
    follow.hear(lambda one: "detail" in one and is_state(one, "second", "filled"))
    until(lambda: any("second" in line and "filled" in line for line in people.lines))
    assert second.requested_price
    assert second.fill_price
    worse = (second.fill_price - second.requested_price) * 10_000
    assert second.slippage_pips == pytest.approx(worse, abs=1e-6)
    assert decide(desk, "off-step", volume=0.123).status is State.DENIED  # by the agent
    until(lambda: any("off-step" in line and "reported" in line for line in people.lines))
    (told,) = [one for one in people.lines if "off-step" in one and "reported" in one]
    assert "reported  denied (VOLUME_OFF_STEP: " in told
    assert follow.end(signal.SIGINT) == 0
    assert people.end(signal.SIGINT) == 0


def test_positions_are_those_of_the_broker(desk: TradingDesk) -> None:
    assert decide(desk, "shown", volume=0.15).status is State.FILLED
    held = {row.ticket: round(row.volume, 2) for row in desk.broker.positions()}
    assert 0.15 in held.values()

    def told() -> dict[int, float]:
        found = objects(command(desk, "positions", "--json"))
        return {one["ticket"]: round(one["volume"], 2) for one in found}

    until(lambda: told() == held)
    assert str(next(iter(held))) in command(desk, "positions").out


def test_a_kill_flattens_stops_and_outlives_the_gateways_death(desk: TradingDesk) -> None:
    assert decide(desk, "held", volume=0.3).status is State.FILLED
    limit = decide(desk, "far", order_type="limit", price=1.0)
    assert limit.status is State.WORKING
    ran = command(desk, "kill", "--account", ACCOUNT, "--flatten", "--reason", "drill", "--json")
    assert ran.status == 0, ran.err
    (killed,) = objects(ran)
    assert (killed["complete"], killed["halt"]["flatten"]) == (True, True)
    (one,) = killed["accounts"]
    assert (one["mt5_account"], one["outcome"], one["cancels"]) == (ACCOUNT, "confirmed", 1)
    until(lambda: not desk.broker.positions())

    def flat() -> bool:
        (halt,) = objects(command(desk, "resume", "--list", "--json"))
        return any(account["flat"] for account in halt["flattening"])

    until(flat)
    with desk.gateway.client() as engine:
        becomes(engine, ACCOUNT, "far", State.CANCELLED)
    assert decide(desk, "halted").reason.code == "HALTED"  # type: ignore[union-attr]

    desk.gateway.end(KILL)
    desk.gateway.start()
    shown = command(desk, "resume", "--list")
    assert killed["halt"]["id"] in shown.out
    assert "drill" in shown.out
    assert decide(desk, "halted-still").reason.code == "HALTED"  # type: ignore[union-attr]

    ran = command(desk, "resume", "--account", ACCOUNT, "--reason", "it was a drill")
    assert ran.status == 0, ran.err
    assert "may trade again" in ran.out
    assert command(desk, "resume", "--list").out == "nothing is halted\n"
    trail = objects(onefill("admin", "audit", "list", "--data", desk.gateway.data, "--json"))
    told = {one["what"]: (one["who"], one["reason"], one["login"]) for one in trail}
    assert told["halt.begin"] == (told["halt.end"][0], "drill", "")
    assert told["halt.end"][1:] == ("it was a drill", "")
    assert ":" not in told["halt.end"][0]
    with desk.gateway.client() as engine:
        until(lambda: engine.accounts()[0].connected)
    assert decide(desk, "again").status is State.FILLED
    assert len(desk.broker.positions()) == 1


def by_hand(desk: TradingDesk) -> None:
    """A position that a person opened, beside Onefill."""
    deal = (1, 0, 0, "EURUSD", 0.2, 0.0, 0.0, 0.0, 0.0, 10, 0, 1, 0, 0, "by hand", 0, 0)
    terminal = connect(desk.broker.address, desk.broker.token)
    try:
        assert terminal.call("order_send", deal).value[0] == 10_009
    finally:
        terminal.close()


def test_a_flattening_closes_what_a_person_opened_too(desk: TradingDesk) -> None:
    began = next(one["at"] for one in desk.agent.said if one["event"] == "terminal_ready")
    began_ms = datetime.fromisoformat(began).timestamp() * 1_000
    keys = (f"beside-{number}" for number in range(100))
    # What is dated before the agent's journal began, by the broker's clock, is not followed.
    until(lambda: (decide(desk, next(keys), volume=0.01).filled_at_ms or 0) > began_ms)
    by_hand(desk)
    until(lambda: 0.2 in [round(row.volume, 2) for row in desk.broker.positions()])
    ran = command(desk, "kill", "--account", ACCOUNT, "--flatten", "--reason", "all", "--json")
    assert ran.status == 0, ran.err

    def flattened() -> Any:
        (halt,) = objects(command(desk, "resume", "--list", "--json"))
        (account,) = halt["flattening"]
        return account

    until(lambda: flattened()["flat"], what=f"{flattened()}")
    assert not desk.broker.positions()


def test_an_agent_that_does_not_answer_is_listed_and_its_lease_waited_for(
    desk: TradingDesk,
) -> None:
    os.kill(desk.agent.process.pid, STOP)
    try:
        ran = command(desk, "kill", "--account", ACCOUNT, "--reason", "hung", "--json")
    finally:
        os.kill(desk.agent.process.pid, CONTINUE)
    (killed,) = objects(ran)
    assert [one["outcome"] for one in killed["accounts"]] == ["lease_ran_out"]
    assert (ran.status, killed["complete"]) == (0, True)
    before = len(desk.broker.positions())
    assert decide(desk, "while-hung").status is State.DENIED
    assert len(desk.broker.positions()) == before


def test_an_account_that_nobody_holds_is_unreachable_and_the_status_says_so(
    desk: TradingDesk,
) -> None:
    ran = command(desk, "kill", "--reason", "all of it")
    assert ran.status == 3, ran.out + ran.err
    row = next(line for line in ran.out.splitlines() if ABSENT in line and "unreachable" in line)
    assert row
    assert any(ACCOUNT in line and "confirmed" in line for line in ran.out.splitlines())
    assert "not everybody was reached" in ran.out


def test_a_strategy_is_killed_alone(desk: TradingDesk) -> None:
    ran = command(desk, "kill", "--account", ACCOUNT, "--strategy", 7, "--reason", "wild", "--json")
    assert ran.status == 0, ran.err
    assert decide(desk, "of-7", magic=7).status is State.DENIED
    assert decide(desk, "of-8", magic=8).status is State.FILLED


def test_all_of_it_stops_cleanly_and_both_journals_hold(desk: TradingDesk) -> None:
    assert desk.agent.end() == 0
    assert desk.agent.said[-1]["event"] == "stopped"
    assert desk.gateway.end() == 0
    for journal in (desk.gateway.data / "journal", desk.files.home / "data" / "journal"):
        ran = onefill("journal", "verify", journal)
        assert ran.status == 0, ran.out + ran.err
