"""`onefill script`: programs as traders write them, unmodified, and what they made of the account.

The account is read from the broker's own book, line by line, without the product.
"""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Ran, onefill

PROGRAMS = Path(__file__).parents[2] / "examples" / "scripts"
IN, OUT, INOUT, OUT_BY = range(4)
BUY, SELL, CLOSE_BY = 0, 1, 8
EXPERT, STOP_LOSS, TAKE_PROFIT = 3, 4, 5
CANCELLED, FILLED, EXPIRED = 2, 4, 6
START_MS = 1_736_154_000_000
#: Everything that MT5's terminal answers; `initialize`, `shutdown` and `last_error` it never sees.
ANSWERED = 29
ACTIONS = {1, 5, 6, 7, 8, 10}


#: What each program calls, and which actions it has carried out: every run of it is held to that.
_DEAL = "symbol_info_tick order_send"
CALLED = {
    program: set(names.split())
    for program, names in {
        "sltp_and_close.py": f"{_DEAL} symbol_info positions_get",
        "close_all.py": f"{_DEAL} symbol_info symbol_select positions_get positions_total "
        "orders_get orders_total",
        "trailing_stop.py": f"{_DEAL} symbol_info positions_get history_deals_get",
        "break_even.py": f"{_DEAL} symbol_info positions_get copy_rates_from_pos",
        "pending_grid.py": f"{_DEAL} symbol_info orders_get positions_total",
        "partial_close.py": f"{_DEAL} symbol_info symbol_select positions_get history_deals_get",
        "close_by.py": f"{_DEAL} account_info positions_get",
        "netting_reversal.py": f"{_DEAL} account_info positions_get history_deals_get",
        "history_report.py": f"{_DEAL} positions_get history_deals_total history_deals_get "
        "history_orders_total history_orders_get",
        "risk_lots.py": f"{_DEAL} symbol_info symbol_select account_info order_check "
        "order_calc_margin order_calc_profit",
        "rates_chart.py": "symbol_info_tick copy_rates_range copy_rates_from",
        "sma_cross.py": f"{_DEAL} positions_get copy_rates_from_pos",
        "tick_recorder.py": "symbol_info_tick symbol_select copy_ticks_range copy_ticks_from",
        "market_depth.py": f"{_DEAL} market_book_add market_book_get market_book_release",
        "inspect_terminal.py": "version terminal_info account_info login symbols_total "
        "symbols_get symbol_info order_calc_margin positions_total orders_total",
        "threaded_guard.py": f"{_DEAL} account_info positions_get",
        "async_quotes.py": f"{_DEAL} symbol_info",
    }.items()
}
SENT = {
    "close_all.py": {1, 5, 8},
    "trailing_stop.py": {1, 6},
    "pending_grid.py": {5, 7, 8},
    "close_by.py": {1, 10},
}


@dataclass(frozen=True)
class Done:
    """A program that has ended, its summary, and the broker's book."""

    ran: Ran
    summary: dict[str, Any]
    lines: list[dict[str, Any]]
    folder: Path

    @property
    def deals(self) -> list[dict[str, Any]]:
        """Without the deposit."""
        return [one for one in self.lines if one["what"] == "deal" and one["type"] != 2]

    @property
    def orders(self) -> dict[int, dict[str, Any]]:
        """As they stand at the end."""
        return {one["ticket"]: one for one in self.lines if one["what"] == "order"}

    @property
    def positions(self) -> list[dict[str, Any]]:
        """Each time that one changed."""
        return [one for one in self.lines if one["what"] == "position"]

    @property
    def open_positions(self) -> dict[int, dict[str, Any]]:
        last = {one["ticket"]: one for one in self.positions}
        return {ticket: one for ticket, one in last.items() if one["volume"]}

    def requests(self, action: int) -> list[dict[str, Any]]:
        """The requests of an action that were carried out."""
        return [
            one["request"]
            for one in self.lines
            if one["what"] == "request"
            and one["request"].get("action", 0) == action
            and one["retcode"] == 10009
        ]


def perform(folder: Path, program: str, *words: object) -> Done:
    """Run a program of the examples to its end."""
    book = folder / "broker.log"
    ran = onefill("script", PROGRAMS / program, *words, "--state", book, "--json", cwd=folder)
    lines = [json.loads(line) for line in book.read_text().splitlines()]
    done = Done(ran, json.loads(ran.out.splitlines()[-1]), lines, folder)
    check_money(done)
    return done


def check_money(done: Done) -> None:
    """The balance is what the deals made of it, and the summary says nothing else."""
    cents = sum(
        round(one[part] * 100)
        for one in done.lines
        if one["what"] == "deal"
        for part in ("profit", "commission", "swap", "fee")
    )
    assert round(done.summary["balance"] * 100) == cents
    assert done.summary["deals"] == len(done.deals)
    assert done.summary["positions"] == len(done.open_positions)


def walk(path: Path, *legs: tuple[int, float]) -> Path:
    """Ticks a second apart, in straight lines to each price after so many minutes."""
    rows, at_ms, (_, bid) = ["time_msc,bid,ask"], START_MS, legs[0]
    for minutes, price in legs:
        seconds = max(1, 60 * minutes)
        for second in range(1, seconds + 1):
            quote = bid + (price - bid) * second / seconds
            rows.append(f"{at_ms},{quote:.5f},{quote + 0.0001:.5f}")
            at_ms += 1_000
        bid = price
    path.write_text("\n".join(rows) + "\n")
    return path


Perform = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path) -> Perform:
    def performed(program: str, *words: object) -> Done:
        done = perform(tmp_path, program, *words)
        assert done.ran.status == done.summary["exit_status"] == 0, done.ran.err
        assert done.summary["calls"].keys() >= CALLED[program]
        assert all(done.requests(action) for action in SENT.get(program, ()))
        return done

    return performed


def test_a_position_with_stops_is_opened_and_closed(run: Perform) -> None:
    done = run("sltp_and_close.py", "EURUSD", 0.2)
    opening, closing = done.deals
    assert (opening["type"], opening["entry"], opening["magic"]) == (BUY, IN, 234000)
    assert (closing["type"], closing["entry"], closing["volume"]) == (SELL, OUT, 0.2)
    assert closing["position_id"] == opening["position_id"] == opening["order"]
    assert [one["comment"] for one in done.deals] == ["python script open", "python script close"]
    assert closing["time_ms"] - opening["time_ms"] >= 60_000
    held = done.positions[0]
    assert held["sl"] < held["price_open"] < held["tp"]
    assert round((held["tp"] - held["sl"]) * 1e5) == 600
    assert not done.open_positions


def test_everything_is_closed_and_removed(run: Perform) -> None:
    done = run("close_all.py", "--demo")
    assert not done.open_positions
    assert Counter(one["entry"] for one in done.deals) == {IN: 3, OUT: 3}
    states = Counter(one["state"] for one in done.orders.values())
    assert states == {FILLED: 6, CANCELLED: 3}
    assert len(done.requests(8)) == 3
    assert done.summary["orders"] == 0


def test_a_trailing_stop_only_rises_and_closes_the_position(run: Perform, tmp_path: Path) -> None:
    ticks = walk(
        tmp_path / "EURUSD.csv", (0, 1.1), (30, 1.103), (5, 1.1025), (30, 1.105), (30, 1.1)
    )
    done = run("trailing_stop.py", "--distance", 150, "--ticks", ticks)
    stops = [one["sl"] for one in done.positions if one["volume"]]
    assert len(stops) > 20
    assert stops == sorted(set(stops))
    closing = done.deals[-1]
    assert (closing["entry"], closing["reason"]) == (OUT, STOP_LOSS)
    assert closing["comment"] == f"[sl {stops[-1]:.5f}]"
    assert closing["price"] <= stops[-1]
    assert len(done.requests(6)) == len(stops) - 1


def test_a_stop_moves_to_break_even(run: Perform, tmp_path: Path) -> None:
    ticks = walk(tmp_path / "GBPUSD.csv", (0, 1.3), (90, 1.305), (30, 1.307), (60, 1.3))
    done = run("break_even.py", "--ticks", ticks, "--start", "2025-01-06T10:30")
    first, moved = [one for one in done.positions if one["volume"]]
    sign = 1 if first["type"] == BUY else -1
    assert round(sign * (moved["sl"] - moved["price_open"]) * 1e5) == 10
    assert moved["tp"] == first["tp"]
    assert done.deals[-1]["reason"] == STOP_LOSS
    assert done.summary["profit"] > 0


def test_a_grid_of_pending_orders_is_moved_removed_and_expires(
    run: Perform, tmp_path: Path
) -> None:
    ticks = walk(tmp_path / "EURUSD.csv", (0, 1.1), (5, 1.0985), (60, 1.1005), (200, 1.1))
    done = run("pending_grid.py", "--ticks", ticks)
    placed, moved, removed = done.requests(5), done.requests(7), done.requests(8)
    assert Counter(one.get("type", 0) for one in placed) == {2: 4, 3: 4, 4: 1, 5: 1, 6: 1, 7: 1}
    assert moved
    assert len(removed) == 2
    assert {one["state"] for one in done.orders.values()} >= {CANCELLED, EXPIRED}
    for request in moved:
        order = done.orders[request["order"]]
        assert order["price_open"] == request["price"]
        assert order["tp"] == request["tp"]
    expired = [one for one in done.orders.values() if one["state"] == EXPIRED]
    for order in expired:
        assert 0 <= order["done_ms"] - order["expiration_ms"] <= 1_000
    assert done.summary["orders"] == 0
    assert Counter(one["reason"] for one in done.deals) == {EXPERT: 1, TAKE_PROFIT: 1}
    assert all(one["magic"] == 4_711 for one in done.deals)


def test_a_position_is_closed_in_parts(run: Perform) -> None:
    done = run("partial_close.py", "EURUSD")
    opening, *closings = done.deals
    assert [one["volume"] for one in closings] == [0.03, 0.03, 0.04]
    assert {one["position_id"] for one in done.deals} == {opening["order"]}
    assert [one["volume"] for one in done.positions] == [0.1, 0.07, 0.04, 0.0]
    assert [one["comment"] for one in closings] == ["part 1", "part 2", "rest"]


def test_a_position_is_closed_by_its_opposite(run: Perform) -> None:
    done = run("close_by.py")
    (request,) = done.requests(10)
    (order,) = [one for one in done.orders.values() if one["type"] == CLOSE_BY]
    assert order["position_id"] == request["position"]
    assert order["position_by_id"] == request["position_by"]
    by = [one for one in done.deals if one["entry"] == OUT_BY]
    assert [one["volume"] for one in by] == [0.2, 0.2]
    (left,) = done.open_positions.values()
    assert (left["ticket"], left["volume"]) == (request["position"], 0.1)


@pytest.mark.parametrize("profile", ["netting", "exchange"])
def test_a_netted_position_grows_shrinks_and_turns_round(run: Perform, profile: str) -> None:
    done = run("netting_reversal.py", "EURUSD", 0.4, "--profile", profile)
    assert [one["entry"] for one in done.deals] == [IN, IN, OUT, INOUT, OUT]
    assert [one["volume"] for one in done.deals] == [0.4, 0.4, 0.2, 1.2, 0.6]
    assert len({one["position_id"] for one in done.deals}) == 1
    assert len({one["identifier"] for one in done.positions}) == 1
    assert len({one["ticket"] for one in done.positions}) == 2
    assert not done.open_positions
    assert "reversed: -0.6 identifier kept: True ticket changed: True" in done.ran.out


def test_a_program_for_netting_leaves_a_hedging_account_alone(tmp_path: Path) -> None:
    done = perform(tmp_path, "netting_reversal.py")
    assert done.ran.status == done.summary["exit_status"] == 2
    assert not done.deals


def test_the_history_adds_up_in_pandas(run: Perform) -> None:
    done = run("history_report.py", "--csv", "report.csv")
    with (done.folder / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    net = {int(row["position_id"]): round(float(row["net"]) * 100) for row in rows}
    told: Counter[int] = Counter()
    for one in done.deals:
        parts = sum(one[part] for part in ("profit", "commission", "swap", "fee"))
        told[one["position_id"]] += round(parts * 100)
    assert net == told
    assert sum(net.values()) == round(done.summary["profit"] * 100)


def test_lots_are_sized_by_the_risk(run: Perform) -> None:
    done = run("risk_lots.py", "EURUSD", "GBPUSD", "EURGBP")
    assert [one["symbol"] for one in done.open_positions.values()] == ["EURUSD", "GBPUSD", "EURGBP"]
    for held in list(done.open_positions.values())[:2]:
        loss = (held["price_open"] - held["sl"]) * 100_000 * held["volume"]
        assert 95 < loss <= 100.01
    assert all(one["sl"] and one["comment"] == "one per cent" for one in done.positions)


def test_rates_become_a_picture(run: Perform) -> None:
    done = run("rates_chart.py", "EURUSD", "H1", "chart.svg")
    picture = ElementTree.parse(done.folder / "chart.svg").getroot()
    candles = int(re.findall(r"^(\d+) candles", done.ran.out, re.MULTILINE)[0])
    assert sum(shape.tag.endswith("rect") for shape in picture) == candles > 100
    assert not done.deals


def test_a_polling_bot_trades_until_its_market_ends(run: Perform) -> None:
    done = run("sma_cross.py", "--for", "1d")
    assert done.summary["ended"] == "time limit"
    assert done.summary["to_ms"] - done.summary["from_ms"] == 86_400_000
    assert done.summary["calls"]["copy_rates_from_pos"] == 1_440
    assert len(done.deals) > 4
    assert len(done.open_positions) <= 1
    assert all(one["magic"] == 821 and one["comment"] == "sma 8/21" for one in done.deals)
    sides = [one["type"] for one in done.deals if one["entry"] == IN]
    assert all(side != after for side, after in pairwise(sides))


def test_ticks_are_recorded_in_order_and_once(run: Perform) -> None:
    done = run("tick_recorder.py", "--minutes", 3, "--out", "ticks.csv")
    with (done.folder / "ticks.csv").open() as file:
        rows = list(csv.DictReader(file))
    times = [int(row["time_msc"]) for row in rows]
    assert len(times) > 100
    assert times == sorted(set(times))
    assert times[-1] - times[0] > 3_600_000
    assert all(0 < float(row["bid"]) < float(row["ask"]) for row in rows)


def test_market_depth_is_watched_and_taken(run: Perform) -> None:
    done = run("market_depth.py")
    assert "saw the book 60 times" in done.ran.out
    (deal,) = done.deals
    assert (deal["comment"], deal["volume"]) == ("depth", 0.1)


def test_the_terminal_tells_everything_of_itself(run: Perform) -> None:
    done = run("inspect_terminal.py")
    for line in ("authorized: True", "currency=USD", "an unknown symbol: None (-4, "):
        assert line in done.ran.out
    assert not done.deals


def test_two_threads_share_the_terminal_and_the_time(run: Perform) -> None:
    done = run("threaded_guard.py")
    assert Counter(one["entry"] for one in done.deals) == {IN: 6, OUT: 6}
    reports = re.findall(r"^ *(\d+) min: equity", done.ran.out, re.MULTILINE)
    assert list(map(int, reports)) == list(range(0, 180, 15))
    for opening, closing in zip(done.deals[::2], done.deals[1::2], strict=True):
        assert round((closing["time_ms"] - opening["time_ms"]) / 60_000) <= 30


def test_asyncio_tasks_watch_side_by_side(run: Perform) -> None:
    done = run("async_quotes.py")
    assert done.ran.out.count("watching") == 5
    (order,) = done.orders.values()
    assert (order["type"], order["type_time"], order["comment"]) == (4, 1, "break-out")
    minutes = (done.summary["to_ms"] - done.summary["from_ms"]) / 60_000
    assert 19 < minutes < 21


def test_together_the_programs_call_every_function_and_make_every_request() -> None:
    assert CALLED.keys() == {path.name for path in PROGRAMS.glob("*.py")}
    assert len(set().union(*CALLED.values())) == ANSWERED
    assert set().union(*SENT.values()) == ACTIONS
