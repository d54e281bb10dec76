"""The journal across processes: folded anew, killed anywhere, read beside its writer."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from onefill.journal.errors import JournalInUse
from onefill.journal.journal import Journal
from onefill.journal.verify import verify
from onefill.model.account import state_hash
from tests.builders import epochs, lives, play
from tests.integration.journal.child import ACCOUNTS

ROOT = Path(__file__).resolve().parents[3]
POINTS = (
    *("epoch:before", "epoch:after", "flush:begin", "flush:in_transaction", "flush:committed"),
    *("snapshot:begin", "snapshot:done"),
)


def start(*words: object, setup: str = "") -> subprocess.Popen[str]:
    program = f"{setup}\nfrom tests.integration.journal.child import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def told(child: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Everything the process said, once it has ended."""
    out, _ = child.communicate(timeout=60)
    return [json.loads(line) for line in out.splitlines()]


def survives(home: Path, said: list[dict[str, Any]]) -> None:
    """What was told durable is there, everything verifies, and a new writer goes on."""
    durable = max([0, *(one["durable"] for one in said if "durable" in one)])
    if (home / "journal.sqlite").exists():
        assert verify(home).breaks == ()
    with Journal.open(home) as journal:
        assert journal.durable_seq >= durable
        epoch = max([journal.take_epoch(account) for account in ACCOUNTS])
        play(journal, lives(99, 5, accounts=("after",), epoch=journal.take_epoch("after")))
        assert epoch >= 1
    assert verify(home).breaks == ()


def test_folding_in_a_new_process_gives_the_live_state(tmp_path: Path) -> None:
    with Journal.open(tmp_path, snapshot_every=30) as journal:
        epochs(journal, *ACCOUNTS)
        play(journal, lives(11, 80, accounts=ACCOUNTS))
        live = {name: state_hash(journal.state(name)) for name in ACCOUNTS}
        heads = {name: journal.head(name) for name in ACCOUNTS}
        assert told(start("fold", tmp_path)) == [{"states": live, "heads": heads}]
    with Journal.open(tmp_path) as journal:
        assert {name: state_hash(journal.state(name)) for name in ACCOUNTS} == live


def test_a_second_process_is_told_which_one_writes(tmp_path: Path) -> None:
    holder = start("hold", tmp_path)
    assert holder.stdout is not None
    pid = json.loads(holder.stdout.readline())["pid"]
    with pytest.raises(JournalInUse, match=f"process {pid}:"):
        Journal.open(tmp_path)
    assert verify(tmp_path).intact
    holder.kill()
    holder.communicate()
    Journal.open(tmp_path).close()


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_a_writer_killed_at_a_crash_point_loses_nothing_it_told(
    tmp_path: Path, point: str, nth: int
) -> None:
    child = start("write", tmp_path, nth, 9, point, nth)
    said = told(child)
    assert child.returncode != 0
    assert said[-1] == {"reached": point}
    survives(tmp_path, said)


@pytest.mark.parametrize("seed", range(4))
def test_a_writer_killed_at_any_instant_loses_nothing_it_told(tmp_path: Path, seed: int) -> None:
    kill_anywhere(tmp_path, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_writer_killed_at_any_instant_loses_nothing_it_told_often(
    tmp_path: Path, seed: int
) -> None:
    kill_anywhere(tmp_path, seed)


def kill_anywhere(home: Path, seed: int) -> None:
    draw = random.Random(seed)
    child = start("write", home, seed, 1)
    assert child.stdout is not None
    said = [json.loads(child.stdout.readline()) for _ in range(draw.randrange(1, 60))]
    time.sleep(draw.random() * 0.002)  # anywhere between two lines
    child.kill()
    rest, _ = child.communicate(timeout=60)
    said += [json.loads(line) for line in rest.splitlines()]
    survives(home, said)


def test_readers_beside_a_writer_find_a_whole_journal_every_time(tmp_path: Path) -> None:
    child = start("write", tmp_path, 5, 1)
    assert child.stdout is not None
    child.stdout.readline()
    seen = []
    while child.poll() is None:
        verdict = verify(tmp_path)
        assert verdict.breaks == ()
        seen.append(verdict.records)
        child.stdout.readline()  # let it go on: it waits while nobody reads
    assert seen == sorted(seen)
    child.communicate()
    assert verify(tmp_path).breaks == ()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on a file's size")
@pytest.mark.parametrize("kilobytes", [100, 180, 400])
def test_a_disk_that_takes_no_more_is_told_and_the_journal_goes_on_afterwards(
    tmp_path: Path, kilobytes: int
) -> None:
    limit = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({kilobytes}<<10, {kilobytes}<<10))"
    child = start("write", tmp_path, 3, 2, setup=limit)
    said = told(child)
    assert child.returncode == 1
    assert "could not be written" in said[-1]["failed"]
    survives(tmp_path, said)
