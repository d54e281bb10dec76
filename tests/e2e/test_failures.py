"""What can go wrong around a run: one line that says what, nothing lost, and on from there."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from onefill.journal.journal import Journal
from tests.e2e.command import Ran, book_lines, onefill, write_orders
from tests.simulation.scenario import QUIET, START_MS

assert sys.platform != "win32", "limits, signals and pipes are of another kind there"

FILLS = ("status", "fill_price", "filled_volume", "deal_tickets", "slippage_pips", "commission")


@pytest.fixture
def call(tmp_path: Path) -> list[str]:
    """A run in `journal` of the working directory, on a small market."""
    plan = QUIET.write(tmp_path)
    ticks, orders = plan["ticks"], plan["orders"]
    return ["run", "--ticks", *ticks, "--orders", orders, "--journal", "journal", "--json"]


def fills(ran: Ran) -> dict[str, list[Any]]:
    return {key: [one[name] for name in FILLS] for key, one in ran.answers.items()}


def undisturbed(call: list[str], folder: Path) -> Ran:
    """The same run in a directory of its own, which nothing disturbs."""
    folder.mkdir()
    ran = onefill(*call, cwd=folder)
    assert ran.status == 0, ran.err
    return ran


def with_file_limit(call: list[str], folder: Path, size: int) -> Ran:
    """A run on a disk that takes no file of more than so many bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "onefill", *call],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("size", [8_000, 20_000, 100_000, 200_000])
def test_a_disk_that_takes_no_more_loses_nothing(
    size: int, call: list[str], tmp_path: Path
) -> None:
    expected = undisturbed(call, tmp_path / "undisturbed")
    full = with_file_limit(call, tmp_path, size)
    assert (full.status, full.out) == (2, "")
    assert "could not be written" in full.complaint or "cannot" in full.complaint
    verdict = onefill("journal", "verify", "journal", cwd=tmp_path)
    assert verdict.status in (0, 2), "intact, or not a journal yet"
    after = onefill(*call, cwd=tmp_path)
    assert after.status == 0, after.err
    assert fills(after) == fills(expected)
    assert after.summary["balance"] == expected.summary["balance"]
    assert onefill("journal", "verify", "journal", cwd=tmp_path).status == 0


def test_a_journal_of_a_newer_version_is_left_alone(call: list[str], tmp_path: Path) -> None:
    assert onefill(*call, cwd=tmp_path).status == 0
    path = tmp_path / "journal" / "journal.sqlite"
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 99)
    connection.close()
    content, book = path.read_bytes(), book_lines(tmp_path / "journal")
    for words in (call, ["journal", "verify", "journal"], ["journal", "show", "journal"]):
        ran = onefill(*words, cwd=tmp_path)
        assert (ran.status, ran.out) == (2, "")
        assert "version 99" in ran.complaint
    assert path.read_bytes() == content
    assert book_lines(tmp_path / "journal") == book


def test_a_journal_in_use_names_who_has_it(call: list[str], tmp_path: Path) -> None:
    expected = onefill(*call, cwd=tmp_path)
    with Journal.open(tmp_path / "journal"):
        ran = onefill(*call, cwd=tmp_path)
        assert (ran.status, ran.out) == (2, "")
        assert f"process {os.getpid()}" in ran.complaint
        assert onefill("journal", "verify", "journal", cwd=tmp_path).status == 0, "reading is free"
    again = onefill(*call, cwd=tmp_path)
    assert (again.status, again.out) == (0, expected.out)


@pytest.mark.parametrize("what", ["text", "another database", "a directory", "cut in half"])
def test_what_is_no_journal_is_refused(what: str, call: list[str], tmp_path: Path) -> None:
    path = tmp_path / "journal" / "journal.sqlite"
    path.parent.mkdir()
    if what == "text":
        path.write_text("these are my notes\n" * 500)
    elif what == "another database":
        connection = apsw.Connection(str(path))
        connection.execute("CREATE TABLE notes (text)")
        connection.close()
    elif what == "a directory":
        path.mkdir()
    else:
        path.parent.rmdir()
        assert onefill(*call, cwd=tmp_path).status == 0
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    ran = onefill(*call, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert "journal" in ran.complaint


def test_a_journal_whose_place_is_taken_by_a_file_is_refused(
    call: list[str], tmp_path: Path
) -> None:
    (tmp_path / "journal").write_text("a file")
    ran = onefill(*call, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert "is a file" in ran.complaint


def unreadable(folder: Path, kind: str, name: str) -> Path:
    path = folder / name
    if kind == "directory":
        path.mkdir()
    elif kind == "truncated":
        whole = gzip.compress(b"time_msc,bid,ask\n" + b"1399507208715,1.39101,1.39114\n" * 5_000)
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "garbage":
        path.write_bytes(bytes(range(256)) * 64)
    elif kind == "empty":
        path.touch()
    return path


@pytest.mark.parametrize("kind", ["missing", "directory", "truncated", "garbage", "empty"])
def test_ticks_that_cannot_be_read_are_named(kind: str, call: list[str], tmp_path: Path) -> None:
    path = unreadable(tmp_path, kind, "USDJPY.csv")
    ran = onefill(*call, "--ticks", path, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert str(path) in ran.complaint
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("kind", ["missing", "directory", "truncated"])
def test_orders_that_cannot_be_read_are_named(kind: str, call: list[str], tmp_path: Path) -> None:
    path = unreadable(tmp_path, kind, "decisions.jsonl")
    ran = onefill(*call, "--orders", path, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert str(path) in ran.complaint
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--limits", "nowhere.toml"), "nowhere.toml"),
        (("--broker", "nowhere.toml"), "nowhere.toml"),
        (("--faults", "gremlins=1"), "gremlins"),
        (("--faults", "hang=2"), "hang=2"),
        (("--ticks-tz", "Mars/Olympus"), "Mars/Olympus"),
        (("--currency", "XXX"), "XXX"),
        (("--leverage", "0"), "0"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(
    words: tuple[str, str], said: str, call: list[str], tmp_path: Path
) -> None:
    ran = onefill(*call, *words, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.complaint
    assert onefill(*call, cwd=tmp_path).status == 0, "nothing was begun"


def many(count: int) -> Iterator[dict[str, object]]:
    """Decisions enough to press Ctrl-C in the middle of."""
    for number in range(count):
        yield {
            "client_key": f"n{number}",
            "at": START_MS + 2_000 + number * 20,
            "symbol": "EURUSD",
            "side": "buy" if number % 2 else "sell",
            "volume": 0.01,
            "take_profit": 1.2 if number % 2 else 0.9,
        }


def test_ctrl_c_half_way_loses_nothing_and_the_next_run_fills_the_same(
    call: list[str], tmp_path: Path
) -> None:
    orders = write_orders(tmp_path / "many.jsonl", *many(400))
    call = [*call, "--orders", str(orders), "--balance", "1000000"]
    expected = undisturbed(call, tmp_path / "undisturbed")
    running = subprocess.Popen(
        [sys.executable, "-m", "onefill", *call],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    book = tmp_path / "journal" / "broker.log"
    while running.poll() is None and (not book.exists() or book.stat().st_size < 50_000):
        time.sleep(0.001)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=100)
    stopped = Ran(running.returncode, out, err)
    assert stopped.status == 130
    assert stopped.out == ""
    assert "goes on from there" in stopped.complaint
    assert onefill("journal", "verify", "journal", cwd=tmp_path).status == 0

    after = onefill(*call, cwd=tmp_path)
    assert after.status == 0
    assert fills(after) == fills(expected)
    assert after.summary["balance"] == expected.summary["balance"]
    assert len(book_lines(tmp_path / "journal")) >= len(
        book_lines(tmp_path / "undisturbed" / "journal")
    )


def test_ctrl_c_while_ticks_are_read_is_one_line_too(call: list[str], tmp_path: Path) -> None:
    fifo = tmp_path / "EURJPY.csv"
    os.mkfifo(fifo)  # reading it waits for as long as nobody writes
    running = subprocess.Popen(
        [sys.executable, "-m", "onefill", *call, "--ticks", str(fifo)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    writer = os.open(fifo, os.O_WRONLY)  # opens once the run has begun to read
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=100)
    os.close(writer)
    assert (running.returncode, out) == (130, "")
    assert err.startswith("onefill: stopped")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "journal").exists()
