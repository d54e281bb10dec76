"""Two engines, in processes and with journals of their own, for one account on one machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from onefill.terminal.session import Session
from tests.integration.terminal.served import CONTINUE, STOP, ServedBroker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops by POSIX signals")

ENGINE = """
import sys
from pathlib import Path
import msgspec
from onefill.terminal.session import Session
from tests.integration.terminal.served import decision, engine_on, pool_of
home, journal = Path(sys.argv[1]), Path(sys.argv[2])
session = msgspec.json.decode(sys.stdin.readline(), type=Session)
with pool_of(home, session) as pool:
    with engine_on(pool, journal) as engine:
        for line in sys.stdin:
            answer = engine.execute(decision(line.strip()))
            print(answer.status, answer.ticket, answer.rejection_details or "", flush=True)
"""


class Engine:
    """A process with an engine; it executes the order ids that it is told."""

    def __init__(self, home: Path, name: str, session: Session) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ENGINE, str(home), str(home / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        self._say(msgspec.json.encode(session).decode())

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, order_id: str) -> None:
        self._say(order_id)

    def answer(self) -> tuple[str, str, str]:
        assert self.process.stdout is not None
        status, ticket, why = self.process.stdout.readline().split(" ", 2)
        return status, ticket, why.strip()

    def end(self) -> None:
        self.process.send_signal(CONTINUE)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def test_of_two_engines_that_start_at_once_one_trades_and_the_other_is_told(tmp_path: Path) -> None:
    broker = ServedBroker(tmp_path, 1000001)
    session = broker.session("main")
    engines = [Engine(tmp_path, name, session) for name in ("one", "other")]
    try:
        for engine in engines:
            engine.ask("same")
        answers = [engine.answer() for engine in engines]
    finally:
        for engine in engines:
            engine.end()
        broker.stop()

    assert sorted(status for status, _, _ in answers) == ["filled", "rejected"], answers
    (why,) = [why for status, _, why in answers if status == "rejected"]
    assert "held by the worker with process id" in why
    assert len(broker.positions()) == 1


def test_an_engine_stopped_past_its_lease_sends_nothing_once_another_has_taken_over(
    tmp_path: Path,
) -> None:
    broker = ServedBroker(tmp_path, 1000001)
    session = broker.session("main")
    first = Engine(tmp_path, "first", session)
    second: Engine | None = None
    try:
        first.ask("a")
        assert first.answer()[0] == "filled"
        first.process.send_signal(STOP)
        first.ask("late")  # it waits in the stopped engine's pipe
        worker = _worker_of(first.process.pid)
        subprocess.run(["kill", "-9", str(worker)], check=True)  # the holder of the account's lock
        second = Engine(tmp_path, "second", session)
        second.ask("b")
        assert second.answer()[0] == "filled"
        first.process.send_signal(CONTINUE)
        late = first.answer()
        second.ask("c")
        assert second.answer()[0] == "filled"
    finally:
        first.end()
        if second is not None:
            second.end()
        broker.stop()

    assert late[0] == "rejected", late
    assert len(broker.positions()) == 3


def _worker_of(engine: int) -> int:
    """The one child of an engine that is a worker."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(engine)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    (line,) = [one for one in listed.stdout.splitlines() if "onefill.terminal.worker" in one]
    return int(line.split()[0])


def test_a_session_that_takes_over_ends_a_worker_that_is_stopped(tmp_path: Path) -> None:
    broker = ServedBroker(tmp_path, 1000001)
    session = broker.session("main")
    first = Engine(tmp_path, "first", session)
    second: Engine | None = None
    try:
        first.ask("a")
        assert first.answer()[0] == "filled"
        held = _worker_of(first.process.pid)
        first.process.send_signal(STOP)
        subprocess.run(["kill", "-STOP", str(held)], check=True)
        second = Engine(tmp_path, "second", msgspec.structs.replace(session, take_over=True))
        second.ask("b")
        assert second.answer()[0] == "filled"
    finally:
        first.end()
        if second is not None:
            second.end()
        broker.stop()

    assert len(broker.positions()) == 2
