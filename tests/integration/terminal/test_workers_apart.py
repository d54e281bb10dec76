"""Real worker processes, spoken to directly: stopped past a call's time; what they give away."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from onefill.model.errors import OnefillError
from onefill.model.resolved import BrokerRequest
from onefill.runtime.clock import SystemClock, monotonic_ns
from onefill.terminal import port
from onefill.terminal.port import Request
from onefill.terminal.session import Session
from onefill.terminal.worker import process, wire
from onefill.terminal.worker.config import WorkerConfig
from onefill.terminal.worker.process import WorkerProcess, start_worker
from onefill.terminal.worker.terminal import WorkerTerminal
from onefill.terminal.worker.wire import Ask, decode_told, encode
from tests.contract.ports import session
from tests.integration.terminal.served import CONTINUE, STOP

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops by signals, reads /proc")

PASSWORD, TOKEN = "pass-Zq81-word", "tok-Xw27-en"
BUY = BrokerRequest(
    action=port.ACTION_DEAL, symbol="EURUSD", volume=0.1, type_filling=port.FILLING_IOC
)


def listed(pid: int, what: str) -> bytes:
    """What anybody may list of a process."""
    return Path(f"/proc/{pid}/{what}").read_bytes()


async def start(home: Path, one: Session) -> WorkerProcess:
    with (home / "worker.log").open("ab") as log:
        return await start_worker(one, home / "fences", log)


async def test_a_send_that_waited_in_the_socket_of_a_stopped_worker_comes_too_late(
    tmp_path: Path,
) -> None:
    worker = await start(tmp_path, session(tmp_path))
    told: asyncio.Queue[bytes] = asyncio.Queue()
    worker.frames.on_frame = told.put_nowait

    async def ask(number: int, name: str, arguments: Any, not_after_ns: int = 0) -> None:
        raw = msgspec.Raw(encode(arguments))
        worker.frames.send(encode(Ask(number, name, raw, 1, not_after_ns)))

    os.kill(worker.pid, STOP)
    await ask(1, "order_send", {"request": BUY}, monotonic_ns() + 50_000_000)
    await ask(2, "positions_get", {})
    await asyncio.sleep(0.1)
    os.kill(worker.pid, CONTINUE)
    async with asyncio.timeout(60):
        sent = decode_told(await told.get(), 1, "order_send")
        positions = decode_told(await told.get(), 2, "positions_get")
    await worker.finish(2.0)

    assert (sent.value, sent.error[0]) == (None, port.TOO_LATE)
    assert positions.value == ()


@pytest.mark.parametrize("greeting", [process, wire], ids=["its hello", "its welcome"])
async def test_a_worker_of_another_version_is_not_used_and_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, greeting: ModuleType
) -> None:
    with monkeypatch.context() as upgraded:
        upgraded.setattr(greeting, "VERSION", wire.VERSION + 1)  # this engine's, not the worker's
        with pytest.raises(OnefillError, match="install the same Onefill") as refused:
            await start(tmp_path, session(tmp_path))
    assert refused.value.code == "WIRE_VERSION"
    worker = await start(tmp_path, session(tmp_path))  # the account is free
    await worker.finish(2.0)


async def test_a_worker_gives_no_secret_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MT5_LOGIN_WORD", f"x{PASSWORD}x")
    monkeypatch.setenv("mt5_password", "another")
    one = session(tmp_path, password=PASSWORD, token=TOKEN)
    worker = await start(tmp_path, one)
    shown = listed(worker.pid, "cmdline") + listed(worker.pid, "environ")
    shown += listed(os.getpid(), "cmdline")
    with pytest.raises(OnefillError) as refused:
        await start(tmp_path, one)  # the account is in use
    await worker.finish(2.0)
    config = WorkerConfig(session=one, address="unix:/nowhere", token=TOKEN, fences="")
    words = [repr(one), str(one), f"{config!r} {config}", repr(refused.value), str(refused.value)]
    words.append((tmp_path / "worker.log").read_text())

    assert b"mt5_password" not in shown
    for secret in (PASSWORD, TOKEN):
        assert secret.encode() not in shown
        assert secret not in " ".join(words)


async def test_a_login_that_fails_and_a_setting_that_is_wrong_name_no_secret(
    tmp_path: Path,
) -> None:
    broken = session(tmp_path, terminal_path="simulated:nosuch", password=PASSWORD, token=TOKEN)
    with pytest.raises(OnefillError) as failed:
        await start(tmp_path, broken)
    with pytest.raises(OnefillError) as wrong:
        Session(name="a b", login=1, server="S", password=PASSWORD, token=TOKEN)
    told = f"{failed.value!r} {wrong.value!r} {(tmp_path / 'worker.log').read_text()}"
    assert PASSWORD not in told
    assert TOKEN not in told


async def test_a_worker_that_was_stopped_in_a_call_is_replaced_and_sent_nothing_twice(
    tmp_path: Path,
) -> None:
    terminal = WorkerTerminal(lambda: start(tmp_path, session(tmp_path)), SystemClock())
    await terminal.start()
    assert terminal.welcome is not None
    os.kill(terminal.welcome.pid, STOP)
    now_ms = time.time_ns() // 1_000_000
    send = Request("order_send", {"request": BUY}, 1, now_ms + 200, now_ms + 300)
    reply = await terminal.call(send)
    for _ in range(1_200):
        if terminal.restarts:
            break
        await asyncio.sleep(0.05)
    positions = await terminal.call(Request("positions_get", {}))
    await terminal.close()

    assert (reply.value, reply.error[0]) == (None, port.TIMED_OUT)
    assert positions.value == ()
