"""The agent's lines: one each, whatever is in them."""

from __future__ import annotations

import io
import json

from onefill.agent.lines import LONGEST, Lines
from onefill.runtime.clock import VirtualClock

AT_MS = 1_700_049_600_123


def test_a_line_says_when_what_and_whose() -> None:
    out = io.StringIO()
    Lines(out, VirtualClock(AT_MS), as_json=False).of("7")("away", why="it is cut", empty="")
    assert out.getvalue() == '2023-11-15T12:00:00.123Z away account=7 why="it is cut"\n'


def test_as_json_it_says_the_same() -> None:
    out = io.StringIO()
    Lines(out, VirtualClock(AT_MS), as_json=True).of("7")("away", again_in_s=0.5)
    assert json.loads(out.getvalue()) == {
        "at": "2023-11-15T12:00:00.123Z", "event": "away", "account": "7", "again_in_s": 0.5
    }  # fmt: skip


def test_what_others_say_cannot_forge_a_line_or_fill_the_disk() -> None:
    out = io.StringIO()
    forged = "x\n2023 kill account=7\x1b[2J" + "y" * 10_000
    Lines(out, VirtualClock(AT_MS), as_json=False).say("gateway_error", why=forged)
    (line,) = out.getvalue().splitlines()
    assert len(line) < LONGEST + 100
    assert "\x1b" not in line


def test_a_reader_that_has_gone_stops_nothing() -> None:
    out = io.StringIO()
    out.close()
    Lines(out, VirtualClock(AT_MS), as_json=False).say("away")
