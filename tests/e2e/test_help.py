"""The help, with an example for every command, and the demo of a day that was, which needs nothing
of anybody."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.command import onefill

COMMANDS = (
    ("run",),
    ("demo",),
    ("script",),
    ("gateway",),
    ("agent",),
    ("orders",),
    ("positions",),
    ("kill",),
    ("resume",),
    ("quarantine",),
    ("quarantine", "resolve"),
    ("broker",),
    ("broker", "profiles"),
    ("journal",),
    ("journal", "verify"),
    ("journal", "show"),
    ("journal", "resolve"),
    ("journal", "export"),
    ("journal", "backup"),
)


def test_the_help_names_every_command() -> None:
    ran = onefill("--help")
    assert ran.status == 0
    assert "Example: onefill demo" in ran.out
    for command in sorted({first for first, *_ in COMMANDS}):
        assert re.search(rf"^\W*{command}\b", ran.out, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_an_example(command: tuple[str, ...]) -> None:
    ran = onefill(*command, "--help")
    assert ran.status == 0
    assert f"Example: onefill {' '.join(command)}" in " ".join(ran.out.split())


def test_the_version_is_told() -> None:
    ran = onefill("--version")
    assert ran.status == 0
    assert re.fullmatch(r"onefill \d+\.\d+\.\d+\S*", ran.out.strip())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), ""),
        (("fly",), "fly"),
        (("run",), "--ticks, --orders, --journal"),
        (("run", "--tick", "x"), "--tick"),
        (("run", "--leverage", "high"), "--leverage"),
        (("run", "--ticks", "x.csv", "--orders", "y", "--journal", "z", "--balance", "-1"), "-1"),
        (("journal", "verify", "nowhere"), "nowhere"),
        (("journal", "show", "nowhere"), "nowhere"),
        (("journal", "export", "nowhere", "--format", "xml"), "xml"),
        (("journal", "resolve", "nowhere", "k"), "--as"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_call_is_one_line_and_exit_2(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    ran = onefill(*words, cwd=tmp_path)
    if words:
        assert (ran.status, ran.out) == (2, "")
        assert said in ran.complaint
    else:
        assert "Usage" in ran.out + ran.err
    assert not list(tmp_path.iterdir())


def test_the_replayed_demo_ends_by_itself_and_says_what_to_look_at_next(tmp_path: Path) -> None:
    ran = onefill("demo", "--replay", cwd=tmp_path)
    assert ran.status in (0, 3)
    assert "Orders" in ran.out
    assert "Summary" in ran.out
    hints = [line.strip() for line in ran.out.splitlines() if line.startswith("  onefill ")]
    assert len(hints) == 3
    for hint in hints:
        told = onefill(*hint.split()[1:], cwd=tmp_path)
        assert told.status == (ran.status if " run " in hint else 0), hint


def test_the_replayed_demo_of_a_seed_is_the_same_everywhere(tmp_path: Path) -> None:
    one, other = (
        onefill("demo", "--replay", "--json", "--dir", tmp_path / name, "--seed", "3")
        for name in "ab"
    )
    assert one.out == other.out
    assert len(one.out.splitlines()) == 38
    assert json.loads(one.out.splitlines()[-1])["summary"]["orders"] == 37
