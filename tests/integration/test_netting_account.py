"""Orders on a netting account: the broker has one position a symbol, each order of ours a share."""

import json
from pathlib import Path
from typing import Any

import pytest

from onefill.cli import main
from onefill.journal.journal import Journal
from onefill.model.account import AccountState
from onefill.terminal.simulator.book import read_book
from onefill.terminal.simulator.entries import Dealt, Held

NETTING = '[broker]\nmargin_mode = "netting"\n'


def ticks(*later: tuple[int, float]) -> str:
    """EURUSD at 1.10000 / 1.10010, and from so many seconds on at another bid; ten minutes."""
    rows, bid = ["time_msc,bid,ask"], 1.1
    moves = dict(later)
    for second in range(1, 600):
        bid = moves.get(second, bid)
        rows.append(f"{second * 1000},{bid:.5f},{bid + 0.0001:.5f}")
    return "\n".join(rows) + "\n"


class Bench:
    """Ticks, orders and a journal, and `onefill run` on a netting broker."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.journal, self._capsys = home, home / "journal", capsys
        (home / "EURUSD.csv").write_text(ticks())
        (home / "broker.toml").write_text(NETTING)
        (home / "orders.jsonl").write_text("")

    def market(self, *later: tuple[int, float]) -> None:
        (self.home / "EURUSD.csv").write_text(ticks(*later))

    def decide(self, key: str, at: int, **fields: Any) -> None:
        fields = {"client_key": key, "at": at, "symbol": "EURUSD", **fields}
        with (self.home / "orders.jsonl").open("a") as file:
            file.write(json.dumps(fields) + "\n")

    def run(self) -> dict[str, dict[str, Any]]:
        """The answers by key."""
        options = [
            "--ticks", self.home / "EURUSD.csv", "--orders", self.home / "orders.jsonl",
            "--journal", self.journal, "--broker", self.home / "broker.toml", "--json",
        ]  # fmt: skip
        with pytest.raises(SystemExit):
            main(["run", *map(str, options)])
        told = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        return {one["client_key"]: one for one in told if "client_key" in one}

    def state(self) -> AccountState:
        with Journal.open(self.journal) as journal:
            return journal.state(journal.accounts()[0])

    def shares(self) -> dict[str, tuple[str, int]]:
        """Side and volume (1e-8 lots) of each open share, by the order that opened it."""
        return {
            held.key: (str(held.side), held.volume_e8) for held in self.state().positions.values()
        }

    def net(self) -> float:
        """The broker's own position in lots, buys above 0."""
        book = read_book(self.journal / "broker.log")
        held = {row.ticket: row for row in book if isinstance(row, Held)}
        return round(sum((1 - 2 * row.type) * row.volume for row in held.values()), 8)

    def deals(self) -> list[Dealt]:
        return [row for row in read_book(self.journal / "broker.log") if isinstance(row, Dealt)]


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


def lots(volume: float) -> int:
    return round(volume * 100_000_000)


def test_each_order_has_its_share_of_the_one_position(bench: Bench) -> None:
    bench.decide("a", 1_000, side="buy", volume=1.0)
    bench.decide("b", 2_000, side="buy", volume=0.5)
    bench.decide("c", 3_000, side="sell", volume=0.4)
    answers = bench.run()

    assert {answers[key]["status"] for key in "abc"} == {"filled"}
    assert bench.net() == 1.1
    assert bench.shares() == {
        "a": ("buy", lots(1.0)), "b": ("buy", lots(0.5)), "c": ("sell", lots(0.4)),
    }  # fmt: skip


def test_a_close_by_target_closes_what_that_order_opened_and_nothing_else(bench: Bench) -> None:
    bench.decide("a", 1_000, side="buy", volume=1.0)
    bench.decide("b", 2_000, side="buy", volume=0.5)
    bench.decide("close a", 3_000, action="close", target="a")
    answers = bench.run()

    assert answers["close a"]["status"] == "filled"
    assert answers["close a"]["filled_volume"] == 1.0
    assert bench.net() == 0.5
    assert bench.shares() == {"b": ("buy", lots(0.5))}


def test_a_part_of_a_share_can_be_closed(bench: Bench) -> None:
    bench.decide("a", 1_000, side="sell", volume=1.0)
    bench.decide("b", 2_000, side="sell", volume=0.5)
    bench.decide("part", 3_000, action="close", target="a", volume=0.3)
    bench.run()

    assert bench.net() == -1.2
    assert bench.shares() == {"a": ("sell", lots(0.7)), "b": ("sell", lots(0.5))}


def test_a_close_that_reverses_the_broker_s_position_leaves_the_other_orders_share(
    bench: Bench,
) -> None:
    bench.decide("a", 1_000, side="buy", volume=1.0)
    bench.decide("b", 2_000, side="sell", volume=0.4)
    bench.decide("close a", 3_000, action="close", target="a")
    answers = bench.run()

    assert answers["close a"]["status"] == "filled"
    assert bench.net() == -0.4
    assert bench.shares() == {"b": ("sell", lots(0.4))}
    assert bench.run() == answers


def test_a_stop_of_the_whole_position_ends_every_share_of_it(bench: Bench) -> None:
    bench.market((300, 1.09))
    bench.decide("a", 1_000, side="buy", volume=1.0, stop_loss=1.095)
    bench.decide("b", 2_000, side="sell", volume=0.4)
    bench.run()

    assert bench.net() == 0
    assert bench.shares() == {}
    assert bench.deals()[-1].reason == 4


def test_a_pending_order_fills_into_the_position_and_keeps_its_share(bench: Bench) -> None:
    bench.market((300, 1.09))
    bench.decide("a", 1_000, side="buy", volume=1.0)
    bench.decide("limit", 2_000, side="buy", volume=0.2, order_type="limit", price=1.095)
    bench.decide("close a", 400_000, action="close", target="a")
    answers = bench.run()

    assert answers["limit"]["status"] == "filled"
    assert bench.net() == 0.2
    assert bench.shares() == {"limit": ("buy", lots(0.2))}


def test_closing_all_leaves_the_broker_flat(bench: Bench) -> None:
    bench.decide("a", 1_000, side="buy", volume=1.0)
    bench.decide("b", 2_000, side="sell", volume=0.4)
    bench.decide("c", 3_000, side="buy", volume=0.1)
    bench.decide("all", 4_000, action="close_all")
    answers = bench.run()

    assert answers["all"]["status"] == "done"
    assert bench.net() == 0
    assert bench.shares() == {}


def test_new_stops_are_the_position_s(bench: Bench) -> None:
    bench.market((300, 1.09))
    bench.decide("a", 1_000, side="buy", volume=1.0)
    bench.decide("stop", 2_000, action="modify", target="a", stop_loss=1.095)
    answers = bench.run()

    assert answers["stop"]["status"] == "done"
    assert bench.net() == 0
    assert bench.shares() == {}


def test_the_journal_of_a_netting_run_verifies(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.market((300, 1.09))
    bench.decide("a", 1_000, side="buy", volume=1.0, stop_loss=1.095)
    bench.decide("b", 2_000, side="sell", volume=0.4)
    bench.run()
    with pytest.raises(SystemExit) as ended:
        main(["journal", "verify", str(bench.journal)])
    capsys.readouterr()
    assert ended.value.code == 0
