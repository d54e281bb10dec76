"""`onefill orders`, `positions`, `quarantine`, `kill`, `resume` against a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onefill.client.client import Client

from .conftest import GENEROUS
from .served import Served

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(served: Served, tmp_path: Path) -> Run:
    def command(*words: str, key: str = "operator") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "onefill", *words],
            env=_environment(served, tmp_path, key),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


def _environment(served: Served, folder: Path, key: str) -> dict[str, str]:
    file = folder / f"{key}.key"
    file.write_text(f"{key}\n")
    file.chmod(0o600)
    return os.environ | {"ONEFILL_GATEWAY": served.url, "ONEFILL_KEY_FILE": str(file)}


def _decide(served: Served, key: str, symbol: str = "EURUSD") -> None:
    with Client(served.url, key="trader") as client:
        client.decide(
            client_key=key,
            mt5_account="111",
            auto_execute=True,
            symbol=symbol,
            side="buy",
            volume=0.1,
        )


def test_orders_and_positions_are_shown_to_people_and_to_programs(served: Served, run: Run) -> None:
    _decide(served, "one")
    _decide(served, "[red]two", "DENY")
    told = run("orders", key="trader")
    assert told.returncode == 0, told.stderr
    assert "one" in told.stdout
    assert "[red]two" in told.stdout
    assert "filled" in told.stdout
    lines = [json.loads(line) for line in run("orders", "--json", key="trader").stdout.splitlines()]
    assert [line["client_key"] for line in lines] == ["one", "[red]two"]
    assert "EURUSD" in run("positions").stdout
    assert json.loads(run("positions", "--json").stdout)["ticket"] == 9


def test_follow_prints_what_happens_until_it_is_stopped(served: Served, tmp_path: Path) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "onefill", "orders", "--follow", "--json"],
        env=_environment(served, tmp_path, "trader"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert command.stdout is not None
        assert served.world is not None
        while not served.world.app.state.door.streams.total:
            time.sleep(0.01)
        _decide(served, "live")
        seen = [json.loads(command.stdout.readline()) for _ in range(3)]
        events = [one for one in seen if "seq" in one]
        assert events
        assert events[0]["client_key"] == "live"
    finally:
        command.terminate()
        command.communicate(timeout=20)


def test_a_kill_says_per_account_what_came_of_it_and_a_resume_lifts_it(run: Run) -> None:
    told = run("kill", "--reason", "prices look wrong", "--flatten")
    assert told.returncode == 3, told.stderr
    for word in ("111", "confirmed", "113", "unreachable"):
        assert word in told.stdout
    halts = [json.loads(line) for line in run("resume", "--list", "--json").stdout.splitlines()]
    assert [halt["scope"] for halt in halts] == ["tenant"]
    assert "2 open" in run("resume", "--list").stdout
    assert run("resume", halts[0]["id"]).returncode == 2
    lifted = run("resume", halts[0]["id"], "--reason", "the feed is back")
    assert lifted.returncode == 0, lifted.stderr
    assert "nothing is halted" in run("resume", "--list").stdout


NOWHERE = "http://127.0.0.1:1"


def _objects(told: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_a_kill_goes_to_every_gateway_and_one_that_is_away_keeps_none_back(
    served: Served, run: Run, tmp_path: Path
) -> None:
    with Served(tmp_path / "other", GENEROUS) as other:
        gateways = ("--gateway", NOWHERE, "--gateway", served.url, "--gateway", other.url)
        told = run("kill", "--reason", "prices", "--account", "111", "--json", *gateways)
        assert told.returncode == 3, told.stderr
        answers = {one["gateway"]: one for one in _objects(told)}
        assert answers[NOWHERE]["error"]["code"] == "GATEWAY_UNREACHABLE"
        for each in (served, other):
            assert answers[each.url]["halt"]["mt5_account"] == "111"
            assert each.world is not None
            assert len(each.world.people.in_force) == 1

        both = ("--gateway", f"{served.url},{other.url}")
        listed = run("resume", "--list", *both)
        assert listed.returncode == 0, listed.stderr
        for each in (served, other):
            assert f"Halts at {each.url}" in listed.stdout
        ours = answers[served.url]["halt"]["id"]
        one = run("resume", ours, "--reason", "back", *both)
        assert one.returncode == 0, "the other one has no halt of that id, and needs none lifted"
        assert f"halt {ours} is lifted at {served.url}" in one.stdout
        assert f"gateway {other.url}: no halt with the id '{ours}' is in force" in one.stderr
        again = run("resume", "--account", "111", "--reason", "back", *both, "--json")
        assert [one["gateway"] for one in _objects(again) if "id" in one] == [other.url]
        assert run("resume", "NOPE", "--reason", "back", *both).returncode == 3


def test_several_gateways_are_named_in_the_environment_with_a_key_each(
    served: Served, tmp_path: Path
) -> None:
    with Served(tmp_path / "other", GENEROUS) as other:
        environment = _environment(served, tmp_path, "operator")
        key = environment["ONEFILL_KEY_FILE"]
        environment["ONEFILL_GATEWAY"] = f"{served.url} {other.url}/"

        def command(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "onefill", *words],
                env=environment, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip

        kill = ("kill", "--account", "111", "--reason", "prices")
        told = command(*kill)
        assert told.stderr == ""
        for each in (served, other):
            assert f"is in force at {each.url}" in told.stdout
        environment["ONEFILL_KEY_FILE"] = os.pathsep.join([str(tmp_path / "none.key"), key])
        told = command(*kill)
        assert told.returncode == 3
        assert f"not halted at {served.url}" in told.stdout
        assert "none.key" in told.stderr
        assert f"is in force at {other.url}" in told.stdout
        told = command(*kill, *("--key-file", key) * 3)
        assert (told.returncode, told.stdout) == (2, "")
        assert "2 gateways and 3 key files" in told.stderr
        told = command("orders", "--key-file", key)
        assert (told.returncode, told.stdout) == (2, "")
        assert "2 gateways are named" in told.stderr


def test_a_gateway_that_is_named_twice_is_asked_once(served: Served, run: Run) -> None:
    told = run("kill", "--reason", "prices", "--account", "111", "--json", "--gateway",
               f"{served.url}/ {served.url}")  # fmt: skip
    assert [one["gateway"] for one in _objects(told)] == [served.url], told.stderr


def test_an_order_in_quarantine_is_settled(served: Served, run: Run) -> None:
    assert "no order" in run("quarantine").stdout
    _decide(served, "lost", "LOST")
    assert "lost" in run("quarantine").stdout
    words = ("resolve", "lost", "--account", "111", "--as", "not_executed", "--reason", "looked")
    told = run("quarantine", *words)
    assert told.stdout == "order lost is not_executed\n", told.stderr


def test_mistakes_are_one_line(run: Run, tmp_path: Path) -> None:
    told = run("orders", key="nobody")
    assert told.returncode == 2
    assert len(told.stderr.splitlines()) == 1
    assert "credentials" in told.stderr
    told = run("orders", "--key-file", str(tmp_path / "none"))
    assert (told.returncode, len(told.stderr.splitlines())) == (2, 1)
    told = run("kill", "--reason", "r", "--account", "222")
    assert (told.returncode, len(told.stderr.splitlines())) == (2, 1)
    if os.name == "posix":
        shared = tmp_path / "shared.key"
        shared.write_text("operator")
        shared.chmod(0o644)
        assert "chmod 600" in run("orders", "--key-file", str(shared)).stderr
