"""An engine whose journal is newer than the account's fence is not shut out for ever."""

from __future__ import annotations

from pathlib import Path

from onefill.terminal.worker.fence import Fence
from tests.contract.ports import LOGIN, SERVER, session
from tests.integration.terminal.served import decision, engine_on, pool_of


def test_a_journal_that_begins_anew_gets_past_the_fence_of_the_one_before(tmp_path: Path) -> None:
    fence = Fence(tmp_path / "fences", LOGIN, SERVER, 0.0)
    assert fence.admits(41)
    fence.release()
    with pool_of(tmp_path, session(tmp_path)) as pool, engine_on(pool, tmp_path / "new") as engine:
        filled = engine.execute(decision("a"))
        assert filled.status == "filled", filled
    again = Fence(tmp_path / "fences", LOGIN, SERVER, 0.0)
    assert again.epoch == 42
    again.release()
