"""`onefill demo`: broker, gateway, agent and strategy as processes, on quotes that come as you
look; and the end of all of them."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import onefill

SEEN_S = 90.0
#: There is none on Windows.
openpty: Any = getattr(os, "openpty", None)
CTRL_C = b"\x03"
#: A program whose terminal is the one on its standard input: Ctrl-C there is its signal.
_ON_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def left_behind(directory: Path) -> list[str]:
    """Processes that name a directory in their command line, where the system shows that."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = one.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in words:
            found.append(words)
    return found


def journals_hold(directory: Path) -> None:
    for name in ("gateway", "agent"):
        ran = onefill("journal", "verify", directory / name / "journal")
        assert ran.status == 0, ran.out + ran.err


def test_decisions_become_fills_until_its_time_is_over(tmp_path: Path) -> None:
    ran = onefill("demo", "--dir", tmp_path, "--seconds", "12", "--faults", "", "--json")
    assert ran.status == 0, ran.err
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert told[-1]["type"] == "summary"
    counts = told[-1]["counts"]
    by_order: dict[str, list[str]] = {}
    for event in told[:-1]:
        if event["client_key"]:
            by_order.setdefault(event["client_key"], []).append(event["type"])
    assert counts["filled"] >= 1
    assert counts["accepted"] == len(by_order)
    for life in by_order.values():
        steps = [word for word in life if word in ("accepted", "dispatched", "reported")]
        assert steps[:3] == ["accepted", "dispatched", "reported"][: len(steps)]
    assert [one["seq"] for one in told[:-1]] == sorted(one["seq"] for one in told[:-1])
    assert not left_behind(tmp_path)
    journals_hold(tmp_path)
    for secret in (tmp_path / "keys").iterdir():
        assert secret.read_text().strip() not in ran.out + ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_ctrl_c_at_a_terminal_ends_it_and_says_what_to_look_at_next(tmp_path: Path) -> None:
    ours, theirs = openpty()
    demo = subprocess.Popen(
        [sys.executable, "-c", _ON_A_TERMINAL, "-m", "onefill", "demo", "--dir", str(tmp_path)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        text = _read(ours, rb"filled 0\.1")
        os.write(ours, CTRL_C)
        text += _read(ours, rb"What each part said")
        assert demo.wait(30) == 0
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()
        os.close(ours)
    shown = text.decode()
    assert "Traceback" not in shown
    for word in ("decision", "command", "result", "stopping"):
        assert word in shown
    assert re.search(r"[1-9]\d* decisions?, [1-9]\d* commands?, [1-9]\d* results?", shown)
    assert not left_behind(tmp_path)
    journals_hold(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C there")
def test_ctrl_c_while_its_parts_start_leaves_nothing_running(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "onefill", "demo", "--dir", str(tmp_path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("broker")
        demo.send_signal(signal.SIGINT)
        text = demo.stdout.read()
    assert demo.returncode in (1, 130)
    assert "Traceback" not in text
    assert not left_behind(tmp_path)


def _read(terminal: int, until: bytes) -> bytes:
    """What a terminal shows, up to some words."""
    text = b""
    give_up = time.monotonic() + SEEN_S
    while not re.search(until, text):
        assert time.monotonic() < give_up, text.decode(errors="replace")
        if select.select([terminal], [], [], 0.5)[0]:
            text += os.read(terminal, 65_536)
    return text
