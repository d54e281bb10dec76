"""Three sessions trade at once while their processes are killed, stopped and taken over from, at
drawn instants: nothing twice, nothing lost, every order at its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.ports import EVERY_MS
from tests.integration.terminal.havoc import ENGINE, SESSION, Havoc
from tests.simulation.evidence import keep_tables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops by signals, reads /proc")

FAULTS = 200
#: More than the rounds take, as a market that stands still is too old to trade on.
MINUTES = 40


def long_market(home: Path) -> None:
    """The market of `tests.contract.ports`, for longer."""
    begins_ms = time.time_ns() // 1_000_000
    rows = ["time_msc,bid,ask"]
    for number in range(MINUTES * 60_000 // EVERY_MS // 10):
        bid = 1.1 + (number % 2) / 100_000
        rows.append(f"{begins_ms + number * EVERY_MS * 10},{bid:.5f},{bid + 0.0001:.5f}")
    (home / "EURUSD.csv").write_text("\n".join(rows) + "\n")


def test_what_befalls_sessions_and_their_engine_loses_and_repeats_nothing(tmp_path: Path) -> None:
    havoc = Havoc(tmp_path, seed=1)
    try:
        havoc.round("worker killed", "worker stopped past a call's deadline", "worker killed")
        havoc.round("engine killed and started again")
        for account in havoc.accounts:
            account.trades()
    finally:
        havoc.close()
    breaches, states = havoc.breaches()

    assert breaches == []
    assert states["filled"] >= 9
    first = havoc.accounts[0]
    for forge, words in ((sent_twice, "the broker has it 2 times"), (lost, "not at the broker")):
        breaches, _ = havoc.breaches_on(first, forged(first.broker.book, forge))
        assert words in "".join(breaches), breaches


def forged(book: Path, forge: Callable[[list[list[str]]], None]) -> Path:
    """A copy of a book, with what happened together forged."""
    together: list[list[str]] = [[]]
    for line in book.read_text().splitlines(keepends=True):
        together[-1].append(line)
        if line.startswith('{"what":"end"'):
            together.append([])
    forge(together)
    copy = book.with_name(f"{forge.__name__}.book")
    copy.write_text("".join("".join(lines) for lines in together))
    return copy


def sent_twice(together: list[list[str]]) -> None:
    """The first order once more, under tickets of its own."""
    again = (
        "".join(together[1]).replace("1000001", "7000001").replace('"ticket":2,', '"ticket":9999,')
    )
    together.append([again])


def lost(together: list[list[str]]) -> None:
    """The second order is not there."""
    del together[2]


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_two_hundred_faults_while_three_sessions_trade(tmp_path: Path) -> None:
    long_market(tmp_path)
    began = time.monotonic()
    havoc = Havoc(tmp_path, seed=20)
    try:
        while sum(havoc.struck.values()) < FAULTS or len(havoc.struck) < len(SESSION | ENGINE):
            havoc.round()
        for account in havoc.accounts:
            account.trades()
    finally:
        havoc.close()
    seconds = time.monotonic() - began
    breaches, states = havoc.breaches()
    keep_tables(
        "workers",
        "Workers, engines and brokers that die, hang and are stopped",
        "Three sessions trade at once, each in a worker of its\n"
        "own on a served broker of its own; faults come at drawn instants, and each is seen from\n"
        "outside to have happened. At the end the brokers' own books are held against the\n"
        "journal, the journals of those who took an account over, and all that callers were told.\n"
        "Denied is what was asked while a worker was away for long: nothing of it was sent.",
        f"**{sum(havoc.struck.values())} faults in {seconds:.0f} s, {sum(states.values())} orders, "
        f"{len(breaches)} breaches.**",
        "times",
        {"fault": havoc.struck, "orders that ended": states},
    )
    assert not breaches, "\n".join(breaches[:30])
