"""Group commit: many tasks, one writer thread, and nobody told too early."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from onefill.journal.errors import JournalFailed, StaleEpoch
from onefill.journal.group_writer import GroupWriter
from onefill.journal.journal import Journal
from onefill.journal.verify import verify
from onefill.model.account import state_hash
from onefill.model.events import Alerted
from tests.builders import ACCOUNT, START_MS, accepted, epochs, event_steps, life, sending


class Gate:
    """Holds the writer thread inside its first flush until opened; counts the flushes."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.flushes = 0

    def __call__(self, point: str) -> None:
        if point == "flush:begin":
            self.flushes += 1
            self.entered.set()
            assert self.open.wait(30)


async def run_order(journal: Journal, writer: GroupWriter, kind: str, key: str, ticket: int) -> int:
    """One order's life, each step durable before the next."""
    seq = 0
    for event in event_steps(journal, key, life(kind, key, ticket)):
        seq = writer.append(ACCOUNT, event, START_MS)
        await writer.durable(seq)
        assert journal.durable_seq >= seq
    return seq


async def test_a_hundred_orders_at_once_share_their_flushes(tmp_path: Path) -> None:
    flushes: list[str] = []
    with Journal.open(tmp_path, hook=flushes.append) as journal:
        epochs(journal, ACCOUNT)
        async with GroupWriter(journal) as writer:
            await asyncio.gather(
                *(run_order(journal, writer, "filled", f"k{n}", 1000 + 10 * n) for n in range(100))
            )
        assert journal.durable_seq == 300
        assert flushes.count("flush:begin") < 60
        live = state_hash(journal.state(ACCOUNT))
        journal.abandon()
    assert verify(tmp_path).intact
    with Journal.open(tmp_path) as journal:
        assert state_hash(journal.state(ACCOUNT)) == live


async def test_what_is_appended_during_a_flush_goes_into_the_next_one(tmp_path: Path) -> None:
    gate = Gate()
    with Journal.open(tmp_path, hook=gate) as journal:
        async with GroupWriter(journal) as writer:
            writer.append(ACCOUNT, accepted("first"), START_MS)
            first = asyncio.create_task(writer.durable(1))
            await asyncio.to_thread(gate.entered.wait)
            later = []
            for n in range(20):
                seq = writer.append(ACCOUNT, accepted(f"later{n}"), START_MS)
                later.append(asyncio.create_task(writer.durable(seq)))
            await asyncio.sleep(0)
            assert not first.done()
            assert journal.durable_seq == 0
            found = journal.find(ACCOUNT, "later3")  # reading goes on meanwhile
            assert found is not None
            gate.open.set()
            await first
            await asyncio.gather(*later)
            assert gate.flushes == 2


async def test_a_cancelled_task_takes_nobody_with_it(tmp_path: Path) -> None:
    gate = Gate()
    with Journal.open(tmp_path, hook=gate) as journal:
        async with GroupWriter(journal) as writer:
            for key in ("a", "b"):
                writer.append(ACCOUNT, accepted(key), START_MS)
            doomed = asyncio.create_task(writer.durable(1))
            other = asyncio.create_task(writer.durable(2))
            await asyncio.to_thread(gate.entered.wait)
            doomed.cancel()
            gate.open.set()
            await other
            with pytest.raises(asyncio.CancelledError):
                await doomed
        assert journal.durable_seq == 2


async def test_a_failed_flush_fails_everyone_who_waits_and_whoever_comes_later(
    tmp_path: Path,
) -> None:
    gate = Gate()
    journal = Journal.open(tmp_path, hook=gate)
    journal.take_epoch(ACCOUNT)
    journal.take_epoch(ACCOUNT)
    writer = GroupWriter(journal)
    writer.append(ACCOUNT, accepted("k"), START_MS)
    writer.append(ACCOUNT, sending("k", 100, epoch=1), START_MS)
    waiting = [asyncio.create_task(writer.durable(seq)) for seq in (1, 2)]
    await asyncio.to_thread(gate.entered.wait)
    writer.append(ACCOUNT, accepted("l"), START_MS)
    waiting.append(asyncio.create_task(writer.durable(3)))
    await asyncio.sleep(0)
    gate.open.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, StaleEpoch) for outcome in outcomes)
    with pytest.raises(JournalFailed):
        writer.append(ACCOUNT, accepted("m"), START_MS)
    with pytest.raises(JournalFailed):
        await writer.close()
    journal.close()
    with Journal.open(tmp_path) as again:
        assert again.durable_seq == 0


async def test_closing_flushes_what_nobody_waited_for(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    async with GroupWriter(journal) as writer:
        writer.append(ACCOUNT, Alerted(code="A", message="m"), START_MS)
    assert journal.durable_seq == 1
    journal.close()


async def test_waiting_for_nothing_comes_back(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        async with GroupWriter(journal) as writer:
            await writer.durable()
            await writer.durable(0)


async def test_followers_hear_whose_records_became_durable_and_when(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j") as journal:
        async with GroupWriter(journal) as writer:
            heard: list[tuple[frozenset[str], int]] = []
            writer.followers.append(lambda accounts: heard.append((accounts, journal.durable_seq)))
            for account in ("a", "b"):
                writer.append(account, Alerted(code="A", message="m"), START_MS)
            assert heard == []
            await writer.durable()
            await writer.durable()  # nothing new
            writer.append("b", Alerted(code="A", message="m"), START_MS)
            await writer.durable()

    assert heard == [(frozenset({"a", "b"}), 2), (frozenset({"b"}), 3)]
