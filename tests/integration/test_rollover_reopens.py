"""A broker whose swaps close positions and open them again under another ticket (modes 7 and 8)."""

import json
from pathlib import Path
from typing import Any

import pytest

from onefill.cli import main
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Dealt, Held

#: Ten seconds before a Monday's midnight.
BEGIN_MS = 4 * 86_400_000 + 86_390_000
BROKER = "[groups.forex]\nswap_mode = {mode}\nswap_long = -5\nswap_short = -5\n{more}"


def run(
    home: Path, broker: str, capsys: pytest.CaptureFixture[str], *orders: dict[str, Any]
) -> Any:
    rows = ["time_msc,bid,ask"]
    rows += [f"{BEGIN_MS + 1000 * n},{1.1 + n / 1e5:.5f},{1.1001 + n / 1e5:.5f}" for n in range(60)]
    (home / "EURUSD.csv").write_text("\n".join(rows) + "\n")
    (home / "broker.toml").write_text(broker)
    lines = [json.dumps({"symbol": "EURUSD", **order}) for order in orders]
    (home / "orders.jsonl").write_text("\n".join(lines) + "\n")
    options = ["--ticks", home / "EURUSD.csv", "--orders", home / "orders.jsonl", "--json"]
    options += ["--journal", home / "journal", "--broker", home / "broker.toml"]
    with pytest.raises(SystemExit):
        main(["run", *map(str, options)])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {one["client_key"]: one for one in told if "client_key" in one}, told[-1]


def book_of(home: Path) -> tuple[list[Held], list[Dealt]]:
    rows = read_book(home / "journal" / "broker.log")
    held = {row.ticket: row for row in rows if isinstance(row, Held)}
    deals = [row for row in rows if isinstance(row, Dealt) and row.order]
    return [row for row in held.values() if row.volume], deals


@pytest.mark.parametrize("mode", [7, 8])
def test_a_position_that_was_opened_again_is_closed_by_its_target(
    mode: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, _ = run(
        tmp_path, BROKER.format(mode=mode, more=""), capsys,
        {"client_key": "a", "at": BEGIN_MS + 1_000, "side": "buy", "volume": 0.5},
        {"client_key": "half", "at": BEGIN_MS + 30_000, "action": "close", "target": "a",
         "volume": 0.2},
        {"client_key": "rest", "at": BEGIN_MS + 40_000, "action": "close", "target": "a"},
    )  # fmt: skip
    held, deals = book_of(tmp_path)
    assert [row.reason for row in deals][1:3] == [7, 7]
    assert len({row.position_id for row in deals}) == 1
    assert held == []
    assert {answers[key]["status"] for key in ("a", "half", "rest")} == {"filled"}


def test_its_stops_are_changed_under_its_new_ticket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, _ = run(
        tmp_path, BROKER.format(mode=8, more=""), capsys,
        {"client_key": "a", "at": BEGIN_MS + 1_000, "side": "buy", "volume": 0.5},
        {"client_key": "stop", "at": BEGIN_MS + 30_000, "action": "modify", "target": "a",
         "stop_loss": 1.05},
        {"client_key": "all", "at": BEGIN_MS + 40_000, "action": "close_all"},
    )  # fmt: skip
    held, _ = book_of(tmp_path)
    assert answers["stop"]["status"] == "done"
    assert answers["all"]["status"] == "done"
    assert answers["all"]["reason"] is None
    assert held == []


def test_shares_of_a_netting_position_outlive_its_reopening(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netting = BROKER.format(mode=7, more='[broker]\nmargin_mode = "netting"\n')
    answers, _ = run(
        tmp_path, netting, capsys,
        {"client_key": "a", "at": BEGIN_MS + 1_000, "side": "buy", "volume": 0.5},
        {"client_key": "b", "at": BEGIN_MS + 2_000, "side": "buy", "volume": 0.3},
        {"client_key": "close a", "at": BEGIN_MS + 40_000, "action": "close", "target": "a"},
    )  # fmt: skip
    held, _ = book_of(tmp_path)
    assert answers["close a"]["status"] == "filled"
    assert [row.volume for row in held] == [0.3]
