"""The oracle itself: cases computed by hand, and what its generator writes."""

import ast
import gzip
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from .orders import CHANGING, ENDING, OPENING, WRONG, generate, write_orders
from .records import read_orders
from .replay import OracleRun, replay, replay_ticks
from .symbols import rounded
from .ticks import Tick, read_ticks

D = Decimal


def ticks(*quotes: tuple[int, str, str], symbol: str = "EURUSD") -> list[Tick]:
    return [Tick(time_ms, symbol, D(bid), D(ask)) for time_ms, bid, ask in quotes]


def order(key: str, at: int, **fields: Any) -> dict[str, Any]:
    return {"client_key": key, "at": at, **fields}


def buy(key: str, at: int, kind: str = "market", **fields: Any) -> dict[str, Any]:
    fields = {"symbol": "EURUSD", "side": "buy", "volume": "0.10", **fields}
    return order(key, at, action="open", order_type=kind, **fields)


def sell(key: str, at: int, kind: str = "market", **fields: Any) -> dict[str, Any]:
    return buy(key, at, kind, side="sell", **fields)


def run(quotes: list[Tick], *orders: dict[str, Any], currency: str = "USD") -> OracleRun:
    return replay_ticks(quotes, orders, D(100_000), currency)


def statuses(result: OracleRun) -> list[str]:
    return [outcome.status for outcome in result.outcomes]


def deals(result: OracleRun) -> list[tuple[int, str, str, Decimal]]:
    return [(deal.time_ms, deal.key, deal.reason, deal.price) for deal in result.deals]


UP = ticks((1000, "1.38742", "1.38755"), (2000, "1.38850", "1.38863"))


def test_a_bought_lot_pays_the_spread_and_earns_the_move() -> None:
    result = run(UP, buy("b", 1000), order("c", 2000, action="close", target="b"))
    opened, closed = result.outcomes
    assert (opened.fill_price, opened.slippage_pips) == (D("1.38755"), Fraction(0))
    assert opened.margin_at_open == D("138.76")  # 0.1 x 100000 x 1.38755 / 100 = 138.755
    assert (closed.fill_price, closed.filled_volume) == (D("1.38850"), D("0.10"))
    assert opened.profit == closed.profit == D("9.50")  # 0.00095 x 10000
    assert (result.balance, result.equity) == (D("100009.50"), D("100009.50"))
    assert (result.floating_profit, result.margin) == (D(0), D(0))


def test_a_sold_lot_that_stays_open_floats() -> None:
    result = run(UP, sell("s", 1500))
    assert result.outcomes[0].fill_price == D("1.38742")
    assert result.floating_profit == D("-12.10")  # (1.38742 - 1.38863) x 10000
    assert (result.balance, result.equity) == (D(100_000), D("99987.90"))
    assert result.margin == D("138.74")  # 138.742


def test_on_a_euro_account_profit_is_divided_by_the_closing_price() -> None:
    close = order("c", 2000, action="close", target="b")
    result = run(UP, buy("b", 1000, volume="1"), close, currency="EUR")
    assert result.outcomes[0].margin_at_open == D("1000.00")
    assert result.balance == D("100068.42")  # 95 / 1.38850 = 68.419...


def test_gold_has_pips_of_ten_points_and_a_contract_of_a_hundred() -> None:
    gold = ticks((1000, "1300.335", "1300.799"), (2000, "1301.335", "1301.9"), symbol="XAUUSD")
    result = run(gold, buy("b", 1000, symbol="XAUUSD", volume="0.05", price="1300.779"))
    assert result.outcomes[0].slippage_pips == 2  # asked 1300.779, got 1300.799
    assert result.floating_profit == D("2.68")  # 0.536 x 5
    assert result.margin == D("65.04")  # 5 x 1300.799 / 100 = 65.03995


def test_slippage_of_a_close_is_positive_where_it_is_worse() -> None:
    close = order("c", 2000, action="close", target="b", price="1.38860")
    assert run(UP, buy("b", 1000), close).outcomes[1].slippage_pips == 1  # sold a pip lower
    close = order("c", 2000, action="close", target="s", price="1.38862")
    assert run(UP, sell("s", 1000), close).outcomes[1].slippage_pips == Fraction(1, 10)


def test_money_is_rounded_half_away_from_zero() -> None:
    assert rounded(Fraction(5, 1000), "USD") == D("0.01")
    assert rounded(Fraction(-5, 1000), "USD") == D("-0.01")
    assert rounded(Fraction(-4999, 1_000_000), "USD") == 0
    assert rounded(Fraction(5, 2), "JPY") == D(3)


def test_an_order_sees_the_tick_of_its_own_millisecond_but_works_from_the_next_on() -> None:
    quotes = ticks((1000, "1.38742", "1.38755"), (2000, "1.38700", "1.38713"), (3000, "1", "1"))
    result = run(quotes, buy("late", 999), buy("m", 2000), buy("l", 2000, "limit", price="1.38712"))
    assert statuses(result) == ["refused", "filled", "filled"]
    assert deals(result) == [(2000, "m", "open", D("1.38713")), (3000, "l", "open", D(1))]


def test_limits_fill_at_the_tick_and_never_worse() -> None:
    quotes = ticks((1, "1.10", "1.11"), (2, "1.09", "1.10"), (3, "1.05", "1.06"), (4, "1.2", "1.3"))
    result = run(
        quotes,
        buy("b", 1, "limit", price="1.10"),
        buy("gap", 1, "limit", price="1.08"),
        sell("s", 1, "limit", price="1.15"),
    )
    assert deals(result) == [
        (2, "b", "open", D("1.10")),
        (3, "gap", "open", D("1.06")),
        (4, "s", "open", D("1.2")),
    ]
    assert [outcome.slippage_pips for outcome in result.outcomes] == [0, -200, -500]


def test_stops_fill_at_the_tick_even_where_it_is_worse() -> None:
    quotes = ticks((1, "1.10", "1.11"), (2, "1.12", "1.13"), (3, "1.05", "1.06"))
    result = run(quotes, buy("b", 1, "stop", price="1.12"), sell("s", 1, "stop", price="1.09"))
    assert deals(result) == [(2, "b", "open", D("1.13")), (3, "s", "open", D("1.05"))]
    assert [outcome.slippage_pips for outcome in result.outcomes] == [100, 400]


def test_a_stop_limit_becomes_a_limit_for_good() -> None:
    quotes = ticks(
        (1, "1.10", "1.11"), (2, "1.07", "1.08"), (3, "1.12", "1.13"), (4, "1.085", "1.095")
    )
    wanted = {"price": "1.12", "stop_limit_price": "1.10"}
    result = run(quotes, buy("b", 1, "stop_limit", **wanted))
    assert deals(result) == [(4, "b", "open", D("1.095"))]  # at 2 it had not triggered yet
    assert result.outcomes[0].slippage_pips == -50
    mirrored = {"price": "1.08", "stop_limit_price": "1.10"}
    result = run(quotes, sell("s", 1, "stop_limit", **mirrored))
    assert deals(result) == [(3, "s", "open", D("1.12"))]


def test_stop_loss_and_take_profit_look_at_the_closing_side() -> None:
    quotes = ticks((1, "1.10", "1.11"), (2, "1.09", "1.115"), (3, "1.12", "1.13"))
    result = run(
        quotes,
        buy("loss", 1, stop_loss="1.09"),
        buy("gain", 1, take_profit="1.115"),  # the ask of tick 2 does not count
        sell("hit", 1, stop_loss="1.115"),
    )
    assert deals(result)[3:] == [
        (2, "loss", "sl", D("1.09")),
        (2, "hit", "sl", D("1.115")),
        (3, "gain", "tp", D("1.12")),
    ]


def test_a_tick_opens_by_ticket_and_then_closes_by_ticket_what_it_opened_too() -> None:
    quotes = ticks((1, "1.10", "1.11"), (2, "1.04", "1.09"))
    result = run(
        quotes,
        buy("limit", 1, "limit", price="1.10", stop_loss="1.05", take_profit="1.2"),
        buy("market", 1, stop_loss="1.05"),
        sell("stop", 1, "stop", price="1.09"),
    )
    assert [deal[1:3] for deal in deals(result)] == [
        ("market", "open"),
        ("limit", "open"),
        ("stop", "open"),
        ("limit", "sl"),
        ("market", "sl"),
    ]


def test_a_working_order_expires_before_the_tick_of_that_time() -> None:
    quotes = ticks((1000, "1.10", "1.11"), (2000, "1.08", "1.09"))
    early = buy("early", 1000, "limit", price="1.10", expiration=2000)
    later = buy("later", 1000, "limit", price="1.10", expiration="1970-01-01T00:00:02.001Z")
    idle = buy("idle", 1000, "limit", price="1.01", expiration=3000)
    over = buy("over", 1000, "limit", price="1.10", expiration=1000)
    cancel = order("cancel", 3000, action="cancel", target="idle")
    result = run(quotes, early, later, idle, over, cancel)
    assert statuses(result) == ["expired", "filled", "expired", "refused", "refused"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("market", {"volume": "0.001"}),
        ("market", {"volume": "0.015"}),
        ("market", {"volume": "500.01"}),
        ("market", {"volume": "400"}),  # no money for it
        ("market", {"volume": None, "units": 999}),
        ("market", {"symbol": "GBPUSD"}),  # no quote
        ("market", {"stop_loss": "1.10"}),
        ("market", {"take_profit": "1.10"}),
        ("limit", {"price": "1.11"}),
        ("stop", {"price": "1.11"}),
        ("limit", {"price": "1.10", "stop_loss": "1.10"}),
        ("limit", {"price": "1.10", "take_profit": "1.10"}),
        ("stop_limit", {"price": "1.11", "stop_limit_price": "1.10"}),
        ("stop_limit", {"price": "1.12", "stop_limit_price": "1.12"}),
        ("stop_limit", {"price": "1.12", "stop_limit_price": "1.10", "stop_loss": "1.10"}),
    ],
)
def test_what_cannot_be_placed_is_refused(kind: str, fields: dict[str, Any]) -> None:
    assert statuses(run(ticks((1, "1.10", "1.11")), buy("b", 2, kind, **fields))) == ["refused"]


def test_units_are_rounded_down_to_the_step() -> None:
    result = run(UP, buy("b", 1000, volume=None, units=95_999))
    assert result.outcomes[0].filled_volume == D("0.95")


def test_a_position_is_closed_in_parts_and_only_once() -> None:
    def close(key: str, **fields: Any) -> dict[str, Any]:
        return order(key, 2000, action="close", target="b", **fields)

    result = run(UP, buy("b", 1000), close("too much", volume="0.11"), close("p", volume="0.03"))
    assert statuses(result) == ["filled", "refused", "filled"]
    assert (result.balance, result.floating_profit) == (D("100002.85"), D("6.65"))
    assert result.margin == D("97.13")  # 0.07 x 100000 x 1.38755 / 100 = 97.1285
    result = run(UP, buy("b", 1000), close("p", volume="0.03"), close("rest"), close("again"))
    assert statuses(result) == ["filled", "filled", "filled", "refused"]
    assert result.balance == D("100009.50")


def test_a_modify_leaves_what_is_null_and_removes_what_is_0() -> None:
    quotes = ticks((1, "1.10", "1.11"), (2, "1.05", "1.06"), (3, "1.20", "1.21"))
    opened = buy("b", 1, stop_loss="1.05", take_profit="1.15")
    change = order("m", 1, action="modify", target="b", stop_loss="0", take_profit=None)
    assert deals(run(quotes, opened, change))[1:] == [(3, "b", "tp", D("1.20"))]
    wrong = order("m", 1, action="modify", target="b", stop_loss="1.10")
    result = run(quotes, opened, wrong)
    assert statuses(result) == ["filled", "refused"]
    assert deals(result)[1:] == [(2, "b", "sl", D("1.05"))]


def test_a_working_order_is_moved_and_cancelled() -> None:
    quotes = ticks((1, "1.10", "1.11"), (2, "1.07", "1.08"))
    placed = buy("b", 1, "limit", price="1.05", stop_loss="1.04")
    move = order("m", 1, action="modify", target="b", price="1.08")
    result = run(quotes, placed, move)
    assert statuses(result) == ["filled", "done"]
    assert result.outcomes[0].slippage_pips == 0
    below_its_stop = order("m", 1, action="modify", target="b", price="1.03")
    cancel = order("c", 1, action="cancel", target="b")
    again = order("d", 1, action="cancel", target="b")
    result = run(quotes, placed, below_its_stop, cancel, again)
    assert statuses(result) == ["cancelled", "refused", "done", "refused"]


def test_close_all_closes_by_ticket_and_is_done_with_nothing_too() -> None:
    quotes = ticks((1, "1.10", "1.11")) + ticks((1, "0.80", "0.81"), symbol="NZDUSD")
    result = run(
        quotes,
        buy("b1", 2),
        buy("n", 2, symbol="NZDUSD"),
        buy("b2", 2),
        order("one", 3, action="close_all", symbol="EURUSD"),
        order("all", 3, action="close_all"),
        order("none", 3, action="close_all"),
    )
    assert statuses(result) == ["filled"] * 3 + ["done"] * 3
    assert [deal.key for deal in result.deals[3:]] == ["b1", "b2", "n"]
    assert result.outcomes[3].profit == D("-200.00")


def test_tick_files_of_both_formats_merge(tmp_path: Path) -> None:
    (tmp_path / "EURUSD.csv").write_text(
        "time_msc,bid,ask\n1000,1.1,1.2\n1000,1.3,1.4\nx,1,2\n999,1,2\n2000,1.5,1.4\n2000,nan,1\n"
        "0,0,1\n2000,1.1,1.1\n"
    )
    export = (
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"
        "1970.01.01\t00:00:00.500\t0.8\t\t\t\t2\n"  # no ask yet
        "1970.01.01\t00:00:01.000\t0.8\t0.9\t\t\t6\n"
        "1970.01.01\t00:00:01.500\t\t0.85\t\t\t4\n"
    )
    (tmp_path / "NZDUSD-1970.mt5.csv.gz").write_bytes(gzip.compress(export.encode()))
    files: list[Path | str] = [
        f"NZDUSD={tmp_path / 'NZDUSD-1970.mt5.csv.gz'}",
        tmp_path / "EURUSD.csv",
    ]
    assert read_ticks(files) == [
        Tick(1000, "NZDUSD", D("0.8"), D("0.9")),
        Tick(1000, "EURUSD", D("1.3"), D("1.4")),
        Tick(1500, "NZDUSD", D("0.8"), D("0.85")),
        Tick(2000, "EURUSD", D("1.1"), D("1.1")),
    ]
    assert replay(files, [buy("b", 1600)], D(1000)).outcomes[0].fill_price == D("1.4")


def walk(seed: int, count: int = 20_000) -> list[Tick]:
    """A random walk of the euro, about two ticks a second."""
    random = Random(seed)
    points, time_ms, made = 138_742, 1_399_334_400_158, []
    for _ in range(count):
        points += random.randint(-9, 9)
        time_ms += random.randint(1, 1000)
        ask = points + random.randint(5, 25)
        made.append(Tick(time_ms, "EURUSD", D(points).scaleb(-5), D(ask).scaleb(-5)))
    return made


def test_the_generator_writes_every_kind_and_means_what_it_writes(tmp_path: Path) -> None:
    quotes = walk(seed=1)
    lines = generate(quotes, seed=2, count=800)
    assert lines == generate(quotes, seed=2, count=800)
    write_orders(lines, tmp_path / "orders.jsonl")
    read = read_orders(tmp_path / "orders.jsonl")
    result = replay_ticks(quotes, read, D(100_000))
    seen = Counter((outcome.key[5:], outcome.status) for outcome in result.outcomes)
    for kind in OPENING | ENDING | CHANGING:
        assert seen[kind, "filled"] + seen[kind, "done"] > 0, kind
    for kind in ("limit", "stop", "stop_limit"):
        assert all(seen[kind, status] for status in ("filled", "expired", "cancelled")), kind
    assert "working" in statuses(result)
    for kind in [*WRONG, "wrong_target_by_a_moment"]:
        assert [status for name, status in seen if name == kind] == ["refused"]
    assert {deal.reason for deal in result.deals} == {"open", "close", "sl", "tp"}
    sides = {(line.get("side"), line.get("order_type")) for line in lines}
    assert len(sides) == 9  # two sides of four kinds, and the lines without
    times = Counter(str(line["at"]) for line in lines)
    assert max(times.values()) > 2


def test_the_oracle_imports_nothing_of_onefill() -> None:
    here = Path(__file__).parent
    imported = set()
    for file in here.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1, f"{file.name} reaches out of the oracle"
            elif isinstance(node, ast.Name):
                assert node.id not in ("__import__", "importlib", "eval", "exec"), file.name
    allowed = (
        "__future__ ast collections csv dataclasses datetime decimal fractions gzip itertools json "
        "pathlib pytest random re typing"
    )
    assert imported <= set(allowed.split())
