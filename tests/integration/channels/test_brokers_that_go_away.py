"""Brokers that go away and come back, and sessions of another server, over real workers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from onefill.channels.local.broker import BrokerInterface
from onefill.channels.local.database import ExecutionDatabase
from onefill.channels.local.engine import create_execution_engine
from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.port import NO_WORKER
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Requested
from tests.contract.ports import market, session
from tests.integration.terminal.served import (
    CONTINUE,
    QUICK,
    STOP,
    ServedBroker,
    decision,
    engine_on,
    pool_of,
)

BUY = BrokerRequest(
    action=port.ACTION_DEAL, symbol="EURUSD", volume=0.1, type_filling=port.FILLING_IOC
)

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


def test_an_engine_whose_broker_stands_still_sends_nothing_and_trades_again_afterwards(
    tmp_path: Path,
) -> None:
    broker = ServedBroker(tmp_path, 1000001)
    try:
        with (
            pool_of(tmp_path, broker.session("main")) as pool,
            engine_on(pool, tmp_path / "journal") as engine,
        ):
            assert engine.execute(decision("before")).status == "filled"
            broker.process.send_signal(STOP)
            during = engine.execute(decision("during"))
            broker.process.send_signal(CONTINUE)
            again = engine.execute(decision("during"))
            deals = len(broker.deals())
            after = engine.execute(decision("after", units=20_000))
            for number in range(600):  # its worker, which hung, may be on its way still
                if after.status == "filled":
                    break
                time.sleep(0.1)
                after = engine.execute(decision(f"after {number}", units=20_000))
    finally:
        broker.stop()

    assert during.status == "rejected", during
    assert (again.status, deals) in (("rejected", 1), ("filled", 2))
    assert after.status == "filled", after
    assert len(broker.positions()) == deals + 1


def test_a_session_that_is_logged_in_to_another_account_refuses_to_trade(tmp_path: Path) -> None:
    """Another account is logged in by hand while the engine trades, and stays."""
    lasting = "[faults]\nwrong_account = 1\ntrouble_max_ms = 86400000\n"
    broker = ServedBroker(tmp_path, 1000001, terms=lasting)
    config = replace(QUICK, connection_patience_seconds=2.0)
    try:
        with pool_of(tmp_path, broker.session("main")) as pool:
            engine = create_execution_engine(
                BrokerInterface(connection_pool=pool), ExecutionDatabase(tmp_path / "j"), config
            )
            main = pool.sessions["main"]
            first = engine.execute(decision("first"))
            until = time.monotonic() + 60
            while main.usable:
                assert time.monotonic() < until
                time.sleep(0.1)
            second = engine.execute(decision("second"))
            engine.close()
            after_restart = create_execution_engine(
                BrokerInterface(connection_pool=pool), ExecutionDatabase(tmp_path / "j"), config
            )
            third = after_restart.execute(decision("third"))
            direct = main.call("order_send", request=BUY)
            why = main.why_not_trading
        entries = read_book(broker.book)
    finally:
        broker.stop()

    assert first.status == "rejected", first
    for refused in (second, third):
        assert (refused.status, refused.rejection_reason) == ("rejected", "network_error"), refused
        assert "logged in as 1000002" in (refused.rejection_details or "")
    assert (direct.value, direct.error[0]) == (None, NO_WORKER)
    assert "logged in as 1000002" in why
    assert "it refuses to trade" in why
    assert not [one for one in entries if isinstance(one, Requested)]
    assert broker.deals() == []


def test_passwords_are_in_no_log(tmp_path: Path) -> None:
    secret = "a password that nobody guesses"
    with pool_of(tmp_path, session(tmp_path, password=secret)) as pool:
        pool.connect()
        told = str(pool.troubles)
    written = "".join(file.read_text() for file in (tmp_path / "logs").iterdir())

    assert secret not in written + told
