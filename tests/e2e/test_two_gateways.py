"""The kill switch with a backup gateway: two gateways as processes, and one agent of both."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onefill.contracts.rest import Order
from onefill.model.states import State
from tests.e2e.command import Ran, onefill
from tests.e2e.gateway_stage import (
    LOGIN,
    SIMULATED,
    AgentFiles,
    GatewayProcess,
    Part,
    ServedBroker,
    until,
)
from tests.integration.terminal.served import KILL
from tests.own_port import own_port

ACCOUNT = str(LOGIN)
CONFIG = "[desk]\nlease_ms = 2000\nlease_margin_ms = 200\n"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


class BackupGateway(GatewayProcess):
    """A gateway with a directory of its own, that knows the same people and keys."""

    def __init__(self, home: Path, primary: GatewayProcess) -> None:
        self.home, self.data = home, home / "gateway"
        self.data.mkdir(parents=True)
        shutil.copy(primary.data / "identity.sqlite", self.data)
        shutil.copytree(primary.data / "secrets", self.data / "secrets")
        self._config = home / "gateway.toml"
        self._config.write_text(CONFIG)
        self.key, self.key_file = primary.key, primary.key_file
        self.part: Part | None = None
        self.port = own_port()
        self.start()


class Pair:
    """Both gateways, and the agent that is with the first while it is there."""

    def __init__(self, primary: GatewayProcess, backup: GatewayProcess, files: AgentFiles) -> None:
        self.primary, self.backup, self.files = primary, backup, files
        self.agent = files.start(primary.sockets, "--backup-gateway", backup.sockets)
        self.is_with(primary)

    def is_with(self, gateway: GatewayProcess) -> None:
        """Wait until the agent's account is there."""

        def connected() -> bool:
            with gateway.client() as engine:
                return bool(engine.accounts()[0].connected)

        until(connected, what=self.agent.text[-2_000:])

    def command(self, *words: object) -> Ran:
        at = ("--gateway", self.primary.url, "--gateway", self.backup.url)
        return onefill(*words, *at, "--key-file", self.primary.key_file)


def told(ran: Ran) -> dict[str, dict[str, Any]]:
    """The answers by gateway."""
    answers = [json.loads(line) for line in ran.out.splitlines()]
    return {one["gateway"]: one for one in answers}


def decide(gateway: GatewayProcess, key: str) -> Order:
    with gateway.client() as engine:
        return engine.decide(
            client_key=key, mt5_account=ACCOUNT, auto_execute=True, wait=10,
            symbol="EURUSD", side="buy", volume=0.1,
        )  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    home = tmp_path
    with (
        ServedBroker(home) as broker,
        GatewayProcess(home, ACCOUNT, config=CONFIG, broker=SIMULATED) as primary,
    ):
        primary.end()
        with BackupGateway(home / "backup", primary) as backup:
            primary.start()
            files = AgentFiles(home, broker, primary.tokens[ACCOUNT])
            both = Pair(primary, backup, files)
            with both.agent:
                yield both


def test_a_kill_on_both_is_complete_where_the_agent_confirmed_at_one(pair: Pair) -> None:
    assert decide(pair.primary, "before").status is State.FILLED
    ran = pair.command("kill", "--account", ACCOUNT, "--reason", "drill", "--json")
    answers = told(ran)
    assert [one["outcome"] for one in answers[pair.primary.url]["accounts"]] == ["confirmed"]
    (never,) = answers[pair.backup.url]["accounts"]
    assert (never["outcome"], never["seen"]) == ("unreachable", False)
    assert ran.status == 0, ran.err
    for gateway in (pair.primary, pair.backup):
        assert decide(gateway, f"halted-{gateway.port}").reason.code == "HALTED"  # type: ignore[union-attr]
    ran = pair.command("resume", "--account", ACCOUNT, "--reason", "it was a drill")
    assert ran.status == 0, ran.err
    assert ran.out.count("may trade again") == 2
    assert decide(pair.primary, "after").status is State.FILLED


def test_an_agent_at_the_backup_is_killed_and_resumed_though_the_primary_is_dead(
    pair: Pair,
) -> None:
    pair.primary.end(KILL)
    pair.is_with(pair.backup)
    until(lambda: decide(pair.backup, "through-the-backup").status is State.FILLED)
    ran = pair.command("kill", "--account", ACCOUNT, "--reason", "prices")
    assert ran.status == 3
    assert f"gateway {pair.primary.url}: GATEWAY" not in ran.err
    assert "is the gateway running?" in ran.err
    assert f"not halted at {pair.primary.url}" in ran.out
    assert f"is in force at {pair.backup.url}" in ran.out
    assert any(ACCOUNT in line and "confirmed" in line for line in ran.out.splitlines())
    assert decide(pair.backup, "halted").reason.code == "HALTED"  # type: ignore[union-attr]
    ran = pair.command("resume", "--account", ACCOUNT, "--reason", "next", "--json")
    assert ran.status == 3, "the primary could not be asked"
    assert set(told(ran)) == {pair.primary.url, pair.backup.url}
    assert "error" in told(ran)[pair.primary.url]
    until(lambda: decide(pair.backup, "resumed").status is State.FILLED)


def test_an_agent_at_the_backup_is_reached_though_the_primary_never_saw_it(pair: Pair) -> None:
    pair.primary.end(KILL)
    pair.is_with(pair.backup)
    pair.primary.start()  # the agent may return to it at any moment from now on
    ran = pair.command("kill", "--account", ACCOUNT, "--reason", "prices", "--json")
    outcomes = [one["outcome"] for each in told(ran).values() for one in each["accounts"]]
    assert "confirmed" in outcomes
    assert ran.status == 0, ran.out
