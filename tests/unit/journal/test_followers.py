"""Followers: at least once, in order, across restarts, never ahead of what is durable."""

from __future__ import annotations

from pathlib import Path

import pytest

from onefill.journal.followers import Follower
from onefill.journal.journal import Journal
from onefill.model.events import Alerted
from tests.builders import ACCOUNT, START_MS


def alert(journal: Journal, count: int) -> None:
    for n in range(count):
        journal.append(ACCOUNT, Alerted(code="A", message=str(n)), START_MS)


def seqs(follower: Follower, limit: int = 100) -> list[int]:
    return [record.seq for record in follower.read(limit)]


def test_a_follower_sees_only_what_is_durable(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        follower = Follower(journal, "alerts")
        alert(journal, 3)
        assert seqs(follower) == []
        journal.flush()
        assert seqs(follower) == [1, 2, 3]


def test_a_follower_is_told_the_same_again_until_it_advances(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        follower = Follower(journal, "alerts")
        alert(journal, 5)
        journal.flush()
        assert seqs(follower, 2) == [1, 2]
        assert seqs(follower, 2) == [1, 2]
        follower.advance(2)
        assert seqs(follower, 2) == [3, 4]


def test_a_cursor_survives_a_restart_and_followers_do_not_share_theirs(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        alert(journal, 5)
        journal.flush()
        Follower(journal, "fast").advance(5)
        Follower(journal, "slow").advance(1)
    with Journal.open(tmp_path) as journal:
        assert seqs(Follower(journal, "fast")) == []
        assert seqs(Follower(journal, "slow")) == [2, 3, 4, 5]
        assert seqs(Follower(journal, "new")) == [1, 2, 3, 4, 5]


def test_after_a_crash_some_records_are_told_again_and_none_is_missed(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    alert(journal, 5)
    journal.flush()
    follower = Follower(journal, "alerts")
    follower.advance(2)
    journal.flush()
    follower.advance(4)  # not yet durable
    journal.abandon()
    with Journal.open(tmp_path) as journal:
        assert seqs(Follower(journal, "alerts")) == [3, 4, 5]


@pytest.mark.parametrize("seq", [1, 6])
def test_a_cursor_goes_neither_back_nor_past_what_is_durable(tmp_path: Path, seq: int) -> None:
    with Journal.open(tmp_path) as journal:
        alert(journal, 5)
        journal.flush()
        follower = Follower(journal, "alerts")
        follower.advance(2)
        with pytest.raises(AssertionError):
            follower.advance(seq)
