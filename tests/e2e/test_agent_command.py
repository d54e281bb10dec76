"""`onefill agent` as it is typed: wrong calls, tokens in files, gateways that are away, its end."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import onefill
from tests.e2e.gateway_stage import LOGIN, AgentFiles, GatewayProcess, Part, ServedBroker, until
from tests.e2e.test_gateway_command import said

AWAY = "ws://127.0.0.1:1"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBroker]:
    with ServedBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def files(tmp_path: Path, broker: ServedBroker) -> AgentFiles:
    return AgentFiles(tmp_path, broker)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"--gateway": "http://127.0.0.1:1"}, "wss://"),
        ({"--gateway": "ws://gateway.example"}, "--allow-plain"),
        ({"--gateway": "wss://me:secret@gateway.example"}, "no user"),
        ({"--gateway": "wss://gateway.example/prefix"}, "no path"),
        ({"--gateway": "wss://gateway.example?token=secret"}, "no query"),
        ({"--gateway": "wss://"}, "no host"),
        ({"--token-file": "open.token"}, "chmod 600"),
        ({"--terminals": "two_words.toml"}, "one word"),
        ({"--token-file": "none.token"}, "none.token"),
        ({"--token-file": "empty.token"}, "empty.token"),
        ({"--terminals": "none.toml"}, "none.toml"),
        ({"--terminals": "broken.toml"}, "broken.toml"),
        ({"--terminals": "unknown.toml"}, "colour"),
        ({"--terminals": "nobody.toml"}, "session"),
        ({"--dialect": "latin"}, "latin"),
        ({"--gateway": None}, "--gateway"),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_a_wrong_call_is_one_line(
    files: AgentFiles, changes: dict[str, str | None], says: str
) -> None:
    (files.home / "empty.token").touch(mode=0o600)
    (files.home / "open.token").write_text("a.b.c")
    (files.home / "open.token").chmod(0o644)
    (files.home / "two_words").write_text("two words")
    served = (files.home / "terminals.toml").read_text().replace("broker.token", "two_words")
    for name, text in (
        ("two_words", served),
        ("broken", "[sessions"), ("unknown", "[sessions.main]\ncolour = 1\n"), ("nobody", ""),
    ):  # fmt: skip
        (files.home / f"{name}.toml").write_text(text)
    words = {
        "--gateway": AWAY, "--token-file": "agent.token", "--terminals": "terminals.toml",
        "--data": "data", **changes,
    }  # fmt: skip
    paths = ("--token-file", "--terminals", "--data")
    line: list[object] = ["agent"]
    for name, value in words.items():
        if value is not None:
            line += [name, files.home / value if name in paths else value]
    ran = said(*line)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.complaint
    assert "secret" not in ran.err


def test_it_says_why_a_terminal_that_is_connected_is_not_ready(files: AgentFiles) -> None:
    terminals = files.home / "terminals.toml"
    text = terminals.read_text()
    terminals.write_text(text.replace("login =", "time_zone = 'Asia/Tokyo'\nlogin ="))
    with files.start(AWAY) as agent:
        missing = agent.hear(lambda one: one.get("event") == "terminal_missing")
        assert "Asia/Tokyo" in missing["why"]
        assert agent.end() == 0


def test_it_waits_for_a_gateway_that_is_away_and_stops_when_it_is_told_to(
    files: AgentFiles,
) -> None:
    with files.start(AWAY) as agent:
        away = agent.hear(lambda one: one.get("event") == "away")
        assert away["gateway"] == AWAY
        assert away["why"]
        twice = onefill(*map(str, files.words(AWAY)[2:]))
        assert (twice.status, twice.out) == (2, "")
        assert "is being written by process" in twice.complaint
        assert agent.end() == 0
    assert [one["event"] for one in agent.said[-2:]] == ["stopping", "stopped"]


def test_a_token_that_is_renewed_in_its_file_is_taken_and_the_backup_serves_meanwhile(
    files: AgentFiles, tmp_path: Path
) -> None:
    with (
        GatewayProcess(tmp_path, str(LOGIN)) as gateway,
        files.start(AWAY, "--backup-gateway", gateway.sockets) as agent,
    ):
        refused = agent.hear(lambda one: "401" in str(one.get("why")))
        assert refused["gateway"] == gateway.sockets
        (files.home / "agent.token").write_text(gateway.tokens[str(LOGIN)] + "\n")
        connected = agent.hear(lambda one: one.get("event") == "connected")
        assert connected["gateway"] == gateway.sockets
        agent.hear(lambda one: one.get("event") == "in_contact")
        with gateway.client() as engine:
            until(lambda: [one.server for one in engine.accounts()] == ["Onefill-Demo"])
            assert [one.connected for one in engine.accounts()] == [True]
        assert gateway.tokens[str(LOGIN)] not in agent.text
        assert agent.end(signal.SIGINT) == 0


def test_a_broker_that_has_not_made_its_token_yet_is_waited_for(files: AgentFiles) -> None:
    token = files.home / "broker.token"
    text = token.read_text()
    token.unlink()
    with files.start(AWAY) as agent:
        started = agent.hear(lambda one: one.get("event") == "started")
        assert started["journal"] == str(files.home / "data" / "journal")
        assert started["data"] == str(files.home / "data")
        missing = agent.hear(lambda one: one.get("event") == "terminal_missing")
        assert "not there yet" in missing["why"]
        token.touch(mode=0o600)
        token.write_text(text)
        agent.hear(lambda one: one.get("event") == "terminal_ready")
        assert agent.end() == 0
    assert text.strip() not in agent.text


def test_it_speaks_to_people_too(files: AgentFiles) -> None:
    words = [word for word in files.words(AWAY) if word != "--json"]
    with Part(*words, home=files.home) as agent:
        until(lambda: AWAY in agent.text and "away" in agent.text)
        assert agent.end() == 0
    for line in agent.lines:
        with pytest.raises(json.JSONDecodeError):
            json.loads(line)
