"""The file of what each gateway halted: there after a restart, whole or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from onefill.agent.kept_halts import Held, KeptHalts
from onefill.model.errors import OnefillError
from onefill.model.halt import Halt, Scope
from onefill.risk.caps import Trading

ONE, TWO = "wss://one", "wss://two"
HALT = Halt(id="h", scope=Scope.STRATEGY, strategy=7, reason="a drill", by="ann", at_ms=5)


def test_what_was_kept_is_there_again_and_what_holds_nothing_back_is_gone(tmp_path: Path) -> None:
    kept = KeptHalts(tmp_path / "halts", "7@Broker/Demo")
    kept.keep(ONE, Held(halts=(HALT,)))
    kept.keep(TWO, Held(trading=Trading.REDUCE_ONLY))
    kept.keep(TWO, Held())
    again = KeptHalts(tmp_path / "halts", "7@Broker/Demo")

    assert again.gateways == {ONE: Held(halts=(HALT,))}
    assert again.halted(7) == (HALT, ONE)
    assert again.tightest == (Trading.NORMAL, ONE)


def test_accounts_have_files_of_their_own(tmp_path: Path) -> None:
    KeptHalts(tmp_path, "1@Demo").keep(ONE, Held(halts=(HALT,)))

    assert KeptHalts(tmp_path, "2@Demo").gateways == {}


def test_a_write_that_was_cut_short_leaves_what_was_there(tmp_path: Path) -> None:
    KeptHalts(tmp_path, "a").keep(ONE, Held(halts=(HALT,)))
    (tmp_path / "a.new").write_text('{"gatew')

    assert KeptHalts(tmp_path, "a").halted(7) == (HALT, ONE)


def test_what_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    kept = KeptHalts(tmp_path, "a")
    kept.keep(ONE, Held(halts=(HALT,)))
    (tmp_path / "a.new").mkdir()
    with pytest.raises(OnefillError) as refused:
        kept.keep(ONE, Held())

    assert refused.value.code == "HALTS_NOT_KEPT"
    assert kept.halted(7) == (HALT, ONE)


@pytest.mark.parametrize("text", ["", "{", '{"gateways": {"wss://one": {"trading": "wild"}}}'])
def test_a_file_that_cannot_be_read_is_no_reason_to_lift_anything(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(OnefillError) as refused:
        KeptHalts(tmp_path, "a")

    assert refused.value.code == "HALTS_UNREADABLE"
    assert str(tmp_path / "a.json") in refused.value.message
