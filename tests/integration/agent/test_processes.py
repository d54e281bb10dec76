"""`onefill agent` as a process of its own, killed at any moment: the broker's book is the judge."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from onefill.contracts.messages import Command, Result
from onefill.journal.verify import verify
from onefill.model.halt import Halt, Scope
from onefill.model.intent import Action
from onefill.model.states import State
from onefill.runtime.draws import Draws
from onefill.terminal.session import Session
from tests.integration.agent.gateway import TOKEN, FaultyGateway, command, opening, sequences
from tests.integration.terminal.served import KILL, ServedBroker

LOGIN = 1000001
ACCOUNT = str(LOGIN)


class AgentProcess:
    """The command, on a broker that outlives it."""

    def __init__(
        self, home: Path, session: Session, gateway: FaultyGateway, *backups: FaultyGateway
    ) -> None:
        self.home = home
        (home / "agent.token").touch(mode=0o600)
        (home / "agent.token").write_text(TOKEN)
        (home / "broker.token").write_text(session.token)
        (home / "terminals.toml").write_text(
            f"[sessions.main]\nlogin = {session.login}\nserver = '{session.server}'\n"
            f"terminal_path = '{session.terminal_path}'\ntoken_file = 'broker.token'\n"
            "[files]\nlogs = 'logs'\n[engine]\nlateness_bound_seconds = 0.5\n"
            "poll_interval_seconds = 0.1\ncall_deadline_seconds = 5\n"
        )
        self._command = [
            sys.executable, "-m", "onefill", "agent", "--gateway", gateway.url,
            "--token-file", str(home / "agent.token"),
            "--terminals", str(home / "terminals.toml"), "--data", str(home / "data"), "--json",
            *(word for one in backups for word in ("--backup-gateway", one.url)),
        ]  # fmt: skip
        self._said = home / "agent.said"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(
                self._command,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env={**os.environ, "HOME": str(self.home), "USERPROFILE": str(self.home)},
            )

    def end(self, how: int) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(30)

    def said(self) -> list[dict[str, Any]]:
        lines = self._said.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[ServedBroker, Session]]:
    broker = ServedBroker(tmp_path, LOGIN, latency_ms=10)
    try:
        yield broker, await asyncio.to_thread(broker.session, "main")
    finally:
        await asyncio.to_thread(broker.stop)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_killed_at_random_it_carries_out_every_command_once_and_tells_every_result(
    tmp_path: Path, served: tuple[ServedBroker, Session]
) -> None:
    broker, session = served
    draws = Draws(5)
    async with FaultyGateway() as gateway:
        agent = AgentProcess(tmp_path, session, gateway)
        agent.start()
        try:
            commands = [opening(f"k-{number}", volume=0.01) for number in range(24)]
            for turn in range(3):
                fresh = commands[turn * 8 : turn * 8 + 8]
                await hand(gateway, _unanswered(gateway, commands[: turn * 8]) + fresh)
                await asyncio.sleep(0.05 + 0.25 * draws.uniform("kill", turn))
                await asyncio.to_thread(agent.end, KILL)
                agent.start()
            await hand(gateway, _unanswered(gateway, commands))
            await gateway.until(lambda: not _unanswered(gateway, commands), 60)
            await hand(gateway, [command("all", action=Action.CLOSE_ALL)])
            await gateway.until(lambda: _whole(gateway), 60)
        finally:
            status = await asyncio.to_thread(agent.end, signal.SIGTERM)

    deals = [deal for deal in broker.deals() if deal.entry == 0]
    told: dict[int, Result] = {}
    for result in gateway.results:
        if result.sequence:
            assert told.setdefault(result.sequence, result) == result
    ended = {one.command_id: one.state for one in told.values() if one.command_id != "all"}
    filled = [key for key, state in ended.items() if state is State.FILLED]
    assert len(ended) == len(commands)
    assert set(ended.values()) <= {State.FILLED, State.NOT_EXECUTED}
    assert len(deals) == len(filled) > 0
    # One for each command, one for each position that was closed, and one for the whole.
    assert sorted(told) == list(range(1, len(commands) + len(filled) + 2))
    assert sequences(gateway.results) == sorted(told)
    assert not broker.positions()
    assert status == 0
    assert agent.said()[-1]["event"] == "stopped"
    assert verify(tmp_path / "data" / "journal").intact


def _whole(gateway: FaultyGateway) -> bool:
    return any(result.state is State.DONE for result in gateway.results_of("all"))


def _unanswered(gateway: FaultyGateway, commands: list[Command]) -> list[Command]:
    answered = {result.command_id for result in gateway.results}
    return [one for one in commands if one.intent.client_key not in answered]


async def hand(gateway: FaultyGateway, commands: list[Command]) -> None:
    """Send them to whoever holds the account, for as long as it holds it."""
    await gateway.until(lambda: gateway.is_live(ACCOUNT), 60)
    try:
        await gateway.say(ACCOUNT, *commands)
    except Exception as gone:  # noqa: BLE001 - killed meanwhile: they are handed again
        print(gone)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_killed_after_it_confirmed_a_halt_it_holds_to_it_with_the_backup(
    tmp_path: Path, served: tuple[ServedBroker, Session]
) -> None:
    broker, session = served
    primary, backup = FaultyGateway(), FaultyGateway()
    async with primary, backup:
        agent = AgentProcess(tmp_path, session, primary, backup)
        agent.start()
        try:
            await primary.until(lambda: primary.is_live(ACCOUNT), 60)
            primary.halts = (Halt(id="h1", scope=Scope.FIRM, by="ann"),)
            version = await primary.configure(ACCOUNT)
            await primary.until(lambda: primary.acked(f"config/{version}"), 60)
            await asyncio.to_thread(agent.end, KILL)
            await primary.stop()
            agent.start()
            await hand(backup, [opening("refused", volume=0.01)])
            await backup.until(lambda: backup.results_of("refused"), 60)
        finally:
            await asyncio.to_thread(agent.end, signal.SIGTERM)

        assert f"the firm is halted by ann at gateway {primary.url}" in backup.results[0].error
        assert not broker.deals()


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C there")
async def test_a_mistake_of_the_operators_is_a_sentence_and_status_2(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "onefill", "agent", *arguments],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    files = ["--token-file", str(tmp_path / "t"), "--terminals", str(tmp_path / "x.toml")]
    plain = await asyncio.to_thread(run, "--gateway", "ws://gateway.example", *files)
    missing = await asyncio.to_thread(run, "--gateway", "wss://gateway.example", *files)

    assert (plain.returncode, missing.returncode) == (2, 2)
    assert "not encrypted" in plain.stderr
    assert "cannot read the terminals file" in missing.stderr
