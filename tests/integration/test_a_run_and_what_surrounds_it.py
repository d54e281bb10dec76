"""`onefill run` where its files do not belong together, or a decision means what it cannot."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from onefill.cli import main

TICKS = "time_msc,bid,ask\n" + "".join(f"{n * 1000},1.10000,1.10010\n" for n in range(1, 61))
OPEN = {"at": 1_000, "symbol": "EURUSD", "side": "buy", "volume": 0.1}


class Desk:
    """A directory with ticks, orders and a journal, and the command run in this process."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.journal, self._capsys = home, home / "journal", capsys
        self.ticks = home / "EURUSD.csv"
        self.ticks.write_text(TICKS)
        self.orders = home / "orders.jsonl"
        self.orders.write_text("")

    def decide(self, *lines: dict[str, Any] | str) -> None:
        with self.orders.open("a") as file:
            for line in lines:
                file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")

    def run(self, *options: object) -> tuple[int, list[dict[str, Any]], str]:
        """Exit status, what it answered, and what it said on standard error."""
        files = ["--ticks", self.ticks, "--orders", self.orders, "--journal", self.journal]
        with pytest.raises(SystemExit) as ended:
            main(["run", *map(str, files), "--json", *map(str, options)])
        said = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, [json.loads(line) for line in said.out.splitlines()], said.err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_a_journal_whose_broker_has_lost_its_book_is_not_gone_on_with(desk: Desk) -> None:
    desk.decide({"client_key": "a", **OPEN})
    assert desk.run()[0] == 0
    (desk.journal / "broker.log").unlink()
    desk.decide({"client_key": "b", **OPEN})
    status, answers, said = desk.run()
    assert (status, answers) == (2, [])
    assert said.count("\n") == 1
    assert "broker.log, is gone" in said
    assert not (desk.journal / "broker.log").exists()


@pytest.mark.parametrize("older", [False, True], ids=["removed", "an older copy"])
def test_orders_that_the_journal_has_lost_are_not_sent_again(desk: Desk, older: bool) -> None:
    file, copy = desk.journal / "journal.sqlite", desk.home / "copy.sqlite"
    desk.decide({"client_key": "a", **OPEN})
    assert desk.run()[0] == 0
    shutil.copy(file, copy)
    desk.decide({"client_key": "b", **OPEN})
    assert desk.run()[0] == 0
    book = (desk.journal / "broker.log").read_bytes()
    if older:
        shutil.copy(copy, file)
    else:
        file.unlink()
    for _ in range(3):
        status, answers, said = desk.run()
        assert (status, answers) == (2, [])
        assert said.count("\n") == 1
        assert "ahead of the journal" in said
    assert (desk.journal / "broker.log").read_bytes() == book


@pytest.mark.parametrize("action", ["close", "cancel", "modify"])
@pytest.mark.parametrize("later_ms", [0, 10_000])
def test_a_close_all_is_nobodys_target_and_holds_nobody_up(
    desk: Desk, action: str, later_ms: int
) -> None:
    desk.decide(
        {"client_key": "a", **OPEN},
        {"client_key": "all", "at": 5_000, "action": "close_all"},
        {"client_key": "b", "at": 5_000 + later_ms, "action": action, "target": "all"},
        {"client_key": "c", **OPEN, "at": 20_000},
    )
    status, answers, _ = desk.run()
    assert status == 0
    told = {one["client_key"]: one for one in answers[:-1]}
    assert [told[key]["status"] for key in ["a", "b", "c"]] == ["filled", "denied", "filled"]
    assert told["all"]["filled_volume"] == 0.1
    assert told["b"]["reason"]["code"] == "TARGET_IS_CLOSE_ALL"


def test_a_change_of_what_was_denied_says_that_nothing_is_open(desk: Desk) -> None:
    desk.decide(
        {"client_key": "a", **OPEN, "volume": 0.015},
        {"client_key": "b", "action": "modify", "target": "a", "stop_loss": 1.0},
    )
    _, answers, _ = desk.run()
    assert [one["reason"]["code"] for one in answers[:2]] == ["VOLUME_OFF_STEP", "TARGET_NOT_OPEN"]


def test_a_change_and_a_cancel_tell_the_ticket_they_were_about(desk: Desk) -> None:
    pending = {**OPEN, "order_type": "limit", "price": 1.05}
    desk.decide(
        {"client_key": "p", **pending},
        {"client_key": "m", "at": 2_000, "action": "modify", "target": "p", "price": 1.06},
        {"client_key": "c", "at": 3_000, "action": "cancel", "target": "p"},
    )
    _, answers, _ = desk.run()
    assert len({one["order_ticket"] for one in answers[:3]}) == 1
    assert [one["status"] for one in answers[:3]] == ["cancelled", "done", "done"]


def test_the_leverage_is_the_brokers_unless_one_is_asked_for(desk: Desk) -> None:
    broker = desk.home / "broker.toml"
    broker.write_text("[broker]\nleverage = 50\n")
    desk.decide({"client_key": "a", **OPEN})
    margins = []
    for number, options in enumerate(([], ["--broker", broker], ["--leverage", 10])):
        desk.journal = desk.home / f"journal-{number}"
        status, answers, said = desk.run(*options)
        assert status == 0, said
        margins.append(answers[-1]["summary"]["margin"])
    assert margins == [110.01, 220.02, 1100.1]


def test_a_line_that_is_no_object_is_told_without_a_field(desk: Desk) -> None:
    desk.decide("[]")
    assert f"{desk.orders}:1: expected a JSON object, not a list; refused\n" in desk.run()[2]


@pytest.mark.parametrize("currency", ["", "U$D", "1"])
def test_a_currency_that_is_none_is_named(desk: Desk, currency: str) -> None:
    status, _, said = desk.run("--currency", currency)
    assert (status, said.count("\n")) == (2, 1)
    assert "must be letters, such as USD" in said


def test_a_balance_finer_than_its_currency_is_refused(desk: Desk) -> None:
    assert "finer than USD has digits" in desk.run("--balance", "10000.005")[2]
    assert "finer than JPY has digits" in desk.run("--balance", "0.5", "--currency", "JPY")[2]


def test_a_balance_that_differs_by_a_cent_is_another_run(desk: Desk) -> None:
    assert desk.run("--balance", "1234567.01")[0] == 0
    status, _, said = desk.run("--balance", "1234567.02")
    assert status == 2
    assert "balance is 1234567.02 here, 1234567.01 in the journal" in said


def test_a_file_without_a_tick_says_what_is_wrong_with_its_lines(desk: Desk) -> None:
    desk.ticks.write_text("time_msc,bid,ask\n1,nan,1.1\n2,1.2,1.1\n")
    assert "2 broken lines of CSV, the first is line 2: the bid 'nan'" in desk.run()[2]
    desk.ticks.write_text("time_msc,bid,ask\n")
    assert "holds no tick: nothing follows its first line" in desk.run()[2]


def test_an_output_that_takes_no_more_is_one_line(desk: Desk) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    desk.decide({"client_key": "a", **OPEN})
    with full.open("w", buffering=1) as out, pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", out)
        status, _, said = desk.run()
        assert (status, said.count("\n")) == (2, 1)
        assert "No space left on device" in said
        patched.undo()
        with pytest.raises(OSError):  # noqa: PT011 (what could not be written is tried again)
            out.close()
