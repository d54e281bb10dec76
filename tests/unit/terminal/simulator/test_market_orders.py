"""Deals at the market: where they fill, what they book, and why they are refused."""

from pathlib import Path
from typing import Any

import pytest

from onefill.terminal import port
from onefill.terminal.port import Reply, Request

from .stage import NOON, Stage, deal, profile_with

#: EURUSD at 1.38000/1.38010, then 1.38050/1.38060, then 1.37900/1.37910.
QUOTES = [(10, 138_000, 138_010), (1_000, 138_050, 138_060), (2_000, 137_900, 137_910)]


@pytest.fixture
def stage() -> Stage:
    made = Stage(QUOTES)
    made.advance(500)
    return made


def test_a_buy_fills_at_the_ask_and_a_sell_at_the_bid(stage: Stage) -> None:
    bought, sold = stage.send(deal(0)), stage.send(deal(1))
    assert (bought.price, bought.volume, bought.bid, bought.ask) == (1.3801, 0.1, 1.38, 1.3801)
    assert (bought.retcode, bought.comment, sold.price) == (10009, "Request executed", 1.38)
    assert sold.order == bought.order + 1
    assert sold.deal == bought.deal + 1


def test_the_quote_in_force_is_the_last_tick_at_or_before(stage: Stage) -> None:
    assert stage.send(deal(0), at=999).price == 1.3801
    assert stage.send(deal(0), at=1_000).price == 1.3806
    assert stage.send(deal(0), at=1_999).price == 1.3806


def test_tickets_are_related_as_in_mt5(stage: Stage) -> None:
    request = deal(0, sl=1.37, tp=1.39, magic=77, comment="token text")
    result = stage.send(request)
    [order] = stage.ask("history_orders_get", ticket=result.order)
    [made] = stage.ask("history_deals_get", ticket=result.order)
    [held] = stage.ask("positions_get")
    assert (order.ticket, order.position_id, order.state) == (result.order, result.order, 4)
    assert (order.volume_initial, order.volume_current) == (0.1, 0.0)
    assert (made.ticket, made.order, made.position_id) == (result.deal, order.ticket, held.ticket)
    assert (made.entry, made.type, made.magic, made.comment) == (0, 0, 77, "token text")
    assert (held.ticket, held.identifier) == (order.ticket, order.ticket)
    assert (held.sl, held.tp, held.magic, held.comment) == (1.37, 1.39, 77, "token text")
    assert (held.price_open, held.price_current, held.profit) == (1.3801, 1.38, -1.0)
    assert stage.ask("ready").last_ticket == result.order


def test_a_close_books_the_profit_of_the_position(stage: Stage) -> None:
    ticket = stage.opened(deal(0, 1.0))
    result = stage.send(deal(1, 1.0, position=ticket), at=1_000)
    assert (result.price, result.volume) == (1.3805, 1.0)
    [made] = stage.ask("history_deals_get", ticket=result.order)
    assert (made.position_id, made.entry, made.type, made.profit) == (ticket, 1, 1, 40.0)
    account = stage.ask("account_info")
    assert (account.balance, account.equity, account.margin) == (10_040.0, 10_040.0, 0.0)
    assert stage.ask("positions_get") == ()
    assert len(stage.ask("history_deals_get", position=ticket)) == 2
    assert len(stage.ask("history_orders_get", position=ticket)) == 2


def test_a_part_closed_leaves_the_rest_with_its_margin(stage: Stage) -> None:
    ticket = stage.opened(deal(1, 1.0))
    stage.send(deal(0, 0.4, position=ticket), at=1_000)
    [held] = stage.ask("positions_get", ticket=ticket)
    assert (held.volume, held.price_open, held.time_ms, held.update_ms) == (
        0.6,
        1.38,
        NOON + 500,
        NOON + 1_000,
    )
    account = stage.ask("account_info")
    assert account.margin == 828.0
    assert account.balance == 10_000.0 - 24.0
    assert account.profit == -36.0


def test_opposite_positions_stand_side_by_side(stage: Stage) -> None:
    stage.send(deal(0, 1.0))
    stage.send(deal(1, 1.0))
    assert len(stage.ask("positions_get")) == 2
    assert stage.ask("account_info").margin == 1380.05  # hedged volume counts once


REFUSALS: list[tuple[int, dict[str, Any]]] = [
    (10013, {"symbol": "NONE"}),
    (10021, {"symbol": "GBPUSD"}),
    (10014, {"volume": 0.0}),
    (10014, {"volume": -1.0}),
    (10014, {"volume": 0.005}),
    (10014, {"volume": 0.015}),
    (10014, {"volume": 501.0}),
    (10030, {"type_filling": 2}),
    (10030, {"type_filling": 7}),
    (10035, {"side": 2}),
    (10035, {"side": 9}),
    (10016, {"sl": 1.38}),
    (10016, {"sl": 1.3805}),
    (10016, {"tp": 1.38}),
    (10016, {"sl": 1.370001}),
    (10016, {"sl": -1.0}),
    (10016, {"side": 1, "sl": 1.3801}),
    (10016, {"side": 1, "tp": 1.3801}),
    (10019, {"volume": 8.0}),
    (10036, {"position": 999}),
]


@pytest.mark.parametrize(("retcode", "wrong"), REFUSALS)
def test_refusals(stage: Stage, retcode: int, wrong: dict[str, Any]) -> None:
    before = stage.ask("changes", cursor=0)
    fields = {"side": 0, "volume": 0.1, **wrong}
    result = stage.send(deal(fields.pop("side"), fields.pop("volume"), **fields))
    assert result.retcode == retcode
    assert (result.order, result.deal, result.volume, result.price) == (0, 0, 0.0, 0.0)
    assert stage.ask("changes", cursor=0) == before
    assert stage.ask("account_info").equity == 10_000.0


@pytest.mark.parametrize(
    ("retcode", "wrong"),
    [
        (10038, {"volume": 0.2}),
        (10014, {"volume": 0.005}),
        (10013, {"side": 0}),
        (10013, {"symbol": "XAUUSD"}),
        (10030, {"type_filling": 2}),
    ],
)
def test_refusals_to_close(retcode: int, wrong: dict[str, Any]) -> None:
    stage = Stage({"EURUSD": QUOTES, "XAUUSD": [(0, 1_300_000, 1_300_500)]})
    stage.advance(500)
    ticket = stage.opened(deal(0))
    fields = {"side": 1, "volume": 0.1, "position": ticket, **wrong}
    result = stage.send(deal(fields.pop("side"), fields.pop("volume"), **fields))
    assert result.retcode == retcode
    assert len(stage.ask("positions_get")) == 1


def test_before_the_first_tick_there_are_no_prices() -> None:
    stage = Stage(QUOTES)
    assert stage.send(deal(0), at=9).retcode == 10021
    assert stage.send(deal(0), at=10).retcode == 10009


def test_float_noise_is_forgiven(stage: Stage) -> None:
    result = stage.send(deal(0, 0.1 + 0.2, sl=1.38 - 100 * 0.00001))
    assert (result.retcode, result.volume) == (10009, 0.3)
    [held] = stage.ask("positions_get")
    assert held.sl == 1.379


@pytest.mark.parametrize(
    ("terms", "side", "retcode"),
    [
        ("trade_mode = 0", 0, 10017),
        ("trade_mode = 1", 1, 10042),
        ("trade_mode = 1", 0, 10009),
        ("trade_mode = 2", 0, 10043),
        ("trade_mode = 2", 1, 10009),
        ("trade_mode = 3", 0, 10044),
        ("order_mode = 126", 0, 10035),
        ("filling_mode = 1", 0, 10030),
        ("filling_mode = 0\nexemode = 3", 0, 10030),
        ("sessions = ['Mon-Wed 00:00-24:00']", 0, 10018),
        ("sessions = ['Thu 12:00-12:01']", 0, 10009),
    ],
)
def test_the_symbols_terms_decide(tmp_path: Path, terms: str, side: int, retcode: int) -> None:
    stage = Stage(QUOTES, profile=profile_with(tmp_path, f"[symbols.EURUSD]\n{terms}\n"))
    assert stage.send(deal(side), at=500).retcode == retcode


def test_stops_are_an_order_mode_of_their_own(tmp_path: Path) -> None:
    stage = Stage(QUOTES, profile=profile_with(tmp_path, "[symbols.EURUSD]\norder_mode = 15\n"))
    assert stage.send(deal(0, sl=1.37), at=500).retcode == 10035
    assert stage.send(deal(0, tp=1.39)).retcode == 10035
    assert stage.send(deal(0)).retcode == 10009


def test_a_position_can_be_closed_where_only_closing_is_allowed(tmp_path: Path) -> None:
    book = tmp_path / "broker.log"
    first = Stage(QUOTES, book=book)
    ticket = first.opened(deal(0), at=500)
    first.terminal.close()
    closing = profile_with(tmp_path, "[symbols.EURUSD]\ntrade_mode = 3\n")
    again = Stage(QUOTES, book=book, profile=closing)
    assert again.send(deal(0)).retcode == 10044
    assert again.send(deal(1, position=ticket)).retcode == 10009


def test_a_rest_below_the_least_volume_can_be_closed(tmp_path: Path) -> None:
    stage = Stage(QUOTES, profile=profile_with(tmp_path, "[symbols.EURUSD]\nvolume_min = 0.1\n"))
    ticket = stage.opened(deal(0, 0.15), at=500)
    assert stage.send(deal(1, 0.1, position=ticket)).retcode == 10009
    assert stage.send(deal(1, 0.05, position=ticket)).retcode == 10009


def test_instant_execution_holds_to_the_price_asked_for(tmp_path: Path) -> None:
    stage = Stage(QUOTES, profile=profile_with(tmp_path, "[symbols.EURUSD]\nexemode = 1\n"))
    assert stage.send(deal(0), at=500).retcode == 10015
    requote = stage.send(deal(0, price=1.38, deviation=9))
    assert (requote.retcode, requote.bid, requote.ask) == (10004, 1.38, 1.3801)
    filled = stage.send(deal(0, price=1.38, deviation=10, type_filling=port.FILLING_RETURN))
    assert (filled.retcode, filled.price) == (10009, 1.3801)


def test_market_execution_ignores_price_and_deviation(stage: Stage) -> None:
    assert stage.send(deal(0, price=9.9, deviation=0)).price == 1.3801


def test_stops_keep_the_stops_level_and_a_frozen_position_stays(tmp_path: Path) -> None:
    terms = "[symbols.EURUSD]\nstops_level = 50\nfreeze_level = 100\n"
    stage = Stage(QUOTES, profile=profile_with(tmp_path, terms))
    assert stage.send(deal(0, sl=1.37951), at=500).retcode == 10016
    ticket = stage.opened(deal(0, sl=1.3795))
    assert stage.send(deal(1, position=ticket)).retcode == 10029


def test_a_quote_that_has_grown_too_old_is_none(tmp_path: Path) -> None:
    stage = Stage(QUOTES, profile=profile_with(tmp_path, "[broker]\nquote_age_ms = 300\n"))
    assert stage.send(deal(0), at=310).retcode == 10009
    assert stage.send(deal(0), at=311).retcode == 10021


def test_commission_is_taken_from_the_balance_at_every_deal(tmp_path: Path) -> None:
    profile = profile_with(tmp_path, "[broker]\ncommission_per_lot = 3.55\n")
    stage = Stage(QUOTES, profile=profile)
    ticket = stage.opened(deal(0, 0.3), at=500)
    [made] = stage.ask("history_deals_get", ticket=ticket)
    assert made.commission == -1.07
    stage.send(deal(1, 0.3, position=ticket))
    assert stage.ask("account_info").balance == 10_000.0 - 1.07 - 3.0 - 1.07


def test_the_broker_cuts_comments(tmp_path: Path) -> None:
    stage = Stage(QUOTES, profile=profile_with(tmp_path, "[broker]\ncomment_limit = 16\n"))
    stage.send(deal(0, comment="0123456789abcdef-more"), at=500)
    assert stage.ask("positions_get")[0].comment == "0123456789abcdef"


@pytest.mark.parametrize("comment", ["x" * 32, "\ud800"])
def test_a_comment_that_cannot_be_sent_never_leaves(stage: Stage, comment: str) -> None:
    reply = stage.call(deal(0, comment=comment))
    assert (reply.value, reply.error[0]) == (None, -2)
    assert stage.ask("positions_get") == ()


@pytest.mark.parametrize("field", ["volume", "price", "sl", "tp", "stoplimit"])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_never_leaves(stage: Stage, field: str, number: float) -> None:
    fields = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, field: number}
    reply = stage.terminal.call(Request("order_send", fields), stage.terminal.now_ms)
    assert isinstance(reply, Reply)
    assert (reply.value, reply.error[0]) == (None, -2)


def test_a_request_may_be_plain_fields(stage: Stage) -> None:
    fields = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 1, "type_filling": 1}
    for arguments in (fields, {"request": fields}):
        reply = stage.terminal.call(Request("order_send", arguments), stage.terminal.now_ms)
        assert isinstance(reply, Reply)
        assert reply.value.retcode == 10009
    for wrong in ({"sl_": 1.0}, {"volume": "much"}):
        reply = stage.terminal.call(Request("order_send", fields | wrong), stage.terminal.now_ms)
        assert isinstance(reply, Reply)
        assert (reply.value, reply.error[0]) == (None, -2)


def test_an_unknown_action_is_invalid(stage: Stage) -> None:
    reply = stage.terminal.call(Request("order_send", {"action": 3}), stage.terminal.now_ms)
    assert isinstance(reply, Reply)
    assert reply.value.retcode == 10013
