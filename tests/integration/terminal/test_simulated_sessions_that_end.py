"""Simulated brokers whose process ends: the next one finds account, positions and time again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onefill.channels.local.session import PooledSession
from onefill.model.resolved import BrokerRequest
from onefill.terminal import port
from onefill.terminal.session import Session
from onefill.terminal.worker.books import keeping_its_book
from tests.contract.ports import market, session
from tests.integration.terminal.served import KILL, pool_of

PROGRAM = """
import faulthandler, json, time
faulthandler.dump_traceback_later(50, exit=True)  # a hang says where
import onefill.mt5 as mt5
assert mt5.initialize("simulated:default"), mt5.last_error()
while not (tick := mt5.symbol_info_tick("BTCUSD")):
    time.sleep(0.02)
sent = mt5.order_send(dict(action=1, symbol="BTCUSD", volume=1.0, type=0, type_filling=1))
told = [row.ticket for row in mt5.positions_get()]
print(json.dumps([sent.retcode, told, tick.time_msc, mt5.positions_get()[-1].time_msc]))
"""


def run(state: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        # A terminal hosted in a test's own process leaves its words in the environment.
        env={
            **{name: text for name, text in os.environ.items() if not name.startswith("ONEFILL_")},
            "ONEFILL_STATE": str(state),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_generated_markets_account_goes_on_in_the_next_process(tmp_path: Path) -> None:
    state = tmp_path / "state" / "broker.book"
    state.parent.mkdir()
    first = run(state)
    second = run(state)

    assert (first[0], second[0]) == (10009, 10009)
    assert second[1] == [*first[1], second[1][-1]]
    assert second[3] > first[3]


@pytest.mark.skipif(sys.platform == "win32", reason="kills by POSIX signals")
def test_a_session_without_a_state_finds_its_broker_again_after_its_worker_was_killed(
    tmp_path: Path,
) -> None:
    with pool_of(tmp_path, session(tmp_path, state="")) as pool:
        one = pool.sessions["main"]
        assert one.usable, one.trouble
        before = _opened(one)
        assert one.terminal is not None
        assert one.terminal.welcome is not None
        os.kill(one.terminal.welcome.pid, KILL)
        after: Any = None
        for _ in range(1_200):
            after = one.call("positions_get").value
            if after is not None:
                break
            time.sleep(0.05)
        now_ms = pool.clock.now_ms()
        tick = one.call("symbol_info_tick", symbol="EURUSD").value

    assert [row.ticket for row in after] == [before]
    assert abs(tick.time_ms - now_ms) < 5_000
    assert len(list((tmp_path / "fences").glob("1000001@*.book"))) == 1


def _opened(one: PooledSession) -> int:
    buy = BrokerRequest(
        action=port.ACTION_DEAL, symbol="EURUSD", volume=0.1, type_filling=port.FILLING_IOC
    )
    reply = one.call("order_send", request=buy)
    assert reply.value is not None, reply
    ticket: int = reply.value.order
    return ticket


def test_another_profile_or_other_ticks_are_another_broker(tmp_path: Path) -> None:
    plain = session(tmp_path, state="")
    books = {
        keeping_its_book(one, tmp_path).state
        for one in (
            plain,
            msgspec.structs.replace(plain, terminal_path="simulated:ecn"),
            msgspec.structs.replace(plain, ticks=()),
            msgspec.structs.replace(plain, login=plain.login + 1),
        )
    }
    market(tmp_path).write_text("time_msc,bid,ask\n1,1.1,1.2\n")

    assert len(books | {keeping_its_book(plain, tmp_path).state}) == 5


def test_a_session_that_names_its_book_and_a_real_or_a_served_one_are_left_alone(
    tmp_path: Path,
) -> None:
    for one in (
        session(tmp_path),
        Session(name="real", login=1, server="s"),
        Session(name="served", login=1, server="s", terminal_path="broker://127.0.0.1:1"),
    ):
        assert keeping_its_book(one, tmp_path) is one
