"""`onefill run` on a real day, with decisions written by hand; and again, and on from there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.command import FIELDS, Ran, book_lines, onefill, quote_at, write_orders
from tests.e2e.conftest import ORDERS

NINE, FOUR_PM = 1_399_539_600_000, 1_399_564_800_000


def run(ticks: Path, orders: Path, journal: Path, *more: object) -> Ran:
    return onefill(
        "run", "--ticks", ticks, "--orders", orders, "--journal", journal, "--json", *more
    )


def test_every_decision_of_a_day_ends_as_its_ticks_say(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    ran = run(eurusd, orders, tmp_path / "journal")
    assert ran.status == 0, ran.err
    assert ran.err == ""
    answers = ran.answers
    assert list(answers) == [order["client_key"] for order in ORDERS], "in order of arrival"
    assert {key: one["status"] for key, one in answers.items()} == {
        "buy": "filled",
        "sell-limit": "filled",
        "sell-stop": "filled",
        "far": "cancelled",
        "raise": "done",
        "too-big": "denied",
        "take-back": "done",
        "half": "filled",
        "end": "done",
        "overnight": "working",
    }
    _, ask = quote_at(eurusd, NINE)
    buy = answers["buy"]
    assert (buy["requested_price"], buy["fill_price"]) == (ask, ask)
    assert (buy["filled_volume"], buy["slippage_pips"], buy["attempts"]) == (0.1, 0, 1)
    assert buy["received_at_ms"] == buy["submitted_at_ms"] == buy["filled_at_ms"] == NINE
    assert answers["half"]["fill_price"] == quote_at(eurusd, FOUR_PM)[1]
    limit = answers["sell-limit"]
    assert limit["filled_volume"] == 0.95, "units are rounded down to the step"
    assert limit["fill_price"] >= 1.397
    assert limit["slippage_pips"] <= 0
    assert answers["sell-stop"]["fill_price"] <= 1.386
    assert answers["sell-stop"]["slippage_pips"] >= 0
    assert answers["far"]["deal_tickets"] == []
    assert answers["too-big"]["reason"]["code"]
    assert "600" in answers["too-big"]["reason"]["message"]


def test_the_answers_and_the_summary_have_the_published_shape(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    ran = run(eurusd, orders, tmp_path / "journal")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    for one in lines[:-1]:
        assert list(one) == FIELDS
        assert one["reason"] is None or list(one["reason"]) == ["code", "message"]
        assert len(one["intent_id"]) == 32
    assert list(lines[-1]) == ["summary"]
    summary = lines[-1]["summary"]
    assert summary["counts"] == {
        "cancelled": 1,
        "denied": 1,
        "done": 3,
        "filled": 4,
        "working": 1,
    }
    assert summary["ticks_replayed"] == 87_833
    assert summary["broken_lines"] == 0
    assert summary["balance"] == round(10_000 + summary["profit"], 2) != 10_000
    assert summary["equity"] == summary["balance"]
    assert summary["slippage"]["worst_pips"] >= summary["slippage"]["mean_pips"]
    assert len(bytes.fromhex(summary["head_hash"])) == 32


def test_run_again_sends_nothing_and_says_the_same_byte_for_byte(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    first = run(eurusd, orders, tmp_path / "journal")
    book = book_lines(tmp_path / "journal")
    again = run(eurusd, orders, tmp_path / "journal")
    assert (again.status, again.out, again.err) == (0, first.out, "")
    assert book_lines(tmp_path / "journal") == book


def test_the_same_inputs_say_the_same_in_another_directory(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    faults = ("--faults", "lost_reply=0.3,hang=0.1,partial=0.2,requote=0.2", "--seed", 11)
    one = run(eurusd, orders, tmp_path / "one", *faults)
    (tmp_path / "deeper").mkdir()
    other = run(eurusd, orders, tmp_path / "deeper" / "journal", *faults)
    assert one.out == other.out
    assert book_lines(tmp_path / "one") == book_lines(tmp_path / "deeper" / "journal")


def test_lines_at_the_end_of_the_file_go_on_from_there(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    first = run(eurusd, orders, tmp_path / "journal")
    book = book_lines(tmp_path / "journal")
    more: dict[str, Any] = {
        "client_key": "after",
        "at": "2014-05-08T21:00:00Z",
        "symbol": "EURUSD",
        "side": "buy",
        "volume": 0.2,
    }
    write_orders(orders, *ORDERS, more)
    second = run(eurusd, orders, tmp_path / "journal")
    assert second.status == 0
    assert second.out.splitlines()[: len(ORDERS)] == first.out.splitlines()[:-1]
    assert second.answers["after"]["status"] == "filled"
    grown = book_lines(tmp_path / "journal")
    assert grown[: len(book)] == book
    assert len(grown) > len(book)
    assert second.summary["counts"]["filled"] == first.summary["counts"]["filled"] + 1


def test_a_file_that_grows_line_by_line_fills_as_one_that_was_whole(
    eurusd: Path, tmp_path: Path
) -> None:
    buys = [
        {
            "client_key": f"b{hour}",
            "at": f"2014-05-08T{hour:02d}:00:00Z",
            "symbol": "EURUSD",
            "side": "buy",
            "volume": 0.01,
        }
        for hour in (9, 12, 15)
    ]
    whole = run(eurusd, write_orders(tmp_path / "whole.jsonl", *buys), tmp_path / "whole")
    answers: dict[str, dict[str, Any]] = {}
    for count in (1, 2, 3):
        # The market has moved on to its end by the time a line is added: it is taken late.
        grown = write_orders(tmp_path / "grown.jsonl", *buys[:count])
        answers = run(eurusd, grown, tmp_path / "grown").answers
    assert whole.answers["b9"]["fill_price"] == answers["b9"]["fill_price"]
    assert answers["b15"]["received_at_ms"] > whole.answers["b15"]["received_at_ms"]
    assert answers["b15"]["fill_price"] == quote_at(eurusd, answers["b15"]["received_at_ms"])[1]


def test_a_key_with_other_content_is_refused_and_the_first_answer_stays(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    first = run(eurusd, orders, tmp_path / "journal")
    book = book_lines(tmp_path / "journal")
    changed = [ORDERS[0] | {"volume": 0.2}, *ORDERS[1:]]
    second = run(eurusd, write_orders(orders, *changed), tmp_path / "journal")
    assert second.status == 0
    buy = second.answers["buy"]
    assert (buy["status"], buy["reason"]["code"]) == ("denied", "KEY_REUSED")
    assert "'buy'" in buy["reason"]["message"]
    assert book_lines(tmp_path / "journal") == book
    back = run(eurusd, write_orders(orders, *ORDERS), tmp_path / "journal")
    assert back.answers == first.answers


def test_a_journal_is_not_gone_on_with_from_other_inputs(
    eurusd: Path, orders: Path, tmp_path: Path, ticks_dir: Path
) -> None:
    journal = tmp_path / "journal"
    run(eurusd, orders, journal)
    book = book_lines(journal)
    limits = tmp_path / "limits.toml"
    limits.write_text(onefill("run", "--show-limits").out.replace("100", "99"))
    for words, said in (
        (("--balance", 20_000), "balance is 20000 here, 10000 in the journal"),
        (("--currency", "EUR"), "currency is EUR here, USD in the journal"),
        (("--leverage", 30), "leverage is 30 here, 100 in the journal"),
        (("--seed", 5), "seed is 5 here, 0 in the journal"),
        (("--faults", "partial=0.5"), "faults is"),
        (("--limits", limits), "limits is"),
        (("--ticks", ticks_dir / "NZDUSD-2014-05-08.csv.gz"), "NZDUSD"),
    ):
        ran = run(eurusd, orders, journal, *words)
        assert (ran.status, ran.out) == (2, ""), words
        assert said in ran.complaint
        assert str(journal) in ran.complaint
    assert book_lines(journal) == book
    assert run(eurusd, orders, journal).status == 0, "with the same inputs it goes on"


def test_a_wrong_line_is_refused_by_name_and_the_rest_goes_on(eurusd: Path, tmp_path: Path) -> None:
    path = write_orders(
        tmp_path / "some.jsonl",
        ORDERS[0],
        {"client_key": "x", "at": "2014-05-08T09:00:00Z", "symbol": "EURUSD", "side": "up"}
        | {"volume": 1},
        {"client_key": "y", "at": "when it rains", "symbol": "EURUSD", "side": "buy", "volume": 1},
        "{not json",
        {"at": 1_399_546_800_000, "symbol": "EURUSD", "side": "buy", "volume": 1},
        {"client_key": "z", "symbol": "EURUSD", "side": "buy", "volume": 1, "volumes": 2},
        ORDERS[1],
    )
    ran = run(eurusd, path, tmp_path / "journal")
    assert ran.status == 0
    assert list(ran.answers) == ["buy", "sell-limit"]
    complaints = ran.err.splitlines()
    assert len(complaints) == 5
    for line, field, complaint in zip(
        (2, 3, 4, 5, 6), ("side", "at", "", "client_key", "volumes"), complaints, strict=True
    ):
        assert complaint.startswith(f"{path}:{line}: ")
        assert field in complaint
    refused = ran.summary["refused_lines"]
    assert [(one["line"], one["field"]) for one in refused][:2] == [(2, "side"), (3, "at")]
    assert all(one["file"] == str(path) for one in refused)
    assert "buy" in refused[0]["message"], "says what was expected"


def test_faults_end_in_proven_states_or_in_quarantine(
    eurusd: Path, orders: Path, tmp_path: Path
) -> None:
    spec = (
        "lost_reply=0.2,late_execution=0.05,partial=0.1,requote=0.1,reject=0.05,hang=0.02,"
        "disconnect=0.02"
    )
    for seed in (1, 2, 3):
        ran = run(eurusd, orders, tmp_path / str(seed), "--faults", spec, "--seed", seed)
        waiting = [one for one in ran.answers.values() if one["status"] == "quarantined"]
        assert ran.status == (3 if waiting else 0)
        states = {one["status"] for one in ran.answers.values()}
        assert not states & {"unknown", "sending", "accepted"}
        again = run(eurusd, orders, tmp_path / str(seed), "--faults", spec, "--seed", seed)
        assert (again.status, again.out) == (ran.status, ran.out)
