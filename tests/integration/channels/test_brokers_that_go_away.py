"""Brokers that go away and come back, and sessions of another server, over real workers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.contract.ports import market, session
from tests.integration.terminal.served import ServedBroker, decision, engine_on, pool_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends brokers by POSIX signals")


def serve_again(broker: ServedBroker, home: Path, address: str) -> None:
    """The same broker from its book, on the same port."""
    broker.process = subprocess.Popen(
        [
            sys.executable, "-m", "onefill", "broker", "serve", "--profile",
            str(broker.home / "profile.toml"), "--ticks", str(market(home)), "--listen", address,
            "--token-file", str(broker.home / "token"), "--state", str(broker.book),
            "--speed", "real", "--json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert broker.process.stdout is not None
    assert json.loads(broker.process.stdout.readline())["address"] == address


def test_a_broker_that_ends_and_comes_back_is_traded_on_again_by_itself(tmp_path: Path) -> None:
    broker = ServedBroker(tmp_path, 1000001)
    there = broker.session("main")
    address = there.terminal_path.removeprefix("broker://")
    try:
        with pool_of(tmp_path, there) as pool, engine_on(pool, tmp_path / "journal") as engine:
            assert engine.execute(decision("before")).status == "filled"
            broker.stop()
            gone = pool.sessions["main"].call("ready").value
            assert gone is None or not gone.connected
            serve_again(broker, tmp_path, address)
            until = time.monotonic() + 30
            done = engine.execute(decision("after", units=20_000))

            assert done.status == "filled", (done, time.monotonic() - until)
            assert engine.execute(decision("before")).status == "filled"
            assert sorted(held.volume for held in broker.positions()) == [0.1, 0.2]
    finally:
        broker.stop()


def test_a_session_of_another_server_refuses_to_trade(tmp_path: Path) -> None:
    broker = ServedBroker(tmp_path, 1000001)
    other = msgspec.structs.replace(broker.session("main"), server="Elsewhere-Live")
    try:
        with pool_of(tmp_path, other) as pool, engine_on(pool, tmp_path / "journal") as engine:
            assert not pool.connect()
            done = engine.execute(decision("never"))

            assert (done.status, done.rejection_reason) == ("rejected", "network_error")
            assert "Elsewhere-Live" in (done.rejection_details or "")
            assert broker.deals() == []
    finally:
        broker.stop()


def test_passwords_are_in_no_log(tmp_path: Path) -> None:
    secret = "a password that nobody guesses"
    with pool_of(tmp_path, session(tmp_path, password=secret)) as pool:
        pool.connect()
        told = str(pool.troubles)
    written = "".join(file.read_text() for file in (tmp_path / "logs").iterdir())

    assert secret not in written + told
