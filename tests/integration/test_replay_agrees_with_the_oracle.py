"""`onefill run` on real ticks, judged order by order by a plain loop that shares no code."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.orders import generate, write_orders
from tests.oracle.records import Outcome, read_orders
from tests.oracle.replay import OracleRun, replay_ticks
from tests.oracle.ticks import read_ticks

FILES = (
    "EURUSD-2014-05-06.csv.gz",
    "EURUSD-2014-05-07.csv.gz",
    "EURUSD-2014-05-08.csv.gz",
    "NZDUSD-2014-05-06.mt5.csv.gz",
    "NZDUSD-2014-05-07.csv.gz",
    "NZDUSD-2014-05-08.csv.gz",
    "XAUUSD-2014-05-05.csv.gz",
)
BALANCE = Decimal(100_000)


def test_every_tick_file_is_judged(ticks_dir: Path) -> None:
    assert {file.name for file in ticks_dir.iterdir()} == set(FILES)


@pytest.mark.parametrize(("seed", "name"), list(enumerate(FILES)))
def test_orders_of_every_kind_agree_on(
    seed: int, name: str, ticks_dir: Path, tmp_path: Path
) -> None:
    judge([ticks_dir / name], tmp_path, seed=seed, count=400)


def test_orders_agree_on_all_files_together(ticks_dir: Path, tmp_path: Path) -> None:
    judge([ticks_dir / name for name in FILES], tmp_path, seed=100, count=800)


def test_orders_agree_on_an_account_in_the_traded_currency(ticks_dir: Path, tmp_path: Path) -> None:
    judge([ticks_dir / FILES[0]], tmp_path, seed=200, count=400, currency="EUR")


def judge(
    ticks_files: Sequence[Path], folder: Path, seed: int, count: int, currency: str = "USD"
) -> None:
    """Write orders, run the product and the oracle on them, and compare all they say."""
    ticks = read_ticks(ticks_files)
    orders_file = folder / "orders.jsonl"
    write_orders(generate(ticks, seed, count, BALANCE, currency), orders_file)
    expected = replay_ticks(ticks, read_orders(orders_file), BALANCE, currency)
    kinds = {outcome.status for outcome in expected.outcomes}
    assert kinds >= {"filled", "done", "refused", "cancelled", "expired"}, "too tame a run"

    answers, summary = run_onefill(ticks_files, orders_file, folder / "journal", currency)
    keys = [answer["client_key"] for answer in answers]
    assert keys == [outcome.key for outcome in expected.outcomes]
    differences = [
        difference
        for answer, outcome in zip(answers, expected.outcomes, strict=True)
        for difference in order_differences(answer, outcome)
    ]
    differences += deal_order_differences(answers, expected)
    differences += account_differences(summary, expected)
    assert not differences, "\n".join([f"{len(differences)} differences", *differences[:40]])
    assert not summary["broken_lines"]


def run_onefill(
    ticks_files: Sequence[Path], orders_file: Path, journal: Path, currency: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The answers and the summary that a subprocess prints; numbers exact."""
    call = [sys.executable, "-m", "onefill", "run", "--json"]
    for file in ticks_files:
        call += ["--ticks", str(file)]
    call += ["--orders", str(orders_file), "--journal", str(journal)]
    call += ["--balance", str(BALANCE), "--currency", currency]
    done = subprocess.run(call, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stderr[-3000:]}"
    *answers, last = (json.loads(line, parse_float=Decimal) for line in done.stdout.splitlines())
    return answers, last["summary"]


def order_differences(answer: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """What an answer says otherwise than the oracle; one line each."""
    told = answer["status"]
    status = "refused" if told in ("denied", "rejected") else told
    wanted = "refused" if outcome.status == "rejected" else outcome.status
    pairs: list[tuple[str, object, object]] = [("status", status, wanted)]
    if outcome.action != "close_all":  # it may have several fills, or tell none
        pairs += [
            ("fill_price", exact(answer["fill_price"]), exact(outcome.fill_price)),
            ("filled_volume", exact(answer["filled_volume"]), exact(outcome.filled_volume)),
        ]
    if outcome.status == "filled":
        pairs += [
            ("requested_price", exact(answer["requested_price"]), exact(outcome.requested_price)),
            ("filled_at_ms", answer["filled_at_ms"], outcome.filled_at_ms),
        ]
        assert outcome.slippage_pips is not None
        slippage = answer["slippage_pips"]
        if slippage is None or not close(slippage, outcome.slippage_pips):
            pairs.append(("slippage_pips", slippage, float(outcome.slippage_pips)))
    reason = outcome.why or answer["reason"]
    return [
        f"{outcome.key}: {field} is {got}, expected {want} ({reason})"
        for field, got, want in pairs
        if got != want
    ]


def deal_order_differences(answers: Sequence[Mapping[str, Any]], expected: OracleRun) -> list[str]:
    """Where deals were made in another order; tickets rise with time."""
    filled = [answer for answer in answers if answer["status"] == "filled"]
    told = sorted(filled, key=lambda answer: min(answer["deal_tickets"]))
    outcomes = [outcome for outcome in expected.outcomes if outcome.status == "filled"]
    outcomes.sort(key=lambda outcome: outcome.deal_number)
    return [
        f"deals: {answer['client_key']} where {outcome.key} was next"
        for answer, outcome in zip(told, outcomes, strict=False)  # statuses are compared elsewhere
        if answer["client_key"] != outcome.key
    ][:1]


def account_differences(summary: Mapping[str, Any], expected: OracleRun) -> list[str]:
    """Where the account at the end differs, to the last digit."""
    return [
        f"summary: {field} is {summary[field]}, expected {getattr(expected, field)}"
        for field in ("balance", "equity", "floating_profit", "margin")
        if exact(summary[field]) != getattr(expected, field)
    ]


def exact(number: object) -> Decimal:
    """A number or decimal text as it is; nothing filled may be told as null or as 0."""
    return Decimal(0) if number is None else Decimal(str(number))


def close(told: object, expected: Fraction) -> bool:
    """Whether a slippage agrees to 1e-9 pips."""
    return abs(Fraction(str(told)) - expected) <= Fraction(1, 10**9)
