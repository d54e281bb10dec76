"""How orders are executed: filling, slippage, requotes, what is left of them, what is answered."""

from pathlib import Path
from typing import Any

import pytest

from onefill.model.resolved import BrokerRequest
from onefill.terminal import port

from .stage import Stage, deal, pending, profile_with, remove

QUOTES = [
    (10, 138_000, 138_010), (1_000, 138_050, 138_060), (2_000, 137_900, 137_910),
    (3_000, 137_900, 137_910), (4_000, 138_000, 138_010),
]  # fmt: skip
EXCHANGE = "[symbols.EURUSD]\nexemode = 3\nfilling_mode = 7\n"
INSTANT = "[symbols.EURUSD]\nexemode = 1\n"


def staged(tmp_path: Path, toml: str = "", faults: str = "", seed: int = 1) -> Stage:
    profile = profile_with(tmp_path, toml)
    stage = Stage(QUOTES, profile=profile, faults=faults, seed=seed, balance=100_000.0)
    stage.advance(500)
    return stage


@pytest.mark.parametrize(
    ("mode", "allowed"),
    [(0, {0, 1, 2}), (1, {0, 1, 2}), (2, {0, 1}), (3, {0, 1, 2})],
)
def test_a_deal_is_filled_as_the_execution_mode_allows(
    mode: int, allowed: set[int], tmp_path: Path
) -> None:
    stage = staged(tmp_path, f"[symbols.EURUSD]\nexemode = {mode}\nfilling_mode = 7\n")
    taken = {
        filling
        for filling in range(5)
        if stage.send(deal(0, price=1.3801, type_filling=filling)).retcode != 10030
    }
    assert taken == allowed


def test_what_an_immediate_order_does_not_get_is_cancelled(tmp_path: Path) -> None:
    stage = staged(tmp_path, faults="partial=1")
    result = stage.send(deal(0, 1.0), key="a")
    [order] = stage.ask("history_orders_get", ticket=result.order)
    assert (result.retcode, order.state) == (10010, port.STATE_CANCELED)
    assert 0 < result.volume < 1.0
    assert order.volume_current == pytest.approx(1.0 - result.volume)
    assert stage.ask("orders_get") == ()


def test_an_order_that_fills_or_is_killed_never_fills_in_part(tmp_path: Path) -> None:
    stage = staged(tmp_path, faults="partial=1")
    for number in range(20):
        result = stage.send(deal(0, 0.5, type_filling=port.FILLING_FOK), key=str(number))
        assert (result.retcode, result.volume) == (10009, 0.5)


def test_at_an_exchange_the_rest_works_on_and_is_filled_by_the_next_ticks(tmp_path: Path) -> None:
    stage = staged(tmp_path, EXCHANGE, faults="partial=1")
    result = stage.send(deal(0, 1.0, type_filling=port.FILLING_RETURN, sl=1.37), key="a")
    assert result.retcode == 10010
    [order] = stage.ask("orders_get")
    assert (order.ticket, order.type, order.state) == (result.order, 0, port.STATE_PARTIAL)
    assert order.volume_current == pytest.approx(1.0 - result.volume)
    change = BrokerRequest(action=port.ACTION_MODIFY, order=order.ticket, price=1.37)
    assert stage.send(change).retcode == 10013
    stage.run(4_500)
    [held] = stage.ask("positions_get")
    assert (held.ticket, held.volume, stage.ask("orders_get")) == (order.ticket, 1.0, ())
    [done] = stage.ask("history_orders_get", ticket=order.ticket)
    assert (done.state, done.volume_current) == (port.STATE_FILLED, 0.0)
    deals = stage.ask("history_deals_get", ticket=order.ticket)
    assert sum(one.volume for one in deals) == pytest.approx(1.0)
    assert [one.price for one in deals][:2] == [1.3801, 1.3806]


def test_the_rest_of_a_market_order_can_be_cancelled(tmp_path: Path) -> None:
    stage = staged(tmp_path, EXCHANGE + "freeze_level = 100\n", faults="partial=1")
    result = stage.send(deal(1, 1.0, type_filling=port.FILLING_RETURN), key="a")
    assert stage.send(remove(result.order)).retcode == 10009
    stage.run(2_500)
    [held] = stage.ask("positions_get")
    assert (held.type, held.volume) == (1, result.volume)


def test_book_or_cancel_is_for_limits_where_the_symbol_has_it(tmp_path: Path) -> None:
    with_it = staged(tmp_path, EXCHANGE)
    boc: dict[str, Any] = {"type_filling": port.FILLING_BOC}
    assert with_it.send(pending(2, 1.379, **boc)).retcode == 10009
    assert with_it.send(pending(2, 1.3801, **boc)).retcode == 10015
    assert with_it.send(pending(4, 1.39, **boc)).retcode == 10030
    assert with_it.send(pending(6, 1.39, stoplimit=1.385, **boc)).retcode == 10009
    without = staged(tmp_path, "[symbols.EURUSD]\nfilling_mode = 3\n")
    assert without.send(pending(2, 1.379, **boc)).retcode == 10030


def test_a_stop_limit_that_books_or_cancels_becomes_a_limit_in_the_book(tmp_path: Path) -> None:
    stage = staged(tmp_path, EXCHANGE)
    sell = pending(7, 1.3795, stoplimit=1.3796, type_filling=port.FILLING_BOC)
    above = stage.opened(sell)
    buy = pending(6, 1.3805, stoplimit=1.3804, type_filling=port.FILLING_BOC)
    below = stage.opened(buy)
    stage.run(2_500)
    [first] = stage.ask("orders_get", ticket=above)
    assert first.type == port.TYPE_SELL_LIMIT
    [second] = stage.ask("history_orders_get", ticket=below)
    assert second.state == port.STATE_FILLED


def test_market_executions_slip_by_what_belongs_to_their_ticket(tmp_path: Path) -> None:
    toml = "[broker]\nslippage_points = 7\nseed = 5\n"

    def prices() -> list[float]:
        stage = staged(tmp_path, toml)
        return [stage.send(deal(side)).price for side in (0, 1) * 20]

    first = prices()
    assert first == prices()
    worse = [round((price - 1.3801) * 1e5) for price in first[::2]]
    worse += [round((1.38 - price) * 1e5) for price in first[1::2]]
    assert min(worse) == 0
    assert max(worse) == 7


def test_stops_slip_and_limits_do_not(tmp_path: Path) -> None:
    stage = staged(tmp_path, "[broker]\nslippage_points = 30\nseed = 5\n")
    # At the second tick: a buy stop, a sell limit and a take profit.
    stop, limit = stage.opened(pending(4, 1.3805)), stage.opened(pending(3, 1.3804))
    ticket = stage.opened(deal(0, tp=1.3805))
    stage.run(1_500)
    [stopped] = stage.ask("history_deals_get", ticket=stop)
    [limited] = stage.ask("history_deals_get", ticket=limit)
    *_, taken = stage.ask("history_deals_get", position=ticket)
    assert 1.3806 < stopped.price <= 1.3809
    assert (limited.price, taken.price, taken.reason) == (1.3805, 1.3805, port.REASON_TP)
    lost = stage.opened(deal(0, sl=1.379))
    stage.run(2_500)
    *_, closed = stage.ask("history_deals_get", position=lost)
    assert 1.3787 <= closed.price < 1.379
    assert (closed.reason, closed.comment) == (port.REASON_SL, "[sl 1.37900]")


def test_an_instant_execution_does_not_slip(tmp_path: Path) -> None:
    stage = staged(tmp_path, f"[broker]\nslippage_points = 50\n{INSTANT}")
    assert {stage.send(deal(0, price=1.3801)).price for _ in range(20)} == {1.3801}


def test_a_requote_names_the_prices_whatever_deals_tell(tmp_path: Path) -> None:
    stage = staged(tmp_path, f"[broker]\nanswer_quotes = false\n{INSTANT}")
    requote = stage.send(deal(0, price=1.3790, deviation=109))
    assert (requote.retcode, requote.bid, requote.ask) == (10004, 1.38, 1.3801)
    assert stage.send(deal(0, price=0.0)).retcode == 10015
    done = stage.send(deal(0, price=1.3790, deviation=110))
    assert (done.retcode, done.price, done.bid, done.ask) == (10009, 1.3801, 0.0, 0.0)


def test_a_broker_may_echo_the_comment_of_a_pending_order(tmp_path: Path) -> None:
    stage = staged(tmp_path, "[broker]\nanswer_echoes_comment = true\n")
    assert stage.send(pending(2, 1.37, comment="mine")).comment == "mine"
    assert stage.send(pending(2, 1.37)).comment == "Request executed"
    assert stage.send(deal(0, comment="mine")).comment == "Request executed"


def test_a_deal_of_a_pending_type_is_no_deal(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    request = BrokerRequest(action=port.ACTION_DEAL, type=2, symbol="EURUSD", volume=0.1, price=1.3)
    assert stage.send(request).retcode == 10035
