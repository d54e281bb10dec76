"""Pending orders and stops: placed, changed, removed, triggered, expired, refused."""

from pathlib import Path
from typing import Any

import pytest

from onefill.terminal import port

from .stage import NOON, Stage, deal, modify, pending, profile_with, remove, stops

BUY_LIMIT, SELL_LIMIT, BUY_STOP, SELL_STOP, BUY_STOP_LIMIT, SELL_STOP_LIMIT = range(2, 8)
START = (0, 138_000, 138_010)


def staged(*quotes: tuple[int, int, int], **more: Any) -> Stage:
    """EURUSD at 1.38000/1.38010 and then the quotes; at 10 ms."""
    stage = Stage([START, *quotes], **more)
    stage.advance(10)
    return stage


def test_a_pending_order_is_placed_and_shown() -> None:
    stage = staged()
    result = stage.send(pending(BUY_LIMIT, 1.379, sl=1.378, tp=1.38, comment="here", magic=5))
    assert (result.retcode, result.deal, result.volume, result.price) == (10009, 0, 0.1, 0.0)
    [row] = stage.ask("orders_get")
    assert (row.ticket, row.type, row.state, row.price_open) == (result.order, 2, 1, 1.379)
    assert (row.sl, row.tp, row.comment, row.magic) == (1.378, 1.38, "here", 5)
    assert (row.setup_ms, row.volume_current) == (NOON + 10, 0.1)
    assert stage.ask("orders_get", symbol="EURUSD") == stage.ask("orders_get", ticket=row.ticket)
    assert stage.ask("orders_get", symbol="XAUUSD") == ()
    assert stage.ask("changes", cursor=0).orders == ()
    assert stage.ask("look", symbol="EURUSD").open_orders == 1


@pytest.mark.parametrize(
    ("kind", "price", "quote", "filled"),
    [
        (BUY_LIMIT, 1.379, (20, 137_890, 137_901), None),
        (BUY_LIMIT, 1.379, (20, 137_880, 137_900), 1.379),
        (BUY_LIMIT, 1.379, (20, 137_700, 137_720), 1.3772),
        (SELL_LIMIT, 1.381, (20, 138_099, 138_300), None),
        (SELL_LIMIT, 1.381, (20, 138_110, 138_120), 1.3811),
        (BUY_STOP, 1.381, (20, 138_000, 138_099), None),
        (BUY_STOP, 1.381, (20, 138_140, 138_150), 1.3815),
        (SELL_STOP, 1.379, (20, 137_901, 138_010), None),
        (SELL_STOP, 1.379, (20, 137_850, 137_860), 1.3785),
    ],
)
def test_it_fills_on_its_side_of_the_quote(
    kind: int, price: float, quote: tuple[int, int, int], filled: float | None
) -> None:
    stage = staged(quote, (30, 138_000, 138_010))
    ticket = stage.opened(pending(kind, price, magic=3, comment="c"))
    reached = stage.advance(25)
    assert reached == (25 if filled is None else 20)
    if filled is None:
        assert stage.ask("orders_get")
        return
    [held] = stage.ask("positions_get")
    assert (held.ticket, held.price_open, held.magic, held.comment) == (ticket, filled, 3, "c")
    [order] = stage.ask("history_orders_get", ticket=ticket)
    assert (order.state, order.done_ms, order.volume_current) == (4, NOON + 20, 0.0)
    assert stage.ask("orders_get") == ()


def test_what_is_placed_at_a_tick_is_looked_at_on_later_ticks() -> None:
    stage = staged((20, 138_010, 138_020), (30, 137_890, 137_900), (40, 138_000, 138_010))
    ticket = stage.opened(deal(0, sl=1.37995), at=20)
    assert stage.advance(29) == 29
    assert stage.advance(100) == 30
    [_, closed] = stage.ask("history_deals_get", position=ticket)
    assert (closed.time_ms, closed.price) == (NOON + 30, 1.3789)


def test_a_buy_stop_limit_becomes_a_limit_that_may_fill_at_once() -> None:
    stage = staged((20, 138_095, 138_105), (30, 138_070, 138_080), (40, 138_040, 138_049))
    ticket = stage.opened(pending(BUY_STOP_LIMIT, 1.381, stoplimit=1.3805))
    assert stage.advance(100) == 20
    [row] = stage.ask("orders_get")
    assert (row.ticket, row.type, row.price_open, row.price_stoplimit) == (ticket, 2, 1.3805, 0.0)
    assert stage.advance(100) == 40
    assert stage.ask("positions_get")[0].price_open == 1.38049


def test_a_sell_stop_limit_fills_on_the_tick_that_triggers_it() -> None:
    stage = staged((20, 137_900, 137_910))
    stage.opened(pending(SELL_STOP_LIMIT, 1.379, stoplimit=1.3795))
    stage.run(30)
    assert stage.ask("orders_get")[0].type == SELL_LIMIT
    gap = Stage([START, (20, 137_850, 137_960), (30, 137_951, 137_960)])
    gap.opened(pending(SELL_STOP_LIMIT, 1.379, stoplimit=1.37905), at=10)
    gap.run(25)
    assert not gap.ask("positions_get")
    gap.run(30)
    assert gap.ask("positions_get")[0].price_open == 1.37951


@pytest.mark.parametrize(
    ("side", "levels", "quote", "price", "reason"),
    [
        (0, {"sl": 1.379}, (20, 137_900, 137_990), 1.379, "sl"),
        (0, {"sl": 1.379}, (20, 137_500, 137_510), 1.375, "sl"),
        (0, {"tp": 1.381}, (20, 138_120, 138_130), 1.3812, "tp"),
        (1, {"sl": 1.381}, (20, 138_000, 138_100), 1.381, "sl"),
        (1, {"tp": 1.379}, (20, 137_800, 137_900), 1.379, "tp"),
        (1, {"sl": 1.381, "tp": 1.379}, (20, 137_000, 138_200), 1.382, "sl"),
    ],
)
def test_stops_close_at_the_tick_that_reaches_them(
    side: int, levels: dict[str, Any], quote: tuple[int, int, int], price: float, reason: str
) -> None:
    stage = staged(quote)
    ticket = stage.opened(deal(side, magic=9, comment="opening", **levels))
    assert stage.advance(100) == 20
    [_, closed] = stage.ask("history_deals_get", position=ticket)
    code = {"sl": port.REASON_SL, "tp": port.REASON_TP}[reason]
    assert (closed.price, closed.reason, closed.magic, closed.entry) == (price, code, 9, 1)
    assert closed.comment == f"[{reason} {levels[reason]:.5f}]"
    [_, order] = stage.ask("history_orders_get", position=ticket)
    assert (order.state, order.reason, order.type) == (4, code, 1 - side)
    assert stage.ask("positions_get") == ()


def test_a_position_opened_by_a_tick_is_stopped_by_it() -> None:
    stage = staged((20, 137_700, 137_900))
    ticket = stage.opened(pending(BUY_LIMIT, 1.379, sl=1.378))
    assert stage.advance(100) == 20
    deals = stage.ask("history_deals_get", position=ticket)
    assert [(one.price, one.entry) for one in deals] == [(1.379, 0), (1.377, 1)]


def test_pending_orders_come_before_stops_and_each_in_ticket_order() -> None:
    stage = staged((20, 137_800, 137_810))
    first = stage.opened(deal(0, sl=1.379))
    tickets = [stage.opened(pending(BUY_LIMIT, price)) for price in (1.3785, 1.3795, 1.379)]
    last = stage.opened(deal(0, sl=1.3795))
    stage.run(30)
    deals = stage.ask("changes", cursor=0).deals[3:]
    assert [one.position_id for one in deals] == [*tickets, first, last]


@pytest.mark.parametrize(
    ("retcode", "kind", "price", "more"),
    [
        (10015, BUY_LIMIT, 1.3801, {}),
        (10015, BUY_LIMIT, 1.382, {}),
        (10015, BUY_STOP, 1.3801, {}),
        (10015, SELL_LIMIT, 1.38, {}),
        (10015, SELL_STOP, 1.38, {}),
        (10015, BUY_LIMIT, 0.0, {}),
        (10015, BUY_LIMIT, 1.370001, {}),
        (10015, BUY_LIMIT, -1.3, {}),
        (10015, BUY_STOP_LIMIT, 1.382, {}),
        (10015, BUY_STOP_LIMIT, 1.382, {"stoplimit": 1.382}),
        (10015, BUY_STOP_LIMIT, 1.3801, {"stoplimit": 1.379}),
        (10015, SELL_STOP_LIMIT, 1.379, {"stoplimit": 1.379}),
        (10015, SELL_STOP_LIMIT, 1.379, {"stoplimit": 1.378}),
        (10016, BUY_LIMIT, 1.379, {"sl": 1.379}),
        (10016, BUY_LIMIT, 1.379, {"tp": 1.379}),
        (10016, SELL_STOP, 1.379, {"sl": 1.378}),
        (10016, BUY_STOP_LIMIT, 1.382, {"stoplimit": 1.381, "tp": 1.381}),
        (10014, BUY_LIMIT, 1.379, {"volume": 0.001}),
        (10019, BUY_LIMIT, 1.379, {"volume": 9.0}),
        (10030, BUY_LIMIT, 1.379, {"type_filling": 5}),
        (10035, 0, 1.379, {}),
        (10035, 8, 1.379, {}),
        (10022, BUY_LIMIT, 1.379, {"type_time": 2, "expiration_ms": NOON + 10}),
        (10022, BUY_LIMIT, 1.379, {"type_time": 2}),
        (10022, BUY_LIMIT, 1.379, {"type_time": 4}),
        (10021, BUY_LIMIT, 1.379, {"symbol": "GBPUSD"}),
        (10013, BUY_LIMIT, 1.379, {"symbol": "NONE"}),
    ],
)
def test_refusals_to_place(retcode: int, kind: int, price: float, more: dict[str, Any]) -> None:
    stage = staged()
    assert stage.send(pending(kind, price, **more)).retcode == retcode
    assert stage.ask("orders_get") == ()


@pytest.mark.parametrize(
    ("terms", "retcode", "kind", "price"),
    [
        ("trade_mode = 1", 10042, SELL_LIMIT, 1.39),
        ("trade_mode = 3", 10044, SELL_LIMIT, 1.39),
        ("order_mode = 1", 10035, SELL_LIMIT, 1.39),
        ("order_mode = 3", 10035, BUY_STOP, 1.39),
        ("expiration_mode = 14", 10022, BUY_STOP, 1.39),
        ("stops_level = 100", 10015, BUY_STOP, 1.38109),
        ("stops_level = 100", 10009, BUY_STOP, 1.3811),
        ("filling_mode = 1", 10009, BUY_STOP, 1.39),
        ("sessions = ['Fri 00:00-24:00']", 10018, BUY_STOP, 1.39),
    ],
)
def test_the_symbols_terms_decide(
    tmp_path: Path, terms: str, retcode: int, kind: int, price: float
) -> None:
    stage = staged(profile=profile_with(tmp_path, f"[symbols.EURUSD]\n{terms}\n"))
    assert stage.send(pending(kind, price)).retcode == retcode


def test_an_order_expires_at_its_time_and_before_the_tick_of_that_time() -> None:
    stage = staged((500, 137_000, 137_010), (600, 138_000, 138_010))
    request = pending(BUY_LIMIT, 1.379, type_time=2, expiration_ms=NOON + 500)
    ticket = stage.opened(request)
    assert stage.advance(10_000) == 500
    [row] = stage.ask("history_orders_get", ticket=ticket)
    assert (row.state, row.done_ms, row.volume_current) == (6, NOON + 500, 0.1)
    assert stage.ask("positions_get") == ()


def test_an_order_expires_where_no_tick_comes() -> None:
    stage = staged()
    stage.opened(pending(BUY_LIMIT, 1.379, type_time=2, expiration_ms=NOON + 5_000))
    assert stage.terminal.next_due_ms() is None
    assert stage.advance(60_000) == 5_000
    assert stage.ask("changes", cursor=0).orders[0].state == 6


def test_day_orders_end_with_the_day() -> None:
    stage = staged()
    midnight = 12 * 3_600_000
    stage.opened(pending(BUY_LIMIT, 1.379, type_time=1))
    stage.opened(pending(BUY_LIMIT, 1.379, type_time=3, expiration_ms=NOON + 20 * 3_600_000))
    assert stage.advance(10**9) == midnight
    assert stage.advance(10**9) == 3 * midnight - 1_000
    assert stage.ask("orders_get") == ()


def test_a_change_counts_from_the_next_tick_on() -> None:
    stage = staged((20, 137_950, 137_960), (30, 137_940, 137_950))
    ticket = stage.opened(pending(BUY_LIMIT, 1.379))
    changed = modify(ticket, 1.37955, sl=1.37, tp=1.39)
    assert stage.send(changed, at=20).retcode == 10009
    [row] = stage.ask("orders_get")
    assert (row.price_open, row.sl, row.tp) == (1.37955, 1.37, 1.39)
    assert stage.advance(100) == 30
    assert stage.ask("positions_get")[0].price_open == 1.3795


def test_a_change_of_the_expiration_moves_it() -> None:
    stage = staged()
    ticket = stage.opened(pending(BUY_LIMIT, 1.379, type_time=2, expiration_ms=NOON + 500))
    stage.send(modify(ticket, 1.379, type_time=2, expiration_ms=NOON + 900))
    assert stage.advance(700) == 700
    stage.send(modify(ticket, 1.379))
    assert stage.advance(2_000) == 2_000
    assert stage.ask("orders_get")[0].expiration_ms == 0


@pytest.mark.parametrize(
    ("retcode", "price", "more"),
    [
        (10025, 1.379, {}),
        (10015, 1.3801, {}),
        (10016, 1.378, {"sl": 1.379}),
        (10022, 1.378, {"type_time": 2, "expiration_ms": NOON}),
    ],
)
def test_refusals_to_change(retcode: int, price: float, more: dict[str, Any]) -> None:
    stage = staged()
    ticket = stage.opened(pending(BUY_LIMIT, 1.379))
    before = stage.ask("orders_get")
    assert stage.send(modify(ticket, price, **more)).retcode == retcode
    assert stage.ask("orders_get") == before


def test_a_removed_order_is_cancelled_and_touches_nothing_any_more() -> None:
    stage = staged((20, 137_000, 137_010))
    ticket = stage.opened(pending(BUY_LIMIT, 1.379, comment="gone"))
    assert stage.send(remove(ticket)).retcode == 10009
    [row] = stage.ask("history_orders_get", ticket=ticket)
    assert (row.state, row.position_id, row.volume_current, row.comment) == (2, 0, 0.1, "gone")
    assert stage.advance(100) == 100
    assert stage.send(remove(ticket)).retcode == 10013
    assert stage.send(modify(ticket, 1.3)).retcode == 10013


def test_stops_of_a_position_change_and_go() -> None:
    stage = staged((20, 137_800, 137_810), (30, 137_700, 137_710))
    ticket = stage.opened(deal(0, sl=1.379))
    result = stage.send(stops(ticket, sl=1.3775, tp=1.39))
    assert (result.retcode, result.order, result.deal) == (10009, 0, 0)
    assert stage.send(stops(ticket, sl=1.3775, tp=1.39)).retcode == 10025
    assert stage.advance(25) == 25
    assert stage.send(stops(ticket)).retcode == 10009
    assert stage.advance(100) == 100
    [held] = stage.ask("positions_get")
    assert (held.sl, held.tp, held.update_ms) == (0.0, 0.0, NOON + 10)


@pytest.mark.parametrize(
    ("retcode", "sl", "tp"),
    [(10016, 1.38, 0.0), (10016, 0.0, 1.38), (10016, 1.3700001, 0.0), (10016, -1.0, 0.0)],
)
def test_refusals_to_change_stops(retcode: int, sl: float, tp: float) -> None:
    stage = staged()
    ticket = stage.opened(deal(0))
    assert stage.send(stops(ticket, sl, tp)).retcode == retcode


def test_a_position_that_is_gone_has_no_stops() -> None:
    stage = staged()
    ticket = stage.opened(deal(0))
    stage.send(deal(1, position=ticket))
    assert stage.send(stops(ticket, 1.37)).retcode == 10036


def test_what_is_frozen_is_neither_changed_nor_removed(tmp_path: Path) -> None:
    frozen = profile_with(tmp_path, "[symbols.EURUSD]\nfreeze_level = 50\n")
    stage = staged((20, 137_920, 137_930), profile=frozen)
    ticket = stage.opened(pending(BUY_LIMIT, 1.379))
    position = stage.opened(deal(0, sl=1.379))
    assert stage.send(modify(ticket, 1.378)).retcode == 10009
    assert stage.send(modify(ticket, 1.379)).retcode == 10009
    stage.run(20)
    assert stage.send(modify(ticket, 1.378)).retcode == 10029
    assert stage.send(remove(ticket)).retcode == 10029
    assert stage.send(stops(position, 1.37)).retcode == 10029


def test_an_order_that_is_due_without_money_is_rejected() -> None:
    stage = staged((20, 137_000, 137_010))
    kept = stage.opened(deal(0, 5.0))
    ticket = stage.opened(pending(BUY_LIMIT, 1.379, 2.0))
    stage.run(30)
    [row] = stage.ask("history_orders_get", ticket=ticket)
    assert (row.state, row.done_ms, row.position_id) == (5, NOON + 20, 0)
    assert [held.ticket for held in stage.ask("positions_get")] == [kept]


def test_two_symbols_in_one_millisecond_go_in_the_command_lines_order() -> None:
    quotes = {
        "XAUUSD": [(0, 1_300_000, 1_300_500), (20, 1_290_000, 1_290_500)],
        "EURUSD": [START, (20, 137_000, 137_010)],
    }
    stage = Stage(quotes)
    euro = stage.opened(pending(BUY_LIMIT, 1.379), at=10)
    gold = stage.opened(pending(BUY_LIMIT, 1_295.0, symbol="XAUUSD"))
    assert stage.advance(100) == 20
    deals = stage.ask("changes", cursor=0).deals[1:]
    assert [one.order for one in deals] == [gold, euro]


def test_a_level_beyond_every_price_waits_for_ever() -> None:
    stage = staged(*[(20 + at, 138_000, 138_010) for at in range(3_000)])
    ticket = stage.opened(deal(0, tp=1e8))
    assert stage.advance(5_000) == 5_000
    assert stage.ask("positions_get")[0].ticket == ticket
