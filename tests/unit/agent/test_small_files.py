"""Small files that an account must find again: whose they are, and where they are written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from onefill.agent.equity import EquityMarks
from onefill.agent.kept_halts import Held, KeptHalts
from onefill.agent.small_files import file_of, replace
from onefill.risk.caps import Trading
from onefill.terminal.zone import ServerTime, parse_zone


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_what_is_kept_of_an_account_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        EquityMarks(tmp_path / "equity", "1@Demo", ServerTime(parse_zone("UTC"))).see(1_000.0, 1)
        kept = KeptHalts(tmp_path / "halts", "1@Demo")
        kept.keep("wss://one", Held(trading=Trading.HALTED))
    finally:
        os.umask(before)

    made = [tmp_path / "equity", tmp_path / "halts", *tmp_path.glob("*/*")]
    assert len(made) == 4
    assert not [path for path in made if path.stat().st_mode & 0o077]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("theirs")
    for name in ("a.json", "a.new"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    replace(tmp_path / "a.json", b"ours")

    assert (tmp_path / "elsewhere").read_text() == "theirs"
    assert not (tmp_path / "a.json").is_symlink()
    assert (tmp_path / "a.json").read_bytes() == b"ours"


@pytest.mark.parametrize(
    "server", ["../../etc/passwd", "/etc/passwd", "a/b\\c", "..", "a\0b", "C:evil", "\u202e", ""]
)
def test_no_name_of_a_server_leads_out_of_the_directory(tmp_path: Path, server: str) -> None:
    path = file_of(tmp_path, f"1@{server}")
    replace(path, b"{}")

    assert path.parent == tmp_path
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
