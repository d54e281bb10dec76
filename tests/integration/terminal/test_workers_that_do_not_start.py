"""Workers whose start hangs or dies, real processes: the engine is told in time, nothing is left
running, and one that keeps dying is left alone for a while."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from onefill.channels.local.broker import BrokerInterface
from onefill.channels.local.database import ExecutionDatabase
from onefill.channels.local.engine import ExecutionEngine, create_execution_engine
from onefill.channels.local.pool import MT5ConnectionPool
from onefill.terminal.port import NO_WORKER
from onefill.terminal.worker.config import WorkerConfig
from onefill.terminal.worker.fence import Fence
from onefill.terminal.worker.wire import framed
from tests.contract.ports import LOGIN, SERVER, session
from tests.integration.terminal.processes import state_of, until
from tests.integration.terminal.served import KILL, QUICK, decision, pool_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills by signals, reads /proc")

#: Imported by every Python that starts: a worker does as the file `how` says, and leaves its pid.
SITE = """
import os, pathlib, sys, time
here = pathlib.Path(__file__).parent
if "onefill.terminal.worker" in " ".join(sys.orig_argv) and (here / "how").exists():
    (here / f"{os.getpid()}.pid").touch()
    if (here / "how").read_text() == "die":
        os._exit(11)
    time.sleep(3600)
"""


class Starts:
    """How workers start from now on, and which did."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.mkdir()
        (place / "sitecustomize.py").write_text(SITE)

    def become(self, how: str) -> None:
        """`hang` or `die`."""
        (self._place / "how").write_text(how)

    def heal(self) -> None:
        """They start as they should."""
        (self._place / "how").unlink()

    def processes(self) -> list[int]:
        """Those that hung or died."""
        return [int(file.stem) for file in self._place.glob("*.pid")]


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starts:
    made = Starts(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    return made


def engine_of(pool: MT5ConnectionPool, home: Path) -> ExecutionEngine:
    config = replace(QUICK, connection_patience_seconds=60.0)
    return create_execution_engine(
        BrokerInterface(connection_pool=pool), ExecutionDatabase(home / "journal"), config
    )


def test_a_worker_whose_start_hangs_is_given_up_and_ended_and_the_next_one_is_used(
    tmp_path: Path, starts: Starts
) -> None:
    starts.become("hang")
    one = session(tmp_path, timeout_ms=1)  # and the ten seconds that the worker itself may take
    with pool_of(tmp_path, one) as pool, engine_of(pool, tmp_path) as engine:
        trouble = pool.troubles["main"]
        hung = starts.processes()
        gone = [state_of(process) for process in hung]
        starts.heal()
        done = engine.execute(decision("after"))

    assert "did not start: it did not answer in time" in trouble
    assert (len(hung), gone) == (1, [""])
    assert done.status == "filled", done


def test_an_engine_whose_workers_die_as_they_start_refuses_and_says_why(
    tmp_path: Path, starts: Starts
) -> None:
    starts.become("die")
    with pool_of(tmp_path, session(tmp_path)) as pool, engine_of(pool, tmp_path) as engine:
        refused = engine.execute(decision("before"))
        starts.heal()
        done = engine.execute(decision("after"))

    assert (refused.status, refused.rejection_reason) == ("rejected", "network_error")
    assert "it ended with status 11; its log says why" in (refused.rejection_details or "")
    assert done.status == "filled", done


def test_a_crash_loop_opens_the_circuit_which_is_told_and_leaves_nothing_running(
    tmp_path: Path, starts: Starts
) -> None:
    with pool_of(tmp_path, session(tmp_path)) as pool:
        main = pool.sessions["main"]
        assert main.terminal is not None
        assert main.terminal.welcome is not None
        starts.become("die")
        os.kill(main.terminal.welcome.pid, KILL)
        log = tmp_path / "logs" / "main.log"
        until(lambda: "WORKER_CIRCUIT_OPEN" in log.read_text(), "the circuit stays closed")
        until(lambda: "nothing is tried for 60 s" in main.trouble, "the session does not say so")
        tried = len(starts.processes())
        reply = main.call("account_info")
        left = [state_of(process) for process in starts.processes()]

    assert log.read_text().count("it ended with status 11") == tried == 4
    assert (reply.value, reply.error[0]) == (None, NO_WORKER)
    assert set(left) == {""}


@pytest.mark.parametrize("hears_it_first", [False, True], ids=["gone before", "gone after hello"])
def test_a_worker_whose_engine_went_away_as_it_started_ends_in_peace(
    tmp_path: Path, hears_it_first: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        config = WorkerConfig(
            session=session(tmp_path),
            address=f"tcp:127.0.0.1:{engine.getsockname()[1]}",
            token="t",
            fences=str(tmp_path / "fences"),
        )
        if not hears_it_first:
            engine.close()
        worker = subprocess.Popen(
            [sys.executable, "-m", "onefill.terminal.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert worker.stdin is not None
        worker.stdin.write(framed(msgspec.msgpack.encode(config)))
        worker.stdin.flush()
        if hears_it_first:
            engine.accept()[0].close()
        said, _ = worker.communicate(timeout=60)

    assert (worker.returncode, said) == (0, b"")
    Fence(tmp_path / "fences", LOGIN, SERVER, 0.0).release()
